import type { VehicleShare } from '../../store/read/devices.ts';
import { readDevices, readVehicleShares } from '../../store/read/devices.ts';
import { assignDevice, moveDevice } from '../../store/write/devices.ts';
import { refuse } from '../../store/write/once.ts';
import type { Resolvers } from '../generated/schema.ts';
import { checkName, checkVehicle, perform } from './perform.ts';

const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;

export const deviceCommands: Resolvers = {
  Mutation: {
    assignDevice: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'assignDevice',
        input,
        (tx, tenant) => {
          checkVehicle(input.vehicle ?? undefined);
          return assignDevice(tx, tenant, {
            deviceId: input.deviceId,
            driverExternalId: input.driverExternalId,
            vehicle: input.vehicle ? { attributes: null, ...input.vehicle } : null,
            fromMs: input.from ?? null,
            toMs: input.to ?? null,
          });
        },
        async (tx, ref) => {
          const [device] = await readDevices(tx, [ref]);
          return device && { device, shares: await readVehicleShares(tx, ref) };
        },
      );
      const warnings = row?.shares.map(toWarning) ?? [];
      return { device: row?.device ?? null, warnings, userErrors };
    },
    moveDevice: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'moveDevice',
        input,
        (tx) => {
          checkName(input.deviceId, 'deviceId');
          if (!SLUG.test(input.tenant)) {
            refuse(
              'INVALID',
              `tenant is ${JSON.stringify(input.tenant)}; a slug has 1 to 64 lower-case letters, digits and hyphens.`,
              'tenant',
            );
          }
          return moveDevice(tx, {
            deviceId: input.deviceId,
            tenant: input.tenant,
            fromMs: input.from ?? null,
            createTenant: input.createTenant ?? false,
          });
        },
        async (tx, ref) => (await readDevices(tx, [ref]))[0],
      );
      return { device: row, userErrors };
    },
  },
};

function toWarning(share: VehicleShare) {
  const { vehicleId, otherDeviceId, from, to, otherCounts } = share;
  const until = to.getUTCFullYear() >= 9999 ? 'on' : `to ${to.toISOString()}`;
  const counting = otherCounts ? `${otherDeviceId}, which was assigned first` : 'this device';
  return {
    code: 'OVERLAP' as const,
    message: `The vehicle ${vehicleId} also has the device ${otherDeviceId} from ${from.toISOString()} ${until}. Its kilometres count by ${counting}.`,
    field: ['vehicle'],
  };
}

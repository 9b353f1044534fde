import { parseTariff } from '../../core/premium/tariff/tariff.ts';
import { readDevices } from '../../store/read/devices.ts';
import { readDrivers } from '../../store/read/drivers.ts';
import { readTariff } from '../../store/read/tariffs.ts';
import { assignDevice, moveDevice } from '../../store/write/devices.ts';
import { RefusedInput, refuse } from '../../store/write/once.ts';
import { registerDriver } from '../../store/write/people.ts';
import { activateTariff, keepDraft, retireTariff } from '../../store/write/tariffs.ts';
import type { Resolvers } from '../generated/schema.ts';
import { checkName, checkVehicle, perform } from './perform.ts';
import { toTariffName } from './tariffs.ts';

const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;

export const commands: Resolvers = {
  Mutation: {
    registerDriver: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'registerDriver',
        input,
        (tx, tenant) => {
          checkName(input.externalId, 'externalId');
          return registerDriver(tx, tenant, {
            externalId: input.externalId,
            name: input.name ?? null,
            dateOfBirth: input.dateOfBirth ?? null,
          });
        },
        async (tx, ref) => (await readDrivers(tx, [ref]))[0],
      );
      return { driver: row, userErrors };
    },
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
        async (tx, ref) => (await readDevices(tx, [ref]))[0],
      );
      return { device: row, userErrors };
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
    createTariffDraft: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'createTariffDraft',
        input,
        (tx, tenant) => {
          const parsed = parseTariff(input.document);
          if (!parsed.ok) {
            throw new RefusedInput(
              ...parsed.problems.map((problem) => ({
                code: 'INVALID' as const,
                message: `${problem.path || 'the document'}: ${problem.message} (${problem.code})`,
                field: ['document', ...problem.path.split('/').slice(1)],
              })),
            );
          }
          return keepDraft(tx, tenant, parsed.tariff);
        },
        readTariff,
      );
      return { tariff: row, userErrors };
    },
    activateTariff: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'activateTariff',
        input,
        (tx, tenant) => activateTariff(tx, tenant, toTariffName(input.tariffId)),
        readTariff,
      );
      return { tariff: row, userErrors };
    },
    retireTariff: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'retireTariff',
        input,
        (tx, tenant) => retireTariff(tx, tenant, toTariffName(input.tariffId)),
        readTariff,
      );
      return { tariff: row, userErrors };
    },
  },
};

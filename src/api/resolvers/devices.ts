import { readDevicePage } from '../../store/read/devices.ts';
import { readMostLeftOutFields } from '../../store/read/left-out-fields.ts';
import { readerKindOf } from '../../store/read/transaction.ts';
import { toReader } from '../identity.ts';
import type { Resolvers } from '../generated/schema.ts';
import { toGlobalId } from '../ids.ts';
import { textCursor, toConnection, toPageRequest } from '../page.ts';
import { loadOwnedTrips } from './trips.ts';

const cursor = textCursor('devices');

export const devices: Resolvers = {
  Query: {
    device: (_, { deviceId }, { loaders }) => loaders.deviceByName.load(deviceId),
    leftOutFields: (_, page, { reading, services: { seal } }) => {
      const { limit } = toPageRequest(seal, cursor, page);
      return reading.run((tx) => readMostLeftOutFields(tx, limit));
    },
    devices: async (_, page, { identity, reading, services: { seal } }) => {
      const request = toPageRequest(seal, cursor, page);
      const whose = readerKindOf(toReader(identity));
      const found = await reading.run((tx) => readDevicePage(tx, whose, request));
      return toConnection(seal, cursor, (device) => device.deviceId, found);
    },
  },
  Device: {
    id: (device) => toGlobalId('Device', device.ref),
    firstSeenAt: (device) => device.firstSeenAtMs,
    lastEventAt: (device) => device.lastEventAtMs,
    tenancies: async (device, _, { loaders }) => [...(await loaders.tenancies.load(device.ref))],
    leftOutFields: async (device, _, { loaders }) => [
      ...(await loaders.leftOutFields.load(device.ref)),
    ],
    assignments: async (device, _, { loaders }) => [
      ...(await loaders.assignments.load(device.ref)),
    ],
    trips: (device, page, context, info) =>
      loadOwnedTrips(context, 'device', device.ref, undefined, page, info),
  },
  LeftOutField: {
    device: async ({ deviceRef }, _, { loaders }) => (await loaders.device.load(deviceRef))!,
    since: ({ firstAtMs }) => firstAtMs,
    lastAt: ({ lastAtMs }) => lastAtMs,
  },
  Tenancy: {
    from: (tenancy) => tenancy.fromMs,
    to: (tenancy) => tenancy.toMs,
  },
  Assignment: {
    driver: (assignment, _, { loaders }) => loaders.driver.load(assignment.driverRef),
    vehicle: (assignment, _, { loaders }) =>
      assignment.vehicleRef === null ? null : loaders.vehicle.load(assignment.vehicleRef),
    from: (assignment) => assignment.fromMs,
    to: (assignment) => assignment.toMs,
  },
};

import { readDriverPage } from '../../store/read/drivers.ts';
import type { Resolvers } from '../generated/schema.ts';
import { toGlobalId } from '../ids.ts';
import { textCursor, toConnection, toPageRequest } from '../page.ts';
import { loadOwnedTrips } from './trips.ts';

const cursor = textCursor('drivers');

export const drivers: Resolvers = {
  Query: {
    driver: (_, { externalId }, { loaders }) => loaders.driverByName.load(externalId),
    drivers: async (_, page, { reading, services: { seal } }) => {
      const request = toPageRequest(seal, cursor, page);
      const found = await reading.run((tx) => readDriverPage(tx, request));
      return toConnection(seal, cursor, (driver) => driver.externalId, found);
    },
  },
  Driver: {
    id: (driver) => toGlobalId('Driver', driver.ref),
    trips: (driver, { filter, ...page }, context, info) =>
      loadOwnedTrips(context, 'driver', driver.ref, filter, page, info),
    policies: async (driver, _, { loaders }) => [...(await loaders.policies.load(driver.ref))],
  },
  Vehicle: {
    id: (vehicle) => toGlobalId('Vehicle', vehicle.ref),
  },
};

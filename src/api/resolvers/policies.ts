import type { DriverRow, VehicleRow } from '../../store/read/drivers.ts';
import { readPolicy, readPolicyPage } from '../../store/read/policies.ts';
import type { Resolvers } from '../generated/schema.ts';
import { toGlobalId } from '../ids.ts';
import { textCursor, toConnection, toPageRequest } from '../page.ts';

const cursor = textCursor('policies');

export const policies: Resolvers = {
  Query: {
    policy: (_, { number }, { reading }) => reading.run((tx) => readPolicy(tx, number)),
    policies: async (_, page, { reading, services: { seal } }) => {
      const request = toPageRequest(seal, cursor, page);
      const found = await reading.run((tx) => readPolicyPage(tx, request));
      return toConnection(seal, cursor, (policy) => policy.number, found);
    },
  },
  Policy: {
    id: (policy) => toGlobalId('Policy', policy.ref),
    driver: async (policy, _, { loaders }) => present(await loaders.driver.load(policy.driverRef)),
    vehicle: async (policy, _, { loaders }) =>
      present(await loaders.vehicle.load(policy.vehicleRef)),
  },
};

/** A policy's driver and vehicle are its tenant's own, so who sees the policy sees them. */
function present<Row extends DriverRow | VehicleRow>(row: Row | null): Row {
  if (row === null)
    throw new Error('a policy names a driver or vehicle that its reader cannot see');
  return row;
}

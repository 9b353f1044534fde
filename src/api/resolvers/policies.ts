import type { DriverRow, VehicleRow } from '../../store/read/drivers.ts';
import type { PolicyParts } from '../../store/read/policies.ts';
import { readPolicyPage } from '../../store/read/policies.ts';
import type { Context } from '../context.ts';
import { readerKindOf } from '../../store/read/transaction.ts';
import { toReader } from '../identity.ts';
import type { Resolvers } from '../generated/schema.ts';
import { toGlobalId } from '../ids.ts';
import { textCursor, toConnection, toPageRequest } from '../page.ts';
import { loadIssued } from './bills.ts';

const cursor = textCursor('policies');

export const policies: Resolvers = {
  Query: {
    policy: (_, { number }, { loaders }) => loaders.policyByNumber.load(number),
    policies: async (_, page, { identity, reading, services: { seal } }) => {
      const request = toPageRequest(seal, cursor, page);
      const whose = readerKindOf(toReader(identity));
      const found = await reading.run((tx) => readPolicyPage(tx, whose, request));
      return toConnection(seal, cursor, (policy) => policy.number, found);
    },
  },
  Policy: {
    id: (policy) => toGlobalId('Policy', policy.ref),
    product: async ({ ref }, _, context) => lastProduct(await loadParts(context, ref)).product,
    jurisdiction: async ({ ref }, _, context) =>
      lastProduct(await loadParts(context, ref)).jurisdiction,
    products: async ({ ref }, _, context) => [...(await loadParts(context, ref)).products],
    drivers: async ({ ref }, _, context) => [...(await loadParts(context, ref)).drivers],
    vehicles: async ({ ref }, _, context) => [...(await loadParts(context, ref)).vehicles],
    facts: async ({ ref }, _, context) => [...(await loadParts(context, ref)).facts],
    amendments: async ({ ref }, _, { loaders }) =>
      (await loaders.amendments.load(ref)).map(({ at, ...row }) => ({ ...row, at: at.getTime() })),
    bills: ({ ref }, _, context) => loadIssued(context, ref, 'BILL'),
    adjustments: ({ ref }, _, context) => loadIssued(context, ref, 'ADJUSTMENT'),
    creditNotes: ({ ref }, _, context) => loadIssued(context, ref, 'CREDIT_NOTE'),
    disputes: async ({ ref }, _, { loaders }) => [...(await loaders.disputes.load(ref))],
  },
  PolicyDriver: {
    driver: async ({ driverRef }, _, { loaders }) => present(await loaders.driver.load(driverRef)),
  },
  PolicyVehicle: {
    vehicle: async ({ vehicleRef }, _, { loaders }) =>
      present(await loaders.vehicle.load(vehicleRef)),
  },
  PolicyFact: {
    vehicle: ({ vehicleRef }, _, { loaders }) =>
      vehicleRef === null ? null : loaders.vehicle.load(vehicleRef),
    driver: ({ driverRef }, _, { loaders }) =>
      driverRef === null ? null : loaders.driver.load(driverRef),
  },
};

function loadParts({ loaders }: Context, ref: number): Promise<PolicyParts> {
  return loaders.policyParts.load(ref);
}

function lastProduct({ products }: PolicyParts) {
  const last = products.at(-1);
  if (!last) throw new Error('a policy without a product is stored');
  return last;
}

/** A policy's drivers and vehicles belong to its tenant, so any caller that sees the reference may see them. */
function present<Row extends DriverRow | VehicleRow>(row: Row | null): Row {
  if (row === null)
    throw new Error('a policy names a driver or vehicle that its reader cannot see');
  return row;
}

import type { BillRow } from '../../store/read/bills.ts';
import { readDrivingEvent } from '../../store/read/driving-events.ts';
import { readDriver } from '../../store/read/drivers.ts';
import { mayFetch } from '../access.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { Resolvers } from '../generated/schema.ts';
import type { GlobalId } from '../ids.ts';
import { parseGlobalId } from '../ids.ts';
import { MAX_PAGE } from '../limits.ts';

type Fetched = { readonly type: string; readonly row: object } | null;

export const viewer: Resolvers = {
  Query: {
    viewer: (_, __, { identity }) => ({
      role: identity.role,
      tenant: identity.tenant,
      driver: null,
      expiresAt: identity.expiresAtMs,
    }),
    node: async (_, { id }, context) => toNode(await fetchNode(context, parseGlobalId(id))),
    nodes: (_, { ids }, context) => {
      if (ids.length > MAX_PAGE) {
        throw createError(
          'BAD_USER_INPUT',
          `ids holds ${ids.length} ids; at most ${MAX_PAGE} are answered at once.`,
        );
      }
      return Promise.all(
        ids.map(async (id) => toNode(await fetchNode(context, parseGlobalId(id)))),
      );
    },
  },
  Viewer: {
    driver: (_, __, { identity, reading }) => {
      const { driver } = identity;
      return driver === null ? null : reading.run((tx) => readDriver(tx, driver));
    },
  },
  Node: {
    __resolveType: (node) => (node as unknown as { __typename: 'Trip' }).__typename,
  },
};

/** Carries the type's name to `__resolveType`; the row is the type's own model. */
function toNode(fetched: Fetched) {
  return fetched === null ? null : ({ ...fetched.row, __typename: fetched.type } as never);
}

async function fetchNode(context: Context, id: GlobalId | undefined): Promise<Fetched> {
  if (id === undefined || !mayFetch(context.identity, id.type)) return null;
  const row = await fetchRow(context, id);
  return row === null ? null : { type: id.type, row };
}

/** Those that lists are made of are batched; of the others nobody fetches many at once. */
async function fetchRow(
  { loaders, reading }: Context,
  { type, key }: GlobalId,
): Promise<object | null> {
  const [first] = key;
  const ref = Number(first);
  switch (type) {
    case 'Trip':
      return Number.isSafeInteger(ref) ? loaders.trip.load(ref) : null;
    case 'Driver':
      return isRef(ref) ? loaders.driver.load(ref) : null;
    case 'Vehicle':
      return isRef(ref) ? loaders.vehicle.load(ref) : null;
    case 'Device':
      return isRef(ref) ? loaders.device.load(ref) : null;
    case 'Policy':
      return isRef(ref) ? loaders.policy.load(ref) : null;
    case 'Bill':
      return isRef(ref) ? ofKind('BILL', await loaders.bill.load(ref)) : null;
    case 'BillAdjustment':
      return isRef(ref) ? ofKind('ADJUSTMENT', await loaders.bill.load(ref)) : null;
    case 'CreditNote':
      return isRef(ref) ? ofKind('CREDIT_NOTE', await loaders.bill.load(ref)) : null;
    case 'Dispute':
      return isRef(ref) ? loaders.dispute.load(ref) : null;
    case 'Tariff':
      return loaders.tariff.load(String(first));
    case 'DrivingEvent': {
      const [, atMs, kind, source] = key;
      return isRef(ref) && Number.isSafeInteger(atMs)
        ? reading.run((tx) =>
            readDrivingEvent(tx, {
              deviceRef: ref,
              atMs: Number(atMs),
              kind: String(kind),
              source: String(source),
            }),
          )
        : null;
    }
    default:
      return null;
  }
}

/** Bills, adjustments and credit notes are of one series; an id names which it is. */
function ofKind(kind: BillRow['kind'], row: BillRow | null): BillRow | null {
  return row?.kind === kind ? row : null;
}

/** The store counts most things in int4. */
function isRef(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && value < 2 ** 31;
}

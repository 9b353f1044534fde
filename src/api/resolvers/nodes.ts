import type { BillRow } from '../../store/read/bills.ts';
import { mayFetch } from '../access/roles.ts';
import type { Context } from '../context.ts';
import type { GlobalId } from '../ids.ts';

/** Carries the type's name to `__resolveType`; the row is the type's own model. */
export interface Fetched {
  readonly __typename: string;
}

/** Years 2000 to 9999: the store's range of instants. */
const FIRST_MS = 946_684_800_000;
const LAST_MS = 253_402_300_799_999;

/** An object by its id; null if it does not exist for the caller, or if the role may not read its type. */
export async function fetchNode(
  context: Context,
  id: GlobalId | undefined,
): Promise<Fetched | null> {
  if (id === undefined || !mayFetch(context.identity, id.type)) return null;
  return toFetched(id.type, await fetchRow(context, id));
}

export function toFetched(type: string, row: object | null): Fetched | null {
  return row === null ? null : { ...row, __typename: type };
}

async function fetchRow({ loaders }: Context, { type, key }: GlobalId): Promise<object | null> {
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
      const [, at, kind, source] = key;
      const atMs = Number(at);
      return isRef(ref) && atMs >= FIRST_MS && atMs <= LAST_MS
        ? loaders.drivingEvent.load({
            deviceRef: ref,
            atMs,
            kind: String(kind),
            source: String(source),
          })
        : null;
    }
    default:
      return null;
  }
}

/** Bills, adjustments and credit notes share one number series; an id states the kind. */
export function ofKind(kind: BillRow['kind'], row: BillRow | null): BillRow | null {
  return row?.kind === kind ? row : null;
}

/** Most of the store's ids are int4. */
function isRef(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && value < 2 ** 31;
}

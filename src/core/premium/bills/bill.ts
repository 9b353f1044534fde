import { canonicalBytes, hashOf } from '../exact/canonical.ts';
import type { RatingInput } from '../rating/input.ts';
import { PREMIUM_ENGINE, type Premium } from '../rating/premium.ts';
import type { Fault } from '../exact/fault.ts';
import { quote } from '../rating/quote.ts';
import { snapshotOf, type Snapshot } from '../rating/snapshot.ts';
import type { Tariff } from '../tariff/tariff.ts';
import type { DisputedDriving } from './disputed.ts';
import type { OverlappingDriving } from './overlapping.ts';

/** A trip in the revision that was known: the evidence for the metres. */
export interface TripEvidence {
  readonly tripId: string;
  readonly revision: number;
}

/** Driving of a document's period that is left out, and why; a list that would be empty is absent. */
export interface NotCounted {
  readonly disputed?: readonly DisputedDriving[];
  readonly overlapping?: readonly OverlappingDriving[];
}

/** An issued bill. It holds its inputs, so that recalculation needs only the tariff beside it. */
export interface Bill extends NotCounted {
  readonly format: 'odograph.bill/1';
  readonly number: string;
  readonly inputs: Snapshot;
  readonly trips: readonly TripEvidence[];
  readonly premium: Premium;
}

/** An issued bill, or a premium that is not billed (yet) with its inputs. */
export type Billed = Bill | Pick<Bill, 'premium' | 'inputs'>;

function compareTrips(a: TripEvidence, b: TripEvidence): number {
  return a.tripId < b.tripId ? -1 : a.tripId > b.tripId ? 1 : a.revision - b.revision;
}

/** Evidence in one order, so that the same trips make the same bytes. */
export function evidenceOf(trips: readonly TripEvidence[]): TripEvidence[] {
  return trips.map(({ tripId, revision }) => ({ tripId, revision })).sort(compareTrips);
}

/** What a document keeps of it. */
export function notCountedOf({ disputed = [], overlapping = [] }: NotCounted): NotCounted {
  return {
    ...(disputed.length === 0 ? {} : { disputed }),
    ...(overlapping.length === 0 ? {} : { overlapping }),
  };
}

export type Issued =
  | { readonly ok: true; readonly bill: Bill; readonly bytes: string }
  | { readonly ok: false; readonly problems: readonly Fault[] };

/** Issues a bill. `bytes` is its canonical JSON: what is stored, and what recalculation must equal. */
export function composeBill(
  number: string,
  tariff: Tariff,
  input: RatingInput,
  cutOff: string,
  trips: readonly TripEvidence[],
  notCounted: NotCounted = {},
): Issued {
  const inputs = snapshotOf(input, cutOff);
  const quoted = quote(tariff, inputs, cutOff);
  if (!quoted.ok) return quoted;
  const bill: Bill = {
    format: 'odograph.bill/1',
    number,
    inputs,
    trips: evidenceOf(trips),
    ...notCountedOf(notCounted),
    premium: quoted.premium,
  };
  return { ok: true, bill, bytes: canonicalBytes(bill) };
}

/** Recalculates a bill from its own inputs. `same`: every byte is as it was issued. */
export function recomposeBill(
  bytes: string,
  tariff: Tariff,
): (Issued & { readonly ok: true; readonly same: boolean }) | (Issued & { readonly ok: false }) {
  const stored = JSON.parse(bytes) as Bill;
  const { engine, tariff: billed } = stored.premium;
  const problems: Fault[] = [];
  if (billed.hash !== tariff.hash)
    problems.push({
      code: 'OTHER_TARIFF',
      path: '/premium/tariff/hash',
      message: `the bill was made with ${billed.hash}, this tariff is ${tariff.hash}`,
    });
  if (engine !== PREMIUM_ENGINE)
    problems.push({
      code: 'OTHER_ENGINE',
      path: '/premium/engine',
      message: `the bill was made by ${engine}, this is ${PREMIUM_ENGINE}`,
    });
  if (hashOf(stored.inputs) !== stored.premium.inputsHash)
    problems.push({
      code: 'INPUTS_CHANGED',
      path: '/inputs',
      message: `the bill's inputs no longer have the hash ${stored.premium.inputsHash}`,
    });
  if (problems.length > 0) return { ok: false, problems };
  const made = composeBill(
    stored.number,
    tariff,
    stored.inputs,
    stored.inputs.dataCutoff,
    stored.trips,
    stored,
  );
  return made.ok ? { ...made, same: made.bytes === bytes } : made;
}

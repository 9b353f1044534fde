import { canonicalBytes, hashOf } from './canonical.ts';
import { add, formatScaled, fractionOf, roundHalfUp, subtract, zero } from './fraction.ts';
import type { ExposureDay, RatedPolicy, RatingInput } from './input.ts';
import { shown, type Problem } from './problem.ts';
import { PREMIUM_ENGINE, quote, type Premium } from './quote.ts';
import { snapshotOf, type Snapshot } from './snapshot.ts';
import type { Tariff } from './tariff.ts';

/** A trip as it was known: the evidence behind the metres. */
export interface TripEvidence {
  readonly tripId: string;
  readonly revision: number;
}

/** An issued bill: what it is made of is in it, so that recalculation reads nothing but the tariff. */
export interface Bill {
  readonly format: 'odograph.bill/1';
  readonly number: string;
  readonly inputs: Snapshot;
  readonly trips: readonly TripEvidence[];
  readonly premium: Premium;
}

export type Issued =
  | { readonly ok: true; readonly bill: Bill; readonly bytes: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

function compareTrips(a: TripEvidence, b: TripEvidence): number {
  return a.tripId < b.tripId ? -1 : a.tripId > b.tripId ? 1 : a.revision - b.revision;
}

/** Issues a bill. `bytes` is its canonical JSON: what is stored, and what recalculation must equal. */
export function issueBill(
  number: string,
  tariff: Tariff,
  input: RatingInput,
  cutOff: string,
  trips: readonly TripEvidence[],
): Issued {
  const inputs = snapshotOf(input, cutOff);
  const quoted = quote(tariff, inputs, cutOff);
  if (!quoted.ok) return quoted;
  const evidence = trips.map(({ tripId, revision }) => ({ tripId, revision })).sort(compareTrips);
  const bill: Bill = {
    format: 'odograph.bill/1',
    number,
    inputs,
    trips: evidence,
    premium: quoted.premium,
  };
  return { ok: true, bill, bytes: canonicalBytes(bill) };
}

/** Makes a bill again from what it keeps. `same` says whether every byte came out as it was issued. */
export function recalculateBill(
  bytes: string,
  tariff: Tariff,
): (Issued & { readonly ok: true; readonly same: boolean }) | (Issued & { readonly ok: false }) {
  const stored = JSON.parse(bytes) as Bill;
  const { engine, tariff: billed } = stored.premium;
  const problems: Problem[] = [];
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
  const made = issueBill(
    stored.number,
    tariff,
    stored.inputs,
    stored.inputs.dataCutoff,
    stored.trips,
  );
  return made.ok ? { ...made, same: made.bytes === bytes } : made;
}

/** How one bill's period would be billed now, against what it was billed. */
export interface AdjustmentLine {
  readonly billNumber: string;
  readonly from: string;
  readonly to: string;
  readonly billed: string;
  readonly now: string;
  readonly difference: string;
}

/** What is to be paid (or, negative, given back) so that all bills together are right. */
export interface BillAdjustment {
  readonly format: 'odograph.adjustment/1';
  readonly engine: string;
  readonly policyNumber: string;
  readonly currency: string;
  readonly dataCutoff: string;
  /** Premium of all billed periods by what is known now. */
  readonly premiumNow: string;
  /** What the bills came to, and what earlier adjustments added. */
  readonly billed: string;
  readonly adjustedBefore: string;
  readonly total: string;
  readonly lines: readonly AdjustmentLine[];
  readonly inputsHash: string;
}

export type Adjusted =
  | { readonly ok: true; readonly adjustment: BillAdjustment }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What is known now of a policy whose bills are to be put right. */
export interface KnownNow {
  readonly policy: RatedPolicy;
  readonly exposure: readonly ExposureDay[];
  readonly cutOff: string;
}

/**
 * An adjustment for late data or a corrected trip: the premium of all billed periods now, less all
 * that was billed and adjusted before. Bills themselves are never rewritten. `tariffs` holds the
 * tariff of every bill by its hash; all bills are of one policy and currency.
 */
export function adjustBills(
  bills: readonly Bill[],
  earlier: readonly BillAdjustment[],
  known: KnownNow,
  tariffs: ReadonlyMap<string, Tariff>,
): Adjusted {
  const problems: Problem[] = [];
  const currency = bills[0]?.premium.currency ?? '';
  const places = tariffs.get(bills[0]?.premium.tariff.hash ?? '')?.document.rounding.places ?? 2;
  const lines: AdjustmentLine[] = [];
  let premiumNow = zero;
  let billed = zero;
  bills.forEach((bill, i) => {
    const { from, to, total, tariff: named } = bill.premium;
    const tariff = tariffs.get(named.hash);
    if (bill.premium.policyNumber !== known.policy.number || bill.premium.currency !== currency) {
      const message = `bill ${bill.number} is of policy ${shown(bill.premium.policyNumber)} in ${bill.premium.currency}, not of ${shown(known.policy.number)} in ${currency}`;
      problems.push({ code: 'OTHER_POLICY', path: `/bills/${i}`, message });
      return;
    }
    if (tariff === undefined) {
      const message = `the tariff ${named.hash} of bill ${bill.number} was not given`;
      problems.push({ code: 'UNKNOWN_TARIFF', path: `/bills/${i}`, message });
      return;
    }
    const { policy, exposure, cutOff } = known;
    const now = quote(tariff, { policy, exposure, period: { from, to } }, cutOff);
    if (!now.ok) {
      problems.push(...now.problems);
      return;
    }
    const difference = subtract(fractionOf(now.premium.total), fractionOf(total));
    premiumNow = add(premiumNow, fractionOf(now.premium.total));
    billed = add(billed, fractionOf(total));
    lines.push({
      billNumber: bill.number,
      from,
      to,
      billed: total,
      now: now.premium.total,
      difference: formatScaled(roundHalfUp(difference, places), places),
    });
  });
  if (problems.length > 0) return { ok: false, problems };
  const before = earlier.reduce((sum, a) => add(sum, fractionOf(a.total)), zero);
  const text = (value: typeof zero): string => formatScaled(roundHalfUp(value, places), places);
  const period = {
    from: bills.reduce((least, b) => (b.premium.from < least ? b.premium.from : least), '9999'),
    to: bills.reduce((most, b) => (b.premium.to > most ? b.premium.to : most), ''),
  };
  return {
    ok: true,
    adjustment: {
      format: 'odograph.adjustment/1',
      engine: PREMIUM_ENGINE,
      policyNumber: known.policy.number,
      currency,
      dataCutoff: known.cutOff,
      premiumNow: text(premiumNow),
      billed: text(billed),
      adjustedBefore: text(before),
      total: text(subtract(subtract(premiumNow, billed), before)),
      lines,
      inputsHash: hashOf(
        snapshotOf({ policy: known.policy, exposure: known.exposure, period }, known.cutOff),
      ),
    },
  };
}

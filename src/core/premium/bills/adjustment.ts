import { evidenceOf, notCountedOf, type Bill, type NotCounted, type TripEvidence } from './bill.ts';
import { canonicalBytes, hashOf } from '../exact/canonical.ts';
import { add, formatScaled, fractionOf, roundHalfUp, subtract, zero } from '../exact/fraction.ts';
import type { DeviceDays, ExposureDay, Period, RatedPolicy, RatingInput } from '../rating/input.ts';
import { shown, type Fault } from '../exact/fault.ts';
import { PREMIUM_ENGINE, type Premium, type ShownEstimate } from '../rating/premium.ts';
import { quote } from '../rating/quote.ts';
import { snapshotOf, type Snapshot } from '../rating/snapshot.ts';
import type { Tariff } from '../tariff/tariff.ts';

/** How one bill's period would be billed now, against what it was billed. */
export interface AdjustmentLine {
  readonly billNumber: string;
  readonly from: string;
  readonly to: string;
  readonly billed: string;
  readonly now: string;
  /** now − billed. */
  readonly difference: string;
  /** Of the difference, what earlier adjustments settled. */
  readonly settledBefore: string;
  /** Of `now`: the silent days that it still estimates; absent where there are none. */
  readonly estimates?: readonly (ShownEstimate & { readonly vehicleId: string })[];
}

/** What is to be paid (or, negative, given back) so that all bills together are right. */
export interface BillAdjustment extends NotCounted {
  readonly format: 'odograph.adjustment/1';
  readonly number: string;
  readonly engine: string;
  readonly policyNumber: string;
  readonly currency: string;
  readonly dataCutoff: string;
  /** Premium of all billed periods by what is known now. */
  readonly premiumNow: string;
  /** The total of the bills, and what earlier adjustments of them added. */
  readonly billed: string;
  readonly adjustedBefore: string;
  readonly total: string;
  readonly lines: readonly AdjustmentLine[];
  readonly inputs: Snapshot;
  readonly inputsHash: string;
  readonly trips: readonly TripEvidence[];
}

export type Adjusted =
  | { readonly ok: true; readonly adjustment: BillAdjustment; readonly bytes: string }
  | { readonly ok: false; readonly problems: readonly Fault[] };

/** What is known now of a policy whose bills are to be adjusted. */
export interface KnownNow extends NotCounted {
  readonly policy: RatedPolicy;
  readonly exposure: readonly ExposureDay[];
  /** For tariffs that estimate silent days. */
  readonly deviceDays?: readonly DeviceDays[];
  readonly cutOff: string;
  readonly trips: readonly TripEvidence[];
}

/** What adjustments have settled of a bill's difference; `earlier` in order of issue. */
function settledOf(billNumber: string, earlier: readonly BillAdjustment[]): string {
  const lines = earlier.flatMap((a) => a.lines.filter((line) => line.billNumber === billNumber));
  return lines.at(-1)?.difference ?? '0';
}

/** What is known of some days, as rating takes it. */
function inputOf({ policy, exposure, deviceDays }: KnownNow, period: Period): RatingInput {
  return { policy, exposure, period, ...(deviceDays === undefined ? {} : { deviceDays }) };
}

/** The premium of the days of a billed period that the policy still covers: it may have been cancelled since. */
function premiumWithin(
  tariff: Tariff,
  known: KnownNow,
  from: string,
  to: string,
): Pick<AdjustmentLine, 'now' | 'estimates'> | readonly Fault[] {
  const { endDate } = known.policy;
  const end = to < endDate ? to : endDate;
  if (end <= from) return { now: '0' };
  const quoted = quote(tariff, inputOf(known, { from, to: end }), known.cutOff);
  if (!quoted.ok) return quoted.problems;
  const { total: now } = quoted.premium;
  const estimates = estimatesOf(quoted.premium);
  return estimates.length === 0 ? { now } : { now, estimates };
}

/** The silent days that a premium estimates. */
export function estimatesOf({ worksheet }: Premium): NonNullable<AdjustmentLine['estimates']> {
  return worksheet.years
    .flatMap(({ vehicles }) => vehicles)
    .flatMap(({ vehicleId, estimates = [] }) =>
      estimates.map((estimate) => ({ vehicleId, ...estimate })),
    );
}

/**
 * An adjustment for late data or a corrected trip: the premium of all billed periods now, less all
 * that was billed and adjusted before. Bills themselves are never rewritten.
 *
 * @param bills those in force, all of one policy and currency
 * @param earlier the policy's adjustments so far, in the order of their issue
 * @param tariffs the tariff of every bill by its hash
 */
export function computeAdjustment(
  number: string,
  bills: readonly Bill[],
  earlier: readonly BillAdjustment[],
  known: KnownNow,
  tariffs: ReadonlyMap<string, Tariff>,
): Adjusted {
  const { policy, cutOff } = known;
  const problems: Fault[] = [];
  const currency = bills[0]?.premium.currency ?? '';
  const places = tariffs.get(bills[0]?.premium.tariff.hash ?? '')?.document.rounding.places ?? 2;
  const text = (value: typeof zero): string => formatScaled(roundHalfUp(value, places), places);
  const lines: AdjustmentLine[] = [];
  let premiumNow = zero;
  let billed = zero;
  let before = zero;
  bills.forEach((bill, i) => {
    const { from, to, total, tariff: named } = bill.premium;
    const tariff = tariffs.get(named.hash);
    if (bill.premium.policyNumber !== policy.number || bill.premium.currency !== currency) {
      const message = `bill ${bill.number} is of policy ${shown(bill.premium.policyNumber)} in ${bill.premium.currency}, not of ${shown(policy.number)} in ${currency}`;
      problems.push({ code: 'OTHER_POLICY', path: `/bills/${i}`, message });
      return;
    }
    if (tariff === undefined) {
      const message = `the tariff ${named.hash} of bill ${bill.number} was not given`;
      problems.push({ code: 'UNKNOWN_TARIFF', path: `/bills/${i}`, message });
      return;
    }
    const within = premiumWithin(tariff, known, from, to);
    if (!('now' in within)) {
      problems.push(...within);
      return;
    }
    const { now, ...estimated } = within;
    const settled = fractionOf(settledOf(bill.number, earlier));
    const difference = subtract(fractionOf(now), fractionOf(total));
    premiumNow = add(premiumNow, fractionOf(now));
    billed = add(billed, fractionOf(total));
    before = add(before, settled);
    lines.push({
      billNumber: bill.number,
      from,
      to,
      billed: total,
      now: text(fractionOf(now)),
      difference: text(difference),
      settledBefore: text(settled),
      ...estimated,
    });
  });
  if (problems.length > 0) return { ok: false, problems };
  const period = {
    from: bills.reduce((least, b) => (b.premium.from < least ? b.premium.from : least), '9999'),
    to: bills.reduce((most, b) => (b.premium.to > most ? b.premium.to : most), ''),
  };
  const inputs = snapshotOf(inputOf(known, period), cutOff);
  const adjustment: BillAdjustment = {
    format: 'odograph.adjustment/1',
    number,
    engine: PREMIUM_ENGINE,
    policyNumber: policy.number,
    currency,
    dataCutoff: cutOff,
    premiumNow: text(premiumNow),
    billed: text(billed),
    adjustedBefore: text(before),
    total: text(subtract(subtract(premiumNow, billed), before)),
    lines,
    inputs,
    inputsHash: hashOf(inputs),
    trips: evidenceOf(known.trips),
    ...notCountedOf(known),
  };
  return { ok: true, adjustment, bytes: canonicalBytes(adjustment) };
}

/** Takes a bill back, together with its adjustments. The bill itself stays unchanged. */
export interface CreditNote {
  readonly format: 'odograph.credit-note/1';
  readonly number: string;
  readonly policyNumber: string;
  readonly billNumber: string;
  /** Hash of the credited bill's bytes. */
  readonly billHash: string;
  readonly currency: string;
  readonly billed: string;
  readonly adjusted: string;
  /** −(billed + adjusted). */
  readonly total: string;
  readonly reason: string;
}

/**
 * @param earlier the policy's adjustments so far, in the order of their issue
 * @param places decimals of the currency that the tariff rounds to
 */
export function computeCreditNote(
  number: string,
  bill: Bill,
  earlier: readonly BillAdjustment[],
  places: number,
  reason: string,
): { readonly note: CreditNote; readonly bytes: string } {
  const { policyNumber, currency, total } = bill.premium;
  const adjusted = settledOf(bill.number, earlier);
  const sum = add(fractionOf(total), fractionOf(adjusted));
  const text = (value: typeof zero): string => formatScaled(roundHalfUp(value, places), places);
  const note: CreditNote = {
    format: 'odograph.credit-note/1',
    number,
    policyNumber,
    billNumber: bill.number,
    billHash: hashOf(bill),
    currency,
    billed: total,
    adjusted: text(fractionOf(adjusted)),
    total: text(subtract(zero, sum)),
    reason,
  };
  return { note, bytes: canonicalBytes(note) };
}

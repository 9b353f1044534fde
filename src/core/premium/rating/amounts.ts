import { policyYears, type PolicyYear } from '../exact/calendar.ts';
import type { CheckedInput } from './check.ts';
import { add, multiply, one, roundHalfUp, zero, type Fraction } from '../exact/fraction.ts';
import type { HabitsOutcome } from '../kinds/habits.ts';
import type {
  ChargeGroup,
  ChargeOutcome,
  CheckedVehicle,
  Days,
  VehicleYear,
} from '../kinds/kind.ts';
import type { Fault } from '../exact/fault.ts';
import { withEstimates, type Estimate } from '../kinds/silent-days.ts';
import { factorsOf, spansOf, type SpanFactor } from './spans.ts';
import type { Tariff } from '../tariff/tariff.ts';

/** The sum of charges under the very same factors in one span. */
export interface GroupAmount {
  readonly group: ChargeGroup;
  /** The charges alone. */
  readonly base: Fraction;
  /** After the rating factors. */
  readonly classic: Fraction;
  /** After the behaviour factor too. */
  readonly final: Fraction;
}

/** One vehicle's part of a policy year, before the steps on the policy's sum. */
export interface VehicleAmounts {
  readonly vehicle: VehicleYear;
  /** By charge of the tariff. */
  readonly outcomes: readonly ChargeOutcome[];
  /** The same without what is estimated of the period; undefined where nothing is. */
  readonly heard: readonly ChargeOutcome[] | undefined;
  /** What silent days of the policy year are estimated at. */
  readonly estimates: readonly Estimate[];
  readonly habits: HabitsOutcome | undefined;
  /** By span, then by the tariff's factors. Empty for spans that are not rated. */
  readonly factors: readonly (readonly SpanFactor[])[];
  /** By span. Empty for spans that are not rated. */
  readonly groups: readonly (readonly GroupAmount[])[];
  /** Sums before the period, where totals run, and within it. */
  readonly before: Fraction;
  readonly inPeriod: Fraction;
}

/** The amounts of one policy year's part of a period. */
export interface YearAmounts {
  readonly year: PolicyYear;
  readonly period: Days;
  readonly vehicles: readonly VehicleAmounts[];
  /** What each of the tariff's adjustments adds in the period. */
  readonly steps: readonly Fraction[];
  /** Running totals of the policy year before and after; before is absent where totals do not run. */
  readonly before: Fraction | undefined;
  readonly after: Fraction;
  /** In minor units: round(running total at the end) − round(running total at the start). */
  readonly total: bigint;
}

/** A vehicle with its silent days estimated as the tariff says. */
interface EstimatedVehicle extends CheckedVehicle {
  readonly estimates: readonly Estimate[];
}

function estimateVehicle(
  { silentDays }: Tariff,
  { policy }: CheckedInput,
  vehicle: CheckedVehicle,
): EstimatedVehicle {
  if (silentDays === undefined || vehicle.deviceDays.length === 0)
    return { ...vehicle, estimates: [] };
  const cover = {
    from: Math.max(vehicle.cover.from, policy.from),
    to: Math.min(vehicle.cover.to, policy.to),
  };
  const estimates = silentDays.estimate({ ...vehicle, cover });
  return { ...vehicle, estimates, history: withEstimates(vehicle.history, estimates) };
}

/** The vehicle without what is estimated of the period itself, undefined where nothing is. */
function heardOnly(vehicle: VehicleYear): VehicleYear | undefined {
  const isEstimated = ({ facts }: VehicleYear['days'][number]): boolean =>
    facts.estimatedM > 0 && facts.day >= vehicle.from;
  if (!vehicle.days.some(isEstimated)) return undefined;
  const days = vehicle.days.map((day) => {
    if (!isEstimated(day)) return day;
    const { facts } = day;
    const distanceM = facts.distanceM - facts.estimatedM;
    return { ...day, facts: { ...facts, distanceM, estimatedM: 0 } };
  });
  return { ...vehicle, days };
}

/** Behaviour counts driven days only, not estimated ones. */
function withoutEstimates(vehicle: VehicleYear): VehicleYear {
  return { ...vehicle, history: vehicle.history.filter(({ estimatedM }) => estimatedM === 0) };
}

function vehicleYear(
  vehicle: CheckedVehicle,
  input: CheckedInput,
  year: PolicyYear,
  period: Days,
): VehicleYear {
  const cover = {
    from: Math.max(vehicle.cover.from, year.start, input.policy.from),
    to: Math.min(vehicle.cover.to, period.to),
  };
  const facts = input.facts.filter(
    ({ range }) => range.vehicleId === undefined || range.vehicleId === vehicle.vehicleId,
  );
  const spans = cover.from < cover.to ? spansOf(cover, period.from, facts) : [];
  const days: { span: number; facts: VehicleYear['history'][number] }[] = [];
  let span = 0;
  for (const day of vehicle.history) {
    if (day.day < cover.from) continue;
    if (day.day >= cover.to) break;
    while (day.day >= (spans[span]?.to ?? Infinity)) span++;
    days.push({ span, facts: day });
  }
  return { vehicleId: vehicle.vehicleId, year, ...period, spans, days, history: vehicle.history };
}

function groupAmount(
  group: ChargeGroup,
  outcomes: readonly ChargeOutcome[],
  span: number,
  factors: readonly SpanFactor[],
  habits: HabitsOutcome | undefined,
): GroupAmount {
  let base = zero;
  for (const c of group.charges)
    for (const { amount } of outcomes[c]?.charged[span] ?? []) base = add(base, amount);
  let product = one;
  for (const f of group.factors) product = multiply(product, factors[f]?.relativity.factor ?? one);
  const classic = multiply(base, product);
  const behaves = group.behaves && habits !== undefined;
  return { group, base, classic, final: behaves ? multiply(classic, habits.final) : classic };
}

function rateVehicle(
  tariff: Tariff,
  input: CheckedInput,
  vehicle: VehicleYear,
  estimates: readonly Estimate[],
  problems: Fault[],
): VehicleAmounts {
  const runs = tariff.addsOverTime === true;
  const outcomes = tariff.charges.map((charge) => charge.rate(vehicle));
  const own = tariff.silentDays === undefined ? undefined : heardOnly(vehicle);
  const heard = own && tariff.charges.map((charge) => charge.rate(own));
  const measured = tariff.silentDays === undefined ? vehicle : withoutEstimates(vehicle);
  const habits = vehicle.spans.length > 0 ? tariff.behaviour?.rate(measured) : undefined;
  const factors: SpanFactor[][] = [];
  const groups: GroupAmount[][] = [];
  let before = zero;
  let inPeriod = zero;
  vehicle.spans.forEach((span, s) => {
    const rated = span.inPeriod || runs;
    const found = rated
      ? factorsOf(vehicle.vehicleId, span, input.facts, tariff.factors, problems)
      : [];
    const complete = rated && found.length === tariff.factors.length;
    const amounts = complete
      ? tariff.groups.map((group) => groupAmount(group, outcomes, s, found, habits))
      : [];
    factors.push(found);
    groups.push(amounts);
    for (const { final } of amounts)
      if (span.inPeriod) inPeriod = add(inPeriod, final);
      else before = add(before, final);
  });
  return { vehicle, outcomes, heard, estimates, habits, factors, groups, before, inPeriod };
}

function amountsOfYear(
  tariff: Tariff,
  input: CheckedInput,
  estimated: readonly EstimatedVehicle[],
  year: PolicyYear,
  problems: Fault[],
): YearAmounts {
  const period = {
    from: Math.max(input.period.from, year.start),
    to: Math.min(input.period.to, year.end),
  };
  const runs = tariff.addsOverTime === true;
  let before = zero;
  let inPeriod = zero;
  const vehicles = estimated.map((vehicle) => {
    const days = vehicleYear(vehicle, input, year, period);
    const amounts = rateVehicle(tariff, input, days, vehicle.estimates, problems);
    before = add(before, amounts.before);
    inPeriod = add(inPeriod, amounts.inPeriod);
    return amounts;
  });
  const steps = tariff.adjustments.map((step) => {
    const added = step.add(inPeriod, { year, ...period });
    inPeriod = add(inPeriod, added);
    if (runs) before = add(before, step.add(before, { year, from: year.start, to: period.from }));
    return added;
  });
  const { places } = tariff.document.rounding;
  const after = runs ? add(before, inPeriod) : inPeriod;
  const total = roundHalfUp(after, places) - (runs ? roundHalfUp(before, places) : 0n);
  return { year, period, vehicles, steps, before: runs ? before : undefined, after, total };
}

/** A premium in exact amounts, one entry for each policy year that the period touches; or why it cannot be rated. */
export function amountsOf(
  tariff: Tariff,
  input: CheckedInput,
): readonly YearAmounts[] | { readonly problems: readonly Fault[] } {
  const problems: Fault[] = [];
  const vehicles = input.vehicles.map((vehicle) => estimateVehicle(tariff, input, vehicle));
  const years = policyYears(input.policy.from, input.period.from, input.period.to).map((year) =>
    amountsOfYear(tariff, input, vehicles, year, problems),
  );
  return problems.length > 0 ? { problems } : years;
}

import { policyYears, type PolicyYear } from './calendar.ts';
import type { CheckedInput, Days } from './check.ts';
import { add, multiply, one, roundHalfUp, subtract, zero, type Fraction } from './fraction.ts';
import type { HabitsOutcome } from './habits.ts';
import type { CappedDay, Charged, Span, VehicleYear } from './kind.ts';
import { toLogScale } from './logarithm.ts';
import type { Problem } from './problem.ts';
import { apportion, logMeanShares } from './shares.ts';
import { factorsOf, spansOf, type SpanFactor } from './spans.ts';
import type { Tariff } from './tariff.ts';

/** What a line is about. */
export type LineKind = 'CHARGE' | 'FACTOR' | 'HABIT' | 'CLAMP' | 'CREDIBILITY' | 'ADJUSTMENT';

/** One line of the sum, in numbers. */
export interface NumericLine {
  readonly id: string;
  readonly kind: LineKind;
  /** Absent on the policy's own lines. */
  readonly vehicleId?: string;
  /** Base units of a charge: millimetres, days, counts. */
  quantity: number;
  /** Unrounded, in units of 10^-30 of the currency. */
  scaled: bigint;
  /** In minor units of the currency; all lines add up to the total. */
  minor: bigint;
}

/** One vehicle's way to its part of the premium. */
export interface VehicleSheet {
  readonly vehicleId: string;
  readonly spans: readonly Span[];
  /** By span, then by the tariff's factors. Empty for spans that are not rated. */
  readonly factors: readonly (readonly SpanFactor[])[];
  /** By charge of the tariff, by span, by part. */
  readonly charged: readonly (readonly (readonly Charged[])[])[];
  readonly habits: HabitsOutcome | undefined;
  readonly cappedDays: readonly CappedDay[];
  /** Of the period's driving: metres estimated, and metres on days without cover. */
  readonly estimatedM: number;
  readonly uncoveredM: number;
}

/** The numbers of one policy year's part of a premium. */
export interface YearSheet {
  readonly year: PolicyYear;
  readonly period: Days;
  /** Running totals of the policy year before and after; before is absent where totals do not run. */
  readonly before: Fraction | undefined;
  readonly after: Fraction;
  readonly total: bigint;
  readonly lines: readonly NumericLine[];
  readonly vehicles: readonly VehicleSheet[];
}

function vehicleYear(
  vehicle: CheckedInput['vehicles'][number],
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

/** The lines of one vehicle by id, made as they are first written to, in a fixed order. */
function createLines(vehicleId: string, lines: NumericLine[]) {
  const byId = new Map<string, NumericLine>();
  return (id: string, kind: LineKind, scaled: bigint, quantity = 0): void => {
    let line = byId.get(id);
    if (line === undefined) {
      line = { id, kind, vehicleId, quantity: 0, scaled: 0n, minor: 0n };
      byId.set(id, line);
      lines.push(line);
    }
    line.quantity += quantity;
    line.scaled += scaled;
  };
}

interface VehicleSums {
  readonly sheet: VehicleSheet;
  readonly before: Fraction;
  readonly inPeriod: Fraction;
}

function rateVehicle(
  tariff: Tariff,
  input: CheckedInput,
  vehicle: VehicleYear,
  lines: NumericLine[],
  problems: Problem[],
): VehicleSums {
  const runs = tariff.addsOverTime === true;
  const outcomes = tariff.charges.map((charge) => charge.rate(vehicle));
  const behaviour = tariff.behaviour;
  const habits = vehicle.spans.length > 0 ? behaviour?.rate(vehicle) : undefined;
  const write = createLines(vehicle.vehicleId, lines);
  const factors: SpanFactor[][] = [];
  let before = zero;
  let inPeriod = zero;

  vehicle.spans.forEach((span, s) => {
    if (!span.inPeriod && !runs) {
      factors.push([]);
      return;
    }
    const own = factorsOf(vehicle.vehicleId, span, input.facts, tariff.factors, problems);
    factors.push(own);
    if (own.length < tariff.factors.length) return;
    for (const group of tariff.groups) {
      let base = zero;
      for (const c of group.charges)
        outcomes[c]?.charged[s]?.forEach((charged, p) => {
          base = add(base, charged.amount);
          const part = tariff.charges[c]?.parts[p];
          if (span.inPeriod && part !== undefined)
            write(part.id, 'CHARGE', toLogScale(charged.amount), charged.quantity);
        });
      let product = one;
      for (const f of group.factors) product = multiply(product, own[f]?.relativity.factor ?? one);
      const classic = multiply(base, product);
      const final =
        group.behaves && habits !== undefined ? multiply(classic, habits.final) : classic;
      if (!span.inPeriod) {
        before = add(before, final);
        continue;
      }
      inPeriod = add(inPeriod, final);
      const lns = group.factors.map((f) => own[f]?.relativity.lnScaled ?? 0n);
      if (group.behaves && habits !== undefined) for (const h of habits.parts) lns.push(h.lnScaled);
      const raw = group.behaves && habits !== undefined ? multiply(classic, habits.raw) : classic;
      const parts = logMeanShares(toLogScale(base), toLogScale(raw), lns);
      group.factors.forEach((f, i) => write(tariff.factors[f]?.id ?? '', 'FACTOR', parts[i] ?? 0n));
      if (!group.behaves || habits === undefined || behaviour === undefined) continue;
      habits.parts.forEach((h, i) => write(h.id, 'HABIT', parts[group.factors.length + i] ?? 0n));
      const clamped = toLogScale(multiply(classic, habits.clamped));
      write(`${behaviour.id}.clamp`, 'CLAMP', clamped - toLogScale(raw));
      write(`${behaviour.id}.credibility`, 'CREDIBILITY', toLogScale(final) - clamped);
    }
  });

  let estimatedM = 0;
  let coveredM = 0;
  let drivenM = 0;
  for (const { facts } of vehicle.days) if (facts.day >= vehicle.from) coveredM += facts.distanceM;
  for (const day of vehicle.history)
    if (day.day >= vehicle.from && day.day < vehicle.to) {
      drivenM += day.distanceM;
      estimatedM += day.estimatedM;
    }
  return {
    before,
    inPeriod,
    sheet: {
      vehicleId: vehicle.vehicleId,
      spans: vehicle.spans,
      factors,
      charged: outcomes.map((o) => o.charged),
      habits,
      cappedDays: outcomes.flatMap((o) => o.cappedDays),
      estimatedM,
      uncoveredM: drivenM - coveredM,
    },
  };
}

function rateYear(
  tariff: Tariff,
  input: CheckedInput,
  year: PolicyYear,
  problems: Problem[],
): YearSheet {
  const period = {
    from: Math.max(input.period.from, year.start),
    to: Math.min(input.period.to, year.end),
  };
  const lines: NumericLine[] = [];
  let before = zero;
  let inPeriod = zero;
  const vehicles: VehicleSheet[] = [];
  for (const vehicle of input.vehicles) {
    const days = vehicleYear(vehicle, input, year, period);
    const sums = rateVehicle(tariff, input, days, lines, problems);
    before = add(before, sums.before);
    inPeriod = add(inPeriod, sums.inPeriod);
    vehicles.push(sums.sheet);
  }
  const runs = tariff.addsOverTime === true;
  for (const step of tariff.adjustments) {
    const added = step.add(inPeriod, { year, ...period });
    inPeriod = add(inPeriod, added);
    if (runs) before = add(before, step.add(before, { year, from: year.start, to: period.from }));
    const scaled = toLogScale(added);
    lines.push({ id: step.id, kind: 'ADJUSTMENT', quantity: 0, scaled, minor: 0n });
  }
  const { places } = tariff.document.rounding;
  const after = runs ? add(before, inPeriod) : inPeriod;
  const total = roundHalfUp(after, places) - (runs ? roundHalfUp(before, places) : 0n);
  const minors = apportion(
    lines.map((line) => line.scaled),
    total,
    places,
  );
  lines.forEach((line, i) => {
    line.minor = minors[i] ?? 0n;
  });
  return { year, period, before: runs ? before : undefined, after, total, lines, vehicles };
}

/**
 * The premium in numbers, one sheet for each policy year the period touches: the total of each is
 * round(running total at its end) − round(running total at its start), so that bills add to the cent.
 */
export function computeSheets(
  tariff: Tariff,
  input: CheckedInput,
): readonly YearSheet[] | { readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const sheets = policyYears(input.policy.from, input.period.from, input.period.to).map((year) =>
    rateYear(tariff, input, year, problems),
  );
  return problems.length > 0 ? { problems } : sheets;
}

/** What the exact sum of the period is, before the one rounding. */
export function exactTotal(sheet: YearSheet): Fraction {
  return sheet.before === undefined ? sheet.after : subtract(sheet.after, sheet.before);
}

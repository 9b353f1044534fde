import { amountsOf, type VehicleAmounts, type YearAmounts } from './amounts.ts';
import type { PolicyYear } from '../exact/calendar.ts';
import type { CheckedInput } from './check.ts';
import { multiply, subtract, zero, type Fraction } from '../exact/fraction.ts';
import type { HabitsOutcome } from '../kinds/habits.ts';
import type { CappedDay, Charged, Days, Span } from '../kinds/kind.ts';
import { toLogScale } from '../exact/logarithm.ts';
import type { Fault } from '../exact/fault.ts';
import { apportion, logMeanShares } from '../exact/shares.ts';
import type { Estimate } from '../kinds/silent-days.ts';
import type { SpanFactor } from './spans.ts';
import type { Tariff } from '../tariff/tariff.ts';

/** What a line is about. */
export type LineKind =
  'CHARGE' | 'ESTIMATED' | 'FACTOR' | 'HABIT' | 'CLAMP' | 'CREDIBILITY' | 'ADJUSTMENT';

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
  /** What silent days of the period are estimated at. */
  readonly estimates: readonly Estimate[];
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

/** The lines of one vehicle: its charges, apart what estimates add to them, then what factors, habits, limits and credibility did to them. */
function writeLines(tariff: Tariff, amounts: VehicleAmounts, lines: NumericLine[]): void {
  const { vehicle, outcomes, heard, habits, factors, groups } = amounts;
  const write = createLines(vehicle.vehicleId, lines);
  vehicle.spans.forEach((span, s) => {
    if (!span.inPeriod) return;
    for (const { group, base, classic, final } of groups[s] ?? []) {
      for (const c of group.charges)
        outcomes[c]?.charged[s]?.forEach(({ amount, quantity }, p) => {
          const part = tariff.charges[c]?.parts[p];
          if (part === undefined) return;
          const scaled = toLogScale(amount);
          const known = heard?.[c]?.charged[s]?.[p];
          if (known === undefined) return write(part.id, 'CHARGE', scaled, quantity);
          const knownScaled = toLogScale(known.amount);
          write(part.id, 'CHARGE', knownScaled, known.quantity);
          if (quantity !== known.quantity)
            write(
              `${part.id}.estimated`,
              'ESTIMATED',
              scaled - knownScaled,
              quantity - known.quantity,
            );
        });
      const { behaviour } = tariff;
      const behaves = group.behaves && habits !== undefined;
      const lns = group.factors.map((f) => factors[s]?.[f]?.relativity.lnScaled ?? 0n);
      if (behaves) for (const habit of habits.parts) lns.push(habit.lnScaled);
      const raw = behaves ? multiply(classic, habits.raw) : classic;
      const parts = logMeanShares(toLogScale(base), toLogScale(raw), lns);
      group.factors.forEach((f, i) => write(tariff.factors[f]?.id ?? '', 'FACTOR', parts[i] ?? 0n));
      if (!behaves || behaviour === undefined) continue;
      habits.parts.forEach((h, i) => write(h.id, 'HABIT', parts[group.factors.length + i] ?? 0n));
      const clamped = toLogScale(multiply(classic, habits.clamped));
      write(`${behaviour.id}.clamp`, 'CLAMP', clamped - toLogScale(raw));
      write(`${behaviour.id}.credibility`, 'CREDIBILITY', toLogScale(final) - clamped);
    }
  });
}

function sheetOfVehicle({
  vehicle,
  outcomes,
  estimates,
  habits,
  factors,
}: VehicleAmounts): VehicleSheet {
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
    vehicleId: vehicle.vehicleId,
    spans: vehicle.spans,
    factors,
    charged: outcomes.map((o) => o.charged),
    habits,
    cappedDays: outcomes.flatMap((o) => o.cappedDays),
    estimates: estimates.flatMap((estimate) => {
      const from = Math.max(estimate.from, vehicle.from);
      const to = Math.min(estimate.to, vehicle.to);
      return from < to ? [{ ...estimate, from, to }] : [];
    }),
    estimatedM,
    uncoveredM: drivenM - coveredM,
  };
}

function sheetOfYear(tariff: Tariff, amounts: YearAmounts): YearSheet {
  const { year, period, before, after, total } = amounts;
  const lines: NumericLine[] = [];
  for (const vehicle of amounts.vehicles) writeLines(tariff, vehicle, lines);
  tariff.adjustments.forEach(({ id }, i) => {
    const scaled = toLogScale(amounts.steps[i] ?? zero);
    lines.push({ id, kind: 'ADJUSTMENT', quantity: 0, scaled, minor: 0n });
  });
  const minors = apportion(
    lines.map((line) => line.scaled),
    total,
    tariff.document.rounding.places,
  );
  lines.forEach((line, i) => {
    line.minor = minors[i] ?? 0n;
  });
  return {
    year,
    period,
    before,
    after,
    total,
    lines,
    vehicles: amounts.vehicles.map(sheetOfVehicle),
  };
}

/** The premium in numbers, one sheet for each policy year the period touches, so that bills add to the cent. */
export function computeSheets(
  tariff: Tariff,
  input: CheckedInput,
): readonly YearSheet[] | { readonly problems: readonly Fault[] } {
  const years = amountsOf(tariff, input);
  return 'problems' in years ? years : years.map((amounts) => sheetOfYear(tariff, amounts));
}

/** What the exact sum of the period is, before the one rounding. */
export function exactTotal(sheet: YearSheet): Fraction {
  return sheet.before === undefined ? sheet.after : subtract(sheet.after, sheet.before);
}

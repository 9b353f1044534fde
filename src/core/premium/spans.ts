import { dateText } from './calendar.ts';
import type { DatedFacts, Days } from './check.ts';
import { add, compare, multiply, ratio, zero } from './fraction.ts';
import type { Factor, Relativity, Span } from './kind.ts';
import { lnScaled } from './logarithm.ts';
import { shown, type Problem } from './problem.ts';

/** A rating factor as it stands in one span. */
export interface SpanFactor {
  readonly value: string;
  readonly relativity: Relativity;
}

/** Cuts the days [start, to) of a cover where the period begins and where any fact changes. */
export function spansOf(cover: Days, from: number, facts: readonly DatedFacts[]): Span[] {
  const cuts = new Set([cover.from, cover.to]);
  for (const cut of [from, ...facts.flatMap((f) => [f.from, f.to])])
    if (cut > cover.from && cut < cover.to) cuts.add(cut);
  const ordered = [...cuts].sort((a, b) => a - b);
  const spans: Span[] = [];
  for (let i = 0; i + 1 < ordered.length; i++) {
    const start = ordered[i] ?? 0;
    spans.push({ from: start, to: ordered[i + 1] ?? 0, inPeriod: start >= from });
  }
  return spans;
}

type Values = Map<string, string | number>;

function gather(into: Values, facts: readonly DatedFacts[], problems: Problem[]): void {
  const seen = new Set<string>();
  for (const { range, path } of facts)
    for (const [name, value] of Object.entries(range.values)) {
      if (seen.has(name))
        problems.push({
          code: 'OVERLAPPING_FACTS',
          path,
          message: `${shown(name)} is given twice for the same days`,
        });
      seen.add(name);
      into.set(name, value);
    }
}

interface Subjects {
  readonly vehicle: Values;
  readonly drivers: readonly (readonly [string, Values])[];
}

function subjectsOf(
  vehicleId: string,
  facts: readonly DatedFacts[],
  problems: Problem[],
): Subjects {
  const policy = facts.filter(
    ({ range }) => range.vehicleId === undefined && range.driverId === undefined,
  );
  const own = facts.filter(
    ({ range }) => range.vehicleId === vehicleId && range.driverId === undefined,
  );
  const vehicle: Values = new Map();
  gather(vehicle, policy, problems);
  gather(vehicle, own, problems);
  const drivers = new Map<string, DatedFacts[]>();
  for (const fact of facts) {
    const { driverId, vehicleId: only } = fact.range;
    if (driverId === undefined || (only !== undefined && only !== vehicleId)) continue;
    drivers.set(driverId, [...(drivers.get(driverId) ?? []), fact]);
  }
  return {
    vehicle,
    drivers: [...drivers]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([driverId, rows]) => {
        const values: Values = new Map();
        gather(values, rows, problems);
        return [driverId, values];
      }),
  };
}

function combine(factor: Factor, found: readonly Relativity[]): Relativity {
  const [first] = found;
  if (first === undefined) throw new Error('a factor over drivers was asked without a driver');
  if (factor.combine === 'HIGHEST')
    return found.reduce((top, r) => (compare(r.factor, top.factor) > 0 ? r : top), first);
  if (found.every((r) => compare(r.factor, first.factor) === 0)) return first;
  const sum = found.reduce((total, r) => add(total, r.factor), zero);
  const mean = multiply(sum, ratio(1, found.length));
  return {
    text: `mean of ${found.map((r) => r.text).join(', ')}`,
    factor: mean,
    lnScaled: lnScaled(mean),
  };
}

/** The relativity of every factor for one vehicle in one span; what is missing is a problem. */
export function factorsOf(
  vehicleId: string,
  span: Span,
  facts: readonly DatedFacts[],
  factors: readonly Factor[],
  problems: Problem[],
): SpanFactor[] {
  const inForce = facts.filter((f) => f.from <= span.from && f.to >= span.to);
  const { vehicle, drivers } = subjectsOf(vehicleId, inForce, problems);
  const miss = (factor: Factor, who: string, value: string | number | undefined): void => {
    const when = `from ${dateText(span.from)} to ${dateText(span.to)}`;
    problems.push({
      code: value === undefined ? 'MISSING_FACT' : 'UNRATED_VALUE',
      path: '/policy/facts',
      message:
        value === undefined
          ? `${who} has no ${shown(factor.fact)} ${when}; the tariff's factor "${factor.id}" needs ${factor.expected}`
          : `${shown(value)} is no ${shown(factor.fact)} the tariff knows (${who}, ${when}); expected ${factor.expected}`,
    });
  };
  const rated: SpanFactor[] = [];
  for (const factor of factors) {
    const subjects: readonly (readonly [string, Values])[] =
      factor.subject === 'DRIVERS' ? drivers : [[`vehicle ${shown(vehicleId)}`, vehicle]];
    if (subjects.length === 0) miss(factor, 'the policy (it names no driver)', undefined);
    const found: Relativity[] = [];
    const values: string[] = [];
    for (const [who, known] of subjects) {
      const value = known.get(factor.fact);
      const relativity = value === undefined ? undefined : factor.find(value);
      if (relativity === undefined) miss(factor, who, value);
      else {
        found.push(relativity);
        values.push(String(value));
      }
    }
    if (found.length > 0)
      rated.push({ value: values.join(', '), relativity: combine(factor, found) });
  }
  return rated;
}

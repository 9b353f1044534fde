import { formatDay } from '../../civil.ts';
import type { DatedFacts } from './check.ts';
import { add, compare, multiply, ratio, zero } from '../exact/fraction.ts';
import type { Days, Factor, Relativity, Span } from '../kinds/kind.ts';
import { lnScaled } from '../exact/logarithm.ts';
import { shown, type Fault } from '../exact/fault.ts';

/** A rating factor's value in one span. */
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

/** The vehicle, or a named driver, whose facts a factor looks up. */
interface Subject {
  readonly name: string;
  /** Rows in force, those that go first first. */
  readonly levels: readonly (readonly DatedFacts[])[];
}

function valueOf(subject: Subject, fact: string, problems: Fault[]): string | number | undefined {
  for (const rows of subject.levels) {
    let found: string | number | undefined;
    for (const { range, path } of rows) {
      if (!Object.hasOwn(range.values, fact)) continue;
      if (found !== undefined)
        problems.push({
          code: 'OVERLAPPING_FACTS',
          path,
          message: `${shown(fact)} is given twice for the same days`,
        });
      found = range.values[fact];
    }
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Subjects {
  readonly vehicle: readonly Subject[];
  readonly drivers: readonly Subject[];
}

function subjectsOf(vehicleId: string, facts: readonly DatedFacts[]): Subjects {
  const policy: DatedFacts[] = [];
  const own: DatedFacts[] = [];
  const drivers = new Map<string, DatedFacts[]>();
  for (const fact of facts) {
    const { driverId, vehicleId: only } = fact.range;
    if (only !== undefined && only !== vehicleId) continue;
    if (driverId !== undefined) {
      const rows = drivers.get(driverId);
      if (rows === undefined) drivers.set(driverId, [fact]);
      else rows.push(fact);
    } else (only === undefined ? policy : own).push(fact);
  }
  return {
    vehicle: [{ name: `vehicle ${vehicleId}`, levels: [own, policy] }],
    drivers: [...drivers]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([driverId, rows]) => ({ name: `driver ${driverId}`, levels: [rows] })),
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
  problems: Fault[],
): SpanFactor[] {
  const inForce = facts.filter((f) => f.from <= span.from && f.to >= span.to);
  const { vehicle, drivers } = subjectsOf(vehicleId, inForce);
  const miss = (factor: Factor, who: string, value: string | number | undefined): void => {
    const when = `from ${formatDay(span.from)} to ${formatDay(span.to)}`;
    problems.push({
      code: value === undefined ? 'MISSING_FACT' : 'UNRATED_VALUE',
      path: '/policy/facts',
      message:
        value === undefined
          ? `${who} has no ${shown(factor.fact)} ${when}; the tariff's factor "${factor.id}" needs ${factor.expected}`
          : `${shown(value)} is not a ${shown(factor.fact)} the tariff knows (${who}, ${when}); expected ${factor.expected}`,
    });
  };
  const rated: SpanFactor[] = [];
  for (const factor of factors) {
    const subjects = factor.subject === 'DRIVERS' ? drivers : vehicle;
    if (subjects.length === 0) miss(factor, 'the policy (it names no driver)', undefined);
    const found: Relativity[] = [];
    const values: string[] = [];
    for (const subject of subjects) {
      const value = valueOf(subject, factor.fact, problems);
      const relativity = value === undefined ? undefined : factor.find(value);
      if (relativity === undefined) miss(factor, subject.name, value);
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

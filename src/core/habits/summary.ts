import type { DayPart, DrivingEventKind } from '../changes.ts';
import type { FlaggingMetric } from './metric.ts';
import { poissonInterval, type Interval } from './poisson.ts';
import { flaggingMetrics } from './registry.ts';

/** Sums over any number of day parts, all exact. */
export interface HabitSums {
  readonly distanceM: number;
  readonly durationMs: number;
  readonly movingMs: number;
  readonly idleMs: number;
  readonly nightM: number;
  readonly measures: Readonly<Record<string, number>>;
}

/** Shares and rates of the sums. Shares are from 0 to 1; absent if the whole is 0. */
export interface HabitSummary {
  readonly nightShare?: number;
  readonly idleShare?: number;
  /** Share of the driving time spent in stops too short to be idling. */
  readonly stopShare?: number;
  /** Share of the driving time in motion below 15 km/h. */
  readonly crawlShare?: number;
  /** Share of the time with a known limit, sent or a cap, that was spent above it. */
  readonly speedingShare?: number;
  readonly above130KmhShare?: number;
  readonly rates: readonly HabitRate[];
}

export interface HabitRate {
  readonly kind: DrivingEventKind;
  readonly count: number;
  readonly per100Km?: number;
  /** 95 % exact Poisson interval. */
  readonly low?: number;
  readonly high?: number;
  /** Weight of the driver's own record against the prior, 0 to 1. */
  readonly credibility: number;
  /** Share of the driving time in which such events could be measured; absent without driving. */
  readonly measurableShare?: number;
}

/**
 * Gamma prior of a rate: shape 2 events, 500 km. After n events in d km the rate is
 * (2 + n) / (500 + d) per kilometre, and the driver's own record has the weight d / (d + 500).
 */
export const prior = { events: 2, km: 500 } as const;

const confidence = 0.95;

/** There is no score below 100 km. */
export const leastScoredM = 100_000;

/** Adds up day parts, for example those of all trips of a window. */
export function addParts(parts: Iterable<Omit<DayPart, 'localDate'>>): HabitSums {
  const sums = { distanceM: 0, durationMs: 0, movingMs: 0, idleMs: 0, nightM: 0 };
  const measures: Record<string, number> = {};
  for (const part of parts) {
    sums.distanceM += part.distanceM;
    sums.durationMs += part.durationMs;
    sums.movingMs += part.movingMs;
    sums.idleMs += part.idleMs;
    sums.nightM += part.nightM;
    for (const [name, value] of Object.entries(part.measures)) {
      measures[name] = (measures[name] ?? 0) + value;
    }
  }
  return { ...sums, measures };
}

/** Shares and rates of the sums, a rate for each kind of driving event. */
export function summarise(sums: HabitSums): HabitSummary {
  const nightShare = share(sums.nightM, sums.distanceM);
  const idleShare = share(sums.idleMs, sums.durationMs);
  const stopShare = share(measure(sums, 'standing.ms') - sums.idleMs, sums.durationMs);
  const crawlShare = share(measure(sums, 'crawling.ms'), sums.durationMs);
  const speedingShare = share(...speedingOf(sums));
  const above130KmhShare = share(measure(sums, 'above130Kmh.ms'), sums.durationMs);
  const kinds = [...new Set(flaggingMetrics.map(({ kind }) => kind))].sort();
  return {
    ...(nightShare === undefined ? {} : { nightShare }),
    ...(idleShare === undefined ? {} : { idleShare }),
    ...(stopShare === undefined ? {} : { stopShare }),
    ...(crawlShare === undefined ? {} : { crawlShare }),
    ...(speedingShare === undefined ? {} : { speedingShare }),
    ...(above130KmhShare === undefined ? {} : { above130KmhShare }),
    rates: kinds.map((kind) => {
      const rate = rateOf(kind, countOf(sums, kind), sums.distanceM);
      const measurableShare = share(measurableMs(sums, kind), sums.durationMs);
      return measurableShare === undefined ? rate : { ...rate, measurableShare };
    }),
  };
}

/**
 * Number of flags of a kind. GPS and accelerometer often both detect the same braking, so only the
 * source with the most flags counts; sources are never added.
 */
export function countOf(sums: HabitSums, kind: DrivingEventKind): number {
  return bestSource(kind, (metric) => measure(sums, metric.measure));
}

/** Time in which flags of a kind could be raised, by the source with the most such time. */
function measurableMs(sums: HabitSums, kind: DrivingEventKind): number {
  return bestSource(kind, (metric) => measure(sums, metric.measurable));
}

/** Time above a limit, and time with a known limit: one that was sent, or the cap of the rules. */
export function speedingOf(sums: HabitSums): readonly [aboveMs: number, knownMs: number] {
  return [
    measure(sums, 'speeding.ms') + measure(sums, 'speedingCap.ms'),
    measure(sums, 'limitKnown.ms') + measure(sums, 'speedingCap.measurable.ms'),
  ];
}

/** The metrics of each kind by source, computed once: a portfolio needs them millions of times. */
const sourcesOf = groupBySource();

function groupBySource(): ReadonlyMap<DrivingEventKind, readonly (readonly FlaggingMetric[])[]> {
  const byKind = new Map<DrivingEventKind, Map<string, FlaggingMetric[]>>();
  for (const metric of flaggingMetrics) {
    const bySource = byKind.get(metric.kind) ?? new Map<string, FlaggingMetric[]>();
    byKind.set(metric.kind, bySource);
    bySource.set(metric.source, [...(bySource.get(metric.source) ?? []), metric]);
  }
  return new Map([...byKind].map(([kind, bySource]) => [kind, [...bySource.values()]]));
}

/** The largest sum of a source; metrics of one source, such as those of two limits, are added. */
function bestSource(kind: DrivingEventKind, of: (metric: FlaggingMetric) => number): number {
  let most = 0;
  for (const metrics of sourcesOf.get(kind) ?? []) {
    let sum = 0;
    for (const metric of metrics) sum += of(metric);
    most = Math.max(most, sum);
  }
  return most;
}

/**
 * The measures that a tariff may price, by name, from the sums of any days: flags by `countOf`,
 * durations in milliseconds, distances in metres.
 */
export function rateableMeasures(sums: HabitSums): Readonly<Record<string, number>> {
  return {
    harshBraking: countOf(sums, 'HARSH_BRAKING'),
    harshAcceleration: countOf(sums, 'HARSH_ACCELERATION'),
    harshCornering: countOf(sums, 'HARSH_CORNERING'),
    speeding: countOf(sums, 'SPEEDING'),
    phoneUse: countOf(sums, 'PHONE_USE'),
    speedingMs: speedingOf(sums)[0],
    phoneUseMs: measure(sums, 'phone.ms'),
    above130KmhMs: measure(sums, 'above130Kmh.ms'),
    idleMs: sums.idleMs,
    nightM: sums.nightM,
  };
}

/** Cached intervals of common counts: finding one takes about fifty sums. */
const intervals: Interval[] = [];
const COUNTS_KEPT = 1_000;

function intervalOf(count: number): Interval {
  if (count >= COUNTS_KEPT) return poissonInterval(count, confidence);
  return (intervals[count] ??= poissonInterval(count, confidence));
}

/** A rate with its interval and its credibility. */
export function rateOf(kind: DrivingEventKind, count: number, distanceM: number): HabitRate {
  const credibility = credibilityOf(distanceM);
  if (distanceM <= 0) return { kind, count, credibility };
  const hundreds = distanceM / 100_000;
  const { low, high } = intervalOf(count);
  return {
    kind,
    count,
    per100Km: count / hundreds,
    low: low / hundreds,
    high: high / hundreds,
    credibility,
  };
}

/** Weight of the driver's own record against the prior, km / (km + 500). */
export function credibilityOf(distanceM: number): number {
  const km = Math.max(0, distanceM) / 1000;
  return km / (km + prior.km);
}

/** Expected events per kilometre given the record, (2 + n) / (500 + km). */
export function expectedPerKm(count: number, distanceM: number): number {
  return (prior.events + count) / (prior.km + distanceM / 1000);
}

export function measure(sums: HabitSums, name: string): number {
  return sums.measures[name] ?? 0;
}

function share(part: number, whole: number): number | undefined {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : undefined;
}

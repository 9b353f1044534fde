import type { Change, DrivingEventFacts, Severity } from '../changes.ts';
import type { EventKey } from '../event.ts';
import { formatDay } from '../civil.ts';
import { absent, never, type Reading } from '../reading.ts';
import type { OpenTrip } from '../state.ts';
import { slot, sumsOf, type Totals } from '../trips/totals.ts';
import {
  type EpisodeMetric,
  type FlaggingMetric,
  type FlagMemory,
  longestStepMs,
  type PeakMetric,
} from './metric.ts';
import { flaggingMetrics, timeMetrics } from './registry.ts';

/** Candidates of a kind less than this apart are one flag, at its peak. */
const mergeMs = 15_000;

const countSlot = slot.measures + timeMetrics.length;

export function noFlag(): FlagMemory {
  return {
    firstAtMs: never,
    lastAtMs: never,
    peakAtMs: never,
    peak: 0,
    allowed: 0,
    speedBeforeCkmh: absent,
    speedAfterCkmh: absent,
    latE7: absent,
    lonE7: absent,
    day: 0,
  };
}

function clear(flag: FlagMemory): void {
  Object.assign(flag, noFlag());
}

/**
 * Lets every flagging metric see the reading `after`, which decides what happened at `trip.at`.
 * `dayOf` tells the local date of a reading of the trip. Flags that are complete go to `changes`.
 */
export function watch(
  trip: OpenTrip,
  after: Reading,
  decidedBy: EventKey,
  dayOf: (atMs: number) => number,
  changes: Change[],
): void {
  for (let i = 0; i < flaggingMetrics.length; i++) {
    const metric = flaggingMetrics[i] as FlaggingMetric;
    const flag = trip.flags[i] as FlagMemory;
    if (metric.shape === 'peak') watchPeak(metric, i, flag, trip, after, decidedBy, dayOf, changes);
    else watchEpisode(metric, i, flag, trip, after, decidedBy, dayOf, changes);
  }
}

function watchPeak(
  metric: PeakMetric,
  index: number,
  flag: FlagMemory,
  trip: OpenTrip,
  after: Reading,
  decidedBy: EventKey,
  dayOf: (atMs: number) => number,
  changes: Change[],
): void {
  const { before, at } = trip;
  const peak = before.atMs === never ? 0 : metric.peak(before, at, after);
  const isCandidate = peak >= metric.thresholds[0];
  if (flag.firstAtMs !== never) {
    const nextAtMs = isCandidate ? at.atMs : after.atMs;
    if (nextAtMs - flag.lastAtMs >= mergeMs) finish(trip, index, decidedBy, changes);
  }
  if (!isCandidate) return;
  if (flag.firstAtMs === never) flag.firstAtMs = at.atMs;
  flag.lastAtMs = at.atMs;
  if (peak <= flag.peak) return;
  flag.peak = peak;
  flag.allowed = metric.thresholds[0];
  flag.day = dayOf(at.atMs);
  notePeak(flag, at);
  flag.speedBeforeCkmh = before.speedCkmh;
  flag.speedAfterCkmh = after.speedCkmh;
}

function watchEpisode(
  metric: EpisodeMetric,
  index: number,
  flag: FlagMemory,
  trip: OpenTrip,
  after: Reading,
  decidedBy: EventKey,
  dayOf: (atMs: number) => number,
  changes: Change[],
): void {
  const excess = metric.excess(after);
  const isOver = excess <= 0 || after.atMs - flag.lastAtMs > longestStepMs;
  if (isOver && flag.firstAtMs !== never) finish(trip, index, decidedBy, changes);
  if (excess <= 0) return;
  if (flag.firstAtMs === never) {
    flag.firstAtMs = after.atMs;
    flag.day = dayOf(after.atMs);
    flag.speedBeforeCkmh = trip.at.speedCkmh;
  }
  flag.lastAtMs = after.atMs;
  flag.speedAfterCkmh = after.speedCkmh;
  if (excess <= flag.peak) return;
  flag.peak = excess;
  flag.allowed = metric.allowed(after);
  notePeak(flag, after);
}

function notePeak(flag: FlagMemory, at: Reading): void {
  flag.peakAtMs = at.atMs;
  flag.latE7 = at.latE7;
  flag.lonE7 = at.lonE7;
}

/** Completes what is under way when the trip ends. */
export function finishAll(trip: OpenTrip, decidedBy: EventKey, changes: Change[]): void {
  for (let i = 0; i < flaggingMetrics.length; i++) {
    if ((trip.flags[i] as FlagMemory).firstAtMs !== never) finish(trip, i, decidedBy, changes);
  }
}

/** Counts what is under way as it would count if the trip ended now. */
export function countPending(trip: OpenTrip, totals: Totals): void {
  flaggingMetrics.forEach((metric, index) => {
    const flag = trip.flags[index] as FlagMemory;
    if (flag.firstAtMs !== never && isFlag(metric, flag)) addOne(totals, index, flag.day);
  });
}

function isFlag(metric: FlaggingMetric, flag: FlagMemory): boolean {
  return metric.shape === 'peak' || flag.lastAtMs - flag.firstAtMs >= metric.leastMs(flag.peak);
}

function addOne(totals: Totals, index: number, day: number): void {
  const sums = sumsOf(totals, day);
  sums[countSlot + index] = (sums[countSlot + index] as number) + 1;
}

function finish(trip: OpenTrip, index: number, decidedBy: EventKey, changes: Change[]): void {
  const metric = flaggingMetrics[index] as FlaggingMetric;
  const flag = trip.flags[index] as FlagMemory;
  if (isFlag(metric, flag)) {
    addOne(trip.totals, index, flag.day);
    // A flag lies before the rest that may end the trip, so it stands whichever totals do; the mark
    // is taken anew whenever a rest begins.
    addOne(trip.mark, index, flag.day);
    changes.push({ type: 'drivingEvent', event: describe(trip, metric, flag, decidedBy) });
  }
  clear(flag);
}

function describe(
  trip: OpenTrip,
  metric: FlaggingMetric,
  flag: FlagMemory,
  decidedBy: EventKey,
): DrivingEventFacts {
  const isPeak = metric.shape === 'peak';
  return {
    kind: metric.kind,
    source: metric.source,
    severity: isPeak ? severityOf(metric.thresholds, flag.peak) : metric.severity(flag.peak),
    // What lasts is told by its beginning, what is momentary by its peak.
    atMs: isPeak ? flag.peakAtMs : flag.firstAtMs,
    endedAtMs: flag.lastAtMs,
    tripStartedAtMs: trip.startedAtMs,
    decidedBy: { atMs: decidedBy.atMs, digest: decidedBy.digest },
    ...(flag.latE7 === absent ? {} : { position: { latE7: flag.latE7, lonE7: flag.lonE7 } }),
    ...(flag.speedBeforeCkmh === absent ? {} : { speedBeforeCkmh: flag.speedBeforeCkmh }),
    ...(flag.speedAfterCkmh === absent ? {} : { speedAfterCkmh: flag.speedAfterCkmh }),
    ...(isPeak ? { peakMmps2: flag.peak } : {}),
    threshold: flag.allowed,
    localDate: formatDay(flag.day),
    rulesVersion: trip.rulesVersion,
  };
}

function severityOf(thresholds: readonly [number, number, number], peak: number): Severity {
  if (peak >= thresholds[2]) return 'HIGH';
  return peak >= thresholds[1] ? 'MEDIUM' : 'LOW';
}

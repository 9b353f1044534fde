import type { Change, DrivingEventFacts } from '../changes.ts';
import type { EventKey } from '../event.ts';
import { formatDay } from '../civil.ts';
import { absent, never, type Reading } from '../reading.ts';
import type { OpenTrip } from '../state.ts';
import { slot, sumsOf, type Totals } from '../trips/totals.ts';
import {
  type EpisodeRule,
  type FlaggingMetric,
  type FlagMemory,
  longestStepMs,
  type PeakRule,
  severityAt,
  stepOf,
} from './metric.ts';
import {
  flaggingMetrics,
  type FlagRule,
  type Habits,
  timeMetrics,
  wayMetrics,
} from './registry.ts';

const countSlot = slot.measures + timeMetrics.length + wayMetrics.length;

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

/** The trip that is checked for flags, and the list that complete flags are added to. */
export interface FlagWatch {
  readonly trip: OpenTrip;
  readonly habits: Habits;
  /** The event being processed. */
  readonly decidedBy: EventKey;
  /** Local date of a reading of the trip. */
  readonly dayOf: (atMs: number) => number;
  readonly changes: Change[];
}

/**
 * Passes the reading `after` to every flagging metric; it decides what happened at `trip.at`. Adds
 * complete flags to the changes.
 */
export function watch(after: Reading, watched: FlagWatch): void {
  const { flags } = watched.habits;
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] as FlagRule;
    if (flag.shape === 'peak') watchPeak(flag.rule, i, after, watched);
    else if (flag.shape === 'episode') watchEpisode(flag.rule, i, after, watched);
  }
}

function watchPeak(rule: PeakRule, index: number, after: Reading, watched: FlagWatch): void {
  const { trip, dayOf } = watched;
  const { before, at } = trip;
  const flag = trip.flags[index] as FlagMemory;
  const peak = before.atMs === never ? 0 : rule.peak(before, at, after);
  const isCandidate = peak >= rule.thresholds[0];
  if (flag.firstAtMs !== never) {
    const nextAtMs = isCandidate ? at.atMs : after.atMs;
    if (nextAtMs - flag.lastAtMs >= rule.mergeMs) finish(index, watched);
  }
  if (!isCandidate) return;
  if (flag.firstAtMs === never) flag.firstAtMs = at.atMs;
  flag.lastAtMs = at.atMs;
  if (peak <= flag.peak) return;
  flag.peak = peak;
  flag.day = dayOf(at.atMs);
  notePeak(flag, at);
  flag.speedBeforeCkmh = before.speedCkmh;
  flag.speedAfterCkmh = after.speedCkmh;
}

function watchEpisode(rule: EpisodeRule, index: number, after: Reading, watched: FlagWatch): void {
  const { trip, dayOf } = watched;
  const flag = trip.flags[index] as FlagMemory;
  const excess = rule.excess(after);
  const isOver = excess <= 0 || after.atMs - flag.lastAtMs > longestStepMs;
  if (isOver && flag.firstAtMs !== never) finish(index, watched);
  if (excess <= 0) return;
  const isFirst = flag.firstAtMs === never;
  if (isFirst) {
    flag.firstAtMs = after.atMs;
    flag.day = dayOf(after.atMs);
    flag.speedBeforeCkmh = trip.at.speedCkmh;
  }
  flag.lastAtMs = after.atMs;
  flag.speedAfterCkmh = after.speedCkmh;
  const lesser =
    rule.byPairs === true && !isFirst && rule.excess(trip.at) < excess ? trip.at : after;
  const peak = rule.byPairs === true && isFirst ? 0 : rule.excess(lesser);
  if (peak <= flag.peak && !isFirst) return;
  flag.peak = peak;
  flag.allowed = rule.allowed(lesser);
  notePeak(flag, lesser);
}

function notePeak(flag: FlagMemory, at: Reading): void {
  flag.peakAtMs = at.atMs;
  flag.latE7 = at.latE7;
  flag.lonE7 = at.lonE7;
}

/** Completes the unfinished flags when the trip ends. */
export function finishAll(watched: Omit<FlagWatch, 'dayOf'>): void {
  watched.trip.flags.forEach((flag, index) => {
    if (flag.firstAtMs !== never) finish(index, watched);
  });
}

/** Counts the unfinished flags as if the trip ended now. */
export function countPending(trip: OpenTrip, habits: Habits, totals: Totals): void {
  trip.flags.forEach((flag, index) => {
    if (flag.firstAtMs !== never && isFlag(habits.flags[index] as FlagRule, flag)) {
      addOne(totals, index, flag.day);
    }
  });
}

function isFlag(how: FlagRule, flag: FlagMemory): boolean {
  if (how.shape !== 'episode') return how.shape === 'peak';
  const { thresholds, leastMs } = how.rule;
  return flag.lastAtMs - flag.firstAtMs >= leastMs[stepOf(thresholds, flag.peak)];
}

function addOne(totals: Totals, index: number, day: number): void {
  const sums = sumsOf(totals, day);
  sums[countSlot + index] = (sums[countSlot + index] as number) + 1;
}

function finish(index: number, watched: Omit<FlagWatch, 'dayOf'>): void {
  const { trip, habits, changes } = watched;
  const flag = trip.flags[index] as FlagMemory;
  const how = habits.flags[index] as FlagRule;
  if (isFlag(how, flag)) {
    addOne(trip.totals, index, flag.day);
    // A flag is earlier than the rest that may end the trip, so it counts in every set of totals;
    // the mark is replaced whenever a rest begins.
    addOne(trip.mark, index, flag.day);
    if (trip.offAtMs !== never) addOne(trip.atOff, index, flag.day);
    const metric = flaggingMetrics[index] as FlaggingMetric;
    changes.push({ type: 'drivingEvent', event: describe(metric, how, flag, watched) });
  }
  Object.assign(flag, noFlag());
}

function describe(
  { kind, source }: FlaggingMetric,
  how: FlagRule,
  flag: FlagMemory,
  { trip, decidedBy }: Omit<FlagWatch, 'dayOf'>,
): DrivingEventFacts {
  return {
    kind,
    source,
    ...judge(how, flag),
    endedAtMs: flag.lastAtMs,
    durationMs: flag.lastAtMs - flag.firstAtMs,
    tripStartedAtMs: trip.startedAtMs,
    decidedBy: { atMs: decidedBy.atMs, digest: decidedBy.digest },
    ...(flag.latE7 === absent ? {} : { position: { latE7: flag.latE7, lonE7: flag.lonE7 } }),
    ...(flag.speedBeforeCkmh === absent ? {} : { speedBeforeCkmh: flag.speedBeforeCkmh }),
    ...(flag.speedAfterCkmh === absent ? {} : { speedAfterCkmh: flag.speedAfterCkmh }),
    localDate: formatDay(flag.day),
    rulesVersion: trip.rulesVersion,
  };
}

/** The severity with its figures, and the instant that identifies the flag. */
function judge(how: FlagRule, flag: FlagMemory) {
  // The flag began under the rules of its trip, so these rules have the metric.
  if (how.shape === 'none') throw new Error('a flag is under way that the rules do not have');
  const { thresholds } = how.rule;
  const step = stepOf(thresholds, flag.peak);
  const severity = severityAt(step);
  if (how.shape === 'peak') {
    return {
      severity,
      // A momentary flag is identified by its peak, …
      atMs: flag.peakAtMs,
      peakMmps2: flag.peak,
      threshold: thresholds[0],
      severityThreshold: thresholds[step],
    };
  }
  return {
    severity,
    // … a lasting one by its beginning.
    atMs: flag.firstAtMs,
    peakCkmh: flag.allowed + flag.peak,
    threshold: flag.allowed + thresholds[0],
    severityThreshold: flag.allowed + thresholds[step],
    leastMs: how.rule.leastMs[step],
  };
}

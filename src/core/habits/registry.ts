import { countsHours } from './by-hour.ts';
import { crawling } from './crawling.ts';
import { harshCorneringAccelerometer, harshCorneringGps } from './cornering.ts';
import { harshAccelerationAccelerometer, harshAccelerationGps } from './harsh-acceleration.ts';
import { harshBrakingAccelerometer, harshBrakingGps } from './harsh-braking.ts';
import type { Rules } from '../rules.ts';
import type {
  EpisodeRule,
  FlaggingMetric,
  Metric,
  PeakRule,
  TimeMetric,
  TimeRule,
  WayMetric,
} from './metric.ts';
import {
  accelerationFeltTime,
  accelerationGpsTime,
  corneringFeltTime,
  corneringGpsTime,
  phoneKnownTime,
} from './measurable.ts';
import { night } from './night.ts';
import { phoneFlags, phoneTime } from './phone.ts';
import { capWatchedTime, overCapFlags, overCapTime } from './speed-cap.ts';
import { limitKnownTime, speedingFlags, speedingTime } from './speeding.ts';
import { standing } from './standing.ts';
import { aggressiveTurning, braking, hardBraking, turning } from './strong-manoeuvres.ts';
import { veryFastTime, veryFastWay } from './very-fast.ts';

/**
 * All that is measured besides distance and time. To add a metric, write one file beside these and
 * add one line here: its sums appear in every trip's day parts and roll-ups by name, without a
 * migration. States that were encoded with another list are folded again.
 */
const metrics: readonly Metric[] = [
  night,
  standing,
  crawling,
  veryFastTime,
  veryFastWay,
  speedingTime,
  limitKnownTime,
  speedingFlags,
  overCapTime,
  capWatchedTime,
  overCapFlags,
  phoneTime,
  phoneKnownTime,
  phoneFlags,
  harshBrakingGps,
  harshBrakingAccelerometer,
  harshAccelerationGps,
  harshAccelerationAccelerometer,
  harshCorneringGps,
  harshCorneringAccelerometer,
  accelerationGpsTime,
  accelerationFeltTime,
  corneringGpsTime,
  corneringFeltTime,
  braking,
  hardBraking,
  turning,
  aggressiveTurning,
];

export const timeMetrics: readonly TimeMetric[] = metrics.filter(
  (metric) => metric.shape === 'time',
);
export const wayMetrics: readonly WayMetric[] = metrics.filter((metric) => metric.shape === 'way');
export const flaggingMetrics: readonly FlaggingMetric[] = metrics.filter(
  (metric) => metric.shape === 'peak' || metric.shape === 'episode',
);

/** Names of the sums: times first, then distances, then counts of flags. */
export const measureNames: readonly string[] = [
  ...timeMetrics,
  ...wayMetrics,
  ...flaggingMetrics,
].map((metric) => metric.measure);

/** How each metric of the lists above measures under some rules, in their order. */
export interface Habits {
  readonly times: readonly (TimeRule | undefined)[];
  readonly ways: readonly (TimeRule | undefined)[];
  readonly flags: readonly FlagRule[];
  /** The distance is also kept by hour. */
  readonly hours: boolean;
}

/** A flagging metric by its shape; `none` if the rules do not have it. */
export type FlagRule =
  | { readonly shape: 'peak'; readonly rule: PeakRule }
  | { readonly shape: 'episode'; readonly rule: EpisodeRule }
  | { readonly shape: 'none' };

const byRules = new WeakMap<Rules, Habits>();

/** The metrics under these rules; the same object for the same rules. */
export function habitsUnder(rules: Rules): Habits {
  let habits = byRules.get(rules);
  if (habits === undefined) {
    habits = {
      times: timeMetrics.map((metric) => metric.under(rules)),
      ways: wayMetrics.map((metric) => metric.under(rules)),
      flags: flaggingMetrics.map((metric) => flagRule(metric, rules)),
      hours: countsHours(rules) ?? false,
    };
    byRules.set(rules, habits);
  }
  return habits;
}

function flagRule(metric: FlaggingMetric, rules: Rules): FlagRule {
  if (metric.shape === 'peak') {
    const rule = metric.under(rules);
    return rule === undefined ? { shape: 'none' } : { shape: 'peak', rule };
  }
  const rule = metric.under(rules);
  return rule === undefined ? { shape: 'none' } : { shape: 'episode', rule };
}

import { absent, type Reading } from '../reading.ts';
import { manoeuvringCkmh } from './acceleration.ts';
import {
  type EpisodeMetric,
  type EpisodeRule,
  follows,
  fromVersion,
  type TimeMetric,
} from './metric.ts';

/** How far the reading's speed is above the limit sent with it, 0.01 km/h; 0 if it is not. */
function excessCkmh(reading: Reading): number {
  if (reading.speedLimitCkmh === absent || reading.speedCkmh < manoeuvringCkmh) return 0;
  return Math.max(0, reading.speedCkmh - reading.speedLimitCkmh);
}

/** Time above the limit; a stretch is judged by its first reading. */
export const speedingTime: TimeMetric = {
  shape: 'time',
  measure: 'speeding.ms',
  under: fromVersion({ 1: (from, to) => excessCkmh(from) > 0 && follows(from, to) }),
};

/** Time for which a limit is known: the denominator of the speeding share. */
export const limitKnownTime: TimeMetric = {
  shape: 'time',
  measure: 'limitKnown.ms',
  under: fromVersion({ 1: (from, to) => from.speedLimitCkmh !== absent && follows(from, to) }),
};

const aboveLimit: EpisodeRule = {
  excess: excessCkmh,
  allowed: (reading) => reading.speedLimitCkmh,
  thresholds: [0, 900, 1_601],
  leastMs: [60_000, 60_000, 10_000],
};

/**
 * Speeding that lasts. Samsara: light below 9 km/h over the limit, moderate up to 16, for 60 s;
 * above that we flag 10 s or more.
 */
export const speedingFlags: EpisodeMetric = {
  shape: 'episode',
  kind: 'SPEEDING',
  source: 'GPS',
  measure: 'speeding.count',
  measurable: limitKnownTime.measure,
  under: fromVersion({ 1: aboveLimit, 3: { ...aboveLimit, byPairs: true } }),
};

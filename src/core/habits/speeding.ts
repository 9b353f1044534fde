import { absent, type Reading } from '../reading.ts';
import { type EpisodeMetric, follows, type TimeMetric } from './metric.ts';

const mediumFromCkmh = 900;
const highFromCkmh = 1_600;
/** Below 10 km/h a limit says nothing. */
const gateCkmh = 1_000;

/** How far the reading is above the limit that was sent with it, 0.01 km/h; 0 where it is not. */
function excessCkmh(reading: Reading): number {
  if (reading.speedLimitCkmh === absent || reading.speedCkmh < gateCkmh) return 0;
  return Math.max(0, reading.speedCkmh - reading.speedLimitCkmh);
}

/** Time above the limit; a stretch is judged by its first reading. */
export const speedingTime: TimeMetric = {
  shape: 'time',
  measure: 'speeding.ms',
  counts: (from, to) => excessCkmh(from) > 0 && follows(from, to),
};

/** Time for which a limit is known, so that a share can be told. */
export const limitKnownTime: TimeMetric = {
  shape: 'time',
  measure: 'limitKnown.ms',
  counts: (from, to) => from.speedLimitCkmh !== absent && follows(from, to),
};

/**
 * Speeding that lasts. Samsara: light below 9 km/h over the limit, moderate to 16, for 60 s; what is
 * above that we flag from 10 s on.
 */
export const speedingFlags: EpisodeMetric = {
  shape: 'episode',
  kind: 'SPEEDING',
  source: 'GPS',
  measure: 'speeding.count',
  excess: excessCkmh,
  allowed: (reading) => reading.speedLimitCkmh,
  severity: (peak) => (peak > highFromCkmh ? 'HIGH' : peak >= mediumFromCkmh ? 'MEDIUM' : 'LOW'),
  leastMs: (peak) => (peak > highFromCkmh ? 10_000 : 60_000),
};

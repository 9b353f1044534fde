import type { Reading } from '../reading.ts';
import { manoeuvringCkmh } from './acceleration.ts';
import { phoneKnownTime } from './measurable.ts';
import {
  type EpisodeMetric,
  type EpisodeRule,
  follows,
  fromVersion,
  type TimeMetric,
} from './metric.ts';

function isInUse(reading: Reading, fromCkmh: number): boolean {
  return reading.phoneInUse === 1 && reading.speedCkmh >= fromCkmh;
}

/** Time with the phone in use in a moving car; a stretch is judged by its first reading. */
export const phoneTime: TimeMetric = {
  shape: 'time',
  measure: 'phone.ms',
  under: fromVersion({ 1: (from, to) => isInUse(from, manoeuvringCkmh) && follows(from, to) }),
};

function inUse(
  fromCkmh: number,
  thresholds: EpisodeRule['thresholds'],
  leastMs: EpisodeRule['leastMs'],
): EpisodeRule {
  return {
    excess: (reading) => (isInUse(reading, fromCkmh) ? reading.speedCkmh : 0),
    allowed: () => 0,
    thresholds,
    leastMs,
  };
}

/**
 * Phone use of 5 s or more while driving: medium from 30, high from 80 km/h. The figures are our
 * own; the phone use itself is reported by the device.
 */
export const phoneFlags: EpisodeMetric = {
  shape: 'episode',
  kind: 'PHONE_USE',
  source: 'DEVICE',
  measure: 'phone.count',
  measurable: phoneKnownTime.measure,
  under: fromVersion({
    1: inUse(manoeuvringCkmh, [0, 3_000, 8_000], [5_000, 5_000, 5_000]),
    // The same flags; their record names the least speed at which they count.
    2: inUse(manoeuvringCkmh, [manoeuvringCkmh, 3_000, 8_000], [5_000, 5_000, 5_000]),
    3: {
      ...inUse(manoeuvringCkmh, [manoeuvringCkmh, 3_000, 8_000], [5_000, 5_000, 5_000]),
      byPairs: true,
    },
  }),
};

import { harshCorneringAccelerometer, harshCorneringGps } from './cornering.ts';
import { harshAccelerationAccelerometer, harshAccelerationGps } from './harsh-acceleration.ts';
import { harshBrakingAccelerometer, harshBrakingGps } from './harsh-braking.ts';
import type { FlaggingMetric, Metric, TimeMetric } from './metric.ts';
import { night } from './night.ts';
import { phoneFlags, phoneTime } from './phone.ts';
import { limitKnownTime, speedingFlags, speedingTime } from './speeding.ts';
import { standing } from './standing.ts';
import { veryFast } from './very-fast.ts';

/**
 * All that is measured besides distance and time. To add a metric, write one file beside these and
 * add one line here: its sums appear in every trip's day parts and roll-ups by name, without a
 * migration. States that were encoded with another list are folded anew.
 */
const metrics: readonly Metric[] = [
  night,
  standing,
  veryFast,
  speedingTime,
  limitKnownTime,
  speedingFlags,
  phoneTime,
  phoneFlags,
  harshBrakingGps,
  harshBrakingAccelerometer,
  harshAccelerationGps,
  harshAccelerationAccelerometer,
  harshCorneringGps,
  harshCorneringAccelerometer,
];

export const timeMetrics: readonly TimeMetric[] = metrics.filter(
  (metric) => metric.shape === 'time',
);
export const flaggingMetrics: readonly FlaggingMetric[] = metrics.filter(
  (metric) => metric.shape !== 'time',
);

/** Names of the sums: those of time first, those that count flags after them. */
export const measureNames: readonly string[] = [...timeMetrics, ...flaggingMetrics].map(
  (metric) => metric.measure,
);

import type { Reading } from '../reading.ts';
import type { PeakMetric } from './metric.ts';
import { accelerationMmps2, isMeasuredFast } from './acceleration.ts';

/** Acceleration in 1 Hz GPS speed: 2.0 and 2.5 m/s² as DriveQuant takes them, high from 0.30 g. */
export const harshAccelerationGps: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_ACCELERATION',
  source: 'GPS',
  measure: 'harshAccelerationGps.count',
  peak: (before, at, after) => Math.max(0, accelerationMmps2(before, at, after)),
  thresholds: [2_000, 2_500, 2_942],
};

/**
 * Acceleration felt by the accelerometer: 0.35, 0.45 and 0.60 g, the flags of the naturalistic
 * drives; a study of novices found 0.35 g to go with crashes (r 0.75).
 */
export const harshAccelerationAccelerometer: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_ACCELERATION',
  source: 'ACCELEROMETER',
  measure: 'harshAccelerationAccelerometer.count',
  peak: (_before: Reading, at: Reading) => (isMeasuredFast(at) ? at.accelForwardMmps2 : 0),
  thresholds: [3_432, 4_413, 5_884],
};

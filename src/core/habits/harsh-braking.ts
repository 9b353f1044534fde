import type { Reading } from '../reading.ts';
import type { PeakMetric } from './metric.ts';
import { accelerationMmps2, isMeasuredFast } from './acceleration.ts';

/**
 * Braking in 1 Hz GPS speed. 2.0 m/s² tells aggressive from normal drivers by seven times where
 * 0.30 g hardly does at all; DriveQuant takes 1.8 and 2.4 m/s². High is 0.30 g (Tesla Safety Score).
 */
export const harshBrakingGps: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_BRAKING',
  source: 'GPS',
  measure: 'harshBrakingGps.count',
  peak: (before, at, after) => Math.max(0, -accelerationMmps2(before, at, after)),
  thresholds: [2_000, 2_500, 2_942],
};

/**
 * Braking felt by the accelerometer: 0.35, 0.45 and 0.60 g, the low, medium and high flags of the
 * naturalistic drives; a study of novices found −0.45 g to go with crashes (r 0.76).
 */
export const harshBrakingAccelerometer: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_BRAKING',
  source: 'ACCELEROMETER',
  measure: 'harshBrakingAccelerometer.count',
  peak: (_before: Reading, at: Reading) => (isMeasuredFast(at) ? -at.accelForwardMmps2 : 0),
  thresholds: [3_432, 4_413, 5_884],
};

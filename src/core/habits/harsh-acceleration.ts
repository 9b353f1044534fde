import {
  accelerationMmps2,
  type Confirmation,
  feltForwardMmps2,
  type Gates,
  manoeuvringCkmh,
} from './acceleration.ts';
import { accelerationFeltTime, accelerationGpsTime } from './measurable.ts';
import { type BySeverity, fromVersion, type PeakMetric, type PeakRule } from './metric.ts';

function speedingUp(gates: Gates, thresholds: BySeverity, mergeMs: number): PeakRule {
  return {
    peak: (before, at, after) => Math.max(0, accelerationMmps2(before, at, after, gates)),
    thresholds,
    mergeMs,
  };
}

function feltSpeedingUp(
  fromCkmh: number,
  thresholds: BySeverity,
  mergeMs: number,
  confirmation?: Confirmation,
): PeakRule {
  return {
    peak: (before, at, after) =>
      Math.max(0, feltForwardMmps2(before, at, after, fromCkmh, confirmation)),
    thresholds,
    mergeMs,
  };
}

/** Acceleration by 1 Hz GPS speed: 2.0 and 2.5 m/s² as used by DriveQuant, high from 0.30 g. */
export const harshAccelerationGps: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_ACCELERATION',
  source: 'GPS',
  measure: 'harshAccelerationGps.count',
  measurable: accelerationGpsTime.measure,
  under: fromVersion({
    1: speedingUp({ fromCkmh: manoeuvringCkmh, farthestMs: 2_000 }, [2_000, 2_500, 2_942], 15_000),
    3: speedingUp(
      {
        fromCkmh: manoeuvringCkmh,
        farthestMs: 2_000,
        steadiness: { eachPercent: 20, mostMmps2: 8_000 },
      },
      [2_000, 2_500, 2_942],
      15_000,
    ),
  }),
};

/**
 * Acceleration by accelerometer: 0.35, 0.45 and 0.60 g, the flags of the naturalistic drives; a
 * study of novice drivers found that 0.35 g correlates with crashes (r 0.75).
 */
export const harshAccelerationAccelerometer: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_ACCELERATION',
  source: 'ACCELEROMETER',
  measure: 'harshAccelerationAccelerometer.count',
  measurable: accelerationFeltTime.measure,
  under: fromVersion({
    1: feltSpeedingUp(manoeuvringCkmh, [3_432, 4_413, 5_884], 15_000),
    // Three tenths of the lowest threshold, or of the speed change that it causes in a second.
    3: feltSpeedingUp(manoeuvringCkmh, [3_432, 4_413, 5_884], 15_000, {
      besideMs: 2_000,
      leastMmps2: 1_030,
      leastChange: 370,
    }),
  }),
};

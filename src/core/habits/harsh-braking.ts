import {
  accelerationMmps2,
  type Confirmation,
  feltForwardMmps2,
  type Gates,
  manoeuvringCkmh,
} from './acceleration.ts';
import { accelerationFeltTime, accelerationGpsTime } from './measurable.ts';
import { type BySeverity, fromVersion, type PeakMetric, type PeakRule } from './metric.ts';

function slowingDown(gates: Gates, thresholds: BySeverity, mergeMs: number): PeakRule {
  return {
    peak: (before, at, after) => Math.max(0, -accelerationMmps2(before, at, after, gates)),
    thresholds,
    mergeMs,
  };
}

function feltSlowingDown(
  fromCkmh: number,
  thresholds: BySeverity,
  mergeMs: number,
  confirmation?: Confirmation,
): PeakRule {
  return {
    peak: (before, at, after) =>
      Math.max(0, -feltForwardMmps2(before, at, after, fromCkmh, confirmation)),
    thresholds,
    mergeMs,
  };
}

/**
 * Braking by 1 Hz GPS speed. At 2.0 m/s² aggressive and normal drivers differ by a factor of seven,
 * at 0.30 g hardly at all; DriveQuant uses 1.8 and 2.4 m/s². High is 0.30 g (Tesla Safety Score).
 */
export const harshBrakingGps: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_BRAKING',
  source: 'GPS',
  measure: 'harshBrakingGps.count',
  measurable: accelerationGpsTime.measure,
  under: fromVersion({
    1: slowingDown({ fromCkmh: manoeuvringCkmh, farthestMs: 2_000 }, [2_000, 2_500, 2_942], 15_000),
    3: slowingDown(
      {
        fromCkmh: manoeuvringCkmh,
        farthestMs: 2_000,
        steadiness: { eachPercent: 20, mostMmps2: 12_000 },
      },
      [2_000, 2_500, 2_942],
      15_000,
    ),
  }),
};

/**
 * Braking by accelerometer: 0.35, 0.45 and 0.60 g, the low, medium and high flags of the
 * naturalistic drives; a study of novice drivers found that −0.45 g correlates with crashes
 * (r 0.76).
 */
export const harshBrakingAccelerometer: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_BRAKING',
  source: 'ACCELEROMETER',
  measure: 'harshBrakingAccelerometer.count',
  measurable: accelerationFeltTime.measure,
  under: fromVersion({
    1: feltSlowingDown(manoeuvringCkmh, [3_432, 4_413, 5_884], 15_000),
    // Three tenths of the lowest threshold, or of the speed change that it causes in a second.
    3: feltSlowingDown(manoeuvringCkmh, [3_432, 4_413, 5_884], 15_000, {
      besideMs: 2_000,
      leastMmps2: 1_030,
      leastChange: 370,
    }),
  }),
};

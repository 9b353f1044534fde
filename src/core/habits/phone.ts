import type { Reading } from '../reading.ts';
import { type EpisodeMetric, follows, type TimeMetric } from './metric.ts';

/** A phone in use in a car that moves slower than this is not counted. */
const gateCkmh = 1_000;

function isInUse(reading: Reading): boolean {
  return reading.phoneInUse === 1 && reading.speedCkmh >= gateCkmh;
}

/** Time with the phone in use while moving; a stretch is judged by its first reading. */
export const phoneTime: TimeMetric = {
  shape: 'time',
  measure: 'phone.ms',
  counts: (from, to) => isInUse(from) && follows(from, to),
};

/**
 * Phone use of 5 s and more at a speed: medium from 30, high from 80 km/h. The figures are our own;
 * that the phone was in use is the device's word.
 */
export const phoneFlags: EpisodeMetric = {
  shape: 'episode',
  kind: 'PHONE_USE',
  source: 'DEVICE',
  measure: 'phone.count',
  excess: (reading) => (isInUse(reading) ? reading.speedCkmh : 0),
  allowed: () => 0,
  severity: (peakCkmh) => (peakCkmh >= 8_000 ? 'HIGH' : peakCkmh >= 3_000 ? 'MEDIUM' : 'LOW'),
  leastMs: () => 5_000,
};

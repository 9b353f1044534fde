import { absent, type Reading } from '../reading.ts';
import type { PeakMetric } from './metric.ts';
import { areClose } from './acceleration.ts';

/** Below 30 km/h turning is manoeuvring (gate of Teltonika devices). */
const gateCkmh = 3_000;

/** Speed × heading rate over three readings, mm/s²; 0 where it is not measurable. */
function lateralMmps2(before: Reading, at: Reading, after: Reading): number {
  if (at.speedCkmh < gateCkmh || !areClose(before, at, after)) return 0;
  if (before.headingDdeg === absent || after.headingDdeg === absent) return 0;
  const turn = Math.abs(after.headingDdeg - before.headingDdeg) % 3_600;
  const ddeg = turn > 1_800 ? 3_600 - turn : turn;
  const radiansPerS = (ddeg * (Math.PI / 1_800) * 1000) / (after.atMs - before.atMs);
  return Math.round(((at.speedCkmh * 25) / 9) * radiansPerS);
}

/** Cornering in GPS speed and course: 2.0 and 2.3 m/s² as DriveQuant takes them, high from 0.40 g. */
export const harshCorneringGps: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_CORNERING',
  source: 'GPS',
  measure: 'harshCorneringGps.count',
  peak: lateralMmps2,
  thresholds: [2_000, 2_300, 3_923],
};

/** Lateral acceleration: 0.40 g (Tesla Safety Score), 0.50 g (study of novices, r 0.60), 0.60 g. */
export const harshCorneringAccelerometer: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_CORNERING',
  source: 'ACCELEROMETER',
  measure: 'harshCorneringAccelerometer.count',
  peak: (_before, at) =>
    at.accelLeftMmps2 !== absent && at.speedCkmh >= gateCkmh ? Math.abs(at.accelLeftMmps2) : 0,
  thresholds: [3_923, 4_903, 5_884],
};

import { absent, type Reading } from '../reading.ts';
import { areClose, type Gates } from './acceleration.ts';
import { corneringFeltTime, corneringGpsTime } from './measurable.ts';
import { type BySeverity, fromVersion, type PeakMetric, type PeakRule } from './metric.ts';

/** Speed × heading rate over three readings, mm/s²; 0 where it is not measurable. */
function lateralMmps2(
  before: Reading,
  at: Reading,
  after: Reading,
  { fromCkmh, farthestMs }: Gates,
): number {
  if (at.speedCkmh < fromCkmh || !areClose(before, at, after, farthestMs)) return 0;
  if (before.headingDdeg === absent || after.headingDdeg === absent) return 0;
  const turn = Math.abs(after.headingDdeg - before.headingDdeg) % 3_600;
  const ddeg = turn > 1_800 ? 3_600 - turn : turn;
  const radiansPerS = (ddeg * (Math.PI / 1_800) * 1000) / (after.atMs - before.atMs);
  return Math.round(((at.speedCkmh * 25) / 9) * radiansPerS);
}

function turningBySpeed(gates: Gates, thresholds: BySeverity, mergeMs: number): PeakRule {
  return {
    peak: (before, at, after) => lateralMmps2(before, at, after, gates),
    thresholds,
    mergeMs,
  };
}

function turningFelt(fromCkmh: number, thresholds: BySeverity, mergeMs: number): PeakRule {
  return {
    peak: (_before, at) =>
      at.accelLeftMmps2 !== absent && at.speedCkmh >= fromCkmh ? Math.abs(at.accelLeftMmps2) : 0,
    thresholds,
    mergeMs,
  };
}

/** Gate of Teltonika devices for cornering: 30 km/h. */
const turningCkmh = 3_000;

/** Cornering in GPS speed and course: 2.0 and 2.3 m/s² as DriveQuant takes them, high from 0.40 g. */
export const harshCorneringGps: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_CORNERING',
  source: 'GPS',
  measure: 'harshCorneringGps.count',
  measurable: corneringGpsTime.measure,
  under: fromVersion({
    1: turningBySpeed({ fromCkmh: turningCkmh, farthestMs: 2_000 }, [2_000, 2_300, 3_923], 15_000),
  }),
};

/** Lateral acceleration: 0.40 g (Tesla Safety Score), 0.50 g (study of novices, r 0.60), 0.60 g. */
export const harshCorneringAccelerometer: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_CORNERING',
  source: 'ACCELEROMETER',
  measure: 'harshCorneringAccelerometer.count',
  measurable: corneringFeltTime.measure,
  under: fromVersion({ 1: turningFelt(turningCkmh, [3_923, 4_903, 5_884], 15_000) }),
};

import { absent, type Reading } from '../reading.ts';
import {
  areClose,
  type Confirmation,
  type Gates,
  isConfirmedBeside,
  isSteady,
} from './acceleration.ts';
import { corneringFeltTime, corneringGpsTime } from './measurable.ts';
import { type BySeverity, fromVersion, type PeakMetric, type PeakRule } from './metric.ts';

/** Speed × heading rate over three readings, mm/s²; 0 if not measurable. */
function lateralMmps2(
  before: Reading,
  at: Reading,
  after: Reading,
  { fromCkmh, farthestMs, steadiness }: Gates,
): number {
  if (at.speedCkmh < fromCkmh || !areClose(before, at, after, farthestMs)) return 0;
  if (before.headingDdeg === absent || after.headingDdeg === absent) return 0;
  const turn = Math.abs(after.headingDdeg - before.headingDdeg) % 3_600;
  const ddeg = turn > 1_800 ? 3_600 - turn : turn;
  const radiansPerS = (ddeg * (Math.PI / 1_800) * 1000) / (after.atMs - before.atMs);
  const mmps2 = Math.round(((at.speedCkmh * 25) / 9) * radiansPerS);
  if (steadiness === undefined) return mmps2;
  if (at.headingDdeg === absent) return 0;
  const firstHalf = turnedDdeg(before.headingDdeg, at.headingDdeg);
  const secondHalf = turnedDdeg(at.headingDdeg, after.headingDdeg);
  return isSteady(firstHalf, secondHalf, mmps2, steadiness) ? mmps2 : 0;
}

/** Clockwise turn from one course to another, −1,800 to 1,799 tenths of a degree. */
function turnedDdeg(fromDdeg: number, toDdeg: number): number {
  return ((toDdeg - fromDdeg + 5_400) % 3_600) - 1_800;
}

function turningBySpeed(gates: Gates, thresholds: BySeverity, mergeMs: number): PeakRule {
  return {
    peak: (before, at, after) => lateralMmps2(before, at, after, gates),
    thresholds,
    mergeMs,
  };
}

function feltLeft({ accelLeftMmps2 }: Reading): number {
  return accelLeftMmps2;
}

/** Turn to the left between two readings; 0 if not known. */
function turnedLeft(from: Reading, to: Reading): number {
  if (from.headingDdeg === absent || to.headingDdeg === absent) return 0;
  return -turnedDdeg(from.headingDdeg, to.headingDdeg);
}

function turningFelt(
  fromCkmh: number,
  thresholds: BySeverity,
  mergeMs: number,
  confirmation?: Confirmation,
): PeakRule {
  return {
    peak: (before, at, after) =>
      at.accelLeftMmps2 !== absent &&
      at.speedCkmh >= fromCkmh &&
      (confirmation === undefined ||
        isConfirmedBeside(before, at, after, feltLeft, turnedLeft, confirmation))
        ? Math.abs(at.accelLeftMmps2)
        : 0,
    thresholds,
    mergeMs,
  };
}

/** Least speed at which Teltonika devices report cornering: 30 km/h. */
const turningCkmh = 3_000;

/** Cornering by GPS speed and course: 2.0 and 2.3 m/s² as used by DriveQuant, high from 0.40 g. */
export const harshCorneringGps: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_CORNERING',
  source: 'GPS',
  measure: 'harshCorneringGps.count',
  measurable: corneringGpsTime.measure,
  under: fromVersion({
    1: turningBySpeed({ fromCkmh: turningCkmh, farthestMs: 2_000 }, [2_000, 2_300, 3_923], 15_000),
    3: turningBySpeed(
      {
        fromCkmh: turningCkmh,
        farthestMs: 2_000,
        steadiness: { eachPercent: 20, mostMmps2: 11_000 },
      },
      [2_000, 2_300, 3_923],
      15_000,
    ),
  }),
};

/** Lateral acceleration: 0.40 g (Tesla Safety Score), 0.50 g (study of novices, r 0.60), 0.60 g. */
export const harshCorneringAccelerometer: PeakMetric = {
  shape: 'peak',
  kind: 'HARSH_CORNERING',
  source: 'ACCELEROMETER',
  measure: 'harshCorneringAccelerometer.count',
  measurable: corneringFeltTime.measure,
  under: fromVersion({
    1: turningFelt(turningCkmh, [3_923, 4_903, 5_884], 15_000),
    // Three tenths of the lowest threshold, or a turn of 10°.
    3: turningFelt(turningCkmh, [3_923, 4_903, 5_884], 15_000, {
      besideMs: 2_000,
      leastMmps2: 1_177,
      leastChange: 100,
    }),
  }),
};

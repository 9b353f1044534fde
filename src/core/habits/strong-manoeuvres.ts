import { absent, type Reading } from '../reading.ts';
import { fromVersion, type TimeMetric, type TimeRule } from './metric.ts';

/** The greatest time between readings at which a change of speed or course is measured. */
const farthestMs = 2_000;
const tenthOfG = 981;

/** Mean deceleration between two readings, mm/s²; 0 if not measurable. */
function brakingMmps2(from: Reading, to: Reading): number {
  if (from.speedCkmh === absent || to.speedCkmh === absent) return 0;
  if (to.atMs - from.atMs > farthestMs) return 0;
  return (((from.speedCkmh - to.speedCkmh) * 25) / 9 / (to.atMs - from.atMs)) * 1000;
}

/** Speed at the first reading × rate of turning to the second, mm/s²; 0 if not measurable. */
function turningMmps2(from: Reading, to: Reading): number {
  if (from.speedCkmh === absent || from.headingDdeg === absent || to.headingDdeg === absent)
    return 0;
  if (to.atMs - from.atMs > farthestMs) return 0;
  const turn = Math.abs(to.headingDdeg - from.headingDdeg) % 3_600;
  const radians = Math.min(turn, 3_600 - turn) * (Math.PI / 1_800);
  return ((from.speedCkmh * 25) / 9) * ((radians * 1000) / (to.atMs - from.atMs));
}

function brakingFrom(tenths: number): TimeRule {
  return (from, to) => brakingMmps2(from, to) >= tenths * tenthOfG;
}

function turningFrom(tenths: number): TimeRule {
  return (from, to) => turningMmps2(from, to) >= tenths * tenthOfG;
}

/*
 * Times for the shares of Tesla's Safety Score: hard braking is the share of the time at 0.1 g or
 * more that is at 0.3 g or more; aggressive turning is the share of 0.2 g or more at 0.4 g or more.
 * By GPS, which gives lower values than Tesla's own sensors.
 */
export const braking: TimeMetric = {
  shape: 'time',
  measure: 'braking01g.ms',
  under: fromVersion({ 2: brakingFrom(1) }),
};

export const hardBraking: TimeMetric = {
  shape: 'time',
  measure: 'braking03g.ms',
  under: fromVersion({ 2: brakingFrom(3) }),
};

export const turning: TimeMetric = {
  shape: 'time',
  measure: 'turning02g.ms',
  under: fromVersion({ 2: turningFrom(2) }),
};

export const aggressiveTurning: TimeMetric = {
  shape: 'time',
  measure: 'turning04g.ms',
  under: fromVersion({ 2: turningFrom(4) }),
};

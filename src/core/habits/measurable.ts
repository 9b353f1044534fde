import { absent } from '../reading.ts';
import { follows, fromVersion, type TimeMetric } from './metric.ts';

/** The greatest time between readings at which a change of speed or course is measured. */
const farthestMs = 2_000;

/*
 * How long each kind of event could have been measured. The absence of events in other time shows
 * nothing about a driver; the measurable share of the driving time shows how reliable the driver's
 * rates are.
 */

/** Speed is known often enough for braking and accelerating. */
export const accelerationGpsTime: TimeMetric = {
  shape: 'time',
  measure: 'accelerationGps.measurable.ms',
  under: fromVersion({
    2: (from, to) =>
      from.speedCkmh !== absent && to.speedCkmh !== absent && to.atMs - from.atMs <= farthestMs,
  }),
};

/** Speed and course are known often enough for cornering. */
export const corneringGpsTime: TimeMetric = {
  shape: 'time',
  measure: 'corneringGps.measurable.ms',
  under: fromVersion({
    2: (from, to) =>
      from.speedCkmh !== absent &&
      from.headingDdeg !== absent &&
      to.headingDdeg !== absent &&
      to.atMs - from.atMs <= farthestMs,
  }),
};

/** The accelerometer reports braking and accelerating. */
export const accelerationFeltTime: TimeMetric = {
  shape: 'time',
  measure: 'accelerationFelt.measurable.ms',
  under: fromVersion({
    2: (from, to) =>
      from.accelForwardMmps2 !== absent && from.speedCkmh !== absent && follows(from, to),
  }),
};

/** The accelerometer reports cornering. */
export const corneringFeltTime: TimeMetric = {
  shape: 'time',
  measure: 'corneringFelt.measurable.ms',
  under: fromVersion({
    2: (from, to) =>
      from.accelLeftMmps2 !== absent && from.speedCkmh !== absent && follows(from, to),
  }),
};

/** The device reports whether the phone is in use. */
export const phoneKnownTime: TimeMetric = {
  shape: 'time',
  measure: 'phone.measurable.ms',
  under: fromVersion({ 2: (from, to) => from.phoneInUse !== absent && follows(from, to) }),
};

import type { Zones } from '../core/zones.ts';
import { courseDeg, locate } from './cities.ts';
import { dayNumber, dayStartMs } from './day.ts';
import type { Car } from './fleet.ts';
import { journey } from './journey.ts';
import type { Moment } from './journey.ts';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';

/** One report of a device in wire units; fields that it cannot measure are absent. */
export interface Report {
  readonly deviceId: string;
  readonly atMs: number;
  readonly latDeg?: number;
  readonly lonDeg?: number;
  readonly speedKmh?: number;
  readonly headingDeg?: number;
  readonly odometerKm?: number;
  readonly ignition?: boolean;
  readonly accelForwardMps2?: number;
  readonly accelLeftMps2?: number;
  readonly accelUpMps2?: number;
  readonly speedLimitKmh?: number;
  readonly phoneInUse?: boolean;
  readonly accuracyM?: number;
}

/** A receiver's position error. It drifts slowly, like a real one, so it adds no kilometres to a drive. */
interface PositionError {
  eastM: number;
  northM: number;
}

/** Share of the error that remains after a second: half of it is gone in about two minutes. */
const ERROR_KEPT = 0.994;
/** New error per second, as a share of its spread: sqrt(1 − 0.994²). */
const ERROR_NEW = 0.1094;
/** A receiver at rest holds its position better. */
const ERROR_NEW_AT_REST = 0.03;
const SPEED_ERROR_MPS = 0.08;
const ACCEL_ERROR_MPS2 = 0.12;
const MINUTE_S = 60;

/**
 * What the car's device sends from 05:00 on a local date to 05:00 on the next, in order of time: a
 * report per interval while the engine runs, one immediately when it starts and stops, and its parked
 * behaviour in between.
 * @param localDate YYYY-MM-DD at the car's home.
 * @param odometerM the odometer at the day's start, see `odometerAtM`.
 */
export function* driveDay(
  car: Car,
  localDate: string,
  zones: Zones,
  odometerM: number,
): Generator<Report, void, undefined> {
  const { device } = car;
  const day = dayNumber(localDate);
  const random = createRandom(car.seed, car.index, day, 'device');
  const error = { eastM: device.errorM * random.normal(), northM: device.errorM * random.normal() };
  const endMs = dayStartMs(car, day + 1, zones);
  let rest: Moment = atRest(car, dayStartMs(car, day, zones) + device.phaseMs, odometerM);
  // A parked device reports at the start of the day, so that consecutive days join without a gap.
  let restFromMs = rest.atMs;
  let strongest: Moment | undefined;
  let secondsOn = 0;
  for (const moment of journey(car, day, zones, odometerM)) {
    if (moment.engine === 'on') {
      yield* parked(car, rest, restFromMs, moment.atMs, error, random);
      secondsOn = 0;
    }
    drift(error, device.errorM, moment.speedMps > 0 ? ERROR_NEW : ERROR_NEW_AT_REST, random);
    if (!strongest || Math.abs(moment.forwardMps2) > Math.abs(strongest.forwardMps2)) {
      strongest = moment;
    }
    const switched = moment.engine !== 'running';
    const lost = moment.engine === 'off' && device.losesOff;
    if (
      (switched && device.ignition && !lost) ||
      (secondsOn % device.reportEveryS === 0 && !lost)
    ) {
      yield describe(car, moment, strongest, error, random);
      strongest = undefined;
    }
    secondsOn += 1;
    if (moment.engine === 'off') {
      rest = moment;
      restFromMs = moment.atMs + parkedEveryS(car) * 1000;
    }
  }
  yield* parked(car, rest, restFromMs, endMs, error, random);
}

function* parked(
  car: Car,
  rest: Moment,
  fromMs: number,
  toMs: number,
  error: PositionError,
  random: Random,
): Generator<Report, void, undefined> {
  if (car.device.parked === 'silent') return;
  const stepMs = parkedEveryS(car) * 1000;
  for (let atMs = fromMs; atMs < toMs; atMs += stepMs) {
    drift(error, car.device.errorM, ERROR_NEW_AT_REST, random);
    yield describe(car, { ...rest, atMs, engine: 'off' }, undefined, error, random);
  }
}

function parkedEveryS(car: Car): number {
  return car.device.parked === 'minutely' ? MINUTE_S : car.device.reportEveryS;
}

function atRest(car: Car, atMs: number, odometerM: number): Moment {
  return {
    atMs,
    engine: 'off',
    xM: car.home.xM,
    yM: car.home.yM,
    directionRad: 0,
    speedMps: 0,
    forwardMps2: 0,
    leftMps2: 0,
    limitKmh: car.city.limitsKmh.residential,
    odometerM,
    phoneInUse: false,
    hard: false,
  };
}

function drift(error: PositionError, spreadM: number, news: number, random: Random): void {
  error.eastM = ERROR_KEPT * error.eastM + news * spreadM * random.normal();
  error.northM = ERROR_KEPT * error.northM + news * spreadM * random.normal();
}

function describe(
  car: Car,
  moment: Moment,
  strongest: Moment | undefined,
  error: PositionError,
  random: Random,
): Report {
  const { device, city } = car;
  const place = locate(city, moment.xM, moment.yM, error.eastM, error.northM);
  const moving = moment.speedMps > 0;
  const speedMps = moving ? Math.max(0, moment.speedMps + SPEED_ERROR_MPS * random.normal()) : 0;
  const felt = strongest ?? moment;
  return {
    deviceId: car.deviceId,
    atMs: moment.atMs,
    latDeg: round(place.latDeg, 1e6),
    lonDeg: round(place.lonDeg, 1e6),
    speedKmh: round(speedMps * 3.6, 10),
    // A receiver at rest has no course.
    ...(device.heading && moving
      ? { headingDeg: round(courseDeg(city, moment.directionRad), 10) % 360 }
      : {}),
    ...(device.odometer ? { odometerKm: Math.floor(moment.odometerM) / 1000 } : {}),
    ...(device.ignition ? { ignition: moment.engine !== 'off' } : {}),
    ...(device.accelerometer
      ? {
          accelForwardMps2: round(felt.forwardMps2 + ACCEL_ERROR_MPS2 * random.normal(), 100),
          accelLeftMps2: round(felt.leftMps2 + ACCEL_ERROR_MPS2 * random.normal(), 100),
          accelUpMps2: round(ACCEL_ERROR_MPS2 * random.normal(), 100),
        }
      : {}),
    ...(device.limits && moving ? { speedLimitKmh: moment.limitKmh } : {}),
    ...(device.phone ? { phoneInUse: moment.phoneInUse } : {}),
    ...(device.heading ? { accuracyM: round(device.errorM * 1.5, 10) } : {}),
  };
}

function round(value: number, scale: number): number {
  return Math.round(value * scale) / scale;
}

import type { Zones } from '../core/zones.ts';
import type { GridPoint } from './cities.ts';
import { locate } from './cities.ts';
import { dayNumber, localInstantMs, planDay } from './day.ts';
import { drive } from './drive.ts';
import type { Car } from './fleet.ts';
import { createRandom } from './random.ts';
import type { Element } from './route.ts';
import { placeOn } from './route.ts';

/** One second of a car with its engine running, as it truly was. */
export interface Moment {
  readonly atMs: number;
  /** First or last second of an engine's run, or one between. */
  readonly engine: 'on' | 'running' | 'off';
  readonly xM: number;
  readonly yM: number;
  readonly directionRad: number;
  readonly speedMps: number;
  readonly forwardMps2: number;
  readonly leftMps2: number;
  readonly limitKmh: number;
  readonly odometerM: number;
  readonly phoneInUse: boolean;
  readonly hard: boolean;
}

/** The true facts of one drive: what a perfect fold would find. */
export interface TrueTrip {
  /** The engine's run, epoch milliseconds. */
  readonly engineOnMs: number;
  readonly engineOffMs: number;
  /** First and last second with speed, epoch milliseconds. */
  readonly movedFromMs: number;
  readonly movedToMs: number;
  readonly distanceM: number;
  readonly idleMs: number;
  readonly maxSpeedKmh: number;
  readonly hardManoeuvres: number;
  readonly start: { readonly latDeg: number; readonly lonDeg: number };
  readonly end: { readonly latDeg: number; readonly lonDeg: number };
}

/** Shortest stop between two drives when a jam has used up the planned one, milliseconds. */
const LEAST_HALT_MS = 180_000;
/** The odometer is counted from the first day of the year; each earlier year adds a fixed distance. */
const ODOMETER_YEAR_M = 25_000_000;

/**
 * The odometer at a day's start, metres: a function of car and date alone, so that a day is the same
 * whenever it is simulated. It is exact within a year; at New Year it makes up the difference to a
 * fixed yearly figure, with the engine off.
 */
export function odometerAtM(car: Car, day: number): number {
  const year = new Date(day * 86_400_000).getUTCFullYear();
  let metres = car.odometerM + Math.max(0, year - 2020) * ODOMETER_YEAR_M;
  for (let d = dayNumber(`${year}-01-01`); d < day; d++) metres += plannedM(car, d);
  return metres;
}

/** Metres that a day adds to the odometer. */
export function plannedM(car: Car, day: number): number {
  return planDay(car, day).reduce((sum, trip) => sum + trip.route.lengthM, 0);
}

/** Every second with a running engine of a car's day, in order of time. */
export function* journey(
  car: Car,
  day: number,
  zones: Zones,
  odometerM: number,
): Generator<Moment, void, undefined> {
  const random = createRandom(car.seed, car.index, day, 'drive');
  let doneM = odometerM;
  let freeFromMs = 0;
  for (const { leaveS, route, rush } of planDay(car, day)) {
    let atMs = Math.max(
      localInstantMs(car, day, Math.floor(leaveS), zones) + car.device.phaseMs,
      freeFromMs,
    );
    const first = route.elements[0] as Element;
    const last = route.elements.at(-1) as Element;
    let phoneForS = 0;
    const at = (
      engine: Moment['engine'],
      element: Element,
      atM: number,
      speedMps: number,
      forwardMps2: number,
      hard: boolean,
    ): Moment => {
      const place = placeOn(element, atM);
      return {
        atMs,
        engine,
        xM: place.xM,
        yM: place.yM,
        directionRad: place.directionRad,
        speedMps,
        forwardMps2,
        leftMps2: element.curvature * speedMps * speedMps,
        limitKmh: car.city.limitsKmh[element.road],
        odometerM: doneM + atM,
        phoneInUse: phoneForS > 0,
        hard,
      };
    };
    const warmUpS = 3 + random.below(random.chance(0.1) ? 150 : 30);
    for (let s = 0; s < warmUpS; s++, atMs += 1000) {
      yield at(s === 0 ? 'on' : 'running', first, 0, 0, 0, false);
    }
    for (const second of drive(route, car.city, car.style, random, rush)) {
      phoneForS -= 1;
      if (random.chance(car.style.phonePerHour / 3600))
        phoneForS = Math.floor(random.between(5, 60));
      yield at(
        'running',
        second.element,
        second.atM,
        second.speedMps,
        second.accelMps2,
        second.hard,
      );
      atMs += 1000;
    }
    for (let s = random.below(25); s > 0; s--, atMs += 1000) {
      yield at('running', last, route.lengthM, 0, 0, false);
    }
    yield at('off', last, route.lengthM, 0, 0, false);
    doneM += route.lengthM;
    freeFromMs = atMs + LEAST_HALT_MS;
  }
}

/** The true drives of a car's day. @param localDate YYYY-MM-DD at the car's home. */
export function trueTrips(car: Car, localDate: string, zones: Zones): readonly TrueTrip[] {
  const trips: TrueTrip[] = [];
  const place = ({ xM, yM }: GridPoint) => locate(car.city, xM, yM, 0, 0);
  let on: Moment | undefined;
  let [movedFromMs, movedToMs, idleMs, maxSpeedMps, hardManoeuvres] = [0, 0, 0, 0, 0];
  let wasHard = false;
  for (const moment of journey(car, dayNumber(localDate), zones, 0)) {
    if (moment.engine === 'on') {
      on = moment;
      [movedFromMs, movedToMs, idleMs, maxSpeedMps, hardManoeuvres] = [0, 0, 0, 0, 0];
    }
    if (moment.speedMps > 0) {
      if (movedFromMs === 0) movedFromMs = moment.atMs;
      movedToMs = moment.atMs;
    } else idleMs += 1000;
    maxSpeedMps = Math.max(maxSpeedMps, moment.speedMps);
    if (moment.hard && !wasHard) hardManoeuvres += 1;
    wasHard = moment.hard;
    if (moment.engine !== 'off' || !on) continue;
    trips.push({
      engineOnMs: on.atMs,
      engineOffMs: moment.atMs,
      movedFromMs,
      movedToMs,
      distanceM: moment.odometerM - on.odometerM,
      idleMs,
      maxSpeedKmh: maxSpeedMps * 3.6,
      hardManoeuvres,
      start: place(on),
      end: place(moment),
    });
  }
  return trips;
}

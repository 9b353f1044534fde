import { localToUtcMs } from '../core/decode/time.ts';
import type { Zones } from '../core/zones.ts';
import type { GridPoint } from './cities.ts';
import type { Car } from './fleet.ts';
import { placeNear } from './fleet.ts';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';
import type { Route } from './route.ts';
import { planRoute } from './route.ts';

/** One drive planned for the day. */
export interface PlannedTrip {
  /** Local time of leaving, seconds after the date's midnight; may pass 86,400. */
  readonly leaveS: number;
  readonly route: Route;
  /** Starts in the rush hour: jams are likely. */
  readonly rush: boolean;
}

const DAY_MS = 86_400_000;
/** The simulator's day runs from 05:00 to 05:00 local time, so a late drive belongs to the day it began. */
const DAY_STARTS_S = 5 * 3600;
const HOUR_S = 3600;

interface Stop {
  readonly to: GridPoint;
  readonly leaveS: number;
}

/** Days since 1970-01-01 of a date YYYY-MM-DD. */
export function dayNumber(localDate: string): number {
  return Date.parse(`${localDate}T00:00:00Z`) / DAY_MS;
}

/** The date YYYY-MM-DD that many days after 1970-01-01. */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Instant of a local time of day, epoch milliseconds. */
export function localInstantMs(car: Car, day: number, secondOfDay: number, zones: Zones): number {
  return localToUtcMs(day * DAY_MS + secondOfDay * 1000, car.city.zone, zones);
}

/** Start of the car's day, 05:00 local, epoch milliseconds; it ends where the next one starts. */
export function dayStartMs(car: Car, day: number, zones: Zones): number {
  return localInstantMs(car, day, DAY_STARTS_S, zones);
}

/** All drives of a day, from home and back, the first one after 05:00. */
export function planDay(car: Car, day: number): readonly PlannedTrip[] {
  const random = createRandom(car.seed, car.index, day, 'plan');
  const stops = planStops(car, (day + 4) % 7, random);
  const trips: PlannedTrip[] = [];
  let from = car.home;
  for (const { to, leaveS } of stops) {
    if (to.xM === from.xM && to.yM === from.yM) continue;
    const hour = (leaveS / HOUR_S) % 24;
    const rush = (hour >= 7 && hour < 9.5) || (hour >= 16 && hour < 18.5);
    trips.push({ leaveS, route: planRoute(from, to, random), rush });
    from = to;
  }
  return trips;
}

/** @param weekday 0 is Sunday. */
function planStops(car: Car, weekday: number, random: Random): readonly Stop[] {
  const weekend = weekday === 0 || weekday === 6;
  const dayOff = weekday === car.index % 7;
  switch (car.profile) {
    case 'commuter':
      return weekend || random.chance(0.12) ? freeDay(car, random) : workday(car, random, 7.6, 8.6);
    case 'late shift':
      return weekend || random.chance(0.12)
        ? freeDay(car, random)
        : workday(car, random, 13.4, 8.9);
    case 'retired':
      return random.chance(0.2) ? [] : freeDay(car, random);
    case 'courier':
      return dayOff ? [] : round(car, random, 8, 18 + random.below(10), 0.05, 0.14);
    case 'taxi':
      return dayOff ? [] : round(car, random, 16.5, 18 + random.below(7), 0.05, 0.2);
  }
}

function workday(car: Car, random: Random, leaveHour: number, workHours: number): Stop[] {
  const leaveS = (leaveHour + 0.45 * random.normal()) * HOUR_S;
  const backS = leaveS + (workHours + 0.5 * random.normal()) * HOUR_S;
  const stops = [{ to: car.work, leaveS }];
  if (random.chance(0.25)) {
    stops.push({ to: random.pick(car.places), leaveS: backS });
    stops.push({ to: car.home, leaveS: backS + random.between(0.3, 1) * HOUR_S });
  } else stops.push({ to: car.home, leaveS: backS });
  if (leaveHour < 12 && random.chance(0.3)) {
    const outS = backS + random.between(1.6, 2.6) * HOUR_S;
    stops.push({ to: random.pick(car.places), leaveS: outS });
    stops.push({ to: car.home, leaveS: outS + random.between(0.8, 4) * HOUR_S });
  }
  return stops;
}

function freeDay(car: Car, random: Random): Stop[] {
  const stops: Stop[] = [];
  let atS = random.between(8.5, 12) * HOUR_S;
  if (random.chance(0.18)) {
    const spread = car.city.outingSpreadDeg;
    const direction =
      ((car.city.outingDeg + random.between(-spread, spread) - car.city.turnedDeg) * Math.PI) / 180;
    const awayM = random.between(20_000, 70_000);
    const middle = {
      xM: Math.round((awayM * Math.cos(direction)) / 100) * 100,
      yM: Math.round((awayM * Math.sin(direction)) / 100) * 100,
    };
    stops.push({ to: middle, leaveS: atS });
    atS += random.between(3.5, 7.5) * HOUR_S;
    stops.push({ to: car.home, leaveS: atS });
    return stops;
  }
  for (let errands = 1 + random.below(2); errands > 0; errands--) {
    stops.push({ to: random.pick(car.places), leaveS: atS });
    atS += random.between(0.4, 1.6) * HOUR_S;
    if (errands === 1 || random.chance(0.6)) {
      stops.push({ to: car.home, leaveS: atS });
      atS += random.between(0.7, 3) * HOUR_S;
    }
  }
  if (random.chance(0.15)) {
    const outS = Math.max(atS, 19 * HOUR_S) + random.between(0, 1) * HOUR_S;
    stops.push({ to: random.pick(car.places), leaveS: outS });
    stops.push({ to: car.home, leaveS: outS + random.between(1.5, 4) * HOUR_S });
  }
  return stops;
}

/** Stop after stop with short halts: deliveries, or passengers. */
function round(
  car: Car,
  random: Random,
  startHour: number,
  stopCount: number,
  leastHours: number,
  mostHours: number,
): Stop[] {
  const stops: Stop[] = [];
  let atS = (startHour + 0.3 * random.normal()) * HOUR_S;
  let place = car.home;
  for (let i = 0; i < stopCount; i++) {
    place = placeNear(random, place, 600, 6_000, car.city.radiusM);
    stops.push({ to: place, leaveS: atS });
    // A quarter of an hour for the drive, then the stop.
    atS += (0.25 + random.between(leastHours, mostHours)) * HOUR_S;
  }
  stops.push({ to: car.home, leaveS: atS });
  return stops;
}

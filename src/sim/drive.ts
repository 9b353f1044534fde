import type { City, RoadKind } from './cities.ts';
import type { Style } from './fleet.ts';
import type { Random } from './random.ts';
import type { Element, Route } from './route.ts';

/** The car at the end of one second of a drive. */
export interface DriveSecond {
  /** Distance since the start of the route, metres. */
  readonly atM: number;
  readonly speedMps: number;
  /** Mean acceleration in this second, m/s². */
  readonly accelMps2: number;
  readonly element: Element;
  /** Braking or starting harder than is usual for this driver. */
  readonly hard: boolean;
}

/** A point ahead with a speed limit of its own: 0 is a stop of `waitS` seconds. */
interface Mark {
  readonly atM: number;
  readonly speedMps: number;
  readonly waitS: number;
}

interface Jam {
  readonly startM: number;
  readonly endM: number;
}

/** Metres between crossings, by road; a motorway has none. */
const CROSSING_EVERY_M: Record<Exclude<RoadKind, 'motorway'>, number> = {
  residential: 150,
  street: 260,
  arterial: 520,
};
/** A stop ahead counts as reached within this distance at rest, metres. */
const REACHED_M = 2;
/** Lowest speed at which hard braking begins, and how far the speed falls, m/s. */
const HARD_BRAKE_FROM_MPS = 10;
/** Share of drives with a stop of some minutes with the engine running: a gate, a queue, a call. */
const LONG_WAIT_SHARE = 0.015;

/**
 * A drive along a route, second by second, ending at rest at the end of the route. Acceleration is
 * constant within a second, so speed and distance are continuous: no jump anywhere.
 */
export function* drive(
  route: Route,
  city: City,
  style: Style,
  random: Random,
  rush: boolean,
): Generator<DriveSecond, void, undefined> {
  const marks = placeMarks(route, city, style, random);
  const jam = placeJam(route, random, rush);
  const mood = 1 + 0.03 * random.normal();
  let [atM, speed, waitS] = [0, 0, 0];
  let element = route.elements[0] as Element;
  let [elementIndex, markIndex] = [0, 0];
  let [jamSpeed, jamForS] = [0, 0];
  let hardBrakeTo: number | undefined;
  let hardMps2 = 0;
  let hardStartTo = 0;

  for (;;) {
    let mark = marks[markIndex] as Mark;
    if (speed === 0 && mark.speedMps === 0 && mark.atM - atM < REACHED_M) {
      if (markIndex === marks.length - 1) return;
      markIndex += 1;
      waitS = mark.waitS;
      hardStartTo = 0;
      if (random.chance(style.hardStarts)) {
        hardStartTo = random.between(8, 12);
        hardMps2 = random.between(2.6, 3.6);
      }
      mark = marks[markIndex] as Mark;
    }
    while (mark.speedMps > 0 && atM >= mark.atM) mark = marks[++markIndex] as Mark;
    if (waitS > 0) {
      waitS -= 1;
      yield { atM, speedMps: 0, accelMps2: 0, element, hard: false };
      continue;
    }

    let wanted = element.corner
      ? cornerSpeed(element, style)
      : (city.limitsKmh[element.road] / 3.6) * style.speedFactor * mood;
    if (jam && atM >= jam.startM && atM < jam.endM) {
      if (jamForS-- <= 0) {
        jamSpeed = random.pick([0, 2, 4, 7, 10]);
        jamForS = random.between(6, jamSpeed === 0 ? 25 : 45);
      }
      wanted = Math.min(wanted, jamSpeed);
    }
    let accel = approach(speed, wanted, style, hardStartTo > speed ? hardMps2 : style.accelMps2);
    let hard = hardStartTo > speed && accel >= 2;

    if (
      hardBrakeTo === undefined &&
      speed > HARD_BRAKE_FROM_MPS &&
      random.chance((style.hardBrakesPerKm * speed) / 1000)
    ) {
      hardBrakeTo = Math.max(1, speed - random.between(5, 10));
      hardMps2 = random.between(2.8, 5.5);
      hardStartTo = 0;
    }
    if (hardBrakeTo !== undefined) {
      accel = -Math.min(hardMps2, speed - hardBrakeTo);
      hard = true;
      if (speed + accel <= hardBrakeTo + 0.01) hardBrakeTo = undefined;
    }

    // The nearest points decide the speed: none may require more than the usual braking.
    let stopsAtM: number | undefined;
    for (let i = markIndex; i < marks.length; i++) {
      const ahead = marks[i] as Mark;
      const distanceM = ahead.atM - atM;
      if (distanceM > (speed * speed) / (2 * style.brakeMps2) + 2 * speed + 10) break;
      const nextSpeed = Math.max(0, speed + accel);
      const nextDistanceM = distanceM - (speed + nextSpeed) / 2;
      const allowed = ahead.speedMps * ahead.speedMps + 2 * style.brakeMps2 * nextDistanceM;
      if (nextSpeed <= ahead.speedMps || (nextDistanceM > 0 && nextSpeed * nextSpeed <= allowed)) {
        continue;
      }
      const needed =
        speed <= ahead.speedMps
          ? ahead.speedMps - speed
          : -(speed * speed - ahead.speedMps * ahead.speedMps) / (2 * Math.max(distanceM, 0.01));
      if (needed >= accel) continue;
      accel = needed;
      if (ahead.speedMps === 0 && speed + accel <= 0.05) stopsAtM = ahead.atM;
    }

    if (stopsAtM !== undefined) {
      accel = -speed;
      atM = speed > 0 ? stopsAtM : atM;
      speed = 0;
    } else {
      const next = Math.max(0, speed + accel);
      accel = next - speed;
      atM = Math.min(route.lengthM, atM + (speed + next) / 2);
      speed = next;
    }
    while (atM >= element.endM && elementIndex < route.elements.length - 1) {
      element = route.elements[++elementIndex] as Element;
    }
    yield { atM, speedMps: speed, accelMps2: accel, element, hard };
  }
}

/** Acceleration towards a target speed: smaller near it, and a gentle deceleration above it. */
function approach(speed: number, wanted: number, style: Style, accelMps2: number): number {
  if (speed > wanted) return -Math.min(style.brakeMps2 * 0.8, speed - wanted);
  const share = speed / Math.max(wanted, 0.1);
  return Math.min(accelMps2 * (1 - share * share * share), wanted - speed);
}

function cornerSpeed(element: Element, style: Style): number {
  return Math.sqrt(style.corneringMps2 / Math.abs(element.curvature));
}

/** Crossings with their lights, corners, slower roads and the end, in order. */
function placeMarks(route: Route, city: City, style: Style, random: Random): Mark[] {
  const marks: Mark[] = [];
  let before: Element | undefined;
  for (const element of route.elements) {
    const limit = (city.limitsKmh[element.road] / 3.6) * style.speedFactor;
    if (element.corner) {
      const speedMps = cornerSpeed(element, style);
      // A quarter of the corners are yield junctions at which the car stops.
      if (random.chance(0.25))
        marks.push({ atM: element.startM - 1, speedMps: 0, waitS: random.below(12) });
      marks.push({ atM: element.startM, speedMps, waitS: 0 });
    } else if (before && city.limitsKmh[before.road] > city.limitsKmh[element.road]) {
      marks.push({ atM: element.startM, speedMps: limit, waitS: 0 });
    }
    if (!element.corner && element.road !== 'motorway') {
      const everyM = CROSSING_EVERY_M[element.road];
      for (let atM = element.startM + everyM; atM < element.endM - 40; atM += everyM) {
        const kind = random.next();
        if (kind < 0.26) marks.push({ atM, speedMps: 0, waitS: Math.floor(random.between(3, 60)) });
        else if (kind < 0.45)
          marks.push({ atM, speedMps: limit * random.between(0.4, 0.7), waitS: 0 });
      }
    }
    before = element;
  }
  const middle = marks.find((mark) => mark.speedMps === 0 && mark.atM > route.lengthM / 2);
  if (middle && random.chance(LONG_WAIT_SHARE)) {
    marks[marks.indexOf(middle)] = { ...middle, waitS: Math.floor(random.between(200, 600)) };
  }
  marks.push({ atM: route.lengthM, speedMps: 0, waitS: 0 });
  return marks;
}

/** Stop and go on a stretch of a main road, more often in the rush hours. */
function placeJam(route: Route, random: Random, rush: boolean): Jam | undefined {
  const main = route.elements.filter((e) => e.road === 'motorway' || e.road === 'arterial');
  if (!random.chance(rush ? 0.4 : 0.06) || main.length === 0) return undefined;
  const startM = random.pick(main).startM;
  return { startM, endM: Math.min(startM + random.between(300, 2_000), route.lengthM - 100) };
}

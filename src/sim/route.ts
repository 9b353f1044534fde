import type { GridPoint, RoadKind } from './cities.ts';
import { GRID_M } from './fleet.ts';
import type { Random } from './random.ts';

/** A piece of road of one kind: straight, or an arc of one radius. */
export interface Element {
  /** Distance from the start of the route, metres. */
  readonly startM: number;
  readonly endM: number;
  /** Where it begins, and in which direction: radians counter-clockwise from the grid's x axis. */
  readonly xM: number;
  readonly yM: number;
  readonly directionRad: number;
  /** 1/m, positive to the left, 0 where straight. */
  readonly curvature: number;
  readonly road: RoadKind;
  /** A turn at a corner, driven slowly; motorway bends are not turns. */
  readonly corner: boolean;
}

/** A route from one corner of the grid to another. */
export interface Route {
  readonly elements: readonly Element[];
  readonly lengthM: number;
}

interface Leg {
  readonly axis: 'x' | 'y';
  /** Metres along the axis, signed. */
  readonly alongM: number;
  readonly motorway: boolean;
}

/** From this distance on, the middle of the route is on a motorway, metres. */
const MOTORWAY_FROM_M = 7_000;
/** First and last metres of a route, through the neighbourhood. */
const NEIGHBOURHOOD_M = 300;
/** A leg this long is an arterial road, metres. */
const ARTERIAL_FROM_M = 1_500;
const CORNER_RADIUS_M = 12;
const RAMP_RADIUS_M = 45;

/** The route between two corners of the grid; it ends exactly there. */
export function planRoute(from: GridPoint, to: GridPoint, random: Random): Route {
  const legs = joinLegs(chooseLegs(to.xM - from.xM, to.yM - from.yM, random));
  const elements: Element[] = [];
  let [x, y, direction, atM] = [from.xM, from.yM, 0, 0];

  const add = (lengthM: number, curvature: number, road: RoadKind, corner: boolean) => {
    elements.push({
      startM: atM,
      endM: atM + lengthM,
      xM: x,
      yM: y,
      directionRad: direction,
      curvature,
      road,
      corner,
    });
    const turned = direction + curvature * lengthM;
    if (curvature === 0) {
      x += lengthM * Math.cos(direction);
      y += lengthM * Math.sin(direction);
    } else {
      x += (Math.sin(turned) - Math.sin(direction)) / curvature;
      y -= (Math.cos(turned) - Math.cos(direction)) / curvature;
    }
    direction = turned;
    atM += lengthM;
  };

  direction = legs[0] ? directionOf(legs[0]) : 0;
  legs.forEach((leg, i) => {
    const previous = legs[i - 1];
    const next = legs[i + 1];
    const radiusBefore = previous ? radiusBetween(previous, leg) : 0;
    const radiusAfter = next ? radiusBetween(leg, next) : 0;
    if (previous) {
      const turn = Math.sin(directionOf(leg) - direction) > 0 ? 1 : -1;
      const ramp = leg.motorway || previous.motorway;
      const curvature = turn / radiusBefore;
      add((radiusBefore * Math.PI) / 2, curvature, ramp ? 'arterial' : 'street', true);
      direction = directionOf(leg);
    }
    const straightM = Math.abs(leg.alongM) - radiusBefore - radiusAfter;
    if (leg.motorway) {
      addMotorway(straightM, random, (lengthM, curvature) =>
        add(lengthM, curvature, 'motorway', false),
      );
      return;
    }
    const firstM = previous ? 0 : Math.min(NEIGHBOURHOOD_M, straightM);
    const lastM = next ? 0 : Math.min(NEIGHBOURHOOD_M, straightM - firstM);
    const road = Math.abs(leg.alongM) >= ARTERIAL_FROM_M ? 'arterial' : 'street';
    if (firstM > 0) add(firstM, 0, 'residential', false);
    if (straightM - firstM - lastM > 0) add(straightM - firstM - lastM, 0, road, false);
    if (lastM > 0) add(lastM, 0, 'residential', false);
  });
  return { elements, lengthM: atM };
}

/** The position and direction at a distance along a route. */
export function placeOn(
  element: Element,
  atM: number,
): { readonly xM: number; readonly yM: number; readonly directionRad: number } {
  const intoM = Math.min(atM, element.endM) - element.startM;
  const { directionRad, curvature } = element;
  if (curvature === 0) {
    return {
      xM: element.xM + intoM * Math.cos(directionRad),
      yM: element.yM + intoM * Math.sin(directionRad),
      directionRad,
    };
  }
  const turned = directionRad + curvature * intoM;
  return {
    xM: element.xM + (Math.sin(turned) - Math.sin(directionRad)) / curvature,
    yM: element.yM - (Math.cos(turned) - Math.cos(directionRad)) / curvature,
    directionRad: turned,
  };
}

/** Legs that alternate between the axes, each in whole blocks and none turning back. */
function chooseLegs(dxM: number, dyM: number, random: Random): Leg[] {
  const longerIsX = Math.abs(dxM) >= Math.abs(dyM);
  const [long, short] = longerIsX ? (['x', 'y'] as const) : (['y', 'x'] as const);
  const [longM, shortM] = longerIsX ? [dxM, dyM] : [dyM, dxM];
  const cut = (alongM: number, share: number) => Math.round((alongM * share) / GRID_M) * GRID_M;
  const shortFirstM = cut(shortM, random.between(0.1, 0.9));
  if (Math.abs(longM) >= MOTORWAY_FROM_M) {
    const beforeM = cut(longM, random.between(0.08, 0.2));
    const afterM = cut(longM, random.between(0.08, 0.2));
    return [
      { axis: long, alongM: beforeM, motorway: false },
      { axis: short, alongM: shortFirstM, motorway: false },
      { axis: long, alongM: longM - beforeM - afterM, motorway: true },
      { axis: short, alongM: shortM - shortFirstM, motorway: false },
      { axis: long, alongM: afterM, motorway: false },
    ];
  }
  const longFirstM = cut(longM, random.between(0.1, 0.9));
  return [
    { axis: long, alongM: longFirstM, motorway: false },
    { axis: short, alongM: shortFirstM, motorway: false },
    { axis: long, alongM: longM - longFirstM, motorway: false },
    { axis: short, alongM: shortM - shortFirstM, motorway: false },
  ];
}

/** Drops legs of length 0 and joins neighbours that then lie on one line. */
function joinLegs(legs: readonly Leg[]): Leg[] {
  const joined: Leg[] = [];
  for (const leg of legs) {
    if (leg.alongM === 0) continue;
    const last = joined.at(-1);
    if (last?.axis === leg.axis) {
      const motorway = last.motorway || leg.motorway;
      joined[joined.length - 1] = { ...last, alongM: last.alongM + leg.alongM, motorway };
    } else joined.push(leg);
  }
  return joined;
}

function directionOf(leg: Leg): number {
  return (leg.axis === 'x' ? 0 : Math.PI / 2) + (leg.alongM < 0 ? Math.PI : 0);
}

function radiusBetween(a: Leg, b: Leg): number {
  return a.motorway || b.motorway ? RAMP_RADIUS_M : CORNER_RADIUS_M;
}

/** A motorway winds gently: bends left, right, left that come back to the line, then straight on. */
function addMotorway(
  alongM: number,
  random: Random,
  add: (lengthM: number, curvature: number) => void,
): void {
  let leftM = alongM;
  for (;;) {
    const radiusM = random.between(900, 2_500);
    const angle = random.between(0.08, 0.25);
    const straightM = random.between(300, 2_500);
    const bendM = 4 * radiusM * Math.sin(angle);
    if (bendM + straightM > leftM) break;
    const side = random.chance(0.5) ? 1 : -1;
    add(straightM, 0);
    add(radiusM * angle, side / radiusM);
    add(2 * radiusM * angle, -side / radiusM);
    add(radiusM * angle, side / radiusM);
    leftM -= bendM + straightM;
  }
  add(leftM, 0);
}

import type { City, GridPoint } from './cities.ts';
import { cities } from './cities.ts';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';

/** Driving style; all figures follow from one number between calm (0) and aggressive (1). */
export interface Style {
  readonly name: 'calm' | 'ordinary' | 'aggressive';
  readonly aggression: number;
  /** Usual acceleration and braking, m/s². */
  readonly accelMps2: number;
  readonly brakeMps2: number;
  /** Lateral acceleration accepted in a turn, m/s². */
  readonly corneringMps2: number;
  /** Chosen speed as a multiple of the posted limit. */
  readonly speedFactor: number;
  /** Hard brakes per kilometre, and the share of starts from rest that are hard. */
  readonly hardBrakesPerKm: number;
  readonly hardStarts: number;
  /** Phone in the hand, times per hour of driving. */
  readonly phonePerHour: number;
}

/** What a device does while the car is parked. */
export type ParkedHabit = 'silent' | 'minutely' | 'always';

/** A telematics device: how often it reports, in which format, and what it can measure. */
export interface Device {
  readonly parked: ParkedHabit;
  readonly reportEveryS: number;
  /** Fraction of a second at which its clock ticks, milliseconds; 0 for text lines. */
  readonly phaseMs: number;
  readonly format: 'json' | 'text';
  readonly ignition: boolean;
  /** It loses power with the ignition, so the off message is never sent. */
  readonly losesOff: boolean;
  readonly odometer: boolean;
  readonly accelerometer: boolean;
  readonly limits: boolean;
  readonly phone: boolean;
  readonly heading: boolean;
  /** Standard deviation of its slow position error on each axis, metres. */
  readonly errorM: number;
}

export type Profile = 'commuter' | 'late shift' | 'retired' | 'courier' | 'taxi';

/** One car with its driver and device: plain data, all of it derived from the seed. */
export interface Car {
  readonly index: number;
  readonly seed: number;
  readonly deviceId: string;
  readonly driverId: string;
  readonly vehicleId: string;
  readonly driverName: string;
  /** YYYY-MM-DD. */
  readonly dateOfBirth: string;
  readonly city: City;
  readonly home: GridPoint;
  readonly work: GridPoint;
  /** Shops, friends, a school: where errands go. */
  readonly places: readonly GridPoint[];
  readonly profile: Profile;
  readonly style: Style;
  readonly device: Device;
  /** Where it is parked overnight: a rating factor. */
  readonly parking: 'garage' | 'driveway' | 'street';
  /** Odometer on 2020-01-01, metres. */
  readonly odometerM: number;
}

/** Places lie on street corners of this grid, metres. */
export const GRID_M = 100;

// Every twenty cars have exactly these, in an order derived from the seed, so that a small fleet
// has some of everything.
// Taxis and couriers are placed so that, around the clock, one of them is at work somewhere.
const LIFE_DECK: readonly (readonly [City, Profile])[] = [
  ...lives(cities.boston, ['taxi', 'courier', 'commuter', 'commuter', 'retired']),
  ...lives(cities.omaha, ['taxi', 'commuter', 'late shift']),
  ...lives(cities.london, ['taxi', 'commuter', 'commuter', 'retired']),
  ...lives(cities.berlin, ['courier', 'commuter', 'commuter', 'late shift']),
  ...lives(cities.lisbon, ['courier', 'commuter', 'commuter', 'retired']),
];
const STYLE_DECK = [
  ...Array<number>(8).fill(0.15),
  ...Array<number>(8).fill(0.5),
  ...Array<number>(4).fill(0.87),
];
const INTERVAL_DECK_S = [1, 1, 1, 1, 1, 1, 2, 2, 5, 5, 5, 10, 10, 10, 15, 20, 30, 30, 60, 60];
const PARKED_DECK: readonly ParkedHabit[] = [
  ...Array<ParkedHabit>(12).fill('silent'),
  ...Array<ParkedHabit>(7).fill('minutely'),
  'always',
];
const TEXT_DECK = [...Array<boolean>(4).fill(true), ...Array<boolean>(16).fill(false)];
const IGNITION_DECK = [...Array<boolean>(14).fill(true), ...Array<boolean>(6).fill(false)];

const FIRST_NAMES =
  'Ana Ben Carla David Emma Filipe Grace Hannah Ivan Joana Karl Lena Maria Noah Olga Paul Rita Sam Tom Vera'.split(
    ' ',
  );
const LAST_NAMES =
  'Adams Becker Costa Dias Evans Fischer Green Hughes Jones Keller Lopes Martins Novak Owens Pereira Richter Silva Turner Weber Young'.split(
    ' ',
  );

export interface FleetSettings {
  /** A whole number; it is part of every id, so that two fleets on one topic do not mix. */
  readonly seed: number;
  readonly cars: number;
}

/** The fleet of a seed. Car n does not depend on the fleet's size. */
export function createFleet({ seed, cars }: FleetSettings): readonly Car[] {
  const fleet: Car[] = [];
  for (let index = 0; index < cars; index++) fleet.push(createCar(seed, index));
  return fleet;
}

function createCar(seed: number, index: number): Car {
  const deal = <T>(name: string, deck: readonly T[]): T =>
    createRandom(seed, Math.floor(index / deck.length), name).shuffle(deck)[
      index % deck.length
    ] as T;
  const random = createRandom(seed, index, 'car');
  const [city, profile] = deal('life', LIFE_DECK);
  const home = placeNear(random, { xM: 0, yM: 0 }, 500, city.radiusM, city.radiusM);
  const number = String(index + 1).padStart(4, '0');
  const birthYear = profile === 'retired' ? 1942 + random.below(17) : 1965 + random.below(40);
  return {
    index,
    seed,
    deviceId: `SIM-${seed}-${number}`,
    driverId: `sim-${seed}-driver-${number}`,
    vehicleId: `sim-${seed}-car-${number}`,
    driverName: `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`,
    dateOfBirth: `${birthYear}-0${1 + random.below(9)}-1${random.below(10)}`,
    city,
    home,
    work: placeNear(random, home, 3_000, city.radiusM * 1.6, city.radiusM),
    places: Array.from({ length: 6 }, () => placeNear(random, home, 800, 7_000, city.radiusM)),
    profile,
    style: createStyle(deal('style', STYLE_DECK) + random.between(-0.13, 0.13)),
    device: createDevice(random, deal),
    parking: random.pick(['garage', 'driveway', 'street'] as const),
    odometerM: Math.round(random.between(2_000_000, 90_000_000)),
  };
}

function lives(city: City, profiles: readonly Profile[]): (readonly [City, Profile])[] {
  return profiles.map((profile) => [city, profile] as const);
}

function createStyle(aggression: number): Style {
  return {
    name: aggression < 0.33 ? 'calm' : aggression < 0.67 ? 'ordinary' : 'aggressive',
    aggression,
    accelMps2: 1 + 0.6 * aggression,
    brakeMps2: 1.15 + 0.4 * aggression,
    corneringMps2: 1.6 + 1.4 * aggression,
    speedFactor: 0.93 + 0.19 * aggression,
    hardBrakesPerKm: 0.0022 * Math.exp(3.2 * aggression),
    hardStarts: 0.002 * Math.exp(3.2 * aggression),
    phonePerHour: 0.15 * Math.exp(2.5 * aggression),
  };
}

function createDevice(random: Random, deal: <T>(name: string, deck: readonly T[]) => T): Device {
  const text = deal('text', TEXT_DECK);
  const ignition = deal('ignition', IGNITION_DECK) && !text;
  const parked = deal('parked', PARKED_DECK);
  return {
    parked,
    reportEveryS: deal('interval', INTERVAL_DECK_S),
    phaseMs: text ? 0 : random.below(1000),
    format: text ? 'text' : 'json',
    ignition,
    losesOff: ignition && parked === 'silent' && random.chance(0.15),
    odometer: !text && random.chance(0.5),
    accelerometer: !text && random.chance(0.5),
    limits: !text && random.chance(0.6),
    phone: !text && random.chance(0.3),
    heading: !text && random.chance(0.85),
    errorM: random.between(1.5, 4),
  };
}

/** A corner between two distances of `near` and within `radiusM` of the city's centre. */
export function placeNear(
  random: Random,
  near: GridPoint,
  leastM: number,
  mostM: number,
  radiusM: number,
): GridPoint {
  for (;;) {
    const direction = random.between(0, 2 * Math.PI);
    // The square of a uniform number: near places are chosen more often than far ones.
    const share = random.next();
    const distanceM = leastM + (mostM - leastM) * share * share;
    const place = {
      xM: Math.round((near.xM + distanceM * Math.cos(direction)) / GRID_M) * GRID_M,
      yM: Math.round((near.yM + distanceM * Math.sin(direction)) / GRID_M) * GRID_M,
    };
    const apart = Math.abs(place.xM - near.xM) + Math.abs(place.yM - near.yM);
    if (apart >= 3 * GRID_M && place.xM * place.xM + place.yM * place.yM <= radiusM * radiusM)
      return place;
  }
}

/** Kinds of road, from the front door outwards. */
export type RoadKind = 'residential' | 'street' | 'arterial' | 'motorway';

/** A place on a city's grid: metres from its centre along the grid's two axes. */
export interface GridPoint {
  readonly xM: number;
  readonly yM: number;
}

/** A city as the simulator sees it: a grid of straight roads laid over a real place. */
export interface City {
  readonly name: string;
  /** Where its policies are written: ISO 3166 subdivision or country. */
  readonly jurisdiction: string;
  /** IANA zone of all places within reach. */
  readonly zone: string;
  readonly latDeg: number;
  readonly lonDeg: number;
  /** Direction of the grid's x axis, degrees counter-clockwise from east. */
  readonly turnedDeg: number;
  /** Homes and workplaces lie within this distance of the centre, metres. */
  readonly radiusM: number;
  /** Where there is land for outings: middle and half width of the directions, degrees from east. */
  readonly outingDeg: number;
  readonly outingSpreadDeg: number;
  /** Posted limits, km/h (US and British ones are whole miles an hour). */
  readonly limitsKmh: Readonly<Record<RoadKind, number>>;
}

/** Kilometres in a mile, exactly (international mile, 1959). */
const KM_PER_MILE = 1.609344;

function mph(
  residential: number,
  street: number,
  arterial: number,
  motorway: number,
): City['limitsKmh'] {
  const round = (miles: number) => Math.round(miles * KM_PER_MILE * 10) / 10;
  return {
    residential: round(residential),
    street: round(street),
    arterial: round(arterial),
    motorway: round(motorway),
  };
}

/** The cities of the fleet; centres are set inland where the sea is near. */
export const cities = {
  boston: {
    name: 'Boston',
    jurisdiction: 'US-MA',
    zone: 'America/New_York',
    latDeg: 42.37,
    lonDeg: -71.22,
    turnedDeg: 18,
    radiusM: 11_000,
    outingDeg: 180,
    outingSpreadDeg: 70,
    limitsKmh: mph(25, 30, 40, 65),
  },
  omaha: {
    name: 'Omaha',
    jurisdiction: 'US-NE',
    zone: 'America/Chicago',
    latDeg: 41.25,
    lonDeg: -96.06,
    turnedDeg: 0,
    radiusM: 12_000,
    outingDeg: 0,
    outingSpreadDeg: 180,
    limitsKmh: mph(25, 35, 45, 65),
  },
  london: {
    name: 'London',
    jurisdiction: 'GB',
    zone: 'Europe/London',
    latDeg: 51.51,
    lonDeg: -0.16,
    turnedDeg: -12,
    radiusM: 14_000,
    outingDeg: 180,
    outingSpreadDeg: 120,
    limitsKmh: mph(20, 30, 40, 70),
  },
  berlin: {
    name: 'Berlin',
    jurisdiction: 'DE',
    zone: 'Europe/Berlin',
    latDeg: 52.5,
    lonDeg: 13.38,
    turnedDeg: 8,
    radiusM: 13_000,
    outingDeg: 0,
    outingSpreadDeg: 180,
    limitsKmh: { residential: 30, street: 50, arterial: 60, motorway: 120 },
  },
  lisbon: {
    name: 'Lisbon',
    jurisdiction: 'PT',
    zone: 'Europe/Lisbon',
    latDeg: 38.81,
    lonDeg: -9.18,
    turnedDeg: 25,
    radiusM: 6_000,
    outingDeg: 80,
    outingSpreadDeg: 30,
    limitsKmh: { residential: 30, street: 50, arterial: 70, motorway: 120 },
  },
} as const satisfies Record<string, City>;

/** Metres of one degree of latitude on the sphere of radius 6,371,008.8 m. */
const METRES_PER_DEGREE = (6_371_008.8 * Math.PI) / 180;
const RADIANS_PER_DEGREE = Math.PI / 180;

/** WGS 84 degrees of a grid place, moved by an error east and north in metres. */
export function locate(
  city: City,
  xM: number,
  yM: number,
  errorEastM: number,
  errorNorthM: number,
): { readonly latDeg: number; readonly lonDeg: number } {
  const cos = Math.cos(city.turnedDeg * RADIANS_PER_DEGREE);
  const sin = Math.sin(city.turnedDeg * RADIANS_PER_DEGREE);
  const latDeg = city.latDeg + (xM * sin + yM * cos + errorNorthM) / METRES_PER_DEGREE;
  // The cosine of the place itself, so that metres stay metres far from the centre.
  const metresPerLonDegree = METRES_PER_DEGREE * Math.cos(latDeg * RADIANS_PER_DEGREE);
  return { latDeg, lonDeg: city.lonDeg + (xM * cos - yM * sin + errorEastM) / metresPerLonDegree };
}

/** Course over ground of a grid direction, degrees clockwise from north, 0 to 360. */
export function courseDeg(city: City, directionRad: number): number {
  const course = 90 - (directionRad / RADIANS_PER_DEGREE + city.turnedDeg);
  return course - Math.floor(course / 360) * 360;
}

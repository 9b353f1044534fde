import fc from 'fast-check';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { createRulesTimeline } from '../../src/core/rules.ts';
import { loadZones } from '../../src/zones.ts';

export const context = { rulesAt: createRulesTimeline([]), zonesOf: loadZones };

/** All metrics are of these rules. */
export const version2 = {
  ...context,
  rulesAt: createRulesTimeline([{ effectiveFromMs: 0, version: '2' }]),
};

/** Readings are checked against each other from this version on. */
export const checked = {
  ...context,
  rulesAt: createRulesTimeline([{ effectiveFromMs: 0, version: '3' }]),
};

/** How often a property is tried; far more often with ODOGRAPH_LONG=1. */
export function runs(count: number): { numRuns: number } {
  return { numRuns: process.env['ODOGRAPH_LONG'] === '1' ? count * 50 : count };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Mutable<CanonicalEvent>;

/** One stretch of a device's life. */
export interface Stretch {
  readonly kind: 'drive' | 'stand' | 'creep' | 'gap' | 'heartbeats' | 'glitch' | 'teleport';
  readonly seconds: number;
  readonly spacingS: number;
  readonly speedCkmh: number;
  readonly headingDeg: number;
  readonly withSpeed: boolean;
  readonly withOdometer: boolean;
  readonly ignition: boolean | undefined;
  readonly noise: number;
}

const stretch: fc.Arbitrary<Stretch> = fc.record({
  kind: fc.constantFrom(
    'drive',
    'drive',
    'drive',
    'stand',
    'stand',
    'creep',
    'gap',
    'heartbeats',
    'glitch',
    'teleport',
  ),
  seconds: fc.oneof(
    fc.integer({ min: 1, max: 300 }),
    fc.integer({ min: 100, max: 2_400 }),
    fc.integer({ min: 1_700, max: 60_000 }),
  ),
  spacingS: fc.constantFrom(1, 1, 2, 5, 10, 30, 60, 300),
  speedCkmh: fc.integer({ min: 300, max: 14_000 }),
  headingDeg: fc.integer({ min: 0, max: 359 }),
  withSpeed: fc.boolean(),
  withOdometer: fc.boolean(),
  ignition: fc.constantFrom(undefined, undefined, undefined, true, false),
  noise: fc.integer({ min: 0, max: 1_000_000 }),
});

/** Where and when a stream begins: near zone borders, date lines and clock changes among others. */
const beginning = fc.record({
  atMs: fc.oneof(
    fc.integer({ min: 946_684_800_000, max: 1_800_000_000_000 }),
    // The evening before clocks change in New York and in Berlin.
    fc.constantFrom(1_709_971_200_000, 1_711_839_600_000, 1_730_588_400_000, 1_729_983_600_000),
    // December 2026, when it is an hour later in Vancouver than an older release of zone data has it.
    fc.integer({ min: 1_796_083_200_000, max: 1_798_675_200_000 }),
  ),
  place: fc.constantFrom(
    [41.26, -95.98],
    [40.75, -73.99],
    [52.52, 13.4],
    [-33.9, 151.2],
    [-17.0, 179.99],
    [0.02, 0.01],
    [38.0, -87.6],
    // Vancouver, whose clocks the releases of zone data put apart from November 2026 on.
    [49.26, -123.11],
  ),
});

/** A stream of canonical events in no particular order, with duplicates of instants and of keys. */
export const streams: fc.Arbitrary<CanonicalEvent[]> = fc
  .tuple(beginning, fc.array(stretch, { minLength: 1, maxLength: 14 }))
  .map(([{ atMs, place }, stretches]) =>
    buildStream(atMs, place[0] as number, place[1] as number, stretches),
  );

/** At most this many events a stretch, so that a long stretch becomes a sparse one. */
const mostEvents = 400;

export function buildStream(
  atMs: number,
  lat: number,
  lon: number,
  stretches: readonly Stretch[],
): CanonicalEvent[] {
  const events: Draft[] = [];
  let now = atMs;
  let latE7 = Math.round(lat * 1e7);
  let lonE7 = Math.round(lon * 1e7);
  let odometerM = 0;
  let digest = 1;
  for (const stretch of stretches) {
    const { kind, seconds, spacingS, noise } = stretch;
    if (kind === 'gap') {
      now += seconds * 1000;
      continue;
    }
    if (kind === 'teleport') {
      latE7 += 2_000_000;
      now += 1000;
      continue;
    }
    let random = noise + 1;
    const draw = (below: number) => {
      random = (random * 48_271) % 2_147_483_647;
      return random % below;
    };
    const stepS = Math.max(spacingS, Math.ceil(seconds / mostEvents));
    for (let s = 0; s < seconds; s += stepS) {
      now += stepS * 1000 + (draw(10) === 0 ? draw(900) : 0);
      const speedCkmh =
        kind === 'drive' ? stretch.speedCkmh + draw(500) : kind === 'creep' ? 200 + draw(350) : 0;
      const metres = (speedCkmh / 360) * stepS;
      const turn = ((stretch.headingDeg + s / 20) * Math.PI) / 180;
      latE7 += Math.round(metres * Math.cos(turn) * 90);
      lonE7 += Math.round(metres * Math.sin(turn) * 90);
      odometerM += Math.round(metres);
      const event: Draft = { atMs: now, digest: digest++ };
      if (kind !== 'heartbeats') {
        event.latE7 = latE7 + draw(30);
        event.lonE7 = lonE7 + draw(30);
        if (stretch.withSpeed) event.speedCkmh = speedCkmh;
        event.headingDdeg = draw(3_600);
      }
      if (stretch.withOdometer) event.odometerM = odometerM;
      if (stretch.ignition !== undefined && draw(5) === 0) event.ignition = stretch.ignition;
      if (kind === 'glitch' && draw(3) === 0) spoil(event, draw);
      if (draw(40) === 0) event.accelForwardMmps2 = draw(12_000) - 6_000;
      if (draw(3) === 0) event.speedLimitCkmh = 5_000;
      if (draw(50) === 0) event.phoneInUse = true;
      events.push(event);
      if (draw(60) === 0)
        events.push({ ...event, digest: digest++, lonE7: (event.lonE7 ?? 0) + 900 });
      if (draw(60) === 0) events.push({ ...event });
    }
  }
  return events.map(complete);
}

function spoil(event: Draft, draw: (below: number) => number): void {
  const what = draw(5);
  if (what === 0) {
    event.latE7 = 0;
    event.lonE7 = 0;
  } else if (what === 1) event.accuracyDm = 5_000;
  else if (what === 2) event.latE7 = (event.latE7 ?? 0) + 50_000_000;
  else if (what === 3) event.odometerM = draw(1_000_000);
  else event.speedCkmh = draw(100_000);
}

/** A position has both coordinates or none, each within the earth. */
function complete(event: Draft): CanonicalEvent {
  if (event.latE7 === undefined || event.lonE7 === undefined) {
    const { latE7: _, lonE7: __, ...rest } = event;
    return rest;
  }
  const lon = (((event.lonE7 + 1_800_000_000) % 3_600_000_000) + 3_600_000_000) % 3_600_000_000;
  return {
    ...event,
    latE7: Math.max(-900_000_000, Math.min(900_000_000, event.latE7)),
    lonE7: lon - 1_800_000_000,
  };
}

/** What a car does for some seconds: its acceleration, its turning, and what the device adds. */
const manoeuvre = fc.record({
  seconds: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 60, max: 90 })),
  spacingMs: fc.constantFrom(500, 1000, 1000, 1000, 2000, 2001, 5000, 30_000, 119_000, 125_000),
  /** Change of speed in a second, 0.01 km/h. */
  accelerating: fc.oneof(
    fc.constantFrom(0, 0, 0, 0, 0, -750, -950, -1_100, 750, 950, 1_100),
    fc.integer({ min: -1_500, max: 1_500 }),
  ),
  turningDdeg: fc.oneof(fc.integer({ min: -100, max: 100 }), fc.integer({ min: -300, max: 300 })),
  /** What the accelerometer says, mm/s²; below −8 m/s² nothing is sent. */
  forward: fc.integer({ min: -12_000, max: 8_000 }),
  left: fc.integer({ min: -12_000, max: 8_000 }),
  /** How far the posted limit lies below the first speed, 0.01 km/h. */
  limitBelow: fc.constantFrom(undefined, -1_000, 0, 300, 300, 1_200, 1_200, 1_600, 2_500),
  phone: fc.constantFrom(undefined, false, true, true),
  /** Every so many readings the event lacks its speed, or its position lies far off. */
  flaw: fc.integer({ min: 2, max: 60 }),
});

/** Driving with manoeuvres hard on each other, so that every habit is flagged, cut short and merged. */
export const drivingStreams: fc.Arbitrary<CanonicalEvent[]> = fc
  .tuple(
    beginning,
    fc.constantFrom(1_500, 4_000, 6_000, 13_500),
    fc.array(manoeuvre, { minLength: 1, maxLength: 25 }),
  )
  .map(([{ atMs, place }, firstCkmh, manoeuvres]) => {
    const events: Draft[] = [];
    let now = atMs;
    let latE7 = Math.round((place[0] as number) * 1e7);
    let speedCkmh: number = firstCkmh;
    let headingDdeg = 0;
    for (const { seconds, spacingMs, flaw, ...m } of manoeuvres) {
      const limitCkmh =
        m.limitBelow === undefined ? undefined : Math.max(0, speedCkmh - m.limitBelow);
      for (let passedMs = 0; passedMs < seconds * 1000; passedMs += spacingMs) {
        const count = events.length;
        const isHard = count % 4 === 0;
        now += spacingMs;
        latE7 += Math.round((speedCkmh / 360_000) * spacingMs * 90);
        speedCkmh += Math.round((m.accelerating * Math.min(spacingMs, 4_000)) / 1000);
        speedCkmh = Math.max(0, Math.min(18_000, speedCkmh));
        headingDdeg = (headingDdeg + 3_600 + m.turningDdeg) % 3_600;
        events.push({
          atMs: now,
          digest: count + 1,
          latE7: count % flaw === 1 ? latE7 + 9_000_000 : latE7,
          lonE7: Math.round((place[1] as number) * 1e7),
          headingDdeg,
          ...(count % flaw === 0 ? {} : { speedCkmh }),
          ...(m.forward < -8_000 ? {} : { accelForwardMmps2: isHard ? m.forward : 100 }),
          ...(m.left < -8_000 ? {} : { accelLeftMmps2: isHard ? m.left : -100 }),
          ...(limitCkmh === undefined ? {} : { speedLimitCkmh: limitCkmh }),
          ...(m.phone === undefined ? {} : { phoneInUse: m.phone }),
        });
        if (count % 37 === 5)
          events.push({ ...(events.at(-1) as Draft), digest: 1_000_000 + count });
      }
    }
    return events.map(complete);
  });

/** Any canonical event at all: extreme integers in every field. */
export const extremeEvents: fc.Arbitrary<CanonicalEvent[]> = fc.array(
  fc
    .record(
      {
        atMs: fc.oneof(
          fc.integer({ min: 946_684_800_000, max: 946_684_800_000 + 4_294_967_295_000 }),
          fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
        ),
        digest: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        latE7: fc.constantFrom(-900_000_000, 900_000_000, 0, 1, 412_600_000, 412_601_000),
        lonE7: fc.constantFrom(-1_800_000_000, 1_800_000_000, 0, -1, -959_800_000),
        speedCkmh: fc.oneof(
          fc.constantFrom(0, 2_147_483_647, 40_000),
          fc.integer({ min: 0, max: 20_000 }),
        ),
        headingDdeg: fc.constantFrom(0, 3_599),
        odometerM: fc.constantFrom(0, 1, 2_147_483_647, 5_000),
        ignition: fc.boolean(),
        accelForwardMmps2: fc.constantFrom(-2_147_483_648, 2_147_483_647, 0, -5_000),
        accelLeftMmps2: fc.constantFrom(-2_147_483_648, 2_147_483_647, 5_000),
        accelUpMmps2: fc.constantFrom(-2_147_483_648, 2_147_483_647),
        speedLimitCkmh: fc.constantFrom(0, 2_147_483_647, 5_000),
        phoneInUse: fc.boolean(),
        accuracyDm: fc.constantFrom(0, 2_147_483_647, 50),
      },
      { requiredKeys: ['atMs', 'digest'] },
    )
    .map((event) => complete(event as Draft)),
  { maxLength: 60 },
);

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { addParts } from '../../src/core/habits/summary.ts';
import { scoreHabits } from '../../src/core/habits/score.ts';
import { foldPieces } from './late-folding.ts';
import { checked, drivingStreams, runs, streams } from './streams.ts';

const startMs = Date.UTC(2026, 2, 9, 10);

/** A calm drive: gentle changes of speed and course, and one position per given number of seconds. */
interface Calm {
  readonly spacingS: number;
  readonly readings: number;
  readonly cruiseKmh: number;
  readonly withSpeed: boolean;
  readonly withOdometer: boolean;
  readonly withIgnition: boolean;
}

const calm: fc.Arbitrary<Calm> = fc.record({
  spacingS: fc.constantFrom(1, 1, 2, 5, 10, 30, 60),
  readings: fc.integer({ min: 60, max: 200 }),
  cruiseKmh: fc.integer({ min: 40, max: 120 }),
  withSpeed: fc.constantFrom(true, true, true, false),
  withOdometer: fc.boolean(),
  withIgnition: fc.boolean(),
});

function drive({ spacingS, readings, cruiseKmh, ...sent }: Calm): CanonicalEvent[] {
  const events: CanonicalEvent[] = [];
  let latE7 = 520_000_000;
  let lonE7 = 130_000_000;
  let odometerM = 10_000_000;
  let left = 0;
  for (let i = 0; i < readings; i++) {
    const second = i * spacingS;
    const kmh = cruiseKmh * (1 + 0.1 * Math.sin(second / 40));
    const course = Math.sin(second / 90) / 2;
    const metres = i === 0 ? 0 : (kmh / 3.6) * spacingS;
    latE7 += Math.round(metres * Math.cos(course) * 89.9);
    lonE7 += Math.round((metres * Math.sin(course) * 89.9) / Math.cos((52 * Math.PI) / 180));
    left += metres;
    odometerM += Math.floor(left);
    left -= Math.floor(left);
    events.push({
      atMs: startMs + second * 1000,
      digest: i + 1,
      latE7,
      lonE7,
      headingDdeg: Math.round(((course * 1_800) / Math.PI + 3_600) % 3_600) % 3_600,
      accelForwardMmps2: Math.round(300 * Math.cos(second / 40)),
      accelLeftMmps2: Math.round(400 * Math.cos(second / 90)),
      speedLimitCkmh: 13_500,
      phoneInUse: false,
      ...(sent.withSpeed ? { speedCkmh: Math.round(kmh * 100) } : {}),
      ...(sent.withOdometer ? { odometerM } : {}),
      ...(sent.withIgnition ? { ignition: true } : {}),
    });
  }
  // An event an hour later shows that the drive was over.
  const endMs = events.at(-1)?.atMs ?? 0;
  return [...events, { atMs: endMs + 3_600_000, digest: readings + 1 }];
}

/** Any value in any field of one reading, or in several fields at once. */
const spoiled = fc.record(
  {
    latE7: fc.integer({ min: -900_000_000, max: 900_000_000 }),
    lonE7: fc.integer({ min: -1_800_000_000, max: 1_799_999_999 }),
    speedCkmh: fc.integer({ min: 0, max: 40_000 }),
    headingDdeg: fc.integer({ min: 0, max: 3_599 }),
    odometerM: fc.integer({ min: 0, max: 2_000_000_000 }),
    ignition: fc.boolean(),
    accelForwardMmps2: fc.integer({ min: -20_000, max: 20_000 }),
    accelLeftMmps2: fc.integer({ min: -20_000, max: 20_000 }),
    speedLimitCkmh: fc.integer({ min: 100, max: 40_000 }),
    phoneInUse: fc.boolean(),
    accuracyDm: fc.integer({ min: 0, max: 100_000 }),
  },
  { requiredKeys: [] },
);

function measure(events: readonly CanonicalEvent[]) {
  const { trips, drivingEvents } = foldAll(events, checked);
  const sums = addParts(trips.flatMap(({ days }) => days));
  return {
    trips: trips.length,
    km: sums.distanceM / 1000,
    maxKmh: Math.max(0, ...trips.map(({ maxSpeedCkmh }) => maxSpeedCkmh)) / 100,
    flags: drivingEvents.length,
    // The score of many such drives, since one drive is too short for a score.
    score: scoreHabits(addParts(Array<typeof sums>(100).fill(sums))).value ?? 100,
  };
}

describe('one reading replaced by any value', () => {
  it('changes distance, maximum and score by no more than docs/trips.md states, and makes no flag', () => {
    fc.assert(
      fc.property(calm, fc.nat(1_000), spoiled, (how, permille, values) => {
        const events = drive(how);
        const index = Math.floor((permille * (how.readings - 1)) / 1_000);
        const { latE7: _, lonE7: __, ...others } = values;
        const place = values.latE7 !== undefined && values.lonE7 !== undefined ? values : others;
        const wrong = events.map((event, i) => (i === index ? { ...event, ...place } : event));
        const [before, after] = [measure(events), measure(wrong)];
        expect(before.flags).toBe(0);
        expect(after.flags).toBe(0);
        // Two intervals at the highest speed nearby, plus the error of one position.
        const boundKm = 2 * ((how.cruiseKmh * 1.5) / 3_600) * how.spacingS + 0.2;
        expect(Math.abs(after.km - before.km)).toBeLessThanOrEqual(boundKm);
        const gainKmh = Math.min(300, 12 * 3.6 * how.spacingS + 8);
        const knownKmh = Math.max(before.maxKmh, how.cruiseKmh * 1.65 + 20);
        expect(after.maxKmh).toBeLessThanOrEqual(
          how.withSpeed ? before.maxKmh + gainKmh : knownKmh,
        );
        // One reading can be at most a sixtieth of the drive on the phone or above a limit.
        expect(Math.abs(after.score - before.score)).toBeLessThanOrEqual(10);
      }),
      runs(150),
    );
  });
});

describe('one fix in a hundred from another place', () => {
  it('loses no kilometres and makes no flag', () => {
    fc.assert(
      fc.property(calm, fc.integer({ min: 1, max: 1_000_000 }), (how, seed) => {
        const events = drive({ ...how, readings: 200 });
        let random = seed;
        const wrong = events.map((event, index) => {
          random = (random * 48_271) % 2_147_483_647;
          const isForeign = random % 100 === 0 && index < 200;
          return isForeign ? { ...event, latE7: 225_431_000, lonE7: 1_140_579_000 } : event;
        });
        const [before, after] = [measure(events), measure(wrong)];
        expect(after.flags).toBe(0);
        expect(after.trips).toBe(before.trips);
        // Each loses at most the two intervals beside it, and only if it is the first or last.
        expect(Math.abs(after.km / before.km - 1)).toBeLessThan(0.02);
      }),
      runs(30),
    );
  });
});

describe('whatever the order of arrival', () => {
  it('the facts of version 3 equal those of one ordered pass', () => {
    fc.assert(
      fc.property(
        fc.oneof(streams, drivingStreams),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 2_147_483_646 }),
        (events, pieces, seed) => {
          let random = seed;
          const placed = events.map((event, index) => {
            random = (random * 48_271) % 2_147_483_647;
            return { event, place: index + (random % (random % 7 === 0 ? 5_000 : 30)) };
          });
          placed.sort((a, b) => a.place - b.place);
          const size = Math.ceil(placed.length / pieces);
          const parts = Array.from({ length: pieces }, (_, i) =>
            placed.slice(i * size, (i + 1) * size).map(({ event }) => event),
          );
          const late = foldPieces(parts, checked);
          const { trips, openTrip, drivingEvents, untracked } = foldAll(events, checked);
          expect(late.trips).toEqual(openTrip === undefined ? trips : [...trips, openTrip]);
          expect(late.drivingEvents).toEqual(drivingEvents);
          expect(late.untracked).toEqual(untracked.filter(({ decidedBy }) => decidedBy));
        },
      ),
      runs(25),
    );
  });
});

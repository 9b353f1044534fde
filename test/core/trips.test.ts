import { describe, expect, it } from 'vitest';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { context } from './streams.ts';

const startMs = 1_700_000_000_000;
let digest = 0;

/** A fix at the given seconds after the start and the given metres north of the first. */
function fix(
  second: number,
  metres: number,
  speedKmh: number | undefined,
  more: Partial<CanonicalEvent> = {},
): CanonicalEvent {
  return {
    atMs: startMs + second * 1000,
    digest: digest++,
    latE7: 412_600_000 + Math.round(metres * 89.9),
    lonE7: -959_800_000,
    ...(speedKmh === undefined ? {} : { speedCkmh: Math.round(speedKmh * 100) }),
    ...more,
  };
}

/** One fix a second at 36 km/h, ten metres apart. */
const drive = (from: number, seconds: number, metres = 0, more: Partial<CanonicalEvent> = {}) =>
  Array.from({ length: seconds }, (_, s) => fix(from + s, metres + s * 10, 36, more));

const fold = (events: readonly CanonicalEvent[]) => foldAll(events, context);

describe('a trip', () => {
  it('can be a single moving fix of no length, as in the founding line', () => {
    const { openTrip, trips } = fold([fix(0, 0, 128.7)]);
    expect(trips).toEqual([]);
    expect(openTrip).toMatchObject({
      startedAtMs: startMs,
      endedAtMs: startMs,
      closesAtMs: startMs + 120_000,
      distanceM: 0,
      movingMs: 0,
      fixes: 1,
      maxSpeedCkmh: 12_870,
    });
    expect(openTrip?.days).toHaveLength(1);
  });

  it('does not begin with ignition or with a standing fix, but 50 m from the resting place', () => {
    const standing = [fix(0, 0, 0, { ignition: true }), fix(10, 20, 0)];
    expect(fold(standing).openTrip).toBeUndefined();
    expect(fold([...standing, fix(20, 51, undefined)]).openTrip?.startedAtMs).toBe(
      startMs + 20_000,
    );
  });

  it('ends by silence exactly at its threshold, not before', () => {
    const events = drive(0, 20);
    expect(fold([...events, fix(19 + 119, 200, 36)]).trips).toEqual([]);
    expect(fold([...events, fix(19 + 120, 200, 36)]).trips).toMatchObject([
      { endReason: 'SILENCE', endedAtMs: startMs + 19_000, closesAtMs: startMs + 139_000 },
    ]);
  });

  it('continues through half an hour of silence while the ignition is on', () => {
    const events = drive(0, 20, 0, { ignition: true });
    expect(fold([...events, fix(19 + 1_799, 5_000, 36)]).trips).toEqual([]);
    expect(fold([...events, fix(19 + 1_800, 5_000, 36)]).trips).toHaveLength(1);
  });

  it('ends when the ignition goes off, and no trip begins at that instant', () => {
    const off = fix(20, 200, 0, { ignition: false });
    const { trips, openTrip } = fold([
      ...drive(0, 20, 0, { ignition: true }),
      off,
      fix(20, 200, 36),
      fix(21, 210, 36),
    ]);
    expect(trips).toMatchObject([{ endReason: 'IGNITION', endedAtMs: startMs + 20_000 }]);
    expect(openTrip?.startedAtMs).toBe(startMs + 21_000);
  });

  it('is not ended by an ignition input that is never on', () => {
    const { trips, openTrip } = fold([
      fix(-1, 0, 0),
      ...drive(0, 60, 60, { ignition: false }),
      fix(60, 660, 0, { ignition: false }),
      ...drive(61, 20, 660, { ignition: false }),
    ]);
    expect(trips).toEqual([]);
    expect(openTrip?.distanceM).toBeGreaterThan(700);
  });

  it('ends where the standstill began if the parked device keeps reporting', () => {
    const parked = Array.from({ length: 300 }, (_, s) => fix(20 + s, 195, 0));
    const { trips } = fold([...drive(0, 20), ...parked]);
    expect(trips).toMatchObject([
      {
        endReason: 'STANDSTILL',
        endedAtMs: startMs + 20_000,
        closesAtMs: startMs + 200_000,
        events: 21,
        idleMs: 0,
      },
    ]);
  });

  it('includes a stop below the threshold as idle time', () => {
    const stop = Array.from({ length: 100 }, (_, s) => fix(20 + s, 195, 0));
    const { openTrip } = fold([...drive(0, 20), ...stop, ...drive(120, 20, 195)]);
    expect(openTrip).toMatchObject({ startedAtMs: startMs, idleMs: 99_000, movingMs: 40_000 });
  });

  it('counts a short stop as neither idling nor moving', () => {
    const stop = Array.from({ length: 31 }, (_, s) => fix(20 + s, 195, 0));
    const { openTrip } = fold([...drive(0, 20), ...stop, ...drive(51, 20, 195)]);
    expect(openTrip).toMatchObject({ idleMs: 0, movingMs: 40_000 });
    expect(openTrip?.days[0]?.measures['standing.ms']).toBe(30_000);
  });

  it('is cut at the UTC midnight after twelve hours', () => {
    const day = 86_400;
    const midnight = Math.ceil(startMs / 1000 / day) * day - startMs / 1000;
    const events = Array.from({ length: 3_600 }, (_, i) => fix(i * 60, i * 900, 54));
    const { trips } = fold(events);
    expect(trips).toMatchObject([
      { endReason: 'LENGTH', closesAtMs: startMs + (midnight + day) * 1000 },
      { endReason: 'LENGTH' },
    ]);
  });
});

describe('positions', () => {
  it('that are impossible are rejected with the reason, and add nothing', () => {
    const before = drive(0, 10);
    const glitches = [
      fix(10, 100, 36, { latE7: 0, lonE7: 0 }),
      fix(11, 110, 36, { accuracyDm: 1_001 }),
      fix(12, 9_000, 36),
      fix(9, 500, 36),
    ];
    const { openTrip } = fold([...before, ...glitches, ...drive(13, 10, 130)]);
    expect(openTrip).toMatchObject({
      rejectedFixes: { SAME_INSTANT: 1, NULL_ISLAND: 1, JUMP: 1, INACCURATE: 1 },
      distanceM: 220,
    });
  });

  it('are judged at the limit: 100 m of accuracy is accepted, a hundredth of a degree counts as null island', () => {
    const edges = [
      fix(10, 100, 36, { accuracyDm: 1_000 }),
      fix(11, 110, 36, { latE7: 100_000, lonE7: -100_000 }),
    ];
    const { openTrip } = fold([...drive(0, 10), ...edges, ...drive(12, 10, 120)]);
    expect(openTrip?.rejectedFixes).toEqual({ NULL_ISLAND: 1 });
  });

  it('that agree three times in a row are accepted, without adding the way there', () => {
    const { openTrip } = fold([...drive(0, 10), ...drive(10, 10, 50_000)]);
    expect(openTrip).toMatchObject({ rejectedFixes: { JUMP: 2 }, fixes: 18, distanceM: 160 });
  });
});

describe('distance', () => {
  it('comes from the odometer if it agrees', () => {
    const events = drive(0, 200).map((event, s) => ({ ...event, odometerM: 10_000 + s * 11 }));
    expect(fold(events).openTrip).toMatchObject({
      distanceSource: 'ODOMETER',
      distanceM: 199 * 11,
    });
  });

  it('comes from the speed if the odometer was reset, sticks or disagrees', () => {
    const withOdometer = (read: (s: number) => number) =>
      fold(drive(0, 200).map((event, s) => ({ ...event, odometerM: read(s) }))).openTrip;
    for (const read of [
      (s: number) => (s < 100 ? 10_000 + s * 10 : s * 10),
      () => 10_000,
      (s: number) => 10_000 + s * 20,
    ]) {
      expect(withOdometer(read)).toMatchObject({ distanceSource: 'SPEED', distanceM: 1_990 });
    }
  });

  it('comes from the odometer at 70 to 140 percent of the distance by speed, give or take 200 m', () => {
    const sourceOf = (wayM: number) =>
      fold(
        drive(0, 200).map((event, s) => ({
          ...event,
          odometerM: 10_000 + Math.floor((wayM * s) / 199),
        })),
      ).openTrip?.distanceSource;
    expect([1_192, 1_193, 2_986, 2_987].map(sourceOf)).toEqual([
      'SPEED',
      'ODOMETER',
      'ODOMETER',
      'SPEED',
    ]);
  });

  it('comes from the positions if speeds are missing or in another unit', () => {
    const without = drive(0, 200).map(({ speedCkmh: _, ...event }) => event);
    expect(fold([fix(-1, -60, undefined), ...without]).openTrip).toMatchObject({
      distanceSource: 'GPS',
    });
    const inMiles = drive(0, 200).map((event) => ({ ...event, speedCkmh: 5_794 }));
    expect(fold(inMiles).openTrip).toMatchObject({ distanceSource: 'GPS' });
  });

  it('reports how much of it bridges silences', () => {
    const { openTrip } = fold([...drive(0, 20), ...drive(79, 20, 790)]);
    expect(openTrip?.bridgedM).toBe(600);
  });
});

describe('a trip over local midnight', () => {
  it('is split by time, and counts on the date of its start', () => {
    // 23:59:50 in Chicago.
    const beforeMidnight = Date.UTC(2023, 10, 15, 5, 59, 50);
    const events = drive(0, 21).map((event) => ({
      ...event,
      atMs: event.atMs - startMs + beforeMidnight,
    }));
    const { openTrip } = fold(events);
    expect(openTrip).toMatchObject({
      timeZone: 'America/Chicago',
      localDate: '2023-11-14',
      distanceM: 200,
      nightM: 200,
      days: [
        { localDate: '2023-11-14', distanceM: 100, durationMs: 10_000, nightM: 100 },
        { localDate: '2023-11-15', distanceM: 100, durationMs: 10_000, nightM: 100 },
      ],
    });
  });
});

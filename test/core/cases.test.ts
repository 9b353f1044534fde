import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { TripFacts } from '../../src/core/changes.ts';
import { decodeRecord } from '../../src/core/decode/record.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { addParts } from '../../src/core/habits/summary.ts';
import { loadZones } from '../../src/zones.ts';
import { checked } from './streams.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });
const settings = {
  textSpeedUnit: 'mph' as const,
  textTimeZone: 'UTC',
  zones: loadZones(),
  decodeUtf8: (bytes: Uint8Array) => decoder.decode(bytes),
};

/** Messages from a real kind of device, decoded as the sink decodes them. */
function readEvents(name: string): CanonicalEvent[] {
  const bytes = readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes)
    .toString()
    .trim()
    .split('\n')
    .map((line) => {
      const value = new TextEncoder().encode(line);
      const { at } = JSON.parse(line) as { at: string };
      const decoded = decodeRecord({ value, timestampMs: Date.parse(at) + 60_000 }, settings);
      if (!decoded.ok) throw new Error(`${decoded.reason}: ${decoded.message}`);
      return decoded.value.event;
    });
}

function fold(name: string, change = (events: CanonicalEvent[]) => events) {
  const { trips, openTrip, drivingEvents, untracked } = foldAll(
    change(readEvents(name.includes('/') ? name : `cases/${name}.jsonl.gz`)),
    checked,
  );
  const all = openTrip === undefined ? trips : [...trips, openTrip];
  const sum = (of: (trip: TripFacts) => number) => all.reduce((total, trip) => total + of(trip), 0);
  return {
    trips: all,
    drivingEvents,
    untracked,
    km: sum(({ distanceM }) => distanceM) / 1000,
    measures: addParts(all.flatMap(({ days }) => days)).measures,
  };
}

/** Formats an instant as a time of day in UTC. */
const time = (atMs: number | undefined) => new Date(atMs ?? NaN).toISOString().slice(11, 19);

describe('a vehicle that is carried', () => {
  it('is not driven: a ferry between two drives', () => {
    const { trips, untracked } = fold('ferry');
    expect(trips.map((t) => [time(t.startedAtMs), time(t.endedAtMs), t.endReason])).toEqual([
      ['08:00:00', '08:05:10', 'IGNITION'],
      ['10:00:00', '10:05:10', 'IGNITION'],
    ]);
    for (const { distanceM } of trips) expect(distanceM).toBeCloseTo(3_388, -1);
    expect(untracked).toMatchObject([{ kind: 'CARRIED', source: 'GPS' }]);
    expect(untracked[0]?.distanceM).toBeGreaterThan(41_000);
    expect(untracked[0]?.distanceM).toBeLessThan(41_100);
  });
});

describe('an impossible position', () => {
  it('that comes first never outvotes those after it', () => {
    const { trips, km } = fold('stale-first-fix');
    expect(trips).toMatchObject([
      {
        timeZone: 'Europe/Berlin',
        localDate: '2026-03-09',
        fixes: 60,
        rejectedFixes: { JUMP: 1 },
      },
    ]);
    expect(time(trips[0]?.startedAtMs)).toBe('22:30:10');
    expect(km).toBeCloseTo(8.2, 1);
  });

  it('is rejected even if it is the first of an hour', () => {
    const { trips, km } = fold('longitude-zero-on-the-hour');
    expect(trips).toMatchObject([
      { timeZone: 'Europe/Berlin', fixes: 1_199, events: 1_200, rejectedFixes: { JUMP: 1 } },
    ]);
    expect(km).toBeCloseTo(16.65, 2);
    expect(trips[0]?.end?.lonE7).toBe(134_050_000);
    const without = fold('longitude-zero-on-the-hour', (events) =>
      events.filter(({ lonE7 }) => lonE7 !== 0),
    );
    expect(km).toBe(without.km);
  });

  it('that repeats through a tunnel does not stop the distance, which follows the speed', () => {
    const { trips, km, drivingEvents } = fold('tunnel-frozen-fix');
    expect(trips).toMatchObject([{ distanceSource: 'SPEED' }]);
    expect(km).toBeCloseTo(12, 2);
    expect(drivingEvents).toEqual([]);
  });

  it('that drifts in a garage within the accuracy of its fixes makes no trip', () => {
    expect(fold('garage-drift')).toMatchObject({ trips: [], untracked: [] });
  });
});

describe('an impossible speed', () => {
  it('that stays at its last value while the vehicle is parked adds no driving', () => {
    const { trips, km, measures } = fold('frozen-speed-when-parked');
    expect(trips.map((t) => [time(t.startedAtMs), time(t.endedAtMs)])).toEqual([
      ['17:40:00', '17:59:50'],
    ]);
    expect(km).toBeCloseTo(11.9, 1);
    expect(measures['night.ms']).toBeUndefined();
  });

  it('that drops out for a second is not braking', () => {
    const { drivingEvents, trips } = fold('speed-drop-out');
    expect(drivingEvents).toEqual([]);
    expect(trips[0]?.rejectedFixes).toEqual({ IMPOSSIBLE_SPEED: 1 });
    expect(trips[0]?.distanceM).toBe(2_644);
  });

  it('that jumps for a second is neither a maximum nor a flag', () => {
    const { drivingEvents, trips, measures } = fold('speed-spike');
    expect(drivingEvents).toEqual([]);
    expect(trips).toMatchObject([{ maxSpeedCkmh: 10_000, rejectedFixes: { IMPOSSIBLE_SPEED: 1 } }]);
    expect(measures['above130Kmh.ms']).toBeUndefined();
  });

  it('is not seen in a real emergency stop', () => {
    expect(fold('real-emergency-stop').drivingEvents).toMatchObject([
      { kind: 'HARSH_BRAKING', severity: 'HIGH' },
    ]);
  });

  it('is left out by the decoder if it is sent as unknown', () => {
    const { trips, km } = fold('devices/unknown-as-minus-one.jsonl');
    expect(trips).toMatchObject([{ distanceSource: 'GPS', fixes: 600, maxSpeedCkmh: 0 }]);
    expect(km).toBeCloseTo(8.3, 1);
  });
});

describe('an odometer', () => {
  it('that sticks is not used for short trips', () => {
    const { trips, km } = fold('odometer-stuck-short-hops');
    expect(trips.map(({ distanceSource }) => distanceSource)).toEqual(Array(10).fill('SPEED'));
    expect(km).toBeCloseTo(2.5, 1);
  });

  it('that counts whole miles is used for a long drive', () => {
    const { trips, km } = fold('odometer-whole-miles');
    expect(trips).toMatchObject([{ distanceSource: 'ODOMETER' }]);
    expect(Math.abs(km - 36)).toBeLessThan(1.609);
  });

  it('shows the kilometres between trips', () => {
    const { trips, km, untracked } = fold('kilometres-between-trips');
    expect(trips).toHaveLength(56);
    expect(untracked).toHaveLength(55);
    expect(new Set(untracked.map(({ kind, source }) => `${kind} ${source}`))).toEqual(
      new Set(['UNCOVERED ODOMETER']),
    );
    const untrackedKm = untracked.reduce((sum, { distanceM }) => sum + distanceM, 0) / 1000;
    expect(km + untrackedKm).toBeCloseTo(966.3, 1);
  });

  it('that is sent once a day gives 40 km a day', () => {
    const byDay = new Map<string, number>();
    for (const { days } of fold('daily-odometer').untracked) {
      for (const { localDate, distanceM } of days) {
        byDay.set(localDate, (byDay.get(localDate) ?? 0) + distanceM);
      }
    }
    const whole = [...byDay].slice(1, -1);
    expect(whole).toHaveLength(28);
    expect(whole.every(([, metres]) => metres === 40_000)).toBe(true);
  });

  it('without positions makes a trip without places', () => {
    const { trips, km } = fold('odometer-without-gps');
    expect(trips).toMatchObject([{ distanceSource: 'ODOMETER', fixes: 0, events: 121 }]);
    expect(trips[0]?.start).toBeUndefined();
    expect(km).toBe(15.9);
  });

  it('that does not change shows that a silent car did not move', () => {
    const { untracked, km } = fold('silent-odometer-dead');
    expect(untracked).toEqual([]);
    expect(km).toBe(870);
  });

  it('shows the distance driven while the device was unplugged, by day', () => {
    const { trips, untracked } = fold('unplugged-by-day');
    expect(trips).toEqual([]);
    expect(untracked.map(({ days }) => days)).toEqual(
      [9, 10, 11, 12, 13].map((day) => [
        { localDate: `2026-03-${String(day).padStart(2, '0')}`, distanceM: 60_000 },
      ]),
    );
  });
});

describe('the ignition', () => {
  it('off at traffic lights does not end a trip', () => {
    const { trips, km } = fold('start-stop');
    expect(trips).toHaveLength(1);
    expect(km).toBeCloseTo(10.05, 1);
  });

  it('off for a second at speed is treated as a loose contact', () => {
    const { trips, km } = fold('extra-ignition-flicker');
    expect(trips).toHaveLength(1);
    expect(km).toBeCloseTo(9.98, 1);
  });
});

describe('messages', () => {
  it('from other sensors between positions lose no kilometres', () => {
    const { trips, km } = fold('position-and-other-messages');
    expect(trips).toMatchObject([{ fixes: 1_200, events: 2_400, distanceSource: 'GPS' }]);
    expect(km).toBeCloseTo(19.98, 1);
    const alone = fold('position-and-other-messages', (events) =>
      events.filter(({ latE7 }) => latE7 !== undefined),
    );
    expect(km).toBe(alone.km);
  });

  it('resent with more fields count as if they had been complete the first time', () => {
    const { trips, drivingEvents } = fold('same-fix-with-limit');
    expect(trips).toMatchObject([{ fixes: 120, events: 240, distanceM: 1_983, rejectedFixes: {} }]);
    expect(drivingEvents).toEqual([]);
    const ended = fold('same-fix-with-limit', (events) => [
      ...events,
      { atMs: (events.at(-1)?.atMs ?? 0) + 3_600_000, digest: 1 },
    ]);
    expect(ended.drivingEvents).toMatchObject([
      { kind: 'SPEEDING', severity: 'HIGH', durationMs: 119_000, peakCkmh: 6_000 },
    ]);
  });

  it('with one bad field each still make the trip of their positions', () => {
    const { trips, km } = fold('devices/one-bad-field-each.jsonl');
    expect(trips).toMatchObject([{ fixes: 23, distanceSource: 'GPS' }]);
    expect(km).toBeCloseTo(0.306, 2);
  });

  it('with impossible headings keep the flags of the real drive', () => {
    const { trips, km, drivingEvents } = fold('devices/heading-683.jsonl');
    expect(trips).toMatchObject([{ fixes: 515 }]);
    expect(km).toBe(3.913);
    expect(drivingEvents).toHaveLength(7);
  });

  it('on days without a midnight and with two midnights are split over the days as before', () => {
    expect(fold('no-midnight').trips[0]?.days).toMatchObject([
      { localDate: '2018-11-03', distanceM: 6_000, durationMs: 600_000 },
      { localDate: '2018-11-04', distanceM: 6_000, durationMs: 600_000 },
    ]);
    expect(fold('two-midnights').trips[0]?.days).toMatchObject([
      { localDate: '2018-02-17', distanceM: 54_000 },
      { localDate: '2018-02-18', distanceM: 18_000 },
    ]);
  });

  it('dated tomorrow do not make a trip on the next day', () => {
    const { trips } = fold('one-fix-from-tomorrow');
    expect(trips).toHaveLength(1);
    expect(trips[0]?.events).toBe(360);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Drive, findLongDriving } from '../../../src/core/habits/long-driving.ts';
import { runs } from '../streams.ts';

const minute = 60_000;
const dayMs = 1_440 * minute;
const startMs = 20_000 * dayMs;

/** Drives and rests in turn, minutes, from six in the morning of 2024-10-04, in UTC. */
function drives(...minutes: readonly number[]): Drive[] {
  const found: Drive[] = [];
  let atMs = startMs + 360 * minute;
  minutes.forEach((length, index) => {
    const endedAtMs = atMs + length * minute;
    if (index % 2 === 0) found.push(drive(atMs, endedAtMs));
    atMs = endedAtMs;
  });
  return found;
}

function drive(startedAtMs: number, endedAtMs: number, idleMs = 0): Drive {
  const midnightMs = (Math.floor(startedAtMs / dayMs) + 1) * dayMs;
  const cutMs = Math.min(midnightMs, endedAtMs);
  const dateOf = (atMs: number) => new Date(atMs).toISOString().slice(0, 10);
  return {
    startedAtMs,
    endedAtMs,
    days: [
      { localDate: dateOf(startedAtMs), durationMs: cutMs - startedAtMs, idleMs },
      ...(cutMs === endedAtMs
        ? []
        : [{ localDate: dateOf(cutMs), durationMs: endedAtMs - cutMs, idleMs: 0 }]),
    ],
  };
}

const rulesOf = (found: readonly Drive[]) => findLongDriving(found).map(({ rule }) => rule);

describe('a break of 45 minutes after four and a half hours (EU 561/2006)', () => {
  it('is missed by a minute of driving more, with what it was held against', () => {
    expect(rulesOf(drives(135, 30, 135))).toEqual([]);
    expect(findLongDriving(drives(135, 44, 136))).toEqual([
      {
        rule: 'EU_BREAK',
        startedAtMs: startMs + 360 * minute,
        endedAtMs: startMs + 675 * minute,
        localDate: '2024-10-04',
        drivingMs: 271 * minute,
        allowedMs: 270 * minute,
      },
    ]);
    expect(rulesOf(drives(135, 45, 136))).toEqual([]);
  });

  it('may be 15 minutes and then 30, in this order', () => {
    expect(rulesOf(drives(120, 15, 100, 30, 120))).toEqual([]);
    expect(rulesOf(drives(120, 30, 100, 15, 120))).toEqual(['EU_BREAK']);
    expect(rulesOf(drives(120, 14, 100, 30, 120))).toContain('EU_BREAK');
    // Both parts are used up.
    expect(rulesOf(drives(120, 15, 100, 30, 140, 30, 140))).toEqual(['EU_BREAK']);
  });

  it('counts no idling as driving, and a drive of two devices once', () => {
    const long = drives(60, 25, 240);
    const [first, second] = long as [Drive, Drive];
    expect(rulesOf(long)).toContain('EU_BREAK');
    const idling = drive(second.startedAtMs, second.endedAtMs, 30 * minute);
    expect(rulesOf([first, idling])).not.toContain('EU_BREAK');
    expect(findLongDriving([second, first, first, second])).toEqual(findLongDriving(long));
    const overlap = drive(first.startedAtMs + 10 * minute, first.endedAtMs + 5 * minute);
    expect(
      findLongDriving([first, overlap, second]).find(({ rule }) => rule === 'EU_BREAK')?.drivingMs,
    ).toBe(305 * minute);
  });
});

it('drives of two devices that overlap count once, whichever lies in the other and over midnight', () => {
  const at = (from: number, to: number) => drive(startMs + from * minute, startMs + to * minute);
  const drivingOf = (all: readonly Drive[]) =>
    findLongDriving(all).find(({ rule }) => rule === 'EU_BREAK')?.drivingMs;
  expect(drivingOf([at(0, 200), at(10, 50), at(100, 290)])).toBe(290 * minute);
  // Of the second, 90 minutes are covered: the hour before midnight, and half of the one after.
  expect(drivingOf([at(1_320, 1_470), at(1_380, 1_620)])).toBe(300 * minute);
});

describe('rest of 20 minutes in four hours', () => {
  it('may be taken in pieces, and is missed by a minute', () => {
    expect(rulesOf(drives(110, 10, 100, 10, 110))).not.toContain('FOUR_HOURS_REST');
    expect(findLongDriving(drives(110, 9, 100, 10, 11))).toEqual([
      {
        rule: 'FOUR_HOURS_REST',
        startedAtMs: startMs + 360 * minute,
        endedAtMs: startMs + 600 * minute,
        localDate: '2024-10-04',
        drivingMs: 221 * minute,
        allowedMs: 220 * minute,
      },
    ]);
  });

  it('is told once of hours that overlap, by the worst, and again after them', () => {
    const found = findLongDriving(drives(225, 200, 230, 1, 200)).filter(
      ({ rule }) => rule === 'FOUR_HOURS_REST',
    );
    expect(found.map(({ drivingMs }) => drivingMs / minute)).toEqual([225, 239]);
    const worstFirst = findLongDriving(drives(239, 5, 100)).filter(
      ({ rule }) => rule === 'FOUR_HOURS_REST',
    );
    expect(worstFirst.map(({ drivingMs }) => drivingMs / minute)).toEqual([239]);
    expect(rulesOf(drives(480)).filter((rule) => rule === 'FOUR_HOURS_REST')).toHaveLength(2);
  });
});

describe('ten hours of driving a day', () => {
  it('are counted by the local day, over midnight too', () => {
    const rested = (hours: number) => drives(...Array<number[]>(hours).fill([60, 50]).flat());
    expect(rulesOf(rested(9))).not.toContain('DAY_DRIVING');
    const night = drive(startMs + 1_439 * minute, startMs + 1_500 * minute);
    const nearly = drives(200, 60, 200, 60, 200);
    expect(rulesOf(nearly)).not.toContain('DAY_DRIVING');
    const found = findLongDriving([...nearly, night]).filter(({ rule }) => rule === 'DAY_DRIVING');
    expect(found).toEqual([
      {
        rule: 'DAY_DRIVING',
        startedAtMs: startMs + 360 * minute,
        endedAtMs: night.endedAtMs,
        localDate: '2024-10-04',
        drivingMs: 601 * minute,
        allowedMs: 600 * minute,
      },
    ]);
  });
});

it('a day of long driving is told without its idling', () => {
  const idling = drive(startMs + 360 * minute, startMs + 1_010 * minute, 60 * minute);
  expect(rulesOf([idling])).not.toContain('DAY_DRIVING');
});

it('what is found stands by its beginning, and of one beginning by rule', () => {
  const long = drives(661);
  expect(
    findLongDriving(long).map(({ rule, startedAtMs }) => [rule, (startedAtMs - startMs) / minute]),
  ).toEqual([
    ['DAY_DRIVING', 360],
    ['EU_BREAK', 360],
    ['FOUR_HOURS_REST', 360],
    ['FOUR_HOURS_REST', 781],
  ]);
  expect(rulesOf(drives(240, 60, 135, 44, 136)).slice(0, 2)).toEqual([
    'FOUR_HOURS_REST',
    'EU_BREAK',
  ]);
});

it('says the same of drives in any order, and nothing within the limits', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 30 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 0, max: 1e6 }), (minutes, seed) => {
      const all = drives(...minutes);
      const found = findLongDriving(all);
      const shuffled = all
        .map((one, index) => ({ one, order: ((index + 1) * 7_919 * (seed + 1)) % 104_729 }))
        .sort((a, b) => a.order - b.order)
        .map(({ one }) => one);
      expect(findLongDriving(shuffled)).toEqual(found);
      for (const { drivingMs, allowedMs, startedAtMs, endedAtMs } of found) {
        expect(drivingMs).toBeGreaterThan(allowedMs);
        expect(endedAtMs - startedAtMs).toBeGreaterThanOrEqual(drivingMs);
      }
    }),
    runs(200),
  );
});

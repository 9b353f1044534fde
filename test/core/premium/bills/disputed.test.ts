import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DayPart } from '../../../../src/core/changes.ts';
import type { DisputedTrip, KnownTrip } from '../../../../src/core/premium/bills/disputed.ts';
import { disputedWithin, leaveOut, less } from '../../../../src/core/premium/bills/disputed.ts';
import { runs } from '../generators.ts';

const MINUTE_MS = 60_000;

function part(localDate: string, distanceM: number): DayPart {
  const measures = { 'harshBrakingGps.count': Math.floor(distanceM / 1_000) };
  return { localDate, distanceM, durationMs: 0, movingMs: 0, idleMs: 0, nightM: 0, measures };
}

/** A trip of minutes [from, to), each with its metres; the local date changes at minute 30. */
function tripOf(tripId: string, minutes: readonly number[], from: number, to: number): KnownTrip {
  const metres = (first: number, last: number) =>
    minutes.slice(first, last).reduce((sum, m) => sum + m, 0);
  return {
    tripId,
    fromMs: from * MINUTE_MS,
    toMs: to * MINUTE_MS,
    parts: [
      part('2026-03-10', metres(from, Math.max(from, Math.min(to, 30)))),
      part('2026-03-11', metres(Math.max(from, Math.min(to, 30)), to)),
    ].filter(({ distanceM }) => distanceM > 0),
  };
}

function disputeOf(trip: KnownTrip, disputeRef = 1, wasOpen = false): DisputedTrip {
  return { ...trip, disputeRef, wasOpen };
}

const sumOf = (rows: readonly { readonly parts: readonly DayPart[] }[]) =>
  rows.flatMap(({ parts }) => parts).reduce((sum, { distanceM }) => sum + distanceM, 0);

describe('a disputed trip', () => {
  const minutes = Array.from({ length: 60 }, () => 1_000);
  const whole = tripOf('1', minutes, 10, 50);

  it('is left out whole as long as nothing changes', () => {
    expect(leaveOut([disputeOf(whole)], [whole])).toEqual([
      { disputeRef: 1, disputedTripId: '1', tripId: '1', whole: true, parts: whole.parts },
    ]);
  });

  it('is left out whole by its later facts, and as far as it grows if it was open', () => {
    const more = { ...whole, parts: [part('2026-03-10', 25_000), part('2026-03-11', 21_000)] };
    expect(sumOf(leaveOut([disputeOf(whole)], [more]))).toBe(46_000);
    const grown = tripOf('1', minutes, 10, 58);
    expect(sumOf(leaveOut([disputeOf(whole, 1, true)], [grown]))).toBe(48_000);
    expect(leaveOut([disputeOf(whole)], [grown])).toMatchObject([{ tripId: '1', whole: false }]);
    expect(sumOf(leaveOut([disputeOf(whole)], [grown]))).toBe(40_000);
  });

  it('takes both parts with it where late messages split it, and says so', () => {
    const parts = [tripOf('1', minutes, 10, 26), tripOf('2', minutes, 26, 50)];
    const left = leaveOut([disputeOf(whole)], parts);
    expect(left.map(({ tripId, whole: all }) => [tripId, all])).toEqual([
      ['1', true],
      ['2', true],
    ]);
    expect(disputedWithin(left, '2026-03-10', '2026-03-11')).toEqual([
      { disputedTripId: '1', tripId: '1', whole: true, distanceM: 16_000 },
      { disputedTripId: '1', tripId: '2', whole: true, distanceM: 4_000 },
    ]);
  });

  it('takes nothing else with it where late messages merge it with another trip', () => {
    const merged = tripOf('9', minutes, 0, 60);
    expect(leaveOut([disputeOf(whole)], [merged])).toEqual([
      { disputeRef: 1, disputedTripId: '1', tripId: '9', whole: false, parts: whole.parts },
    ]);
  });

  it('of which two parts are disputed one after the other is left out once', () => {
    const parts = [tripOf('1', minutes, 10, 26), tripOf('2', minutes, 26, 50)];
    const disputes = parts.map((trip, i) => disputeOf(trip, i + 1));
    expect(sumOf(leaveOut(disputes, [tripOf('3', minutes, 0, 60)]))).toBe(40_000);
    expect(sumOf(leaveOut(disputes, [tripOf('3', minutes, 10, 50)]))).toBe(40_000);
    const left = leaveOut(disputes, [whole]).reduce<readonly DayPart[]>(
      (parts, out) => less(parts, out.parts),
      whole.parts,
    );
    expect(left).toEqual([part('2026-03-10', 0), part('2026-03-11', 0)]);
  });

  it('stays left out to the metre through any splits and merges, and nothing else does', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 59 }), { maxLength: 8 });
    const driven = fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 60, maxLength: 60 });
    const toTrips = (metres: readonly number[], at: readonly number[]) =>
      [0, ...[...at].sort((a, b) => a - b)].map((from, i, all) =>
        tripOf(String(from), metres, from, all[i + 1] ?? 60),
      );
    fc.assert(
      fc.property(
        driven,
        cuts,
        cuts,
        fc.array(fc.nat(8), { minLength: 1, maxLength: 3 }),
        (metres, before, after, picks) => {
          const trips = toTrips(metres, before);
          const disputed = [...new Set(picks.map((pick) => trips[pick % trips.length]))];
          const disputes = disputed.flatMap((trip, i) => (trip ? [disputeOf(trip, i + 1)] : []));
          const left = leaveOut(disputes, toTrips(metres, after));
          // Where several disputed trips come to share new trips, it is not known which metres are whose.
          expect(sumOf(left)).toBeLessThanOrEqual(sumOf(disputes));
          for (const { parts } of left)
            for (const { distanceM } of parts) expect(distanceM).toBeGreaterThanOrEqual(0);
          if (disputes.length > 1) return;
          for (const date of ['2026-03-10', '2026-03-11']) {
            const onDate = (rows: readonly { readonly parts: readonly DayPart[] }[]) =>
              sumOf(
                rows.map(({ parts }) => ({ parts: parts.filter((p) => p.localDate === date) })),
              );
            expect(onDate(left)).toBe(onDate(disputes));
          }
        },
      ),
      runs(300),
    );
  });
});

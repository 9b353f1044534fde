import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, decodeState, emptyState, encodeState, openTrip } from '../../src/core/advance.ts';
import { type CanonicalEvent, compareKeys } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { checked, context as first, extremeEvents, runs, streams } from './streams.ts';

const threeDaysMs = 3 * 86_400_000;

function sorted(events: readonly CanonicalEvent[]): CanonicalEvent[] {
  return [...events].sort(compareKeys);
}

const versions = [
  ['1', first],
  ['3', checked],
] as const;

describe.each(versions)('the fold of rules version %s', (_, context) => {
  it('gives the same result when its state is encoded and decoded after every event', () => {
    fc.assert(
      fc.property(streams, (events) => {
        const kept = emptyState();
        let stored = emptyState();
        for (const event of sorted(events)) {
          const changes = advance(kept, event, context);
          const bytes = encodeState(kept);
          const storedChanges = advance(stored, event, context);
          if (changes.length > 0) {
            expect(storedChanges).toEqual(changes);
            expect(openTrip(stored, context)).toEqual(openTrip(kept, context));
          }
          expectSame(encodeState(stored), bytes);
          if (bytes.length > 2_048) throw new Error(`${String(bytes.length)} bytes of state`);
          const decoded = decodeState(bytes);
          if (decoded === undefined) throw new Error('the state did not decode');
          expectSame(encodeState(decoded), bytes);
          stored = decoded;
        }
        expect(openTrip(stored, context)).toEqual(openTrip(kept, context));
      }),
      runs(20),
    );
  });

  it('forgets after three days: different pasts and the same last three days give the same bytes', () => {
    fc.assert(
      fc.property(streams, streams, streams, (pastA, pastB, present) => {
        const [first] = sorted(present);
        if (first === undefined) return;
        const startMs = first.atMs;
        const recent = repeatFor(sorted(present), threeDaysMs);
        const bytes = [pastA, pastB].map((past) => {
          const before = moveTo(sorted(past), startMs - 1000);
          return encodeState(foldAll([...before, ...recent], context).state);
        });
        expect(bytes[0]).toEqual(bytes[1]);
      }),
      runs(6),
    );
  });

  it('never throws on a canonical event, however extreme', () => {
    fc.assert(
      fc.property(extremeEvents, (events) => {
        const { trips, state } = foldAll(events, context);
        for (const trip of trips) {
          expect(trip.distanceM).toBeGreaterThanOrEqual(0);
          expect(trip.endedAtMs).toBeGreaterThanOrEqual(trip.startedAtMs);
          expect(Number.isSafeInteger(trip.distanceM + trip.bridgedM + trip.movingMs)).toBe(true);
        }
        const bytes = encodeState(state);
        expect(bytes.length).toBeLessThanOrEqual(2_048);
        expect(encodeState(decodeState(bytes) ?? emptyState())).toEqual(bytes);
      }),
      runs(300),
    );
  });

  it('adds up: parts sum to the trip, trips never overlap, and no part is longer than its trip', () => {
    fc.assert(
      fc.property(streams, (events) => {
        const { trips, openTrip: open } = foldAll(events, context);
        const all = open === undefined ? trips : [...trips, open];
        let previousEndMs = -Infinity;
        const starts = new Set<number>();
        for (const trip of all) {
          const sum = (of: (day: (typeof trip.days)[number]) => number) =>
            trip.days.reduce((total, day) => total + of(day), 0);
          expect(sum((day) => day.distanceM)).toBe(trip.distanceM);
          expect(sum((day) => day.nightM)).toBe(trip.nightM);
          expect(sum((day) => day.durationMs)).toBe(trip.endedAtMs - trip.startedAtMs);
          expect(sum((day) => day.movingMs)).toBe(trip.movingMs);
          expect(trip.movingMs + trip.idleMs).toBeLessThanOrEqual(
            trip.endedAtMs - trip.startedAtMs,
          );
          expect(trip.nightM).toBeLessThanOrEqual(trip.distanceM);
          expect(trip.bridgedM).toBeLessThanOrEqual(trip.distanceM);
          expect(trip.closesAtMs).toBeGreaterThanOrEqual(trip.endedAtMs);
          expect(trip.startedAtMs).toBeGreaterThan(previousEndMs);
          expect(starts.has(trip.startedAtMs)).toBe(false);
          starts.add(trip.startedAtMs);
          previousEndMs = trip.endedAtMs;
        }
      }),
      runs(200),
    );
  });
});

/** Much faster than `toEqual`, which compares every byte as a value. */
function expectSame(a: Uint8Array, b: Uint8Array): void {
  if (Buffer.compare(a, b) !== 0)
    expect(Buffer.from(a).toString('hex')).toBe(Buffer.from(b).toString('hex'));
}

/** Repeats a stream from its own start until it has run for the given time. */
function repeatFor(events: readonly CanonicalEvent[], forMs: number): CanonicalEvent[] {
  const first = events[0]?.atMs ?? 0;
  const last = events.at(-1)?.atMs ?? 0;
  const repeated: CanonicalEvent[] = [];
  let offsetMs = 0;
  while (repeated.length === 0 || (repeated.at(-1)?.atMs ?? 0) - first <= forMs) {
    for (const event of events) repeated.push({ ...event, atMs: event.atMs + offsetMs });
    // The repeats follow each other closely, so no silence empties the memory.
    offsetMs += last - first + 60_000;
  }
  return repeated;
}

/** Shifts a stream in time so that it ends at the given instant. */
function moveTo(events: readonly CanonicalEvent[], endMs: number): CanonicalEvent[] {
  const shiftMs = endMs - (events.at(-1)?.atMs ?? 0);
  return events.map((event) => ({ ...event, atMs: event.atMs + shiftMs }));
}

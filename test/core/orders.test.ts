import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { check } from './checker/check.ts';
import { inOrder } from './checker/flags.ts';
import { foldPieces } from './late-folding.ts';
import { drivingStreams, streams } from './streams.ts';
import { contextOf, rowsOf, timelines } from './timelines.ts';
import { loadZones } from '../../src/zones.ts';

const ORDERS = process.env['ODOGRAPH_LONG'] === '1' ? 10_000 : 60;

/** How a device's events arrive: how far they are shuffled, duplicated and delayed, and in how many pieces. */
const arrival = fc.record({
  /** By how many places an event may be late; the largest value means no order at all. */
  reach: fc.constantFrom(0, 3, 30, 300, 100_000),
  /** How many of a thousand events are duplicated, and how many come after all the others. */
  doubled: fc.constantFrom(0, 50),
  heldBack: fc.constantFrom(0, 5, 50),
  pieces: fc.integer({ min: 1, max: 12 }),
  seed: fc.integer({ min: 1, max: 2_147_483_646 }),
});
type Arrival = typeof arrival extends fc.Arbitrary<infer A> ? A : never;

function arrive(events: readonly CanonicalEvent[], how: Arrival): CanonicalEvent[][] {
  let random = how.seed;
  const draw = (below: number) => {
    random = (random * 48_271) % 2_147_483_647;
    return random % below;
  };
  const placed = events.flatMap((event, index) => {
    const late = draw(1_000) < how.heldBack ? events.length + how.reach : 0;
    const place = index + draw(how.reach + 1) + late;
    return draw(1_000) < how.doubled
      ? [
          { event, place },
          { event, place: place + draw(50) },
        ]
      : [{ event, place }];
  });
  placed.sort((a, b) => a.place - b.place);
  const pieces: CanonicalEvent[][] = Array.from({ length: how.pieces }, () => []);
  placed.forEach(({ event }, index) => {
    pieces[Math.floor((index * how.pieces) / placed.length)]?.push(event);
  });
  return pieces;
}

describe('whatever the order of arrival', () => {
  it(`the facts equal those of the independent checker (${String(ORDERS)} orders)`, () => {
    let converged = 0;
    fc.assert(
      fc.property(
        fc.oneof(streams, drivingStreams),
        arrival,
        timelines,
        (events, how, timeline) => {
          const rows = rowsOf(timeline, events);
          const folded = foldPieces(arrive(events, how), contextOf(rows));
          const checked = check(events, loadZones, rows);
          expect(folded.trips).toEqual(checked.trips);
          expect(inOrder(folded.drivingEvents)).toEqual(inOrder(checked.drivingEvents));
          converged += folded.converged;
        },
      ),
      { numRuns: ORDERS },
    );
    // Otherwise every piece would be folded to the end, and early stopping would not be tested.
    expect(converged).toBeGreaterThan(ORDERS / 5);
  });
});

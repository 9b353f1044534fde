import fc from 'fast-check';
import { expect, it } from 'vitest';
import { foldAll } from '../../src/core/fold-all.ts';
import { foldPieces } from './late-folding.ts';
import { drivingStreams, runs, streams } from './streams.ts';
import { contextOf } from './timelines.ts';

it('gives the facts of one ordered pass if rules that check readings take effect within a stream', () => {
  fc.assert(
    fc.property(
      fc.oneof(streams, drivingStreams),
      fc.constantFrom('1', '2', '2/cap=130', '3'),
      fc.constantFrom('3', '3/cap=130'),
      fc.integer({ min: 0, max: 999 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 2_147_483_646 }),
      (events, before, after, permille, pieces, seed) => {
        const instants = events.map(({ atMs }) => atMs).sort((a, b) => a - b);
        const changesAtMs = instants[Math.floor((permille * instants.length) / 1_000)];
        if (changesAtMs === undefined) return;
        const context = contextOf([
          { effectiveFromMs: 0, version: before },
          { effectiveFromMs: changesAtMs, version: after },
        ]);
        let random = seed;
        const places = events.map((event) => {
          random = (random * 48_271) % 2_147_483_647;
          return { event, place: random };
        });
        const shuffled = places.sort((a, b) => a.place - b.place).map(({ event }) => event);
        const size = Math.ceil(shuffled.length / pieces);
        const parts = Array.from({ length: pieces }, (_, i) =>
          shuffled.slice(i * size, (i + 1) * size),
        );
        const folded = foldPieces(parts, context);
        const once = foldAll(events, context);
        expect(folded.drivingEvents).toEqual(once.drivingEvents);
        expect(folded.trips).toEqual([...once.trips, ...(once.openTrip ? [once.openTrip] : [])]);
      },
    ),
    runs(25),
  );
});

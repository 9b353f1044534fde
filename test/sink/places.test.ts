import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../src/kafka.ts';
import { countRecords, halve } from '../../src/sink/halve.ts';
import { createPlaces } from '../../src/sink/places.ts';

const record = (partition: number, offset: number): LogRecord => ({
  partition,
  offset,
  timestampMs: 0,
  key: null,
  value: Buffer.from('x'),
  headers: [],
});

const stored = (partition: number, nextOffset: number) => ({
  partition,
  nextOffset,
  known: undefined,
});

/** Records at all offsets except those that a control record or compaction took. */
const records = (partition: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => from + i)
    .filter((offset) => offset % 7 !== 3)
    .map((offset) => record(partition, offset));

describe('the places of a sink', () => {
  it('return each record once and in order, whatever is fetched, fetched again, or reassigned', async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('fetch' as const), back: fc.nat(20), length: fc.nat(30) }),
      fc.record({ type: fc.constant('take' as const) }),
      fc.record({ type: fc.constant('commit' as const) }),
      fc.record({ type: fc.constant('reassign' as const) }),
      fc.record({ type: fc.constant('ahead' as const), by: fc.integer({ min: 1, max: 5 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const places = createPlaces();
        places.assign([stored(0, 0), stored(1, 0)]);
        const [p, other] = [0, 1];
        let queuedTo = 0;
        let takenTo = 0;
        let committed = 0;
        const taken: { from: number; to: number }[] = [];
        for (const each of steps) {
          if (each.type === 'fetch') {
            const from = Math.max(0, queuedTo - each.back);
            const to = from + each.length;
            const accepted = places.accept(p, { from, to, records: records(p, from, to) });
            expect(accepted).toBe(to > queuedTo ? 'queued' : 'old');
            queuedTo = Math.max(queuedTo, to);
          } else if (each.type === 'ahead') {
            const from = queuedTo + each.by;
            const ahead = { from, to: from + 1, records: records(p, from, from + 1) };
            expect(places.accept(p, ahead)).toEqual({ expected: queuedTo });
          } else if (each.type === 'take') {
            places.wake();
            for (const batch of await places.take()) {
              expect(batch.partition).toBe(p);
              expect(batch.from).toBe(takenTo);
              expect(batch.records).toEqual(records(p, batch.from, batch.to));
              takenTo = batch.to;
              taken.push(batch);
            }
          } else if (each.type === 'commit' && taken.length > 0) {
            const { from, to } = taken.shift()!;
            places.committed([{ partition: p, from, to, last: undefined }]);
            committed = to;
          } else if (each.type === 'reassign') {
            places.assign([stored(p, committed), stored(other, 0)]);
            queuedTo = committed;
            takenTo = committed;
            taken.length = 0;
          }
          expect(places.stored(p)!.nextOffset).toBe(committed);
          expect(committed <= takenTo && takenTo <= queuedTo).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('return no records of a partition that was taken away', async () => {
    const places = createPlaces();
    places.assign([stored(0, 0), stored(1, 0)]);
    places.accept(0, { from: 0, to: 5, records: records(0, 0, 5) });
    places.assign([stored(1, 0)]);
    expect(places.accept(0, { from: 5, to: 9, records: records(0, 5, 9) })).toBe('old');
    expect(await places.take()).toEqual([]);
    expect(places.queuedBytes()).toBe(0);
  });

  it('take from every partition in turn if a batch has no room for all', async () => {
    const places = createPlaces();
    places.assign([stored(0, 0), stored(1, 0), stored(2, 0)]);
    const many = (partition: number) =>
      Array.from({ length: 60_000 }, (_, offset) => record(partition, offset));
    for (const p of [0, 1, 2]) places.accept(p, { from: 0, to: 60_000, records: many(p) });
    const seen = new Set<number>();
    for (let batches = 0; batches < 4; batches += 1) {
      const batch = await places.take();
      expect(countRecords(batch)).toBe(batches < 3 ? 50_000 : 30_000);
      for (const { partition } of batch) seen.add(partition);
    }
    expect(seen.size).toBe(3);
  });
});

describe('a batch that is halved', () => {
  it('has the same records and the same ends in its two parts', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(8), { minLength: 1, maxLength: 4 }), (lengths) => {
        const batch = lengths.map((length, partition) => ({
          partition,
          from: 10,
          to: 10 + length + 2,
          records: Array.from({ length }, (_, i) => record(partition, 11 + i)),
        }));
        fc.pre(countRecords(batch) > 1);
        const [first, second] = halve(batch);
        expect(countRecords(first)).toBe(Math.floor(countRecords(batch) / 2));
        expect(countRecords(first) + countRecords(second)).toBe(countRecords(batch));
        for (const { partition, from, to } of batch) {
          const parts = [...first, ...second].filter((part) => part.partition === partition);
          expect(parts[0]!.from).toBe(from);
          expect(parts.at(-1)!.to).toBe(to);
          if (parts.length === 2) expect(parts[0]!.to).toBe(parts[1]!.from);
        }
      }),
    );
  });
});

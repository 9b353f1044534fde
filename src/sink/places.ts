import type { Fetched, LogRecord } from '../kafka.ts';
import type { OffsetMove } from '../store/ingest/commit.ts';
import type { StoredOffset } from '../store/ingest/offsets.ts';
import type { PartitionBatch } from './context.ts';
import { createDeferred } from './deferred.ts';

/** Records that one transaction takes at most: it costs so much a device that large batches pay. */
const MAX_BATCH_RECORDS = 50_000;
/** Bytes of records that one transaction takes at most. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
/** Bytes that may wait in the queues; then fetching pauses until a batch is taken. */
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;
const RECORD_OVERHEAD_BYTES = 256;

/** Where one partition is. Always `stored.nextOffset` ≤ `takenTo` ≤ `queuedTo`. */
interface Place {
  /** Committed to the store up to here. */
  stored: StoredOffset;
  /** In a batch that is folded or written up to here. */
  takenTo: number;
  /** Fetched up to here; the log has to be read on from this offset. */
  queuedTo: number;
  /** The fetches between `takenTo` and `queuedTo`, in order. */
  readonly queue: Fetched[];
}

/** What became of a fetch. */
export type Accepted =
  | 'queued'
  /** It begins after the place, so records between may be lost; `expected` has to be read. */
  | { readonly expected: number }
  /** Nothing in it is new, or the partition is not assigned. */
  | 'old';

/**
 * The partitions that this sink is assigned, with what was fetched of them and not yet taken. All of
 * them are replaced together, by `assign`; what happens to a fetch, a batch or a commit of an earlier
 * assignment then follows from the offsets alone.
 */
export interface Places {
  assign(offsets: readonly StoredOffset[]): void;
  partitions(): readonly number[];
  stored(partition: number): StoredOffset | undefined;
  accept(partition: number, fetched: Fetched): Accepted;
  /** Takes the oldest records of every partition up to the size of a batch; waits for the first. */
  take(): Promise<readonly PartitionBatch[]>;
  /** Records what a commit has moved. */
  committed(moves: readonly OffsetMove[]): void;
  isFull(): boolean;
  queuedBytes(): number;
  /** Makes a waiting `take` return, perhaps with nothing. */
  wake(): void;
}

export function createPlaces(): Places {
  let places = new Map<number, Place>();
  let bytes = 0;
  /** The partition to take from first, so that none waits for ever behind another. */
  let turn = 0;
  let signal = createDeferred<void>();

  function takeFrom(place: Place, room: { records: number; bytes: number }): PartitionBatch {
    const from = place.takenTo;
    const records: LogRecord[] = [];
    while (place.queue.length > 0 && room.records > 0 && room.bytes > 0) {
      const first = place.queue[0]!;
      let used = 0;
      while (used < first.records.length && room.records > 0 && room.bytes > 0) {
        const record = first.records[used]!;
        records.push(record);
        used += 1;
        room.records -= 1;
        room.bytes -= sizeOf(record);
        bytes -= sizeOf(record);
      }
      if (used === first.records.length) {
        place.queue.shift();
        place.takenTo = first.to;
      } else {
        const rest = first.records.slice(used);
        place.takenTo = rest[0]!.offset;
        place.queue[0] = { from: place.takenTo, to: first.to, records: rest };
      }
    }
    return { partition: place.stored.partition, from, to: place.takenTo, records };
  }

  return {
    assign(offsets) {
      bytes = 0;
      places = new Map(
        offsets.map((stored) => [
          stored.partition,
          { stored, takenTo: stored.nextOffset, queuedTo: stored.nextOffset, queue: [] },
        ]),
      );
    },
    partitions: () => [...places.keys()],
    stored: (partition) => places.get(partition)?.stored,
    accept(partition, { from, to, records }) {
      const place = places.get(partition);
      if (!place || to <= place.queuedTo) return 'old';
      if (from > place.queuedTo) return { expected: place.queuedTo };
      const fresh = records.filter((record) => record.offset >= place.queuedTo);
      place.queue.push({ from: place.queuedTo, to, records: fresh });
      place.queuedTo = to;
      for (const record of fresh) bytes += sizeOf(record);
      signal.resolve();
      return 'queued';
    },
    async take() {
      await signal.promise;
      signal = createDeferred();
      const room = { records: MAX_BATCH_RECORDS, bytes: MAX_BATCH_BYTES };
      const all = [...places.values()];
      const batch: PartitionBatch[] = [];
      const start = turn;
      for (let i = 0; i < all.length; i += 1) {
        if (room.records <= 0 || room.bytes <= 0) break;
        const at = (start + i) % all.length;
        if (all[at]!.queue.length > 0) batch.push(takeFrom(all[at]!, room));
        turn = at;
      }
      if (all.some(({ queue }) => queue.length > 0)) signal.resolve();
      return batch;
    },
    committed(moves) {
      for (const { partition, from, to, last } of moves) {
        const place = places.get(partition);
        if (place?.stored.nextOffset !== from) continue;
        place.stored = { partition, nextOffset: to, known: last ?? place.stored.known };
      }
    },
    isFull: () => bytes >= MAX_QUEUED_BYTES,
    queuedBytes: () => bytes,
    wake: () => signal.resolve(),
  };
}

function sizeOf({ key, value }: LogRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + RECORD_OVERHEAD_BYTES;
}

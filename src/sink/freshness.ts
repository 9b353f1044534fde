import { performance } from 'node:perf_hooks';
import type { FetchedPartition } from '../kafka.ts';
import type { Logger } from '../log.ts';
import { markHeld } from '../store/ingest/offsets.ts';
import type { Store } from '../store/open.ts';
import type { Clock } from './clock.ts';
import type { Places } from './places.ts';

/** How far one partition is read. */
export interface PartitionStatus {
  readonly partition: number;
  /** Records that can be read and are not stored. */
  readonly lagRecords: number;
  /** Everything that had reached the partition by this instant is stored; undefined if not known yet. */
  readonly readThroughMs: number | undefined;
  /** Records behind a transaction that is still open; nothing can be read until it ends. */
  readonly withheldRecords: number;
}

/**
 * Measures how far the log is read: a moment of the database's clock, then the log's end as a fetch
 * asked for later reports it; once everything before that end is stored, everything that had arrived
 * by that moment is. The end is that of all acknowledged records, so records that an open transaction
 * withholds keep it from moving.
 */
export interface Freshness {
  /** Passes on each response of a broker. */
  observe(response: FetchedPartition): void;
  /**
   * Takes and notes samples; called every second.
   * @param findPartitions makes sure that each partition of the topic has its row; if it fails, nothing
   *   is noted, since a new partition may hold records that nobody reads yet
   */
  tick(findPartitions: () => Promise<void>): Promise<void>;
  status(): readonly PartitionStatus[];
  lagRecords(): number;
}

interface Sample {
  readonly at: Date;
  readonly takenAt: number;
  end?: number;
}

const WARN_EVERY_MS = 60_000;

export function createFreshness({
  store,
  topic,
  places,
  clock,
  log,
}: {
  readonly store: Store;
  readonly topic: string;
  readonly places: Places;
  readonly clock: Clock;
  readonly log: Logger;
}): Freshness {
  const samples = new Map<number, Sample>();
  const ends = new Map<number, FetchedPartition>();
  let readThrough: ReadonlyMap<number, Date | null> = new Map();
  const warnedAtMs = new Map<number, number>();

  function statusOf(partition: number): PartitionStatus {
    const next = places.stored(partition)?.nextOffset ?? 0;
    const end = ends.get(partition);
    return {
      partition,
      lagRecords: Math.max(0, (end?.lastStableOffset ?? next) - next),
      readThroughMs: readThrough.get(partition)?.getTime(),
      withheldRecords: end ? Math.max(0, end.highWatermark - end.lastStableOffset) : 0,
    };
  }

  function warnOfTransactions(): void {
    for (const { partition, lagRecords, withheldRecords } of places.partitions().map(statusOf)) {
      if (withheldRecords === 0 || lagRecords > 0) {
        warnedAtMs.delete(partition);
        continue;
      }
      const since = warnedAtMs.get(partition);
      if (since === undefined) warnedAtMs.set(partition, Date.now() - WARN_EVERY_MS + 10_000);
      else if (Date.now() - since >= WARN_EVERY_MS) {
        warnedAtMs.set(partition, Date.now());
        log.warn(
          { partition, withheldRecords },
          `partition ${partition} of ${topic}: a producer's open transaction withholds ${withheldRecords} records; they are read when it ends, and data-as-of stays where it is`,
        );
      }
    }
  }

  return {
    observe(response) {
      ends.set(response.partition, response);
      const sample = samples.get(response.partition);
      if (sample && response.requestedAt >= sample.takenAt) {
        sample.end ??= response.highWatermark;
      }
    },
    async tick(findPartitions) {
      const at = await clock.synchronise();
      const takenAt = performance.now();
      await findPartitions();
      const partitions = places.partitions();
      const held = partitions.map((partition) => {
        const sample = samples.get(partition);
        const next = places.stored(partition)?.nextOffset ?? 0;
        const isReached = sample?.end !== undefined && next >= sample.end;
        if (!sample || isReached) samples.set(partition, { at, takenAt });
        return isReached ? { partition, end: sample.end!, at: sample.at } : { partition };
      });
      for (const partition of [...samples.keys(), ...ends.keys()]) {
        if (!partitions.includes(partition)) {
          samples.delete(partition);
          ends.delete(partition);
        }
      }
      if (held.length > 0) readThrough = await markHeld(store, topic, held);
      warnOfTransactions();
    },
    status: () => places.partitions().map(statusOf),
    lagRecords: () =>
      places.partitions().reduce((sum, partition) => sum + statusOf(partition).lagRecords, 0),
  };
}

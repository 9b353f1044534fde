import { setTimeout as sleep } from 'node:timers/promises';
import type { FoldContext } from '../core/advance.ts';
import type { DecodeSettings } from '../core/decode/format.ts';
import type { KafkaClient, LogRecord } from '../kafka.ts';
import type { Logger } from '../log.ts';
import { FencedError } from '../store/commit.ts';
import { createIdBlocks } from '../store/ids.ts';
import type { Notifier } from '../store/notify.ts';
import type { StoredOffset } from '../store/offsets.ts';
import { loadOffsets } from '../store/offsets.ts';
import type { Store } from '../store/open.ts';
import type { Bench, PartitionBatch } from './batch.ts';
import { processBatch } from './batch.ts';
import { createDeviceCache } from './cache.ts';
import type { Freshness } from './freshness.ts';
import { createFreshness } from './freshness.ts';
import { logProblem, recordDigest } from './log-identity.ts';
import { createDeferred } from './deferred.ts';
import { createQueue } from './queue.ts';

export interface SinkOptions {
  readonly kafka: KafkaClient;
  readonly topic: string;
  readonly groupId: string;
  /** Partitions the topic is made with where it is missing. */
  readonly partitions: number;
  /** Opened with the sink's own login. */
  readonly store: Store;
  readonly notifier: Notifier;
  readonly decoding: DecodeSettings;
  /** Reads the rules in force; asked again when somebody has added to them. */
  readonly loadRules: () => Promise<{ readonly context: FoldContext; readonly rows: number }>;
  readonly ensurePartitions: Bench['ensurePartitions'];
  readonly log: Logger;
  readonly onBatch?: (batch: BatchReport) => void;
}

export interface BatchReport {
  readonly events: number;
  readonly duplicates: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly unknownFields: number;
  readonly durationMs: number;
}

export interface Sink {
  /** Whether it moves, or has nothing to read. */
  isReady(): boolean;
  /** Ends after the batch under way; what is queued is read again by whoever comes next. */
  stop(): Promise<void>;
  /** Resolves when stopped, rejects with what crashed it. */
  readonly finished: Promise<void>;
}

const CACHED_DEVICES = 50_000;
const STALLED_MS = 30_000;
const PAUSE_MS = 100;
const COMMIT_HINT_EVERY_MS = 1_000;
/** PostgreSQL's codes of a transaction that lost against another one and may be tried again. */
const TRY_AGAIN = /\b(40001|40P01|55P03)\b|P2034/;

/**
 * Reads the topic as a member of the group and writes every event once. What is stored is decided
 * by the offset and the device versions in PostgreSQL alone; the group only shares out the work.
 */
export async function startSink(options: SinkOptions): Promise<Sink> {
  const { kafka, topic, store, log } = options;
  const partitions = await kafka.ensureTopic(topic, options.partitions);
  const queue = createQueue();
  const rules = await options.loadRules();
  let bench: Bench = {
    store,
    topic,
    decoding: options.decoding,
    context: rules.context,
    rulesRows: rules.rows,
    cache: createDeviceCache(CACHED_DEVICES),
    ids: createIdBlocks(store),
    now: Date.now,
    ensurePartitions: options.ensurePartitions,
  };
  const stored = new Map<number, StoredOffset>();
  const owned = new Set<number>();
  /** Offset after the last record queued, a partition. */
  const tail = new Map<number, number>();
  /** Where a hole was met, a partition: read once more before it is believed. */
  const holes = new Map<number, number>();
  let stopping = false;
  let movedAtMs = Date.now();
  const failed = createDeferred<never>();
  failed.promise.catch(() => undefined);

  /**
   * Takes up the stored offsets and forgets what was queued.
   * @returns where to read on: the record before the offset is read again where it still exists, to
   *   know the log by it
   */
  async function takeOver(assigned: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const ends = await kafka.offsets(topic);
    const earliest = new Map(
      [...ends].map(([partition, { earliest: first }]) => [partition, first]),
    );
    const offsets = await loadOffsets(store, topic, earliest);
    queue.clear();
    owned.clear();
    holes.clear();
    const readFrom = new Map<number, number>();
    for (const partition of assigned) {
      const offset = offsets.get(partition)!;
      const end = ends.get(partition)!.end;
      if (offset.nextOffset > end)
        throw logProblem.rewound(topic, partition, offset.nextOffset, end);
      owned.add(partition);
      stored.set(partition, offset);
      tail.set(partition, offset.nextOffset);
      const last = offset.nextOffset - 1;
      const isThere = offset.lastDigest !== undefined && last >= earliest.get(partition)!;
      readFrom.set(partition, isThere ? last : offset.nextOffset);
    }
    return readFrom;
  }

  async function assign(assigned: readonly number[]): Promise<ReadonlyMap<number, number>> {
    log.info(
      { partitions: assigned },
      `reading ${assigned.length} of ${partitions} partitions of ${topic}`,
    );
    return takeOver(assigned).catch((error: unknown) => {
      failed.reject(error);
      throw error;
    });
  }

  async function enqueue(
    partition: number,
    records: readonly LogRecord[],
    heartbeat: () => Promise<void>,
  ): Promise<void> {
    const expected = tail.get(partition);
    if (expected === undefined || !owned.has(partition) || stopping) return;
    const known = stored.get(partition)!;
    const last = records.find((record) => record.offset === known.nextOffset - 1);
    if (last && known.lastDigest !== undefined && recordDigest(last) !== known.lastDigest) {
      throw logProblem.replaced(topic, partition, last.offset);
    }
    const fresh = records.filter((record) => record.offset >= expected);
    if (fresh.length === 0) return;
    const found = fresh[0]!.offset;
    if (found > expected && !(await isHole(partition, expected, found))) return;
    if (tail.get(partition) !== expected) return;
    tail.set(partition, fresh.at(-1)!.offset + 1);
    queue.add(partition, fresh);
    while (queue.isFull() && !stopping) {
      await heartbeat();
      await sleep(PAUSE_MS);
    }
  }

  /**
   * Offsets may be missing inside a log (markers, compaction), but not where retention cut it off.
   * Reading once more from the offset expected tells a hole from a fetch that was under way when the
   * place to read from moved.
   */
  async function isHole(partition: number, expected: number, found: number): Promise<boolean> {
    const { earliest } = (await kafka.offsets(topic)).get(partition)!;
    if (earliest > expected) throw logProblem.gap(topic, partition, expected, found);
    if (holes.get(partition) === expected) return true;
    holes.set(partition, expected);
    subscription.seek(partition, expected);
    return false;
  }

  function toBatch(taken: ReadonlyMap<number, readonly LogRecord[]>): PartitionBatch[] {
    return [...taken]
      .filter(([partition]) => owned.has(partition))
      .map(([partition, records]) => {
        // A batch that committed while the partition was taken over anew is not read again.
        const from = stored.get(partition)!.nextOffset;
        return { partition, from, records: records.filter((record) => record.offset >= from) };
      })
      .filter(({ records }) => records.length > 0);
  }

  async function write(batch: readonly PartitionBatch[]): Promise<void> {
    while (!stopping) {
      const startedAtMs = Date.now();
      try {
        const result = await processBatch(bench, batch);
        movedAtMs = Date.now();
        options.onBatch?.({ ...result, durationMs: movedAtMs - startedAtMs });
        for (const { partition, records } of batch) {
          const last = records.at(-1)!;
          stored.set(partition, {
            partition,
            nextOffset: last.offset + 1,
            lastTimestampMs: last.timestampMs,
            lastDigest: recordDigest(last),
          });
        }
        options.notifier.wake();
        return;
      } catch (error) {
        if (error instanceof FencedError && error.by === 'OFFSET') {
          log.info(error.message);
          const readFrom = await takeOver([...owned]);
          readFrom.forEach((offset, partition) => subscription.seek(partition, offset));
          return;
        }
        if (error instanceof FencedError && error.by === 'RULES') {
          const { context, rows } = await options.loadRules();
          bench = { ...bench, context, rulesRows: rows, cache: createDeviceCache(CACHED_DEVICES) };
        } else if (!(error instanceof FencedError) && !TRY_AGAIN.test(describe(error))) {
          throw error;
        }
        log.debug({ reason: describe(error) }, 'the batch is folded again');
      }
    }
  }

  const freshness: Freshness = createFreshness({ store, topic, kafka, log });
  async function writeAll(): Promise<void> {
    let hintedAtMs = 0;
    while (!stopping) {
      const batch = toBatch(await queue.take());
      if (batch.length > 0) await write(batch);
      freshness.reached(stored);
      if (Date.now() - hintedAtMs > COMMIT_HINT_EVERY_MS && batch.length > 0) {
        hintedAtMs = Date.now();
        hint();
      }
    }
  }

  /** Kafka's own offsets only serve people's tools and lag monitors; nothing depends on them. */
  function hint(): void {
    const offsets = new Map([...owned].map((p) => [p, stored.get(p)!.nextOffset]));
    subscription.commit(offsets).catch((error: unknown) => {
      log.debug({ reason: describe(error) }, 'the group did not take the offsets');
    });
  }

  const subscription = await kafka.subscribe({
    topic,
    groupId: options.groupId,
    partitions,
    onAssigned: assign,
    onRecords: (partition, records, heartbeat) =>
      enqueue(partition, records, heartbeat).catch((error: unknown) => {
        failed.reject(error);
        throw error;
      }),
  });
  freshness.start(() => [...owned].map((p) => stored.get(p)!));
  const writing = writeAll();
  const finished = Promise.race([writing, failed.promise, subscription.crashed, freshness.failed]);
  finished.catch(() => undefined);

  return {
    isReady: () => Date.now() - movedAtMs < STALLED_MS || freshness.lag(stored, owned) === 0,
    async stop() {
      stopping = true;
      queue.wake();
      await writing.catch(() => undefined);
      freshness.stop();
      hint();
      await subscription.stop();
    },
    finished,
  };
}

function describe(error: unknown): string {
  const { code, message, meta } = error as { code?: unknown; message?: unknown; meta?: unknown };
  return `${String(code)} ${String(message)} ${JSON.stringify(meta ?? {})}`;
}

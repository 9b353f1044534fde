import { setTimeout as sleep } from 'node:timers/promises';
import type { DecodeSettings } from '../core/decode/format.ts';
import type { KafkaClient, LogRecord } from '../kafka.ts';
import type { Logger } from '../log.ts';
import { FencedError } from '../store/ingest/commit.ts';
import { measureDeadLetters } from '../store/ingest/dead-letters.ts';
import { createIdBlocks } from '../store/ingest/ids.ts';
import type { Notifier } from '../store/notify.ts';
import type { StoredOffset } from '../store/ingest/offsets.ts';
import { loadOffsets } from '../store/ingest/offsets.ts';
import type { Store } from '../store/open.ts';
import type { PreparedBatch } from './batch.ts';
import { commitBatch, forget, prepareBatch } from './batch.ts';
import type { BatchResult, PartitionBatch, Rules, SinkContext } from './context.ts';
import { createDeviceCache } from './cache.ts';
import { createDeadLetterBudget } from './dead-letter-budget.ts';
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
  readonly loadRules: () => Promise<Rules>;
  readonly ensurePartitions: SinkContext['ensurePartitions'];
  /** Bytes of dead letters that are kept whole; what comes beyond is counted. */
  readonly deadLetterBytes?: number;
  readonly log: Logger;
  readonly onBatch?: (batch: BatchReport) => void;
}

export interface BatchReport extends BatchResult {
  /** From the start of its transaction to the commit. */
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

/** Dead letters that are kept whole, unless a setting says otherwise. */
const DEAD_LETTER_BYTES = 1024 * 1024 * 1024;
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
  const sink: SinkContext = {
    store,
    topic,
    decoding: options.decoding,
    rules: await options.loadRules(),
    cache: createDeviceCache(CACHED_DEVICES),
    ids: createIdBlocks(store),
    deadLetters: createDeadLetterBudget(
      options.deadLetterBytes ?? DEAD_LETTER_BYTES,
      () => measureDeadLetters(store),
      Date.now,
    ),
    now: Date.now,
    ensurePartitions: options.ensurePartitions,
  };
  const stored = new Map<number, StoredOffset>();
  const owned = new Set<number>();
  /** Offset after the last record queued, a partition. */
  const tail = new Map<number, number>();
  /** Offset after the last record taken into a batch, a partition; `stored` follows it. */
  const taken = new Map<number, number>();
  /** The write under way, of the batch before the one that is folded. */
  let writing: Promise<void> = Promise.resolve();
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
    await writing.catch(() => undefined);
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
      taken.set(partition, offset.nextOffset);
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

  function toBatch(queued: ReadonlyMap<number, readonly LogRecord[]>): PartitionBatch[] {
    const batch = [...queued]
      .filter(([partition]) => owned.has(partition))
      .map(([partition, records]) => {
        // What was taken before the partition was taken over anew may come a second time.
        const from = taken.get(partition)!;
        return { partition, from, records: records.filter((record) => record.offset >= from) };
      })
      .filter(({ records }) => records.length > 0);
    for (const { partition, records } of batch) taken.set(partition, records.at(-1)!.offset + 1);
    return batch;
  }

  async function write(prepared: PreparedBatch): Promise<void> {
    const startedAtMs = Date.now();
    await commitBatch(sink, prepared);
    movedAtMs = Date.now();
    options.onBatch?.({ ...prepared.result, durationMs: movedAtMs - startedAtMs });
    for (const { partition, to, lastTimestampMs, lastDigest } of prepared.commit.offsets) {
      stored.set(partition, { partition, nextOffset: to, lastTimestampMs, lastDigest });
    }
    options.notifier.wake();
    freshness.reached(stored);
    hint();
  }

  /**
   * Folds and writes a batch again until it is written or somebody else has written it.
   * @returns whether it is written; if not, the partitions have been taken over anew
   */
  async function retry(batch: readonly PartitionBatch[], reason: unknown): Promise<boolean> {
    for (let error = reason; !stopping;) {
      if (error instanceof FencedError && error.by === 'OFFSET') {
        log.info(error.message);
        const readFrom = await takeOver([...owned]);
        readFrom.forEach((offset, partition) => subscription.seek(partition, offset));
        return false;
      }
      if (error instanceof FencedError && error.by === 'RULES') {
        sink.rules = await options.loadRules();
        sink.cache.clear();
      } else if (!(error instanceof FencedError) && !TRY_AGAIN.test(describe(error))) {
        throw error;
      }
      log.debug({ reason: describe(error) }, 'the batch is folded again');
      try {
        await write(await prepareBatch(sink, batch, async () => undefined));
        return true;
      } catch (again) {
        error = again;
      }
    }
    return false;
  }

  const freshness: Freshness = createFreshness({ store, topic, kafka, log });

  /**
   * A batch is folded while the one before it is written. Where that one fails, both are dropped and
   * folded again, in order.
   */
  async function writeAll(): Promise<void> {
    let before: readonly PartitionBatch[] = [];
    while (!stopping) {
      const batch = toBatch(await queue.take());
      let prepared: PreparedBatch | undefined;
      try {
        if (batch.length > 0) prepared = await prepareBatch(sink, batch, () => writing);
        await writing;
        if (!prepared) continue;
        before = batch;
        writing = write(prepared);
        // A write that fails must be tried again also where nothing more is to be read.
        writing.catch(() => queue.wake());
      } catch (error) {
        if (prepared) forget(sink, prepared.externalIds);
        const failedBefore = await writing.then(
          () => false,
          () => true,
        );
        writing = Promise.resolve();
        for (const again of failedBefore ? [before, batch] : [batch]) {
          if (again.length > 0 && !(await retry(again, error))) break;
        }
      }
    }
    await writing;
  }

  let hintedAtMs = 0;
  /** Kafka's own offsets only serve people's tools and lag monitors; nothing depends on them. */
  function hint({ now = false } = {}): void {
    if (!now && Date.now() - hintedAtMs < COMMIT_HINT_EVERY_MS) return;
    hintedAtMs = Date.now();
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
  const running = writeAll();
  const finished = Promise.race([running, failed.promise, subscription.crashed, freshness.failed]);
  finished.catch(() => undefined);

  return {
    isReady: () => Date.now() - movedAtMs < STALLED_MS || freshness.lag(stored, owned) === 0,
    async stop() {
      stopping = true;
      queue.wake();
      await running.catch(() => undefined);
      freshness.stop();
      hint({ now: true });
      await subscription.stop();
    },
    finished,
  };
}

function describe(error: unknown): string {
  const { code, message, meta } = error as { code?: unknown; message?: unknown; meta?: unknown };
  return `${String(code)} ${String(message)} ${JSON.stringify(meta ?? {})}`;
}

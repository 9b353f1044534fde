import { setTimeout as sleep } from 'node:timers/promises';
import type { Fetched, KafkaClient, Subscription } from '../kafka.ts';
import type { Logger } from '../log.ts';
import { Problem } from '../problem.ts';
import { measureDeadLetters } from '../store/ingest/dead-letters.ts';
import { createIdBlocks } from '../store/ingest/ids.ts';
import { loadOffsets, retireOffsets } from '../store/ingest/offsets.ts';
import type { Notifier } from '../store/notify.ts';
import type { Store } from '../store/open.ts';
import { createDeviceCache } from './cache.ts';
import { createClock } from './clock.ts';
import type { BatchResult, Decoding, Rules, SinkContext } from './context.ts';
import { createDeadLetterBudget } from './dead-letter-budget.ts';
import { createDeferred } from './deferred.ts';
import type { PartitionStatus } from './freshness.ts';
import { createFreshness } from './freshness.ts';
import { logProblem, recordDigest } from './log-identity.ts';
import { createPlaces } from './places.ts';
import { createTakeOver } from './take-over.ts';
import type { Trouble, Waiting } from './trouble.ts';
import { createTrouble, patiently, pauseMs } from './trouble.ts';
import { createWatchdog } from './watchdog.ts';
import { createWriter } from './write.ts';

export interface SinkOptions {
  readonly kafka: KafkaClient;
  readonly topic: string;
  readonly groupId: string;
  /** Partitions the topic is created with if it is missing. */
  readonly partitions: number;
  /** Opened with the sink's own login. */
  readonly store: Store;
  readonly notifier: Notifier;
  readonly decoding: Decoding;
  /** Reads the rules in force; called again when rows were added. */
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

export interface SinkStatus {
  /** Whether it makes progress or has nothing to read. */
  readonly isReady: boolean;
  /** What it waits for at the moment; it goes on by itself. */
  readonly waiting: readonly Waiting[];
  /** Of the partitions that it has now. */
  readonly partitions: readonly PartitionStatus[];
  /** Bytes that are fetched and not yet in a batch. */
  readonly queuedBytes: number;
  /** How often it was given partitions. */
  readonly rebalances: number;
}

export interface Sink {
  status(): SinkStatus;
  /** Ends after the batch under way; what is queued is read again by the next sink. */
  stop(): Promise<void>;
  /** Resolves once database and broker have answered, however long that takes. */
  readonly started: Promise<void>;
  /** Resolves when stopped, rejects with the error that ended it. */
  readonly finished: Promise<void>;
}

/** Dead letters that are kept whole, unless a setting says otherwise. */
const DEAD_LETTER_BYTES = 1024 * 1024 * 1024;
type Reader = Pick<Sink, 'status' | 'stop' | 'finished'>;

const CACHED_DEVICES = 50_000;
const STALLED_MS = 30_000;
const FULL_PAUSE_MS = 100;
const TICK_MS = 1_000;
const COMMIT_HINT_EVERY_MS = 1_000;
const RETIRE_EVERY_MS = 10_000;

/**
 * Reads the topic as a member of the group and writes every event once. What is stored is decided
 * by the offset and the device versions in PostgreSQL alone; the group only shares out the work.
 * It waits for a database or a broker that is not there, at its start and at any later time.
 */
export function startSink(options: SinkOptions): Sink {
  const trouble = createTrouble(options.log);
  const stopping = new AbortController();
  let reader: Reader | undefined;
  const opening = openReader(options, trouble, stopping.signal).then((opened) => {
    reader = opened;
  });
  const finished = opening.then(() => reader?.finished);
  finished.catch(() => undefined);
  opening.catch(() => undefined);
  return {
    status: () =>
      reader?.status() ?? {
        isReady: false,
        waiting: trouble.waiting(),
        partitions: [],
        queuedBytes: 0,
        rebalances: 0,
      },
    async stop() {
      stopping.abort();
      await opening.catch(() => undefined);
      await reader?.stop();
    },
    started: opening,
    finished,
  };
}

/** @returns undefined if it was stopped before database and broker answered */
async function openReader(
  options: SinkOptions,
  trouble: Trouble,
  signal: AbortSignal,
): Promise<Reader | undefined> {
  const { kafka, topic, store, log } = options;
  const patience = { trouble, signal };
  const clock = createClock(store);
  const places = createPlaces();
  const rules = await patiently('database', options.loadRules, patience);
  await patiently('database', clock.synchronise, patience);
  const found = await patiently(
    'broker',
    () => kafka.ensureTopic(topic, options.partitions),
    patience,
  );
  if (!rules || found === undefined) return undefined;
  let partitions: number = found;
  const watchdog = createWatchdog(topic);
  const failed = createDeferred<never>();
  failed.promise.catch(() => undefined);
  let stopping = false;
  let movedAtMs = Date.now();
  let rebalances = 0;

  const sink: SinkContext = {
    store,
    topic,
    decoding: options.decoding,
    rules,
    cache: createDeviceCache(CACHED_DEVICES),
    ids: createIdBlocks(store),
    deadLetters: createDeadLetterBudget(
      options.deadLetterBytes ?? DEAD_LETTER_BYTES,
      () => measureDeadLetters(store),
      clock.now,
    ),
    now: clock.now,
    ensurePartitions: options.ensurePartitions,
    progress: watchdog.progress,
  };

  const freshness = createFreshness({ store, topic, places, clock, log });
  const writer = createWriter({
    sink,
    places,
    trouble,
    log,
    loadRules: options.loadRules,
    onFenced: () => takeOver.again(),
    onWritten(result, durationMs) {
      movedAtMs = Date.now();
      options.onBatch?.({ ...result, durationMs });
      options.notifier.wake();
      void hint();
    },
  });
  const takeOver = createTakeOver({
    kafka,
    store,
    topic,
    places,
    trouble,
    settled: writer.settled,
    seek: (partition, offset) => subscription.seek(partition, offset),
  });

  async function enqueue(
    partition: number,
    fetched: Fetched,
    heartbeat: () => Promise<void>,
  ): Promise<void> {
    const known = places.stored(partition)?.known;
    const again = known && fetched.records.find((record) => record.offset === known.offset);
    if (known && again && recordDigest(again) !== known.digest) {
      throw logProblem.replaced(topic, partition, known.offset);
    }
    if (stopping) return;
    const accepted = places.accept(partition, fetched);
    if (typeof accepted === 'object') {
      const { earliest } = (await kafka.offsets(topic)).get(partition)!;
      if (earliest > accepted.expected) {
        throw logProblem.gap(topic, partition, accepted.expected, fetched.from);
      }
      subscription.seek(partition, accepted.expected);
    }
    if (accepted === 'queued') watchdog.progress();
    while (places.isFull() && !stopping) {
      await heartbeat();
      await sleep(FULL_PAUSE_MS);
    }
  }

  /** Only what this sink itself found wrong ends it; errors of kafkajs go back to kafkajs, which joins again. */
  function endOnProblem(error: unknown): never {
    if (error instanceof Problem) failed.reject(error);
    throw error;
  }

  const subscription: Subscription = kafka.subscribe({
    topic,
    groupId: options.groupId,
    onAssigned(assigned) {
      rebalances += 1;
      log.info({ partitions: assigned }, `reading ${assigned.length} partitions of ${topic}`);
      return takeOver.assign(assigned).catch(endOnProblem);
    },
    onFetched: (partition, fetched, heartbeat) =>
      enqueue(partition, fetched, heartbeat).catch(endOnProblem),
    onResponse: freshness.observe,
    onTrouble: (error) =>
      error === undefined ? trouble.over('broker') : trouble.report('broker', error),
  });

  let hinting: Promise<void> | undefined;
  let hintedAtMs = 0;
  /** Kafka's own offsets only serve monitoring tools; nothing depends on them. */
  function hint({ now = false } = {}): Promise<void> {
    if (hinting || (!now && Date.now() - hintedAtMs < COMMIT_HINT_EVERY_MS)) {
      return hinting ?? Promise.resolve();
    }
    hintedAtMs = Date.now();
    const offsets = new Map(places.partitions().map((p) => [p, places.stored(p)!.nextOffset]));
    hinting = subscription
      .commit(offsets)
      .catch((error: unknown) => log.debug({ err: error }, 'could not commit offsets to the group'))
      .finally(() => {
        hinting = undefined;
      });
    return hinting;
  }

  /** New partitions get their row before anything is said about how far the log is read. */
  async function findPartitions(): Promise<void> {
    const count = await kafka.countPartitions(topic);
    if (count > partitions) {
      const ends = await kafka.offsets(topic);
      await loadOffsets(store, topic, new Map([...ends].map(([p, { earliest }]) => [p, earliest])));
      log.info(`${topic} has ${count} partitions now, ${partitions} before`);
    }
    partitions = count;
  }

  let retiredAtMs = 0;
  async function tick(): Promise<void> {
    await freshness.tick(findPartitions);
    if (Date.now() - retiredAtMs < RETIRE_EVERY_MS) return;
    retiredAtMs = Date.now();
    const retired = await retireOffsets(store, topic, partitions);
    if (retired.length > 0) log.info({ partitions: retired }, 'partitions are no longer read');
  }

  async function keepTicking(): Promise<void> {
    for (let attempt = 0; !stopping;) {
      try {
        await tick();
        attempt = 0;
        trouble.over('database');
      } catch (error) {
        attempt += 1;
        log.debug({ err: error }, 'how far the log is read could not be noted');
      }
      const isBehind = freshness.lagRecords() > 0 || places.queuedBytes() > 0;
      if (trouble.waiting().length > 0 || !isBehind) watchdog.progress();
      await sleep(attempt > 0 ? pauseMs(attempt) : TICK_MS, undefined, { ref: false });
    }
  }

  async function keepWriting(): Promise<void> {
    while (!stopping) await writer.write(await places.take());
    await writer.settled();
  }

  void keepTicking();
  const running = keepWriting();
  const finished = Promise.race([running, failed.promise, watchdog.stuck]);
  finished.catch(() => undefined);

  return {
    status() {
      const waiting = trouble.waiting();
      const isMoving = Date.now() - movedAtMs < STALLED_MS || freshness.lagRecords() === 0;
      return {
        isReady: waiting.length === 0 && isMoving,
        waiting,
        partitions: freshness.status(),
        queuedBytes: places.queuedBytes(),
        rebalances,
      };
    },
    async stop() {
      stopping = true;
      writer.stop();
      takeOver.stop();
      places.wake();
      await running.catch(() => undefined);
      watchdog.stop();
      await Promise.race([hint({ now: true }), sleep(1_000, undefined, { ref: false })]);
      await subscription.stop();
    },
    finished,
  };
}

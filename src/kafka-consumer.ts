import type { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, Kafka } from 'kafkajs';
import type { FetchedMessage, FetchedPartition } from './kafka-fetch.ts';
import { observeFetches } from './kafka-fetch.ts';
import type { RawHeader } from './kafka-headers.ts';
import type { Logger } from './log.ts';

/** A record as it is in the log. */
export interface LogRecord {
  readonly partition: number;
  readonly offset: number;
  /** The record's own timestamp, epoch milliseconds; undefined if the log has none. */
  readonly timestampMs: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RawHeader[];
  /** Why this record has to become a dead letter whatever its value says. */
  readonly unusable?: { readonly reason: string; readonly message: string };
}

/** Everything that the log has of one partition between two offsets. */
export interface Fetched {
  readonly from: number;
  /** Exclusive. Control records and aborted transactions may follow the last record. */
  readonly to: number;
  readonly records: readonly LogRecord[];
}

export interface Subscription {
  /** Continues reading one partition at that offset. */
  seek(partition: number, offset: number): void;
  /** Reports to the group up to which offset, exclusive, each partition is done. */
  commit(offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Leaves the group. */
  stop(): Promise<void>;
}

export interface SubscribeOptions {
  readonly topic: string;
  readonly groupId: string;
  /**
   * Called with the whole new assignment each time the group has agreed on one. Nothing is passed to
   * `onFetched` until it resolves; by then it has called `seek` for each partition.
   */
  onAssigned(partitions: readonly number[]): Promise<void>;
  /** Called in offset order; the next ones of the partition come when it resolves. */
  onFetched(
    partition: number,
    fetched: Fetched,
    heartbeat: () => Promise<void>,
  ): Promise<void> | void;
  /** Called for each response of a broker. */
  onResponse(response: FetchedPartition): void;
  /** Called when the consumer failed and joins again, and with undefined once it has joined. */
  onTrouble(error: unknown): void;
}

/** Bytes fetched of one partition at once: some 30,000 telematics messages. */
const MAX_BYTES_PER_PARTITION = 4 * 1024 * 1024;
const MAX_WAIT_MS = 20;
/** A member that is gone keeps its partitions for this long. */
const SESSION_MS = 10_000;
const HEARTBEAT_MS = 1_000;
/** How long the group waits for members that are slow to join again. */
const REBALANCE_MS = 15_000;
/** New partitions and leaders are noticed within this time. */
const METADATA_AGE_MS = 5_000;
const MAX_PAUSE_MS = 5_000;
/** A member that stops while it is joining waits this long to be able to leave. */
const JOIN_MS = 5_000;
/** Batches handled at once; more than partitions cost nothing. */
const WORKERS = 128;

interface ConsumerGroup {
  heartbeat(options: unknown): Promise<void>;
}
const { prototype: group } = createRequire(import.meta.url)(
  'kafkajs/src/consumer/consumerGroup.js',
) as { prototype: ConsumerGroup };
const heartbeat = group.heartbeat;
/**
 * kafkajs keeps sending heartbeats to a coordinator that is gone until its retries are used up, and
 * then gives up its membership. By this error it looks for the new coordinator and joins as it was.
 */
group.heartbeat = async function (options) {
  try {
    await heartbeat.call(this, options);
  } catch (error) {
    const { name } = error as Error;
    if (/^KafkaJS(Connection|RequestTimeout|BrokerNotFound)/.test(name)) {
      Object.assign(error as Error, { type: 'NOT_COORDINATOR_FOR_GROUP' });
    }
    throw error;
  }
};

/** Reads a topic as a member of a group until it is stopped; a consumer that failed is replaced. */
export function subscribe(kafka: Kafka, options: SubscribeOptions, log: Logger): Subscription {
  const { topic } = options;
  const responses = new Map<number, FetchedPartition>();
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) =>
    stopping.signal.addEventListener('abort', () => resolve()),
  );
  let consumer: Consumer | undefined;
  let starting: Promise<unknown> = Promise.resolve();
  let assigning: Promise<void> | undefined;

  function onJoin(partitions: readonly number[]): void {
    options.onTrouble(undefined);
    const current = options.onAssigned(partitions);
    assigning = current;
    current.catch(() => undefined);
    void current
      .then(() => {
        if (assigning === current) assigning = undefined;
      })
      .catch(() => undefined);
  }

  /** Control records and aborted transactions alone: kafkajs passes over them without a call. */
  function onPassedOver(partition: number, lastOffset: number): void {
    const response = responses.get(partition);
    if (assigning || response?.to !== lastOffset + 1) return;
    const { from, to } = response;
    void options.onFetched(partition, { from, to, records: [] }, async () => undefined);
  }

  function create(): { readonly consumer: Consumer; readonly crashed: Promise<unknown> } {
    const created = kafka.consumer({
      groupId: options.groupId,
      allowAutoTopicCreation: false,
      maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
      maxWaitTimeInMs: MAX_WAIT_MS,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS,
      metadataMaxAge: METADATA_AGE_MS,
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 8 },
    });
    const { events } = created;
    created.on(events.GROUP_JOIN, ({ payload }) => onJoin(payload.memberAssignment[topic] ?? []));
    created.on(events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) onPassedOver(payload.partition, Number(payload.lastOffset));
    });
    const crashed = new Promise<unknown>((resolve) => {
      created.on(events.CRASH, ({ payload }) => {
        options.onTrouble(payload.error);
        if (!payload.restart) resolve(payload.error);
      });
    });
    return { consumer: created, crashed };
  }

  async function start(created: Consumer): Promise<void> {
    await created.connect();
    await created.subscribe({ topic, fromBeginning: true });
    await observeFetches(
      (response) => {
        responses.set(response.partition, response);
        options.onResponse(response);
      },
      () =>
        created.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: WORKERS,
          eachBatch: async ({ batch, resolveOffset, heartbeat: beat, isRunning, isStale }) => {
            if (assigning) await beatUntil(assigning, beat);
            if (!isRunning() || isStale()) return;
            const messages = batch.messages as unknown as readonly FetchedMessage[];
            const { fetchedOffset } = batch as unknown as { readonly fetchedOffset: string };
            const fetched = {
              from: Number(fetchedOffset),
              to: Number(batch.lastOffset()) + 1,
              records: messages.map((message) => toLogRecord(batch.partition, message)),
            };
            await options.onFetched(batch.partition, fetched, beat);
            if (isStale()) return;
            // Resolving moves the place to fetch from; `commit` alone reports what is done.
            resolveOffset(batch.lastOffset());
          },
        }),
    );
  }

  async function keepReading(): Promise<void> {
    for (
      let pauseMs = 500;
      !stopping.signal.aborted;
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)
    ) {
      const created = create();
      consumer = created.consumer;
      const startedAtMs = Date.now();
      try {
        starting = start(created.consumer);
        await starting;
        const error = await Promise.race([created.crashed, stopped]);
        if (stopping.signal.aborted) return;
        throw error;
      } catch (error) {
        if (stopping.signal.aborted) return;
        options.onTrouble(error);
        log.warn({ err: error }, 'the Kafka consumer failed; it starts again');
        await created.consumer.disconnect().catch(() => undefined);
        if (Date.now() - startedAtMs > 60_000) pauseMs = 500;
      }
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }
  const reading = keepReading();

  return {
    seek(partition, offset) {
      try {
        consumer?.seek({ topic, partition, offset: String(offset) });
      } catch (error) {
        // Between two consumers; the next assignment seeks again.
        log.debug({ err: error }, 'could not seek');
      }
    },
    async commit(offsets) {
      await consumer?.commitOffsets(
        [...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
      );
    },
    async stop() {
      stopping.abort();
      // Only a member that has joined can leave; one that just goes keeps its partitions.
      const joined = starting.catch(() => undefined);
      await Promise.race([joined, sleep(JOIN_MS, undefined, { ref: false })]);
      await consumer?.disconnect().catch(() => undefined);
      await reading;
    },
  };
}

/** Waits for a promise as a living member of the group. @throws what the group answers */
async function beatUntil(promise: Promise<unknown>, beat: () => Promise<void>): Promise<void> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  settled.catch(() => undefined);
  while (!isSettled) {
    await Promise.race([settled, sleep(HEARTBEAT_MS)]);
    if (!isSettled) await beat();
  }
  await settled;
}

function toLogRecord(partition: number, message: FetchedMessage): LogRecord {
  const timestampMs = Number(message.timestamp);
  return {
    partition,
    offset: Number(message.offset),
    timestampMs: timestampMs >= 0 ? timestampMs : undefined,
    key: message.key,
    value: message.value,
    headers: message.rawHeaders,
    ...(message.damage !== undefined && {
      unusable: { reason: 'UNREADABLE_BATCH', message: message.damage },
    }),
  };
}

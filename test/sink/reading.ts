import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { newestRules } from '../../src/core/rules.ts';
import type { KafkaClient } from '../../src/kafka.ts';
import type { ProducerRecord } from '../../src/kafka-batches.ts';
import { createKafka } from '../../src/kafka.ts';
import { createLog } from '../../src/log.ts';
import type { BatchReport, Sink } from '../../src/sink/run.ts';
import { startSink } from '../../src/sink/run.ts';
import { createPartitions } from '../../src/store/ingest/partitions.ts';
import { createNotifier } from '../../src/store/notify.ts';
import type { Store } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { createTopic, testBrokers } from '../support/topic.ts';
import { createSinkContext, foldContext } from './context.ts';

const log = createLog({ level: process.env['TEST_LOG'] ?? 'silent', isTerminal: false });

/** A database and a topic of the test's own, and sinks as production runs them between the two. */
export interface Reading {
  readonly topic: string;
  readonly brokers: readonly string[];
  readonly database: TestDatabase;
  readonly store: Store;
  readonly admin: kafkajs.Admin;
  /** A client for producers that need what ours has not: transactions, compression. */
  readonly client: kafkajs.Kafka;
  send(...records: ProducerRecord[]): Promise<void>;
  /** Starts a sink; its options beside the usual ones. */
  run(options?: RunOptions): Promise<Sink>;
  /** Runs a statement as the owner. */
  ask<T extends pg.QueryResultRow>(statement: string, ...values: unknown[]): Promise<T[]>;
  events(): Promise<number>;
  /** The instant up to which the log is read. */
  readThrough(): Promise<Date | null>;
  end(): Promise<void>;
}

export interface RunOptions {
  readonly topic?: string;
  readonly groupId?: string;
  readonly sinkUrl?: string;
  readonly brokers?: readonly string[];
  readonly onBatch?: (batch: BatchReport) => void;
}

export async function startReading({
  partitions = 1,
  config = {},
}: {
  readonly partitions?: number;
  readonly config?: Readonly<Record<string, string>>;
} = {}): Promise<Reading> {
  const brokers = await testBrokers();
  const client = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = client.admin();
  await admin.connect();
  const database = await createTestDatabase();
  const store = openStore({ url: database.sinkUrl, poolSize: 3 });
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  const topic = `odograph-test-reading-${Math.random().toString(36).slice(2)}`;
  await createTopic(admin, topic, partitions, config);
  const producer: KafkaClient = createKafka({ brokers, ssl: false, sasl: undefined }, log);
  const stops: (() => Promise<void>)[] = [];
  const { decoding } = createSinkContext(store, topic);
  return {
    topic,
    brokers,
    database,
    store,
    admin,
    client,
    send: (...records) => producer.produce(topic, records),
    async run(options = {}) {
      const kafka = createKafka(
        { brokers: options.brokers ?? brokers, ssl: false, sasl: undefined },
        log,
      );
      const sinkUrl = options.sinkUrl ?? database.sinkUrl;
      const own = openStore({ url: sinkUrl, poolSize: 4 });
      const notifier = createNotifier(sinkUrl, () => undefined);
      const sink = startSink({
        kafka,
        topic: options.topic ?? topic,
        groupId: options.groupId ?? options.topic ?? topic,
        partitions,
        store: own,
        notifier,
        decoding,
        loadRules: async () => {
          await own.prisma.rules.count();
          return { fold: foldContext, rows: newestRules.length };
        },
        ensurePartitions: createPartitions(own),
        log,
        ...(options.onBatch && { onBatch: options.onBatch }),
      });
      let stopping: Promise<void> | undefined;
      const stop = () => (stopping ??= sink.stop());
      stops.push(async () => {
        await stop();
        await notifier.close();
        await kafka.close();
        await own.close();
      });
      return { ...sink, stop };
    },
    ask: async <T extends pg.QueryResultRow>(statement: string, ...values: unknown[]) =>
      (await owner.query<T>(statement, values)).rows,
    events: () => store.prisma.event.count(),
    async readThrough() {
      const { rows } = await owner.query<{ at: Date | null }>(
        'select case when bool_and(read_through is not null) then min(read_through) end as at from sink_offset where retired_at is null',
      );
      return rows[0]!.at;
    },
    async end() {
      // First, since a test that failed may have left a lock.
      await owner.end();
      for (const stop of stops.reverse()) await stop();
      await producer.close();
      await store.close();
      await database.drop();
      await admin.deleteTopics({ topics: [topic] }).catch(() => undefined);
      await admin.disconnect();
    },
  };
}

/** A message of a device that drives, so many seconds after the start of 2026. */
export function message(deviceId: string, second: number): string {
  return JSON.stringify({ deviceId, at: Date.UTC(2026, 0, 1) + second * 1_000, speedKmh: 50 });
}

export function messages(
  deviceId: string,
  count: number,
  { partition = 0, from = 0 } = {},
): { key: string; value: string; partition: number }[] {
  return Array.from({ length: count }, (_, i) => ({
    key: deviceId,
    value: message(deviceId, from + i),
    partition,
  }));
}

export async function until(
  what: string,
  check: () => Promise<boolean> | boolean,
  patienceMs = 50_000,
): Promise<void> {
  for (const deadline = Date.now() + patienceMs; !(await check()); await sleep(50)) {
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs / 1000} s in vain: ${what}`);
  }
}

import { Buffer } from 'node:buffer';
import { decompress as decompressZstd } from 'fzstd';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Consumer, KafkaConfig, LogEntry } from 'kafkajs';
import snappyCodec from 'kafkajs-snappy';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import type { ProducerRecord } from './kafka-batches.ts';
import { cutByBytes } from './kafka-batches.ts';
import type { RawHeader } from './kafka-headers.ts';
import { fromKafkaHeaders, toKafkaHeaders, toRawHeaders } from './kafka-headers.ts';
import { explainTopicFailure } from './kafka-rights.ts';
import type { KafkaSettings } from './kafka-settings.ts';
import type { Logger } from './log.ts';

export type { ProducerRecord } from './kafka-batches.ts';

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs;

CompressionCodecs[CompressionTypes.Snappy] = snappyCodec;
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: (encoder: { buffer: Buffer }) => Promise.resolve(compressFrameSync(encoder.buffer)),
  decompress: (buffer: Buffer) => Promise.resolve(decompressFrameSync(buffer)),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: () => Promise.reject(new Error('zstd is read, not written')),
  decompress: (buffer: Buffer) => Promise.resolve(Buffer.from(decompressZstd(buffer))),
});

/** Partitions of a topic that Odograph creates; so many sinks can share the work. */
export const PARTITIONS = 4;

/** A record as it is in the log. */
export interface LogRecord {
  readonly partition: number;
  readonly offset: number;
  /** The record's own timestamp, epoch milliseconds; undefined where the log has none. */
  readonly timestampMs: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RawHeader[];
}

export interface Subscription {
  /** Continues reading one partition at that offset. */
  seek(partition: number, offset: number): void;
  /** Tells the group how far a partition is done: the next offset to read. */
  commit(offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Leaves the group. */
  stop(): Promise<void>;
  /** Rejects when the consumer has crashed and will read no more; never resolves. */
  readonly crashed: Promise<never>;
}

export interface SubscribeOptions {
  readonly topic: string;
  readonly groupId: string;
  readonly partitions: number;
  /**
   * Called with the whole new assignment, each time the group has agreed on one; tells where to read
   * on in each partition. No records come before it has answered.
   */
  onAssigned(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** Called with records in offset order; the next ones of the partition come when it resolves. */
  onRecords(
    partition: number,
    records: readonly LogRecord[],
    heartbeat: () => Promise<void>,
  ): Promise<void>;
}

export type KafkaClient = ReturnType<typeof createKafka>;

/** Bytes fetched of one partition at once: some 30,000 telematics messages. */
const MAX_BYTES_PER_PARTITION = 4 * 1024 * 1024;
const MAX_WAIT_MS = 20;

/** The one door to Kafka. No connection is made before the first call. */
export function createKafka(settings: KafkaSettings, log: Logger) {
  const kafka = new Kafka({
    clientId: 'odograph',
    brokers: [...settings.brokers],
    ssl: settings.ssl,
    ...(settings.sasl ? { sasl: settings.sasl as NonNullable<KafkaConfig['sasl']> } : {}),
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 30 },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => writeLog(log, entry),
  });
  const producer = kafka.producer({
    idempotent: true,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: Number.MAX_SAFE_INTEGER },
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  let producing: Promise<void> | undefined;
  const admin = kafka.admin();
  let administering: Promise<void> | undefined;
  const connectedAdmin = async () => {
    await (administering ??= admin.connect());
    return admin;
  };

  return {
    /** Appends records in order, acknowledged by all replicas in sync. */
    async produce(topic: string, records: readonly ProducerRecord[]): Promise<void> {
      await (producing ??= producer.connect());
      for (const part of cutByBytes(records)) {
        await producer.send({
          topic,
          acks: -1,
          messages: part.map((record) => ({
            key: record.key,
            value: record.value,
            headers: toKafkaHeaders(toRawHeaders(record.headers)),
            ...(record.timestampMs === undefined ? {} : { timestamp: String(record.timestampMs) }),
            ...(record.partition === undefined ? {} : { partition: record.partition }),
          })),
        });
      }
    },

    /**
     * Makes the topic where it is missing, stamped by the broker's clock, and tells its partitions.
     * @throws where the topic is missing and may not be made.
     */
    async ensureTopic(topic: string, partitions: number): Promise<number> {
      const connected = await connectedAdmin();
      const topics = await connected.listTopics();
      if (!topics.includes(topic)) {
        const created = connected.createTopics({
          waitForLeaders: true,
          topics: [
            {
              topic,
              numPartitions: partitions,
              configEntries: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }],
            },
          ],
        });
        await created.catch((error: unknown) => {
          throw explainTopicFailure(error, topic);
        });
      }
      const metadata = await connected.fetchTopicMetadata({ topics: [topic] });
      return metadata.topics[0]!.partitions.length;
    },

    /** `CreateTime` or `LogAppendTime`: whose clock stamps the topic's records. */
    async timestampType(topic: string): Promise<string | undefined> {
      const connected = await connectedAdmin();
      const { resources } = await connected.describeConfigs({
        includeSynonyms: false,
        resources: [
          { type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['message.timestamp.type'] },
        ],
      });
      return resources[0]?.configEntries[0]?.configValue;
    },

    /** Offsets that a group has committed, by partition; fails where the login may not read by the group. */
    async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
      const connected = await connectedAdmin();
      for (let attempt = 1; ; attempt++) {
        try {
          const [found] = await connected.fetchOffsets({ groupId, topics: [topic] });
          return new Map(found?.partitions.map((p) => [p.partition, Number(p.offset)]) ?? []);
        } catch (error) {
          // The first question about a group may have its coordinator load first.
          const { retriable, type } = error as { retriable?: boolean; type?: string };
          if (attempt === 20 || !retriable || type?.endsWith('_AUTHORIZATION_FAILED')) throw error;
          await sleep(250);
        }
      }
    },

    /** First offset still in the log and the offset after its last record, a partition. */
    async offsets(topic: string): Promise<ReadonlyMap<number, { earliest: number; end: number }>> {
      const offsets = await (await connectedAdmin()).fetchTopicOffsets(topic);
      return new Map(
        offsets.map((o) => [o.partition, { earliest: Number(o.low), end: Number(o.high) }]),
      );
    },

    async subscribe(options: SubscribeOptions): Promise<Subscription> {
      const consumer = kafka.consumer({
        groupId: options.groupId,
        allowAutoTopicCreation: false,
        maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
        maxWaitTimeInMs: MAX_WAIT_MS,
        sessionTimeout: 30_000,
        rebalanceTimeout: 60_000,
      });
      return runConsumer(consumer, options);
    },

    async close(): Promise<void> {
      if (producing) await producer.disconnect();
      if (administering) await admin.disconnect();
    },
  };
}

async function runConsumer(consumer: Consumer, options: SubscribeOptions): Promise<Subscription> {
  const { topic } = options;
  const crashed = new Promise<never>((_, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) reject(payload.error);
    });
  });
  crashed.catch(() => undefined);
  const seek = (partition: number, offset: number) =>
    consumer.seek({ topic, partition, offset: String(offset) });
  let assigning: Promise<void> = Promise.resolve();
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    assigning = options
      .onAssigned(payload.memberAssignment[topic] ?? [])
      .then((offsets) => offsets.forEach((offset, partition) => seek(partition, offset)));
    assigning.catch(() => undefined);
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: options.partitions,
    eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
      await assigning;
      if (!isRunning() || isStale()) return;
      const records = batch.messages.map((message) => ({
        partition: batch.partition,
        offset: Number(message.offset),
        timestampMs: Number(message.timestamp) >= 0 ? Number(message.timestamp) : undefined,
        key: message.key,
        value: message.value,
        headers: fromKafkaHeaders(message.headers),
      }));
      await options.onRecords(batch.partition, records, heartbeat);
      if (isStale()) return;
      // Resolving moves the place to fetch from; what is done is told by commit alone.
      resolveOffset(batch.lastOffset());
    },
  });
  return {
    seek,
    commit: (offsets) =>
      consumer.commitOffsets(
        [...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
      ),
    stop: () => consumer.disconnect(),
    crashed,
  };
}

/** Errors that a broker answers while it starts, and that kafkajs itself tries again. */
const RETRIED =
  /coordinator is (loading|not available)|leadership election|not the correct coordinator|rebalance is in progress|rebalancing, so a rejoin|restarting the consumer/i;

function writeLog(
  log: Logger,
  { level, log: { message, timestamp: _, logger: __, ...details } }: LogEntry,
): void {
  const text = `kafka: ${message}`;
  const retried = RETRIED.test(String(details['error'] ?? message));
  if (level === logLevel.ERROR && !retried) log.error(details, text);
  else if (level === logLevel.WARN && !retried) log.warn(details, text);
  else log.debug(details, text);
}

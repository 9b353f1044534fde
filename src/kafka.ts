import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Admin, KafkaConfig, LogEntry } from 'kafkajs';
import type { ProducerRecord } from './kafka-batches.ts';
import { cutByBytes } from './kafka-batches.ts';
import type { SubscribeOptions, Subscription } from './kafka-consumer.ts';
import { subscribe } from './kafka-consumer.ts';
import { toKafkaHeaders, toRawHeaders } from './kafka-headers.ts';
import { explainTopicFailure } from './kafka-rights.ts';
import type { KafkaSettings } from './kafka-settings.ts';
import type { Logger } from './log.ts';

export type { ProducerRecord } from './kafka-batches.ts';
export type { Fetched, LogRecord, Subscription } from './kafka-consumer.ts';
export type { FetchedPartition } from './kafka-fetch.ts';

const { ConfigResourceTypes, Kafka, logLevel } = kafkajs;

/** Partitions of a topic that Odograph creates; so many sinks can share the work. */
export const PARTITIONS = 4;

export type KafkaClient = ReturnType<typeof createKafka>;

/** Brokers learn of a new topic one after another. */
const CREATED_ATTEMPTS = 20;
/** A broker that does not answer for so long is taken for dead. */
const REQUEST_TIMEOUT_MS = 10_000;

/** The only access to Kafka. No connection is made before the first call. */
export function createKafka(settings: KafkaSettings, log: Logger) {
  const kafka = new Kafka({
    clientId: 'odograph',
    brokers: [...settings.brokers],
    ssl: settings.ssl,
    ...(settings.sasl ? { sasl: settings.sasl as NonNullable<KafkaConfig['sasl']> } : {}),
    connectionTimeout: 3_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 8 },
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
  let administering: Promise<Admin> | undefined;

  /** Runs a request with a connected client; one that failed is replaced before the next request. */
  async function administer<T>(request: (admin: Admin) => Promise<T>): Promise<T> {
    const connecting = (administering ??= connectAdmin());
    try {
      return await request(await connecting);
    } catch (error) {
      if (administering === connecting) administering = undefined;
      void connecting.then((admin) => admin.disconnect()).catch(() => undefined);
      throw error;
    }
  }

  async function connectAdmin(): Promise<Admin> {
    const admin = kafka.admin();
    await admin.connect();
    return admin;
  }

  async function countPartitions(topic: string): Promise<number> {
    const { topics } = await administer((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    return topics[0]!.partitions.length;
  }

  return {
    /** Appends records in order, acknowledged by all replicas in sync. */
    async produce(topic: string, records: readonly ProducerRecord[]): Promise<void> {
      const connecting = (producing ??= producer.connect());
      connecting.catch(() => (producing = undefined));
      await connecting;
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
     * Creates the topic if it is missing, with timestamps by the broker's clock.
     * @returns the number of its partitions
     * @throws if the topic is missing and may not be created
     */
    async ensureTopic(topic: string, partitions: number): Promise<number> {
      await administer(async (admin) => {
        if ((await admin.listTopics()).includes(topic)) return;
        const created = admin.createTopics({
          // kafkajs asks once and fails if the broker does not know its new topic yet.
          waitForLeaders: false,
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
      });
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await countPartitions(topic);
        } catch (error) {
          if (attempt === CREATED_ATTEMPTS) throw error;
        }
        await sleep(200);
      }
    },

    countPartitions,

    /** `CreateTime` or `LogAppendTime`: whose clock stamps the topic's records. */
    async timestampType(topic: string): Promise<string | undefined> {
      const { resources } = await administer((admin) =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: [
            {
              type: ConfigResourceTypes.TOPIC,
              name: topic,
              configNames: ['message.timestamp.type'],
            },
          ],
        }),
      );
      return resources[0]?.configEntries[0]?.configValue;
    },

    /** Offsets that a group has committed, by partition; fails if the login may not read by the group. */
    async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
      for (let attempt = 1; ; attempt++) {
        try {
          const [found] = await administer((admin) =>
            admin.fetchOffsets({ groupId, topics: [topic] }),
          );
          return new Map(found?.partitions.map((p) => [p.partition, Number(p.offset)]) ?? []);
        } catch (error) {
          // The first question about a group may have its coordinator load first.
          const { retriable, type } = error as { retriable?: boolean; type?: string };
          if (attempt === 20 || !retriable || type?.endsWith('_AUTHORIZATION_FAILED')) throw error;
          await sleep(250);
        }
      }
    },

    /**
     * The first offset of each partition that is still in the log, and the offset after the last
     * record that can be read.
     */
    async offsets(topic: string): Promise<ReadonlyMap<number, { earliest: number; end: number }>> {
      const partitions = await countPartitions(topic);
      const read = () => administer((admin) => admin.fetchTopicOffsets(topic));
      let offsets = await read();
      if (offsets.length !== partitions) {
        // The client knows an older state of the topic.
        void administering?.then((admin) => admin.disconnect()).catch(() => undefined);
        administering = undefined;
        offsets = await read();
      }
      return new Map(
        offsets.map((o) => [o.partition, { earliest: Number(o.low), end: Number(o.high) }]),
      );
    },

    subscribe: (options: SubscribeOptions): Subscription => subscribe(kafka, options, log),

    async close(): Promise<void> {
      if (producing) await producer.disconnect();
      const admin = await administering?.catch(() => undefined);
      await admin?.disconnect().catch(() => undefined);
    },
  };
}

/** Errors of a broker that is starting, which kafkajs retries by itself. */
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

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { inject } from 'vitest';

export interface TestTopic {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Deletes the topic. */
  drop(): Promise<void>;
}

/** The run's broker, started on the first request: host:port. */
export async function testBrokers(): Promise<readonly string[]> {
  const response = await fetch(`${inject('servicesUrl')}/kafka`);
  if (!response.ok) throw new Error(`no Kafka to test with: ${await response.text()}`);
  return (await response.json()) as string[];
}

/** Waits until every partition can be written. */
async function hasLeaders(admin: kafkajs.Admin, topic: string, partitions: number): Promise<void> {
  for (const endsMs = Date.now() + 60_000; ; await sleep(100)) {
    const found = await admin.fetchTopicMetadata({ topics: [topic] }).catch((error: unknown) => {
      if (Date.now() > endsMs) throw error;
      return undefined;
    });
    const ready = found?.topics[0]?.partitions.filter(({ leader }) => leader >= 0).length ?? 0;
    if (ready === partitions) return;
    if (Date.now() > endsMs) throw new Error(`${topic}: ${ready} of ${partitions} leaders in 60 s`);
  }
}

/** Creates a topic whose partitions can be written when it returns. */
export async function createTopic(
  admin: kafkajs.Admin,
  topic: string,
  partitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  await admin.createTopics({
    // kafkajs' own wait fails on a busy broker that does not know the new topic yet.
    waitForLeaders: false,
    topics: [
      {
        topic,
        numPartitions: partitions,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  await hasLeaders(admin, topic, partitions);
}

/**
 * A separate topic. Its records keep their producers' timestamps, unless `logAppendTime` lets the broker
 * set them.
 */
export async function createTestTopic({
  partitions = 4,
  logAppendTime = false,
} = {}): Promise<TestTopic> {
  const brokers = await testBrokers();
  const topic = `odograph-test-${randomBytes(6).toString('hex')}`;
  const admin = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    await createTopic(admin, topic, partitions, {
      // Records may be stamped with instants that are long ago.
      'retention.ms': '-1',
      'message.timestamp.type': logAppendTime ? 'LogAppendTime' : 'CreateTime',
    });
  } catch (error) {
    await admin.disconnect();
    throw error;
  }
  return {
    brokers,
    topic,
    drop: async () => {
      await admin.deleteTopics({ topics: [topic] });
      await admin.disconnect();
    },
  };
}

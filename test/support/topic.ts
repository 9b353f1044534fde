import { randomBytes } from 'node:crypto';
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
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic,
          numPartitions: partitions,
          replicationFactor: 1,
          configEntries: [
            {
              name: 'message.timestamp.type',
              value: logAppendTime ? 'LogAppendTime' : 'CreateTime',
            },
          ],
        },
      ],
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

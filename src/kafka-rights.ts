import { Problem } from './problem.ts';

/** The right that is missing, by the broker's error; docs/operations.md lists the rights of each command. */
const RIGHTS: Readonly<Record<string, (topic: string, group: string) => string>> = {
  TOPIC_AUTHORIZATION_FAILED: (topic) => `DESCRIBE and READ (to send: WRITE) on the topic ${topic}`,
  GROUP_AUTHORIZATION_FAILED: (_, group) => `READ on the group ${group}`,
  CLUSTER_AUTHORIZATION_FAILED: (topic) => `CREATE on the topic ${topic}`,
};

/** The right that the login lacks, if that is what the error is about. */
export function missingRight(error: unknown, topic: string, group = ''): string | undefined {
  const { name, type, errors = [] } = error as { name?: string; type?: string; errors?: [] };
  // kafkajs keeps no reason of this one; a refusal is the usual one.
  if (name === 'KafkaJSGroupCoordinatorNotFound')
    return RIGHTS['GROUP_AUTHORIZATION_FAILED']!(topic, group);
  const named = RIGHTS[type ?? '']?.(topic, group);
  if (named !== undefined) return named;
  return errors.map((inner) => missingRight(inner, topic, group)).find((right) => right);
}

/** The error of a topic that could not be created, with the right that would do. */
export function explainTopicFailure(error: unknown, topic: string): unknown {
  if (missingRight(error, topic) === undefined) return error;
  return new Problem(
    'KAFKA_RIGHTS',
    `The topic ${topic} does not exist or the Kafka login may not see it, and the login may not create it.`,
    `If the topic exists, grant DESCRIBE and READ (to send: WRITE) on it. If not, create it, or grant CREATE on the topic ${topic}.`,
    error,
  );
}

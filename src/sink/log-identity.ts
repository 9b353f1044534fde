import { Problem } from '../problem.ts';
import type { LogRecord } from '../kafka.ts';

/**
 * A number by which a record is known again: where a topic was made anew under its old name, the
 * record before the stored offset is another one. FNV-1a over key and value, cut to 48 bits.
 */
export function recordDigest({ key, value }: Pick<LogRecord, 'key' | 'value'>): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (const bytes of [key, value]) {
    for (const byte of bytes ?? []) {
      low = Math.imul(low ^ byte, 0x01000193);
      high = Math.imul(high ^ (byte + 1), 0x01000193);
    }
  }
  return (high >>> 16) * 0x1_0000_0000 + (low >>> 0);
}

/** The log is not the one that the stored offsets are of; going on would lose or double events. */
export const logProblem = {
  gap: (topic: string, partition: number, from: number, to: number) =>
    new Problem(
      'LOG_GAP',
      `partition ${partition} of ${topic}: the records ${from} to ${to - 1} were not read and are no longer in the log`,
      `Retention cut them off. To go on without them: update sink_offset set next_offset = ${to} where topic = '${topic}' and partition = ${partition}.`,
    ),
  rewound: (topic: string, partition: number, next: number, end: number) =>
    new Problem(
      'LOG_REWOUND',
      `partition ${partition} of ${topic} ends at ${end}, but everything before ${next} is stored`,
      'The topic was made anew, or this is another cluster. Use a new topic name, or a new database.',
    ),
  replaced: (topic: string, partition: number, offset: number) =>
    new Problem(
      'LOG_REPLACED',
      `record ${offset} in partition ${partition} of ${topic} is not the one that was stored`,
      'The topic was made anew, or this is another cluster. Use a new topic name, or a new database.',
    ),
};

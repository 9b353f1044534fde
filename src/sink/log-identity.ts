import { Problem } from '../problem.ts';
import type { LogRecord } from '../kafka.ts';

/**
 * A digest that identifies a record: if a topic is recreated under its old name, the record before the
 * stored offset is a different one. FNV-1a over key and value, cut to 48 bits.
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

/** The log is not the one that the stored offsets refer to; reading on would lose or duplicate events. */
export const logProblem = {
  gap: (topic: string, partition: number, from: number, to: number) =>
    new Problem(
      'LOG_GAP',
      `Partition ${partition} of ${topic}: records ${from} to ${to - 1} were deleted from the log before they were read.`,
      `They were removed by the topic's retention. To continue without them, run: update sink_offset set next_offset = ${to} where topic = '${topic}' and partition = ${partition}.`,
    ),
  rewound: (topic: string, partition: number, next: number, end: number) =>
    new Problem(
      'LOG_REWOUND',
      `Partition ${partition} of ${topic} ends at ${end}, but records up to ${next - 1} are already stored.`,
      'The topic was recreated, or this is a different cluster. Use a new topic name or a new database.',
    ),
  replaced: (topic: string, partition: number, offset: number) =>
    new Problem(
      'LOG_REPLACED',
      `Record ${offset} in partition ${partition} of ${topic} differs from the one that was stored.`,
      'The topic was recreated, or this is a different cluster. Use a new topic name or a new database.',
    ),
};

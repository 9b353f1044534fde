import { createDeferred } from './deferred.ts';
import type { LogRecord } from '../kafka.ts';

/** Records one transaction takes at most: small rows an event set its pace, so large batches pay. */
const MAX_BATCH_RECORDS = 50_000;
/** Bytes that may wait; then fetching pauses until a batch is written. */
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;

/**
 * What has been fetched and not yet been taken, by partition. Fetching only queues; a batch forms
 * while the last one commits.
 */
export interface Queue {
  add(partition: number, records: readonly LogRecord[]): void;
  /** Takes the oldest records of every partition, up to the size of a batch; waits for the first. */
  take(): Promise<ReadonlyMap<number, readonly LogRecord[]>>;
  isFull(): boolean;
  /** Forgets what waits, of one partition or of all. */
  clear(partition?: number): void;
  /** Lets a waiting `take` return with nothing. */
  wake(): void;
}

export function createQueue(): Queue {
  const waiting = new Map<number, LogRecord[]>();
  let bytes = 0;
  let signal = createDeferred<void>();
  const size = (records: readonly LogRecord[]) =>
    records.reduce((sum, record) => sum + (record.value?.length ?? 0) + 64, 0);
  return {
    add(partition, records) {
      const list = waiting.get(partition);
      if (list) list.push(...records);
      else waiting.set(partition, [...records]);
      bytes += size(records);
      signal.resolve();
    },
    async take() {
      await signal.promise;
      signal = createDeferred();
      const taken = new Map<number, readonly LogRecord[]>();
      let room = MAX_BATCH_RECORDS;
      for (const [partition, records] of waiting) {
        const some = records.splice(0, room);
        room -= some.length;
        if (records.length === 0) waiting.delete(partition);
        if (some.length > 0) taken.set(partition, some);
        bytes -= size(some);
        if (room === 0) break;
      }
      if (waiting.size > 0) signal.resolve();
      return taken;
    },
    isFull: () => bytes >= MAX_QUEUED_BYTES,
    clear(partition) {
      for (const key of partition === undefined ? [...waiting.keys()] : [partition]) {
        bytes -= size(waiting.get(key) ?? []);
        waiting.delete(key);
      }
    },
    wake: () => signal.resolve(),
  };
}

import type { LogRecord } from '../kafka.ts';
import type { PartitionBatch } from './context.ts';

type Batch = readonly PartitionBatch[];

export function countRecords(batch: Batch): number {
  return batch.reduce((sum, { records }) => sum + records.length, 0);
}

/** Two batches which, written one after the other, are the same as the one. */
export function halve(batch: Batch): readonly [Batch, Batch] {
  let left = Math.floor(countRecords(batch) / 2);
  const first: PartitionBatch[] = [];
  const second: PartitionBatch[] = [];
  for (const part of batch) {
    const { partition, from, to, records } = part;
    if (records.length <= left) first.push(part);
    else if (left === 0) second.push(part);
    else {
      const middle = records[left]!.offset;
      first.push({ partition, from, to: middle, records: records.slice(0, left) });
      second.push({ partition, from: middle, to, records: records.slice(left) });
    }
    left = Math.max(0, left - records.length);
  }
  return [first, second];
}

const MAX_MESSAGE = 500;

/** The batch with its one record marked as unusable; undefined if there is none or it is marked already. */
export function setAside(
  batch: Batch,
  failure: unknown,
): { readonly batch: Batch; readonly record: LogRecord } | undefined {
  const record = batch.flatMap(({ records }) => records.slice(0, 1))[0];
  if (!record || record.unusable) return undefined;
  const text = failure instanceof Error ? failure.message : String(failure);
  const unusable = {
    reason: 'NOT_STORED',
    message: `storing this record failed each time: ${text.slice(0, MAX_MESSAGE)}`,
  };
  const marked = { ...record, unusable };
  return {
    record,
    batch: batch.map((part) =>
      part.records[0] === record ? { ...part, records: [marked] } : part,
    ),
  };
}

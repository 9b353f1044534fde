import { Buffer } from 'node:buffer';
import type { GivenHeaders } from './kafka-headers.ts';
import { toRawHeaders } from './kafka-headers.ts';

/** A record to append to the log. */
export interface ProducerRecord {
  readonly key: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly headers?: GivenHeaders;
  readonly timestampMs?: number;
  readonly partition?: number;
}

/** A broker refuses a batch above `message.max.bytes`, by default 1 MiB and 12 bytes. */
const MAX_BATCH_BYTES = 900 * 1024;
/** Room for a record's lengths, offset and timestamp, and for each header's lengths. */
const RECORD_BYTES = 40;

/**
 * Cuts records into lists that fit one batch, in order. All of a list may belong to one partition: a
 * device that was out of reach sends hours at once.
 */
export function* cutByBytes(
  records: readonly ProducerRecord[],
): Generator<readonly ProducerRecord[], void, undefined> {
  let from = 0;
  let bytes = 0;
  for (const [i, record] of records.entries()) {
    const size = sizeOf(record);
    if (i > from && bytes + size > MAX_BATCH_BYTES) {
      yield records.slice(from, i);
      from = i;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < records.length) yield from === 0 ? records : records.slice(from);
}

function sizeOf({ key, value, headers }: ProducerRecord): number {
  let bytes = RECORD_BYTES + lengthOf(key) + lengthOf(value);
  for (const [name, text] of toRawHeaders(headers)) {
    bytes += RECORD_BYTES + lengthOf(name) + lengthOf(text);
  }
  return bytes;
}

function lengthOf(bytes: string | Buffer | null): number {
  return bytes === null ? 0 : Buffer.byteLength(bytes);
}

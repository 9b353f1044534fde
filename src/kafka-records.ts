import { Buffer } from 'node:buffer';
import type { RawHeader } from './kafka-headers.ts';

/** A record of a batch, relative to the batch's first one. */
export interface RawRecord {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RawHeader[];
}

/** Records up to this length are kept whole. */
const WHOLE_BYTES = 1024 * 1024 + 64 * 1024;
/** Of a longer one this much of key and value is kept: more than any message may have. */
const KEPT_BYTES = 64 * 1024 + 1;
/** Headers beyond this are dropped from a record that is not kept whole. */
const KEPT_HEADERS_BYTES = 64 * 1024;

/** The beginning of bytes that are too many to keep, copied so that the rest can be freed. */
export function cutRecord(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(0, KEPT_BYTES));
}

/** Reads the records of one batch from pieces of bytes, holding little more than one record at a time. */
export interface RecordReader {
  /** The next record if its bytes are at hand. */
  tryNext(): RawRecord | undefined;
  /** @throws if the bytes end or are no record */
  next(): Promise<RawRecord>;
}

export function createRecordReader(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): RecordReader {
  const iterator =
    Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  let held: Buffer = Buffer.alloc(0);
  let at = 0;

  /** @returns whether so many bytes are at hand */
  async function need(bytes: number): Promise<boolean> {
    if (held.length - at >= bytes) return true;
    const parts = [held.subarray(at)];
    let have = held.length - at;
    while (have < bytes) {
      const result: IteratorResult<Buffer, unknown> = await iterator.next();
      if (result.done) break;
      const { value } = result;
      parts.push(value);
      have += value.length;
    }
    held = parts.length === 2 && parts[0]!.length === 0 ? parts[1]! : Buffer.concat(parts, have);
    at = 0;
    return have >= bytes;
  }

  async function skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0;) {
      if (held.length === at && !(await need(1))) throw new Error('the batch is cut off');
      const step = Math.min(left, held.length - at);
      at += step;
      left -= step;
    }
  }

  /** Takes at most `KEPT_BYTES` of a field of a record that is not kept whole. */
  async function takeCut(bytes: number): Promise<Buffer | null> {
    if (bytes < 0) return null;
    const kept = Math.min(bytes, KEPT_BYTES);
    if (!(await need(kept))) throw new Error('the batch is cut off');
    const field = Buffer.from(held.subarray(at, at + kept));
    at += kept;
    await skip(bytes - kept);
    return field;
  }

  async function takeVarint(): Promise<number> {
    await need(10);
    const cursor = { bytes: held, at };
    const value = readVarint(cursor);
    at = cursor.at;
    return value;
  }

  async function nextCut(length: number): Promise<RawRecord> {
    let consumed = 0;
    await skip(1);
    consumed += 1;
    const field = async () => {
      await need(10);
      const before = at;
      const value = await takeVarint();
      consumed += at - before;
      return value;
    };
    const timestampDelta = await field();
    const offsetDelta = await field();
    const keyBytes = await field();
    const key = await takeCut(keyBytes);
    consumed += Math.max(0, keyBytes);
    const valueBytes = await field();
    const value = await takeCut(valueBytes);
    consumed += Math.max(0, valueBytes);
    const left = length - consumed;
    if (left < 0) throw new Error('a record is longer than it says');
    let headers: readonly RawHeader[] = [];
    if (left <= KEPT_HEADERS_BYTES && (await need(left))) {
      headers = readHeaders({ bytes: held.subarray(at, at + left), at: 0 });
    }
    await skip(left);
    return { offsetDelta, timestampDelta, key, value, headers };
  }

  function takeWhole(length: number): RawRecord {
    const record = readRecord(held.subarray(at, at + length));
    at += length;
    return record;
  }

  return {
    tryNext() {
      if (held.length - at < 5) return undefined;
      const cursor = { bytes: held, at };
      const length = readVarint(cursor);
      if (length > WHOLE_BYTES || held.length - cursor.at < length) return undefined;
      at = cursor.at;
      return takeWhole(length);
    },
    async next() {
      if (!(await need(1))) throw new Error('the batch has fewer records than it says');
      const length = await takeVarint();
      if (length < 0) throw new Error('a record of negative length');
      if (length > WHOLE_BYTES) return nextCut(length);
      if (!(await need(length))) throw new Error('the batch is cut off');
      return takeWhole(length);
    },
  };
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

function readRecord(bytes: Buffer): RawRecord {
  const cursor = { bytes, at: 1 };
  const timestampDelta = readVarint(cursor);
  const offsetDelta = readVarint(cursor);
  const key = readBytes(cursor);
  const value = readBytes(cursor);
  return { offsetDelta, timestampDelta, key, value, headers: readHeaders(cursor) };
}

function readHeaders(cursor: Cursor): readonly RawHeader[] {
  const count = readVarint(cursor);
  if (count === 0) return NO_HEADERS;
  if (count < 0 || count > cursor.bytes.length) throw new Error('a record with impossible headers');
  const headers: RawHeader[] = [];
  for (let left = count; left > 0; left -= 1) {
    const name = readBytes(cursor);
    headers.push([name ?? Buffer.alloc(0), readBytes(cursor)]);
  }
  return headers;
}

const NO_HEADERS: readonly RawHeader[] = [];

function readBytes(cursor: Cursor): Buffer | null {
  const length = readVarint(cursor);
  if (length < 0) return null;
  if (cursor.at + length > cursor.bytes.length)
    throw new Error('a field is longer than its record');
  const bytes = cursor.bytes.subarray(cursor.at, cursor.at + length);
  cursor.at += length;
  return bytes;
}

/** Kafka's varint: zigzag, seven bits a byte. Beyond 2^53 it is rounded. */
function readVarint(cursor: Cursor): number {
  let value = 0;
  let factor = 1;
  for (let i = 0; i < 10; i += 1) {
    const byte = cursor.bytes[cursor.at];
    if (byte === undefined) throw new Error('the batch is cut off');
    cursor.at += 1;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    factor *= 128;
  }
  throw new Error('a number of more than ten bytes');
}

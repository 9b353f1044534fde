import { Buffer } from 'node:buffer';
import type { Store } from '../open.ts';
import { isoOf } from '../rows.ts';

/** A record that could not be used, as it was in the log. */
export interface DeadLetter {
  readonly partition: number;
  readonly offset: number;
  readonly atMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: Buffer, value: Buffer | null])[];
  readonly reason: string;
  readonly message: string;
}

/** Dead letters beyond the budget: how many of one partition, reason and hour, and between which offsets. */
export interface OverflowMove {
  readonly partition: number;
  readonly reason: string;
  /** Start of the hour, epoch milliseconds. */
  readonly hourMs: number;
  readonly count: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastMessage: string;
}

/** Its rows in $1, as JSON. */
export const ADD_OVERFLOW = `
insert into dead_letter_overflow as o (topic, partition, reason, hour, "count", first_offset, last_offset, last_message)
select * from json_to_recordset($1::json) as r(topic text, partition int, reason text, hour timestamptz, "count" bigint,
  first_offset bigint, last_offset bigint, last_message text) order by topic, partition, reason, hour
on conflict (topic, partition, reason, hour) do update set
  "count" = o."count" + excluded."count", first_offset = least(o.first_offset, excluded.first_offset),
  last_offset = greatest(o.last_offset, excluded.last_offset), last_message = excluded.last_message`;

export function toOverflowRow(topic: string, move: OverflowMove) {
  return {
    topic,
    partition: move.partition,
    reason: move.reason,
    hour: isoOf(move.hourMs),
    count: move.count,
    first_offset: move.firstOffset,
    last_offset: move.lastOffset,
    last_message: toStorable(move.lastMessage),
  };
}

/** Rows of one statement hold at most this many bytes; a batch may have gigabytes of letters. */
const MAX_STATEMENT_BYTES = 8 * 1024 * 1024;

/** The rows of dead letters, in lists that are small enough to be one statement's JSON. */
export function* toLetterRows(
  topic: string,
  letters: readonly DeadLetter[],
): Generator<readonly unknown[], void, undefined> {
  let rows: unknown[] = [];
  let bytes = 0;
  for (const letter of letters) {
    rows.push(toLetterRow(topic, letter));
    bytes += 500 + sizeOf(letter);
    if (bytes < MAX_STATEMENT_BYTES) continue;
    yield rows;
    rows = [];
    bytes = 0;
  }
  if (rows.length > 0) yield rows;
}

/** Bytes of a letter's key, value and headers. */
export function sizeOf({ key, value, headers }: DeadLetter): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, text] of headers) bytes += name.length + (text?.length ?? 0);
  return bytes;
}

function toLetterRow(topic: string, letter: DeadLetter) {
  return {
    topic,
    partition: letter.partition,
    offset: letter.offset,
    at: isoOf(letter.atMs),
    key: letter.key && toHex(letter.key),
    value: letter.value && toHex(letter.value),
    headers: letter.headers.map(([name, value]) => ({
      ...describeBytes('name', name),
      ...describeBytes('value', value),
    })),
    reason: letter.reason,
    message: toStorable(letter.message),
  };
}

/**
 * Bytes under a name as text, or, where PostgreSQL's text cannot hold them, as base64 under the name
 * with `Base64` behind it.
 */
export function describeBytes(
  name: string,
  bytes: Buffer | null,
): Readonly<Record<string, string | null>> {
  if (bytes === null) return { [name]: null };
  const text = bytes.toString('utf8');
  const isText = !text.includes('\u0000') && Buffer.from(text).equals(bytes);
  return isText ? { [name]: text } : { [`${name}Base64`]: bytes.toString('base64') };
}

/** Bytes in PostgreSQL's hex notation. */
function toHex(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}

/** Text that PostgreSQL can hold: without U+0000 and unpaired surrogates. */
function toStorable(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').replace(/\p{Surrogate}/gu, '\ufffd');
}

/** Bytes of the records that are kept as dead letters, and their number. */
export async function measureDeadLetters({
  prisma,
}: Store): Promise<{ readonly bytes: number; readonly rows: number }> {
  const [sum] = await prisma.$queryRawUnsafe<{ bytes: bigint; rows: bigint }[]>(
    `select count(*) as rows, coalesce(sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)), 0)::bigint as bytes
     from dead_letter`,
  );
  return { bytes: Number(sum!.bytes), rows: Number(sum!.rows) };
}

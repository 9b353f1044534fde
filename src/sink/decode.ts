import { schemaIdOf } from '../core/decode/binary.ts';
import { recordTimeOf } from '../core/decode/dates.ts';
import { decodeRecord } from '../core/decode/record.ts';
import type { CanonicalEvent } from '../core/event.ts';
import { compareKeys } from '../core/event.ts';
import type { LeftOut } from '../core/result.ts';
import type { LogRecord } from '../kafka.ts';
import { headerText } from '../kafka-headers.ts';
import type { DeadLetter } from '../store/ingest/dead-letters.ts';
import type { LeftOutMove } from '../store/ingest/left-out.ts';
import type { SinkContext, PartitionBatch } from './context.ts';

export interface DecodedBatch {
  /** By device: each list sorted by key, without duplicates within the batch; some may be stored already. */
  readonly events: ReadonlyMap<string, readonly CanonicalEvent[]>;
  readonly deadLetters: readonly DeadLetter[];
  readonly unknownFields: number;
  /** Fields that were left out, by device. */
  readonly leftOut: readonly LeftOutOfDevice[];
}

export type LeftOutOfDevice = Omit<LeftOutMove, 'deviceId'> & {
  /** The device's id in its messages. */
  readonly externalId: string;
};

/** Loads the schemas that a batch's records name. */
export async function loadSchemas(
  { decoding, progress }: SinkContext,
  partitions: readonly PartitionBatch[],
): Promise<void> {
  if (!decoding.loadSchemas) return;
  const ids = new Set<number>();
  for (const { records } of partitions) {
    for (const { value } of records) {
      const id = schemaIdOf(value);
      if (id !== undefined) ids.add(id);
    }
  }
  if (ids.size > 0) await decoding.loadSchemas(ids, progress);
}

/** Decodes a batch into events by device and dead letters. */
export function decodeAll(sink: SinkContext, partitions: readonly PartitionBatch[]): DecodedBatch {
  const events = new Map<string, CanonicalEvent[]>();
  const deadLetters: DeadLetter[] = [];
  let unknownFields = 0;
  const leftOut = createLeftOutCounts();
  const now = sink.now();
  for (const { records } of partitions)
    for (const record of records) {
      const { timestampMs, leftOut: recordTime } = recordTimeOf(record.timestampMs, now);
      const decoded = record.unusable
        ? { ok: false as const, ...record.unusable }
        : decodeRecord(
            { value: record.value, contentType: contentTypeOf(record), timestampMs },
            sink.decoding,
          );
      if (decoded.ok) {
        unknownFields += decoded.unknownFields;
        const { deviceId, event } = decoded.value;
        const list = events.get(deviceId);
        if (list) list.push(event);
        else events.set(deviceId, [event]);
        for (const field of decoded.leftOut) leftOut.add(deviceId, event.atMs, field);
        if (recordTime) leftOut.add(deviceId, event.atMs, recordTime);
      } else {
        const { partition, offset, key, value, headers } = record;
        const { reason, message } = decoded;
        deadLetters.push({
          partition,
          offset,
          atMs: timestampMs,
          key,
          value,
          headers,
          reason,
          message,
        });
      }
    }
  for (const [deviceId, list] of events) events.set(deviceId, inOrder(list));
  return { events, deadLetters, unknownFields, leftOut: leftOut.all() };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Adds up fields that were left out, by device, field and reason. */
function createLeftOutCounts() {
  const sums = new Map<string, Writable<LeftOutOfDevice>>();
  return {
    add(externalId: string, atMs: number, { field, reason, value }: LeftOut): void {
      const key = `${field} ${reason} ${externalId}`;
      const sum = sums.get(key);
      if (!sum) {
        const first = { count: 1, firstAtMs: atMs, lastAtMs: atMs, lastValue: value };
        sums.set(key, { externalId, field, reason, ...first });
        return;
      }
      sum.count += 1;
      if (atMs < sum.firstAtMs) sum.firstAtMs = atMs;
      if (atMs < sum.lastAtMs) return;
      sum.lastAtMs = atMs;
      sum.lastValue = value;
    },
    all: (): readonly LeftOutOfDevice[] => [...sums.values()],
  };
}

function contentTypeOf(record: LogRecord): string | undefined {
  if (record.headers.length === 0) return undefined;
  return headerText(record.headers, 'content-type')?.split(';', 1)[0]!.trim().toLowerCase();
}

/** A device's events sorted by key, each key once; they usually arrive that way. */
function inOrder(events: CanonicalEvent[]): CanonicalEvent[] {
  const isOrdered = events.every((e, i) => i === 0 || compareKeys(events[i - 1]!, e) < 0);
  if (isOrdered) return events;
  return events
    .sort(compareKeys)
    .filter((e, i, sorted) => i === 0 || compareKeys(sorted[i - 1]!, e) !== 0);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Undefined where the bytes are not UTF-8. Node's own decoder is several times faster than TextDecoder, but replaces invalid bytes with U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (!text.includes('\ufffd')) return text;
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

import { recordTimeOf } from '../core/decode/dates.ts';
import { decodeRecord } from '../core/decode/record.ts';
import type { CanonicalEvent } from '../core/event.ts';
import { compareKeys } from '../core/event.ts';
import type { LogRecord } from '../kafka.ts';
import type { DeadLetter } from '../store/ingest/commit.ts';
import type { SinkContext, PartitionBatch } from './context.ts';

export interface DecodedBatch {
  /** By device: each list sorted by key, without duplicates within the batch; some may be stored already. */
  readonly events: ReadonlyMap<string, readonly CanonicalEvent[]>;
  readonly deadLetters: readonly DeadLetter[];
  readonly unknownFields: number;
}

/** Decodes a batch into events by device and dead letters. */
export function decodeAll(sink: SinkContext, partitions: readonly PartitionBatch[]): DecodedBatch {
  const events = new Map<string, CanonicalEvent[]>();
  const deadLetters: DeadLetter[] = [];
  let unknownFields = 0;
  const now = sink.now();
  for (const { records } of partitions)
    for (const record of records) {
      const { timestampMs } = recordTimeOf(record.timestampMs, now);
      const decoded = decodeRecord(
        { value: record.value, contentType: contentTypeOf(record), timestampMs },
        sink.decoding,
      );
      if (decoded.ok) {
        unknownFields += decoded.unknownFields;
        const { deviceId, event } = decoded.value;
        const list = events.get(deviceId);
        if (list) list.push(event);
        else events.set(deviceId, [event]);
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
  return { events, deadLetters, unknownFields };
}

function contentTypeOf(record: LogRecord): string | undefined {
  return record.headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase();
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

import type { Decoded } from '../result.ts';
import type { DecodeSettings } from './format.ts';
import type { DeviceEvent } from './quantise.ts';
import { formats } from './registry.ts';

/** A record of the log as far as decoding asks. */
export interface RawRecord {
  readonly value: Uint8Array | null;
  /** The `content-type` header, lower case, without parameters. */
  readonly contentType?: string | undefined;
  /** The lesser of the record's own timestamp and the reader's clock, epoch milliseconds. */
  readonly timestampMs: number;
}

/** Longest message believed; devices send some hundred bytes. */
const MAX_VALUE_BYTES = 65_536;
/** Magic byte of the schema registry's framing (Avro, Protobuf). */
const REGISTRY_MAGIC_BYTE = 0;
const YEAR_2000_MS = 946_684_800_000;
const DAY_MS = 86_400_000;
/** GPS counts weeks in 10 bits; a receiver past its rollover is this much behind. */
const GPS_ROLLOVER_MS = 1024 * 7 * DAY_MS;

/** A record's device and event, or the reason for the dead letters. Never throws. */
export function decodeRecord(record: RawRecord, settings: DecodeSettings): Decoded<DeviceEvent> {
  const { value } = record;
  if (value === null || value.length === 0) {
    return { ok: false, reason: 'EMPTY', message: 'the record has no value' };
  }
  if (value.length > MAX_VALUE_BYTES) {
    return {
      ok: false,
      reason: 'TOO_LARGE',
      message: `the value has ${value.length} bytes; at most ${MAX_VALUE_BYTES} are read`,
    };
  }
  if (value[0] === REGISTRY_MAGIC_BYTE) {
    return {
      ok: false,
      reason: 'UNSUPPORTED_FORMAT',
      message:
        'the value begins with the schema registry’s magic byte 0; Avro and Protobuf are not read yet',
    };
  }
  const format =
    formats.find(
      (f) => record.contentType !== undefined && f.contentTypes.includes(record.contentType),
    ) ?? formats.find((f) => f.startsWith(value[0]!));
  if (!format) {
    return {
      ok: false,
      reason: 'UNKNOWN_FORMAT',
      message: `no format begins with byte ${value[0]}; known are ${formats.map((f) => f.name).join(', ')}`,
    };
  }
  const text = settings.decodeUtf8(value);
  if (text === undefined) {
    return {
      ok: false,
      reason: 'NOT_UTF8',
      message: `the value is taken for ${format.name}, but is not UTF-8`,
    };
  }
  const decoded = format.decode(text, settings);
  return decoded.ok
    ? (refuseDate(decoded.value.event.atMs, record.timestampMs) ?? decoded)
    : decoded;
}

/** Refuses instants that cannot be true: one believed 2099 would make every true event late for ever. */
function refuseDate(atMs: number, timestampMs: number): Decoded<never> | undefined {
  if (Math.abs(atMs + GPS_ROLLOVER_MS - timestampMs) <= DAY_MS) {
    return {
      ok: false,
      reason: 'GPS_ROLLOVER',
      message: `at is ${atMs} ms, 1024 weeks before the record's time ${timestampMs} ms: the receiver's week counter rolled over`,
    };
  }
  if (!(atMs >= YEAR_2000_MS)) {
    return {
      ok: false,
      reason: 'BEFORE_2000',
      message: `at is ${atMs} ms, before 2000-01-01T00:00:00Z (${YEAR_2000_MS})`,
    };
  }
  if (atMs > timestampMs + DAY_MS) {
    return {
      ok: false,
      reason: 'FUTURE',
      message: `at is ${atMs} ms, more than 24 hours after the record's time ${timestampMs} ms`,
    };
  }
  return undefined;
}

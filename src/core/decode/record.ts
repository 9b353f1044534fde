import type { DeadLetterReason, Decoded } from '../result.ts';
import { decodeBinary, decodeFramed, isFramed } from './binary.ts';
import { dateProblem } from './dates.ts';
import type { DecodeSettings } from './format.ts';
import type { DeviceEvent } from './quantise.ts';
import { formats } from './registry.ts';
import { quote } from './show.ts';

/** The part of a log record that decoding needs. */
export interface RawRecord {
  readonly value: Uint8Array | null;
  /** The `content-type` header, lower case, without parameters. */
  readonly contentType?: string | undefined;
  /** The record's time by `recordTimeOf`, epoch milliseconds. */
  readonly timestampMs: number;
}

/** Longest message that is read; devices send a few hundred bytes. */
const MAX_VALUE_BYTES = 65_536;
const BYTE_ORDER_MARK = '\ufeff';

/** The device and event of a record, or the reason why it is a dead letter. Never throws. */
export function decodeRecord(record: RawRecord, settings: DecodeSettings): Decoded<DeviceEvent> {
  try {
    const decoded = decodeValue(record, settings);
    if (!decoded.ok) return decoded;
    const problem = dateProblem(decoded.value.event.atMs, record.timestampMs);
    return problem ? { ok: false, ...problem } : decoded;
  } catch (error) {
    // The last line of defence: no record may stop a sink.
    return refuse('DECODER_FAILED', `the decoder failed: ${quote(String(error), 200)}`);
  }
}

function decodeValue(record: RawRecord, settings: DecodeSettings): Decoded<DeviceEvent> {
  const { value } = record;
  if (value === null || value.length === 0) return refuse('EMPTY', 'the record has no value');
  if (value.length > MAX_VALUE_BYTES) {
    return refuse(
      'TOO_LARGE',
      `the value has ${value.length} bytes; at most ${MAX_VALUE_BYTES} are read`,
    );
  }
  if (isFramed(value)) {
    return settings.binary
      ? decodeFramed(value, settings.binary)
      : refuse(
          'UNSUPPORTED_FORMAT',
          "the value begins with the schema registry's magic byte 0, and no schemas are read here",
        );
  }
  const plain =
    record.contentType === undefined
      ? undefined
      : settings.binary?.byContentType(record.contentType);
  if (plain) return decodeBinary(value, plain, record.contentType!);
  const firstByte = value[firstTextByte(value)] ?? value[0]!;
  const format =
    formats.find(
      (f) => record.contentType !== undefined && f.contentTypes.includes(record.contentType),
    ) ?? formats.find((f) => f.startsWith(firstByte));
  if (!format) return refuseUnknown(value);
  const text = settings.decodeUtf8(value);
  if (text === undefined) {
    return isUtf16(value)
      ? refuse('NOT_UTF8', 'the value is UTF-16 text; send UTF-8')
      : refuse('NOT_UTF8', `the value was read as ${format.name}, but it is not UTF-8`);
  }
  return format.decode(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text, settings);
}

/** Index of the first byte that is neither white space nor a UTF-8 byte order mark. */
function firstTextByte(value: Uint8Array): number {
  let at = value[0] === 0xef && value[1] === 0xbb && value[2] === 0xbf ? 3 : 0;
  while (value[at] === 0x20 || value[at] === 0x09 || value[at] === 0x0a || value[at] === 0x0d)
    at += 1;
  return at;
}

function isUtf16(value: Uint8Array): boolean {
  return (value[0] === 0xff && value[1] === 0xfe) || (value[0] === 0xfe && value[1] === 0xff);
}

function refuseUnknown(value: Uint8Array): Decoded<never> {
  return refuse(
    'UNKNOWN_FORMAT',
    `no format begins with byte ${value[0]}; known are ${formats.map((f) => f.name).join(', ')}`,
  );
}

function refuse(reason: DeadLetterReason, message: string): Decoded<never> {
  return { ok: false, reason, message };
}

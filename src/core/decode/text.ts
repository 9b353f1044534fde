import type { Decoded } from '../result.ts';
import type { DecodeSettings } from './format.ts';
import type { DeviceEvent } from './quantise.ts';
import { quantise } from './quantise.ts';
import { quote } from './show.ts';
import { localToUtcMs, utcMs } from './time.ts';

/** Kilometres in a mile, exactly (international mile, 1959). */
const KM_PER_MILE = 1.609344;

const LINE =
  /^\s*(\S+)\s+(\S+)\s+(\d{1,2})-(\d{1,2})-(\d{4})\s+(\d{1,2}):(\d\d):(\d\d)\s+([^\s,]+),([^\s,]+)\s*$/;
const EXAMPLE = 'ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977';
const NUMBER = /^[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})$/;

/**
 * The original plain text line: device, speed, M-D-YYYY, time of day, longitude,latitude. The line
 * contains neither unit nor zone: `textSpeedUnit` and `textTimeZone` set them.
 */
export function decodeText(text: string, settings: DecodeSettings): Decoded<DeviceEvent> {
  const m = LINE.exec(text);
  if (!m) {
    return {
      ok: false,
      reason: 'MALFORMED',
      message: `not a telematics line: ${quote(text, 120)}; ${describeOther(text)}`,
    };
  }
  const localMs = utcMs(+m[5]!, +m[3]!, +m[4]!, +m[6]!, +m[7]!, +m[8]!);
  if (localMs === undefined) {
    return {
      ok: false,
      reason: 'OUT_OF_RANGE',
      message: `there is no time ${m[3]}-${m[4]}-${m[5]} ${m[6]}:${m[7]}:${m[8]} (month-day-year)`,
    };
  }
  const atMs =
    settings.textTimeZone === 'UTC'
      ? localMs
      : localToUtcMs(localMs, settings.textTimeZone, settings.zones);
  const speed = readNumber(m[2]!);
  return quantise(m[1]!, atMs, {
    lat: readNumber(m[10]!),
    lon: readNumber(m[9]!),
    speedKmh:
      typeof speed === 'number' && settings.textSpeedUnit === 'mph' ? speed * KM_PER_MILE : speed,
  });
}

/** A decimal number, or the text as it is, which the table of fields then leaves out. */
function readNumber(text: string): number | string {
  return NUMBER.test(text) ? Number(text) : text;
}

/** What a text looks like that is not a telematics line. */
function describeOther(text: string): string {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) return 'it looks like JSON, but its content type says text/plain';
  if (trimmed.startsWith('[')) {
    return 'it looks like a JSON array: one message is one JSON object, so send each element as a record of its own';
  }
  if (trimmed.startsWith('"')) {
    return 'it looks like a JSON string: send the object itself, not the object as text';
  }
  if (trimmed.includes('\n')) return 'it has several lines: send each line as a record of its own';
  return `a line looks like: ${EXAMPLE}`;
}

import type { Decoded } from '../result.ts';
import type { DecodeSettings } from './format.ts';
import type { DeviceEvent } from './quantise.ts';
import { quantise } from './quantise.ts';
import { localToUtcMs, utcMs } from './time.ts';

/** Kilometres in a mile, exactly (international mile, 1959). */
const KM_PER_MILE = 1.609344;

const LINE =
  /^\s*(\S+)\s+(\S+)\s+(\d{1,2})-(\d{1,2})-(\d{4})\s+(\d{1,2}):(\d\d):(\d\d)\s+([^\s,]+),([^\s,]+)\s*$/;
const EXAMPLE = 'ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977';
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)$/;

/**
 * The founding example's plain text line: device, speed, M-D-YYYY, time of day, longitude,latitude.
 * The line names neither unit nor zone: `textSpeedUnit` and `textTimeZone` do.
 */
export function decodeText(text: string, settings: DecodeSettings): Decoded<DeviceEvent> {
  const m = LINE.exec(text);
  if (!m) {
    return {
      ok: false,
      reason: 'MALFORMED',
      message: `not a telematics line: ${JSON.stringify(text.slice(0, 120))}; a line looks like: ${EXAMPLE}`,
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
  for (const [label, value] of [
    ['speed', m[2]!],
    ['longitude', m[9]!],
    ['latitude', m[10]!],
  ] as const) {
    if (!NUMBER.test(value)) {
      return {
        ok: false,
        reason: 'MALFORMED',
        message: `${label} is ${JSON.stringify(value.slice(0, 40))}; it must be a decimal number`,
      };
    }
  }
  const atMs =
    settings.textTimeZone === 'UTC'
      ? localMs
      : localToUtcMs(localMs, settings.textTimeZone, settings.zones);
  return quantise(
    {
      deviceId: m[1]!,
      atMs,
      lat: +m[10]!,
      lon: +m[9]!,
      speedKmh: +m[2]! * (settings.textSpeedUnit === 'mph' ? KM_PER_MILE : 1),
    },
    0,
  );
}

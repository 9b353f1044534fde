import type { CanonicalEvent } from '../event.ts';
import type { Decoded } from '../result.ts';
import { decodeMessage } from './message.ts';
import type { DeviceEvent } from './quantise.ts';
import { scanJson } from './scan.ts';
import { quote, show } from './show.ts';

/** Deepest nesting that is parsed; a message of the contract has two levels. */
const MAX_DEPTH = 512;

/** One JSON object per message, in the fields and units of the contract. */
export function decodeJson(text: string): Decoded<DeviceEvent> {
  // Each level takes two characters, so a shorter text cannot be deeper.
  if (text.length > 2 * MAX_DEPTH) {
    const { depth } = scanJson(text);
    if (depth > MAX_DEPTH) {
      const message = `the JSON is nested ${depth} levels deep; at most ${MAX_DEPTH} are read`;
      return { ok: false, reason: 'TOO_DEEP', message };
    }
  }
  const parsed = parse(text);
  if (parsed === undefined) return malformed(describeBroken(text));
  const { value } = parsed;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return decodeMessage(value as Record<string, unknown>);
  }
  return malformed(
    `the message is JSON but not an object: ${show(value)}; ${
      Array.isArray(value)
        ? 'send each element as a record of its own'
        : 'one message is one JSON object'
    }`,
  );
}

/** The value of a JSON text in which NaN and infinities may occur; they become text. */
function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    const { quoted } = scanJson(text);
    if (quoted === undefined) return undefined;
    try {
      return { value: JSON.parse(quoted) };
    } catch {
      return undefined;
    }
  }
}

function describeBroken(text: string): string {
  const { isCut, values } = scanJson(text);
  const cause = text.includes('\u0000')
    ? 'it has zero bytes, as UTF-16 has; send UTF-8'
    : isCut
      ? `it is cut off after ${text.length} characters`
      : values > 1
        ? `it has ${values} objects; send each as a record of its own`
        : undefined;
  return `not JSON: ${quote(text, 120)}${cause === undefined ? '' : `; ${cause}`}`;
}

/** The message that decodes to exactly this event; `at` as epoch milliseconds. */
export function encodeJson(deviceId: string, event: CanonicalEvent): string {
  const scaled = (value: number | undefined, scale: number) =>
    value === undefined ? undefined : value / scale;
  const acceleration = {
    forward: scaled(event.accelForwardMmps2, 1000),
    left: scaled(event.accelLeftMmps2, 1000),
    up: scaled(event.accelUpMmps2, 1000),
  };
  return JSON.stringify({
    deviceId,
    at: event.atMs,
    lat: scaled(event.latE7, 1e7),
    lon: scaled(event.lonE7, 1e7),
    speedKmh: scaled(event.speedCkmh, 100),
    headingDeg: scaled(event.headingDdeg, 10),
    odometerKm: scaled(event.odometerM, 1000),
    ignition: event.ignition,
    accelMps2: Object.values(acceleration).some((a) => a !== undefined) ? acceleration : undefined,
    speedLimitKmh: scaled(event.speedLimitCkmh, 100),
    phoneInUse: event.phoneInUse,
    accuracyM: scaled(event.accuracyDm, 10),
  });
}

function malformed(message: string): Decoded<never> {
  return { ok: false, reason: 'MALFORMED', message };
}

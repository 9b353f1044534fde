import type { CanonicalEvent } from '../event.ts';
import type { Decoded } from '../result.ts';
import type { DeviceEvent, Measurement } from './quantise.ts';
import { quantise } from './quantise.ts';
import { parseRfc3339 } from './time.ts';

const NUMBER_FIELDS = [
  'lat',
  'lon',
  'speedKmh',
  'headingDeg',
  'odometerKm',
  'speedLimitKmh',
  'accuracyM',
] as const;
const BOOLEAN_FIELDS = ['ignition', 'phoneInUse'] as const;
const ACCELERATIONS = [
  ['forward', 'accelForwardMps2'],
  ['left', 'accelLeftMps2'],
  ['up', 'accelUpMps2'],
] as const;
const KNOWN: ReadonlySet<string> = new Set([
  'deviceId',
  'at',
  'accelMps2',
  ...NUMBER_FIELDS,
  ...BOOLEAN_FIELDS,
]);

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** One JSON object a message; the fields and units of the contract, null as good as absent. */
export function decodeJson(text: string): Decoded<DeviceEvent> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return malformed(`not JSON: ${JSON.stringify(text.slice(0, 120))}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return malformed('the message is JSON but not an object; one message is one object');
  }
  const message = parsed as Record<string, unknown>;
  const { deviceId, at } = message;
  if (typeof deviceId !== 'string') return missing('deviceId', deviceId, 'a string');
  const atMs = typeof at === 'number' ? at : typeof at === 'string' ? parseRfc3339(at) : undefined;
  if (atMs === undefined || !Number.isInteger(atMs)) {
    return missing(
      'at',
      at,
      'RFC 3339 with a zone ("2015-05-15T00:08:13.000Z"), or whole epoch milliseconds',
    );
  }
  const measurement: Writable<Measurement> = { deviceId, atMs };
  for (const field of NUMBER_FIELDS) {
    const value = message[field];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number') return wrongType(field, value, 'a number');
    measurement[field] = value;
  }
  for (const field of BOOLEAN_FIELDS) {
    const value = message[field];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'boolean') return wrongType(field, value, 'true or false');
    measurement[field] = value;
  }
  let unknownFields = 0;
  const acceleration = message['accelMps2'];
  if (acceleration !== undefined && acceleration !== null) {
    if (typeof acceleration !== 'object') return wrongType('accelMps2', acceleration, 'an object');
    const axes = acceleration as Record<string, unknown>;
    for (const [axis, field] of ACCELERATIONS) {
      const value = axes[axis];
      if (value === undefined || value === null) continue;
      if (typeof value !== 'number') return wrongType(`accelMps2.${axis}`, value, 'a number');
      measurement[field] = value;
    }
    for (const axis in axes)
      if (!ACCELERATIONS.some(([known]) => known === axis)) unknownFields += 1;
  }
  for (const field in message) if (!KNOWN.has(field)) unknownFields += 1;
  return quantise(measurement, unknownFields);
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

function missing(field: string, value: unknown, right: string): Decoded<never> {
  if (value === undefined || value === null) {
    return {
      ok: false,
      reason: 'MISSING_FIELD',
      message: `${field} is missing; it must be ${right}`,
    };
  }
  return wrongType(field, value, right);
}

function wrongType(field: string, value: unknown, right: string): Decoded<never> {
  return malformed(
    `${field} is ${(JSON.stringify(value) ?? typeof value).slice(0, 60)}; it must be ${right}`,
  );
}

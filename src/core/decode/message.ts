import type { DeadLetterReason, Decoded } from '../result.ts';
import { accelerationAxes, optionalFields, readFields } from './fields.ts';
import type { DeviceEvent } from './quantise.ts';
import { quantise, refuse } from './quantise.ts';
import { show } from './show.ts';
import { parseRfc3339 } from './time.ts';

const KNOWN: ReadonlySet<string> = new Set(['deviceId', 'at', ...optionalFields]);
const AXES: ReadonlySet<string> = new Set(accelerationAxes);
const AT =
  'RFC 3339 with a zone ("2015-05-15T00:08:13.000Z"), or epoch milliseconds (1431648493000)';

/** Decodes a message in the contract's fields and units, from any encoding. */
export function decodeMessage(message: Readonly<Record<string, unknown>>): Decoded<DeviceEvent> {
  const { deviceId, at } = message;
  const atMs = readInstant(at);
  if (typeof deviceId !== 'string' || atMs === undefined) {
    const problems = [
      ...(typeof deviceId === 'string' ? [] : [describeMissing('deviceId', deviceId, 'a string')]),
      ...(typeof deviceId === 'string' ? [] : describeEnvelope(message)),
      ...(atMs === undefined ? [describeMissing('at', at, AT)] : []),
    ];
    const isAbsent = (value: unknown) => value === undefined || value === null;
    const culprit = typeof deviceId === 'string' ? at : deviceId;
    const reason: DeadLetterReason = isAbsent(culprit) ? 'MISSING_FIELD' : 'MALFORMED';
    return refuse(reason, problems.join('; '), readFields(message).leftOut);
  }
  return quantise(deviceId, atMs, message, countUnknown(message));
}

/** Epoch milliseconds; finer digits are truncated. */
function readInstant(at: unknown): number | undefined {
  if (typeof at === 'string') return parseRfc3339(at);
  return typeof at === 'number' && Number.isFinite(at) ? Math.floor(at) : undefined;
}

function countUnknown(message: Readonly<Record<string, unknown>>): number {
  let count = 0;
  for (const name of Object.keys(message)) if (!KNOWN.has(name)) count += 1;
  const axes = message['accelMps2'];
  if (typeof axes === 'object' && axes !== null && !Array.isArray(axes)) {
    for (const name of Object.keys(axes)) if (!AXES.has(name)) count += 1;
  }
  return count;
}

function describeMissing(field: string, value: unknown, right: string): string {
  return value === undefined || value === null
    ? `${field} is missing; it must be ${right}`
    : `${field} is ${show(value)}; it must be ${right}`;
}

/** Names the field of an envelope that contains the message, if there is one. */
function describeEnvelope(message: Readonly<Record<string, unknown>>): string[] {
  for (const name of Object.keys(message)) {
    const inner = message[name];
    if (typeof inner !== 'object' || inner === null || !('deviceId' in inner)) continue;
    return [`it is inside ${show(name)}: send the message itself, without an envelope`];
  }
  if ('schema' in message && 'payload' in message) {
    return ['this is an envelope of schema and payload: send the message itself'];
  }
  return [];
}

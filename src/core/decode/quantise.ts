import { digestOf } from '../digest.ts';
import type { CanonicalEvent } from '../event.ts';
import type { DeadLetterReason, Decoded, LeftOut, LeftOutReason } from '../result.ts';
import { deviceIdProblem } from './device-id.ts';
import type { RawFields } from './fields.ts';
import { describeLeftOut, readFields } from './fields.ts';

export interface DeviceEvent {
  readonly deviceId: string;
  readonly event: CanonicalEvent;
}

/**
 * The canonical event of a message, or the reason why there is none.
 * @param unknownFields fields of the message that the format does not define
 */
export function quantise(
  deviceId: string,
  atMs: number,
  fields: RawFields,
  unknownFields = 0,
): Decoded<DeviceEvent> {
  const { content, leftOut } = readFields(fields);
  const wrongId = deviceIdProblem(deviceId);
  if (wrongId) return refuse('OUT_OF_RANGE', wrongId, leftOut);
  if (!hasAny(content)) {
    return refuse(
      reasonOf(leftOut),
      'the message says nothing usable but device and time; it needs lat and lon, or a speed, an odometer, an ignition …',
      leftOut,
    );
  }
  const event = { ...content, atMs, digest: 0 } as {
    -readonly [K in keyof CanonicalEvent]: CanonicalEvent[K];
  };
  event.digest = digestOf(event);
  return { ok: true, value: { deviceId, event }, unknownFields, leftOut };
}

/** Whether an object has a property; creates no array, since this runs for each message. */
function hasAny(object: object): boolean {
  for (const name in object) return name !== undefined;
  return false;
}

/** A dead letter; its message gives the cause and each optional field that would be left out. */
export function refuse(
  reason: DeadLetterReason,
  message: string,
  leftOut: readonly LeftOut[],
): Decoded<never> {
  return { ok: false, reason, message: [message, ...leftOut.map(describeLeftOut)].join('; ') };
}

const REASONS: readonly (readonly [LeftOutReason, DeadLetterReason])[] = [
  ['WRONG_TYPE', 'MALFORMED'],
  ['NOT_A_NUMBER', 'MALFORMED'],
  ['OUT_OF_RANGE', 'OUT_OF_RANGE'],
];

/** The reason for a message whose fields were all left out; the first matching row decides. */
function reasonOf(leftOut: readonly LeftOut[]): DeadLetterReason {
  const row = REASONS.find(([left]) => leftOut.some(({ reason }) => reason === left));
  return row?.[1] ?? 'MISSING_FIELD';
}

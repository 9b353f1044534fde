import type { ChangePlace } from '../store/read/changes.ts';
import type { TelemetryPlace } from '../store/read/live/telemetry.ts';
import type { Seal } from './seal.ts';

/** Why a cursor cannot be resumed from. */
export type CursorFault = 'FOREIGN' | 'EXPIRED';

/** A stream's cursor: the stream's name, the store's epoch, when it was made, and the place. */
export interface StreamCursors {
  ofTelemetry(deviceId: string, place: TelemetryPlace, nowMs: number): string;
  ofChanges(stream: string, scope: string, place: ChangePlace, nowMs: number): string;
  toTelemetry(cursor: string, deviceId: string): Opened<TelemetryPlace> | CursorFault;
  toChanges(stream: string, cursor: string, scope: string): Opened<ChangePlace> | CursorFault;
}

export interface Opened<Place> {
  readonly place: Place;
  readonly madeAtMs: number;
}

/** @param epoch the store's: one that was restored draws another, in which old places mean nothing */
export function createStreamCursors(seal: Seal, epoch: string): StreamCursors {
  const open = (
    kind: string,
    cursor: string,
    scope: string,
  ): readonly (string | number | null)[] | CursorFault => {
    const value = seal.open(cursor);
    if (value?.[0] === kind && value[1] === epoch && value[2] === scope) return value;
    const [seenKind, seenEpoch] = seal.peek(cursor) ?? [];
    return seenKind === kind && seenEpoch !== epoch ? 'EXPIRED' : 'FOREIGN';
  };
  return {
    ofTelemetry: (deviceId, { sec, rest, version, late }, nowMs) =>
      seal.seal([
        'telemetry',
        epoch,
        deviceId,
        nowMs,
        sec,
        String(rest),
        String(version),
        ...(late ? [late.sec, String(late.rest)] : []),
      ]),
    ofChanges: (stream, scope, { xid, key }, nowMs) =>
      seal.seal([stream, epoch, scope, nowMs, xid, ...key]),
    toTelemetry: (cursor, deviceId) => {
      const value = open('telemetry', cursor, deviceId);
      if (typeof value === 'string') return value;
      const [, , , madeAtMs, sec, rest, version, lateSec, lateRest] = value;
      return {
        madeAtMs: Number(madeAtMs),
        place: {
          sec: Number(sec),
          rest: BigInt(String(rest)),
          version: BigInt(String(version)),
          ...(lateSec === undefined
            ? {}
            : { late: { sec: Number(lateSec), rest: BigInt(String(lateRest)) } }),
        },
      };
    },
    toChanges: (stream, cursor, scope) => {
      const value = open(stream, cursor, scope);
      if (typeof value === 'string') return value;
      const [, , , madeAtMs, xid, ...key] = value;
      return {
        madeAtMs: Number(madeAtMs),
        place: { xid: String(xid), key: key.flatMap((part) => (part === null ? [] : [part])) },
      };
    },
  };
}

import type { CanonicalEvent, EventKey } from '../core/event.ts';
import { type ByteReader, type ByteWriter, createByteReader, createByteWriter } from './bytes.ts';
import type { Fact } from './facts.ts';

/** Events of a piece of the log, from which on the next event begins a new piece. */
export const PIECE_EVENTS = 256;

/** An event of the log with what folding it decided. */
export interface Entry {
  readonly event: CanonicalEvent;
  readonly outputs: readonly Fact[];
}

/**
 * A piece of a device's log: the fold's state before its first event, then its events in order. The
 * state at its end is the base of the next piece, so a repair can stop where the two agree.
 */
export interface Piece {
  /** Encoded state before the first event. */
  readonly base: Uint8Array;
  readonly entries: readonly Entry[];
}

/** A change of the device's log in the engine's own store. `append` creates a piece that is not there. */
export type LogMove =
  | { readonly type: 'append' | 'put'; readonly number: number; readonly bytes: Uint8Array }
  | { readonly type: 'delete'; readonly number: number };

const NUMBERS = [
  'latE7',
  'lonE7',
  'speedCkmh',
  'headingDdeg',
  'odometerM',
  'accelForwardMmps2',
  'accelLeftMmps2',
  'accelUpMmps2',
  'speedLimitCkmh',
  'accuracyDm',
] as const satisfies readonly (keyof CanonicalEvent)[];
const FLAGS = ['ignition', 'phoneInUse'] as const satisfies readonly (keyof CanonicalEvent)[];

/** The beginning of a piece; entries are appended behind it. */
export function encodeBase(base: Uint8Array): Uint8Array {
  const writer = createByteWriter();
  writer.bytes(base);
  return writer.finish();
}

/** Entries as they are appended to a piece. */
export function encodeEntries(entries: readonly Entry[]): Uint8Array {
  const writer = createByteWriter();
  for (const { event, outputs } of entries) {
    putEvent(writer, event);
    writer.u8(outputs.length);
    for (const { key, json } of outputs) {
      writer.text(key);
      writer.text(json ?? '');
    }
  }
  return writer.finish();
}

/** @throws TornFrameError where the bytes are cut off. */
export function decodePiece(bytes: Uint8Array): Piece {
  const reader = createByteReader(bytes);
  const base = reader.bytes();
  const entries: Entry[] = [];
  while (!reader.isAtEnd()) {
    const event = takeEvent(reader);
    const outputs: Fact[] = [];
    for (let left = reader.u8(); left > 0; left--) {
      outputs.push({ key: reader.text(), json: reader.text() });
    }
    entries.push({ event, outputs });
  }
  return { base, entries };
}

export function putKey(writer: ByteWriter, { atMs, digest }: EventKey): void {
  writer.f64(atMs);
  writer.f64(digest);
}

export function takeKey(reader: ByteReader): EventKey {
  return { atMs: reader.f64(), digest: reader.f64() };
}

function putEvent(writer: ByteWriter, event: CanonicalEvent): void {
  putKey(writer, event);
  let present = 0;
  NUMBERS.forEach((name, i) => {
    if (event[name] !== undefined) present |= 1 << i;
  });
  FLAGS.forEach((name, i) => {
    if (event[name] !== undefined) present |= 1 << (16 + i * 2);
    if (event[name] === true) present |= 2 << (16 + i * 2);
  });
  writer.i32(present);
  for (const name of NUMBERS) {
    const value = event[name];
    if (value !== undefined) writer.i32(value);
  }
}

function takeEvent(reader: ByteReader): CanonicalEvent {
  const event: Record<string, number | boolean> = { ...takeKey(reader) };
  const present = reader.i32();
  NUMBERS.forEach((name, i) => {
    if (present & (1 << i)) event[name] = reader.i32();
  });
  FLAGS.forEach((name, i) => {
    if (present & (1 << (16 + i * 2))) event[name] = (present & (2 << (16 + i * 2))) !== 0;
  });
  return event as unknown as CanonicalEvent;
}

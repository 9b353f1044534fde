import { emptyHeld, type Held, heldFields, noneRejected } from './checked/held.ts';
import { noFlag } from './habits/flags.ts';
import { flaggingMetrics, measureNames } from './habits/registry.ts';
import { absent, type Fix, never, noReading } from './reading.ts';
import { emptyState, type DeviceState, type OpenTrip } from './state.ts';
import {
  emptyTotals,
  flatHourLength,
  flatPartLength,
  flatTotalsLength,
  flattenTotals,
  type Totals,
  unflattenTotals,
} from './trips/totals.ts';

/** Incremented when the meaning of the bytes changes; states of another format are folded again. */
const format = 3;

/** Changes when the registry changes: a different list of sums or flags is a different layout. */
const layout = hash(
  [...measureNames, ...flaggingMetrics.map(({ kind, source }) => `${kind}/${source}`)].join(),
);

function hash(text: string): number {
  let value = 5381;
  for (let i = 0; i < text.length; i++) value = (value * 33 + text.charCodeAt(i)) % 65_536;
  return value;
}

/** Output buffer, shared by all calls: a call is never interrupted. */
let buffer = new Uint8Array(4_096);
let length = 0;

function putByte(byte: number): void {
  if (length === buffer.length) {
    const larger = new Uint8Array(buffer.length * 2);
    larger.set(buffer);
    buffer = larger;
  }
  buffer[length++] = byte;
}

/** An integer from 0 to 2^53, seven bits per byte, low bits first. */
function putUnsigned(value: number): void {
  let rest = value;
  while (rest > 127) {
    putByte((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  putByte(rest);
}

/** A signed integer: the sign, then the magnitude, so that 53 bits do not overflow. */
function putSigned(value: number): void {
  const magnitude = Math.abs(value);
  const sign = value < 0 ? 64 : 0;
  const low = magnitude % 64;
  const rest = Math.floor(magnitude / 64);
  putByte(low + sign + (rest > 0 ? 128 : 0));
  if (rest > 0) putUnsigned(rest);
}

function putText(text: string): void {
  putUnsigned(text.length);
  for (let i = 0; i < text.length; i++) putUnsigned(text.charCodeAt(i));
}

/** An instant relative to a later one; 0 if there is none. */
function putInstant(atMs: number, laterMs: number): void {
  if (atMs === never) putByte(0);
  else putUnsigned(laterMs - atMs + 1);
}

function putFix(fix: Fix, laterMs: number): void {
  putInstant(fix.atMs, laterMs);
  if (fix.atMs === never) return;
  putOptional(fix.latE7);
  putOptional(fix.lonE7);
}

/** 0 if the value was not sent. */
function putOptional(value: number): void {
  if (value === absent) putByte(0);
  else putSigned(value < 0 ? value : value + 1);
}

/**
 * Encodes the state: the same state always gives the same bytes, and `decodeState` restores it.
 * About 100 bytes at rest, about 300 in a trip.
 *
 * @returns a copy; later calls do not overwrite it
 */
export function encodeState(state: DeviceState): Uint8Array {
  length = 0;
  putByte(format);
  putUnsigned(layout);
  putText(state.rulesVersion);
  const { headAtMs } = state;
  putSigned(headAtMs);
  if (headAtMs !== never) {
    putInstant(state.blockedAtMs, headAtMs);
    putUnsigned(state.intervalsMs.length);
    for (const intervalMs of state.intervalsMs) putUnsigned(intervalMs);
    putOptional(state.usualMs);
    putInstant(state.ignitionOnAtMs, headAtMs);
    putInstant(state.quietAtMs, headAtMs);
    putFix(state.last, headAtMs);
    putFix(state.doubt, headAtMs);
    if (state.doubt.atMs !== never) putUnsigned(state.doubt.agreeing);
    putInstant(state.restingFromMs, headAtMs);
    putInstant(state.standingFromMs, headAtMs);
    putUnsigned(state.slowIntervals);
    putFix(state.place, headAtMs);
    putChecked(state);
    putByte(state.trip === undefined ? 0 : 1);
    if (state.trip !== undefined) putTrip(state.trip, state);
  }
  return buffer.slice(0, length);
}

/** State that only rules from version 3 use; a single byte if it is empty. */
function putChecked(state: DeviceState): void {
  const { headAtMs } = state;
  const flat = flattenChecked(state);
  const isEmpty = state.held.length === 0 && flat.every((value) => value === 0);
  putByte(isEmpty ? 0 : 1);
  if (isEmpty) return;
  for (const value of flat) putSigned(value);
  putUnsigned(state.held.length);
  for (const held of state.held) {
    putInstant(held.atMs, headAtMs);
    putUnsigned(held.firstDigest);
    putUnsigned(held.lastDigest);
    putUnsigned(held.events);
    putUnsigned(held.intervalMs);
    putOptional(held.usualMs);
    for (const field of heldFields) putOptional(held[field]);
    const isClean = held.rejected === noneRejected;
    putByte(isClean ? 0 : 1);
    if (!isClean) for (const count of held.rejected) putUnsigned(count);
  }
}

function flattenChecked(state: DeviceState): number[] {
  const { headAtMs, seen, odometer } = state;
  const ago = (atMs: number) => (atMs === never ? 0 : headAtMs - atMs + 1);
  return [
    ago(state.lastSinceMs),
    state.lastAccuracyDm,
    state.placeAccuracyDm,
    state.wayCkmh,
    ago(state.speedAtMs),
    state.speedCkmh === absent ? 0 : state.speedCkmh + 1,
    ago(state.wiredAtMs),
    ago(state.offHeardAtMs),
    ago(state.carriedFromMs),
    ago(state.carriedToMs),
    state.carriedMm,
    ago(seen.atMs),
    seen.latE7,
    seen.lonE7,
    ago(odometer.atMs),
    odometer.readM,
    odometer.roadMm,
    ago(state.rejectedAtMs),
    ...state.rejectedBefore,
  ];
}

function putTrip(trip: OpenTrip, state: DeviceState): void {
  const { headAtMs, rulesVersion, restingFromMs } = state;
  putInstant(trip.startedAtMs, headAtMs);
  putUnsigned(trip.anchorDigest);
  putOptional(trip.startLatE7);
  putOptional(trip.startLonE7);
  putText(trip.timeZone);
  putText(trip.rulesVersion === rulesVersion ? '' : trip.rulesVersion);
  putByte(trip.ignitionDistrusted ? 1 : 0);
  const flat = flattenTotals(trip.totals);
  flat[0] = headAtMs - trip.totals.lastAtMs;
  putUnsigned(trip.totals.parts.length);
  for (const value of flat) putSigned(value);
  if (restingFromMs !== never) {
    putTotals(trip.mark, flat, headAtMs);
  }
  putInstant(trip.offAtMs, headAtMs);
  if (trip.offAtMs !== never) putTotals(trip.atOff, flat, headAtMs);
  putSigned(trip.roadMm);
  putSigned(trip.unprovenMm);
  putInstant(trip.stillFromMs, headAtMs);
  putInstant(trip.speedAtMs, headAtMs);
  putUnsigned(trip.speedCkmh);
  putInstant(trip.odometerAtMs, headAtMs);
  putSigned(trip.odometerM);
  for (const reading of [trip.before, trip.at]) {
    putFix(reading, headAtMs);
    if (reading.atMs === never) continue;
    putOptional(reading.speedCkmh);
    putOptional(reading.headingDdeg);
    putOptional(reading.accelForwardMmps2);
    putOptional(reading.accelLeftMmps2);
    putOptional(reading.speedLimitCkmh);
    putOptional(reading.phoneInUse);
  }
  for (const flag of trip.flags) {
    putInstant(flag.firstAtMs, headAtMs);
    if (flag.firstAtMs === never) continue;
    putInstant(flag.lastAtMs, headAtMs);
    putInstant(flag.peakAtMs, headAtMs);
    putSigned(flag.peak);
    putOptional(flag.allowed);
    putOptional(flag.speedBeforeCkmh);
    putOptional(flag.speedAfterCkmh);
    putOptional(flag.latE7);
    putOptional(flag.lonE7);
    putSigned(flag.day);
  }
}

/** Totals as differences from other totals. */
function putTotals(totals: Totals, base: readonly number[], headAtMs: number): void {
  const flat = flattenTotals(totals);
  flat[0] = headAtMs - totals.lastAtMs;
  putUnsigned(totals.parts.length);
  // A difference of digests is not shorter than a digest.
  flat.forEach((value, index) => putSigned(index === 1 ? value : (base[index] ?? 0) - value));
}

/** Reading position in `source`. */
let source: Uint8Array = new Uint8Array(0);
let position = 0;

class Truncated extends Error {}

function takeByte(): number {
  const byte = source[position++];
  if (byte === undefined) throw new Truncated('the state ends early');
  return byte;
}

function takeUnsigned(): number {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = takeByte();
    value += (byte & 127) * scale;
    if (byte < 128) return value;
    scale *= 128;
  }
}

function takeSigned(): number {
  const byte = takeByte();
  const magnitude = (byte & 63) + (byte >= 128 ? takeUnsigned() * 64 : 0);
  return (byte & 64) === 0 ? magnitude : -magnitude;
}

function takeText(): string {
  let text = '';
  for (let left = takeUnsigned(); left > 0; left--) text += String.fromCharCode(takeUnsigned());
  return text;
}

function takeInstant(laterMs: number): number {
  const ago = takeUnsigned();
  return ago === 0 ? never : laterMs - ago + 1;
}

function takeOptional(): number {
  const value = takeSigned();
  if (value === 0) return absent;
  return value < 0 ? value : value - 1;
}

function takeFix(fix: Fix, laterMs: number): boolean {
  fix.atMs = takeInstant(laterMs);
  if (fix.atMs === never) return false;
  fix.latE7 = takeOptional();
  fix.lonE7 = takeOptional();
  return true;
}

/**
 * Reverses `encodeState`.
 *
 * @returns a new state, which shares no memory with `bytes` and which later calls do not overwrite.
 * Undefined if the bytes have another format or registry, or are truncated: the caller then folds
 * the device's last three days again.
 */
export function decodeState(bytes: Uint8Array): DeviceState | undefined {
  source = bytes;
  position = 0;
  try {
    if (takeByte() !== format || takeUnsigned() !== layout) return undefined;
    return takeState();
  } catch (error) {
    if (error instanceof Truncated) return undefined;
    throw error;
  }
}

function takeState(): DeviceState {
  const state = emptyState();
  state.rulesVersion = takeText();
  const headAtMs = (state.headAtMs = takeSigned());
  if (headAtMs === never) return state;
  state.blockedAtMs = takeInstant(headAtMs);
  for (let left = takeUnsigned(); left > 0; left--) state.intervalsMs.push(takeUnsigned());
  state.usualMs = takeOptional();
  state.ignitionOnAtMs = takeInstant(headAtMs);
  state.quietAtMs = takeInstant(headAtMs);
  takeFix(state.last, headAtMs);
  if (takeFix(state.doubt, headAtMs)) state.doubt.agreeing = takeUnsigned();
  state.restingFromMs = takeInstant(headAtMs);
  state.standingFromMs = takeInstant(headAtMs);
  state.slowIntervals = takeUnsigned();
  takeFix(state.place, headAtMs);
  if (takeByte() === 1) takeChecked(state);
  if (takeByte() === 1) state.trip = takeTrip(state);
  return state;
}

function takeChecked(state: DeviceState): void {
  const { headAtMs, seen, odometer } = state;
  const instant = () => {
    const ago = takeSigned();
    return ago === 0 ? never : headAtMs - ago + 1;
  };
  state.lastSinceMs = instant();
  state.lastAccuracyDm = takeSigned();
  state.placeAccuracyDm = takeSigned();
  state.wayCkmh = takeSigned();
  state.speedAtMs = instant();
  const speed = takeSigned();
  state.speedCkmh = speed === 0 ? absent : speed - 1;
  state.wiredAtMs = instant();
  state.offHeardAtMs = instant();
  state.carriedFromMs = instant();
  state.carriedToMs = instant();
  state.carriedMm = takeSigned();
  seen.atMs = instant();
  seen.latE7 = takeSigned();
  seen.lonE7 = takeSigned();
  odometer.atMs = instant();
  odometer.readM = takeSigned();
  odometer.roadMm = takeSigned();
  state.rejectedAtMs = instant();
  state.rejectedBefore = state.rejectedBefore.map(() => takeSigned());
  for (let left = takeUnsigned(); left > 0; left--) state.held.push(takeHeld(headAtMs));
}

function takeHeld(headAtMs: number): Held {
  const atMs = takeInstant(headAtMs);
  const firstDigest = takeUnsigned();
  const lastDigest = takeUnsigned();
  const events = takeUnsigned();
  const intervalMs = takeUnsigned();
  const held = emptyHeld(atMs, firstDigest, intervalMs, takeOptional());
  held.lastDigest = lastDigest;
  held.events = events;
  for (const field of heldFields) held[field] = takeOptional();
  if (takeByte() === 1) held.rejected = held.rejected.map(() => takeUnsigned());
  return held;
}

function takeTotals(headAtMs: number, base: readonly number[] | undefined) {
  const flat: number[] = [];
  const take = (count: number) => {
    for (const end = flat.length + count; flat.length < end;) {
      const index = flat.length;
      const value = takeSigned();
      flat.push(base === undefined || index === 1 ? value : (base[index] ?? 0) - value);
    }
  };
  const parts = takeUnsigned();
  take(flatTotalsLength);
  for (let left = parts; left > 0; left--) {
    take(flatPartLength);
    const hours = flat[flat.length - 1] ?? 0;
    take(hours * flatHourLength);
  }
  const totals = unflattenTotals(flat);
  totals.lastAtMs = headAtMs - totals.lastAtMs;
  return { flat, totals };
}

function takeTrip({ headAtMs, rulesVersion, restingFromMs }: DeviceState): OpenTrip {
  const startedAtMs = takeInstant(headAtMs);
  const anchorDigest = takeUnsigned();
  const startLatE7 = takeOptional();
  const startLonE7 = takeOptional();
  const timeZone = takeText();
  const ownVersion = takeText();
  const ignitionDistrusted = takeByte() === 1;
  const { flat, totals } = takeTotals(headAtMs, undefined);
  const mark =
    restingFromMs === never ? emptyTotals(startedAtMs) : takeTotals(headAtMs, flat).totals;
  const offAtMs = takeInstant(headAtMs);
  const atOff = offAtMs === never ? emptyTotals(startedAtMs) : takeTotals(headAtMs, flat).totals;
  return {
    startedAtMs,
    anchorDigest,
    startLatE7,
    startLonE7,
    timeZone,
    offAtMs,
    atOff,
    roadMm: takeSigned(),
    unprovenMm: takeSigned(),
    rulesVersion: ownVersion === '' ? rulesVersion : ownVersion,
    ignitionDistrusted,
    totals,
    mark,
    stillFromMs: takeInstant(headAtMs),
    speedAtMs: takeInstant(headAtMs),
    speedCkmh: takeUnsigned(),
    odometerAtMs: takeInstant(headAtMs),
    odometerM: takeSigned(),
    before: takeReading(headAtMs),
    at: takeReading(headAtMs),
    spare: noReading(),
    flags: flaggingMetrics.map(() => takeFlag(headAtMs)),
    rules: undefined,
    calendar: undefined,
  };
}

function takeReading(headAtMs: number) {
  const reading = noReading();
  if (!takeFix(reading, headAtMs)) return reading;
  reading.speedCkmh = takeOptional();
  reading.headingDdeg = takeOptional();
  reading.accelForwardMmps2 = takeOptional();
  reading.accelLeftMmps2 = takeOptional();
  reading.speedLimitCkmh = takeOptional();
  reading.phoneInUse = takeOptional();
  return reading;
}

function takeFlag(headAtMs: number) {
  const flag = noFlag();
  flag.firstAtMs = takeInstant(headAtMs);
  if (flag.firstAtMs === never) return flag;
  flag.lastAtMs = takeInstant(headAtMs);
  flag.peakAtMs = takeInstant(headAtMs);
  flag.peak = takeSigned();
  flag.allowed = takeOptional();
  flag.speedBeforeCkmh = takeOptional();
  flag.speedAfterCkmh = takeOptional();
  flag.latE7 = takeOptional();
  flag.lonE7 = takeOptional();
  flag.day = takeSigned();
  return flag;
}

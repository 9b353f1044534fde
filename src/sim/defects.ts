import type { Car } from './fleet.ts';
import type { Message } from './message.ts';
import { writeMessage } from './message.ts';
import { createPriorityQueue } from './queue.ts';
import { hashParts, mix } from './random.ts';
import type { Report } from './report.ts';

/** How often something goes wrong on the way from a device to the log. */
export interface DefectRates {
  /** Shares of messages, 0 to 1. */
  readonly twice: number;
  readonly reordered: number;
  readonly jumped: number;
  readonly zeroed: number;
  readonly unreadable: number;
  /** Tunnels per hour: nothing gets through for 20 s to 3 min, then everything arrives in a burst. */
  readonly tunnelsPerHour: number;
  /** Outages per day: nothing gets through for 10 min to 6 h, then everything arrives in a burst. */
  readonly outagesPerDay: number;
}

/** The named levels. */
export const defectRates = {
  none: {
    twice: 0,
    reordered: 0,
    jumped: 0,
    zeroed: 0,
    unreadable: 0,
    tunnelsPerHour: 0,
    outagesPerDay: 0,
  },
  usual: {
    twice: 0.002,
    reordered: 0.002,
    jumped: 0.0005,
    zeroed: 0.0003,
    unreadable: 0,
    tunnelsPerHour: 0.2,
    outagesPerDay: 0.03,
  },
  heavy: {
    twice: 0.03,
    reordered: 0.05,
    jumped: 0.005,
    zeroed: 0.003,
    unreadable: 0.001,
    tunnelsPerHour: 2,
    outagesPerDay: 0.5,
  },
} as const satisfies Record<string, DefectRates>;

export type DefectLevel = keyof typeof defectRates;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const JUMP_LEAST_DEG = 0.02;
const JUMP_MOST_DEG = 2;
const REORDERED_LEAST_MS = 1_500;
const REORDERED_MOST_MS = 15_000;
const TWICE_AFTER_MOST_MS = 5_000;

/**
 * A device's reports as messages in order of arrival, with defects. Whether a message has a defect
 * depends on seed, device and instant alone, so a run that begins later gives the same messages.
 */
export function* withDefects(
  car: Car,
  reports: Iterable<Report>,
  rates: DefectRates,
  seed: number,
): Generator<Message, void, undefined> {
  const root = hashParts(seed, car.deviceId, 'defects');
  const waiting = createPriorityQueue<Message>((a, b) => a.arrivesMs - b.arrivesMs);
  for (const report of reports) {
    while ((waiting.first()?.arrivesMs ?? Infinity) <= report.atMs) {
      yield waiting.take() as Message;
    }
    const own = mix(mix(root, report.atMs % 4_294_967_291), report.atMs / 4_294_967_296);
    const draw = (which: number) => mix(own, which) / 4_294_967_296;
    const message = spoil(car, report, rates, draw);
    const held = heldUntilMs(root, report.atMs, rates);
    const swapped =
      draw(5) < rates.reordered
        ? report.atMs + REORDERED_LEAST_MS + draw(6) * (REORDERED_MOST_MS - REORDERED_LEAST_MS)
        : report.atMs;
    const arrivesMs = Math.floor(Math.max(held, swapped));
    waiting.add({ ...message, arrivesMs });
    if (draw(7) < rates.twice) {
      waiting.add({ ...message, arrivesMs: arrivesMs + Math.floor(draw(8) * TWICE_AFTER_MOST_MS) });
    }
  }
  for (let message = waiting.take(); message; message = waiting.take()) yield message;
}

/** The message of a report, with a wrong position or cut off where the draw says so. */
function spoil(
  car: Car,
  report: Report,
  rates: DefectRates,
  draw: (which: number) => number,
): Message {
  if (draw(1) < rates.unreadable) {
    const whole = writeMessage(car, report);
    return {
      ...whole,
      value: whole.value.slice(0, 1 + Math.floor(draw(2) * whole.value.length * 0.7)),
    };
  }
  if (report.latDeg === undefined || report.lonDeg === undefined) return writeMessage(car, report);
  if (draw(3) < rates.zeroed) return writeMessage(car, { ...report, latDeg: 0, lonDeg: 0 });
  if (draw(4) < rates.jumped) {
    const away = (share: number) =>
      (share < 0.5 ? -1 : 1) *
      (JUMP_LEAST_DEG + ((share * 2) % 1) * (JUMP_MOST_DEG - JUMP_LEAST_DEG));
    return writeMessage(car, {
      ...report,
      latDeg: Math.round((report.latDeg + away(draw(9))) * 1e6) / 1e6,
      lonDeg: Math.round((report.lonDeg + away(draw(10))) * 1e6) / 1e6,
    });
  }
  return writeMessage(car, report);
}

/** End of the last tunnel or outage that contains an instant; the instant itself if none does. */
function heldUntilMs(root: number, atMs: number, rates: DefectRates): number {
  return Math.max(
    endOfGap(root, 11, atMs, HOUR_MS, rates.tunnelsPerHour, 20_000, 180_000),
    endOfGap(root, 12, atMs, DAY_MS, rates.outagesPerDay, 600_000, 6 * HOUR_MS),
  );
}

/**
 * Time is divided into slots with `perSlot` gaps each on average; several draws per slot keep each
 * one's chance below 1. A gap may reach into the next slot, so two slots are checked.
 */
function endOfGap(
  root: number,
  kind: number,
  atMs: number,
  slotMs: number,
  perSlot: number,
  leastMs: number,
  mostMs: number,
): number {
  if (perSlot === 0) return atMs;
  const tries = Math.ceil(perSlot);
  const current = Math.floor(atMs / slotMs);
  let endMs = atMs;
  for (let slot = current - 1; slot <= current; slot++) {
    for (let i = 0; i < tries; i++) {
      const lot = mix(mix(root, kind * 64 + i), slot);
      if (mix(lot, 1) / 4_294_967_296 >= perSlot / tries) continue;
      const startMs = (slot + mix(lot, 2) / 4_294_967_296) * slotMs;
      const untilMs = startMs + leastMs + (mix(lot, 3) / 4_294_967_296) * (mostMs - leastMs);
      if (startMs <= atMs && atMs < untilMs) endMs = Math.max(endMs, untilMs);
    }
  }
  return endMs;
}

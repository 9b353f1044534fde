import type { DeadLetterReason, LeftOut } from '../result.ts';

const YEAR_2000_MS = 946_684_800_000;
const DAY_MS = 86_400_000;
/** How far a device's clock may be ahead of the record's time. */
const AHEAD_MS = 15 * 60_000;
/** GPS counts weeks in 10 bits; a receiver past its rollover is this much behind. */
const GPS_ROLLOVER_MS = 1024 * 7 * DAY_MS;
/** 2100 in seconds; numbers of this size are epoch seconds. */
const YEAR_2100_S = 4_102_444_800;

export interface RecordTime {
  /** The earlier of record time and the reader's clock; the clock if record time is impossible. */
  readonly timestampMs: number;
  readonly leftOut?: LeftOut | undefined;
}

/**
 * The time of a record, epoch milliseconds. An impossible time (before 2000, or more than a day
 * ahead of the reader, as from a producer that writes 0, seconds or microseconds) counts as no
 * time.
 */
export function recordTimeOf(timestampMs: number | undefined, nowMs: number): RecordTime {
  if (timestampMs === undefined) return { timestampMs: nowMs };
  if (timestampMs >= YEAR_2000_MS && timestampMs <= nowMs + DAY_MS) {
    return { timestampMs: Math.min(timestampMs, nowMs) };
  }
  const leftOut = {
    field: 'recordTime',
    reason: 'OUT_OF_RANGE',
    value: String(timestampMs),
  } as const;
  return { timestampMs: nowMs, leftOut };
}

/**
 * Why an instant cannot be the time of a measurement, or undefined. The decision depends only on
 * the record's time, so that reading the log again gives the same result.
 */
export function dateProblem(
  atMs: number,
  timestampMs: number,
): { readonly reason: DeadLetterReason; readonly message: string } | undefined {
  if (!(atMs >= YEAR_2000_MS)) {
    return {
      reason: 'BEFORE_2000',
      message: `at is ${atMs} ms, before 2000-01-01T00:00:00Z (${YEAR_2000_MS})${hintAt(atMs)}`,
    };
  }
  // A fixed limit, whatever the backlog: all messages of a rolled-over receiver are refused alike.
  if (atMs <= timestampMs - GPS_ROLLOVER_MS + DAY_MS) {
    return {
      reason: 'GPS_ROLLOVER',
      message: `at is ${atMs} ms, 1024 weeks or more before the record's time ${timestampMs} ms: the receiver's week counter rolled over`,
    };
  }
  if (atMs > timestampMs + AHEAD_MS) {
    return {
      reason: 'FUTURE',
      message: `at is ${atMs} ms, more than 15 minutes after the record's time ${timestampMs} ms${hintAt(atMs)}`,
    };
  }
  return undefined;
}

function hintAt(atMs: number): string {
  const inSeconds = (divisor: number) => {
    const seconds = atMs / divisor;
    return seconds >= YEAR_2000_MS / 1000 && seconds <= YEAR_2100_S;
  };
  if (inSeconds(1)) return `; it looks like seconds: send milliseconds (${atMs * 1000})`;
  if (inSeconds(1e6)) return `; it looks like microseconds: send milliseconds`;
  if (inSeconds(1e9)) return `; it looks like nanoseconds: send milliseconds`;
  return '';
}

import type { CanonicalEvent } from '../../../src/core/event.ts';

/** What an event turned out to be, seen from the whole list. */
export interface Seen {
  event: CanonicalEvent;
  gapMs: number;
  /** Usual interval before this event's own interval was known. */
  usualMs: number | undefined;
  accepted: boolean;
  leapt: boolean;
  rejected: 'NULL_ISLAND' | 'INACCURATE' | 'SAME_INSTANT' | 'JUMP' | undefined;
  /** The believed speed, 0.01 km/h. */
  speed: number | undefined;
  moving: boolean;
  /** Way that counts by positions, and the instant and zone of the fix it begins at. */
  wayMm: number;
  wayFromMs: number;
  zone: string;
  stayed: boolean;
}

/** The events of one trip, and how it ended. */
export interface Stretch {
  /** What belongs to the trip. */
  members: readonly Seen[];
  /** What came while it was open: the members, and a rest that turned out to be parking. */
  watched: readonly Seen[];
  closesAtMs: number;
  /** Absent while the trip is open. */
  ending:
    { reason: 'IGNITION' | 'SILENCE' | 'STANDSTILL' | 'LENGTH'; event: CanonicalEvent } | undefined;
}

/** The first event of each instant of a trip: what habits are measured by. */
export function readingsOf(seen: readonly Seen[]): Seen[] {
  return seen.filter(({ event }, i) => i === 0 || seen[i - 1]?.event.atMs !== event.atMs);
}

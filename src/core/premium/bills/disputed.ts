import type { DayPart } from '../../changes.ts';

/** A dispute that leaves driving out, and the driving that it is about: that of a trip when it was disputed. */
export interface DisputedTrip {
  readonly disputeRef: number;
  readonly tripId: string;
  /** Instants of the first and the last event of the trip, epoch milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The trip was under way, so that what followed belongs to it. */
  readonly wasOpen: boolean;
  readonly parts: readonly DayPart[];
}

/** A trip as it is known now. */
export interface KnownTrip {
  readonly tripId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly parts: readonly DayPart[];
}

/** What a dispute leaves out of one trip. */
export interface LeftOut {
  readonly disputeRef: number;
  readonly disputedTripId: string;
  readonly tripId: string;
  /** False where late messages merged the disputed driving with other driving: that still counts. */
  readonly whole: boolean;
  readonly parts: readonly DayPart[];
}

/** What a bill or an adjustment says of driving that it leaves out. */
export interface DisputedDriving extends Omit<LeftOut, 'disputeRef' | 'parts'> {
  /** Whole metres within the document's period. */
  readonly distanceM: number;
}

const SUMS = ['distanceM', 'durationMs', 'movingMs', 'idleMs', 'nightM'] as const;

/**
 * What disputes leave out of the trips of one device. A trip within the time of a disputed one is left out whole: late
 * messages split the disputed trip, or it is still the same. A trip that reaches beyond it is left out as far as the
 * disputed driving is not found in whole trips, and never by more than was disputed: the rest was never disputed. Which
 * metres of such a trip they are is not known, so that of two disputes the first takes what there is.
 */
export function leaveOut(
  disputes: readonly DisputedTrip[],
  trips: readonly KnownTrip[],
): LeftOut[] {
  const counting = new Map(trips.map((trip) => [trip, trip.parts]));
  const ordered = [...trips].sort((a, b) => a.fromMs - b.fromMs);
  return [...disputes]
    .sort((a, b) => a.disputeRef - b.disputeRef)
    .flatMap(({ disputeRef, tripId: disputedTripId, fromMs, toMs, wasOpen, parts }) => {
      let left = parts;
      const takeFrom = (trip: KnownTrip, whole: boolean): LeftOut[] => {
        const counted = counting.get(trip) ?? [];
        const taken = whole ? counted : least(counted, left);
        if (!taken.some(isSome)) return [];
        counting.set(trip, less(counted, taken));
        left = less(left, whole ? trip.parts : taken);
        return [{ disputeRef, disputedTripId, tripId: trip.tripId, whole, parts: taken }];
      };
      const isWithin = (trip: KnownTrip): boolean =>
        trip.fromMs >= fromMs && trip.fromMs <= toMs && (wasOpen || trip.toMs <= toMs);
      const overlapMs = (trip: KnownTrip): number =>
        Math.min(trip.toMs, toMs) - Math.max(trip.fromMs, fromMs);
      const within = ordered.filter(isWithin).flatMap((trip) => takeFrom(trip, true));
      const across = ordered
        .filter((trip) => !isWithin(trip) && overlapMs(trip) > 0)
        .sort((a, b) => overlapMs(b) - overlapMs(a))
        .flatMap((trip) => takeFrom(trip, false));
      return [...within, ...across];
    });
}

/** What a document over half-open local dates says of it, in order of the trips. */
export function disputedWithin(
  leftOut: readonly LeftOut[],
  from: string,
  to: string,
): DisputedDriving[] {
  return leftOut
    .map(({ disputedTripId, tripId, whole, parts }) => ({
      disputedTripId,
      tripId,
      whole,
      distanceM: parts
        .filter(({ localDate }) => from <= localDate && localDate < to)
        .reduce((sum, { distanceM }) => sum + distanceM, 0),
    }))
    .filter(({ distanceM }) => distanceM > 0)
    .sort((a, b) => compare(a.tripId, b.tripId) || compare(a.disputedTripId, b.disputedTripId));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isSome(part: DayPart): boolean {
  return SUMS.some((name) => part[name] > 0) || Object.values(part.measures).some((sum) => sum > 0);
}

/** Each day of `parts`, with no sum above that of the same day in `bounds`. */
function least(parts: readonly DayPart[], bounds: readonly DayPart[]): DayPart[] {
  return combine(parts, bounds, Math.min);
}

/** Each day of `parts`, less the same day in `taken`; no sum falls below 0. */
export function less(parts: readonly DayPart[], taken: readonly DayPart[]): DayPart[] {
  return combine(parts, taken, (a, b) => Math.max(0, a - b));
}

function combine(
  parts: readonly DayPart[],
  others: readonly DayPart[],
  of: (a: number, b: number) => number,
): DayPart[] {
  return parts.map((part) => {
    const other = others.find(({ localDate }) => localDate === part.localDate);
    const sum = (name: (typeof SUMS)[number]): number => of(part[name], other?.[name] ?? 0);
    return {
      localDate: part.localDate,
      distanceM: sum('distanceM'),
      durationMs: sum('durationMs'),
      movingMs: sum('movingMs'),
      idleMs: sum('idleMs'),
      nightM: sum('nightM'),
      measures: Object.fromEntries(
        Object.entries(part.measures).map(([name, value]) => [
          name,
          of(value, other?.measures[name] ?? 0),
        ]),
      ),
    };
  });
}

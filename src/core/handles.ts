import type { EventKey } from './event.ts';
import { compareKeys } from './event.ts';

/** The events that a trip spans: from the one that opened it to its last one, both included. */
export interface TripSpan {
  readonly anchor: EventKey;
  readonly last: EventKey;
}

/** A trip's id, and the event that opened the trip that it was assigned to. */
export interface Handle {
  readonly id: number;
  readonly anchor: EventKey;
}

/** A trip before a refold, with its handle. */
export interface LiveTrip extends TripSpan {
  readonly id: number;
}

export interface HandleChoice {
  /** Undefined: needs a new handle with the trip's own anchor. */
  readonly id: number | undefined;
  /** The handle's anchor was another event and moves to this trip's. */
  readonly moved: boolean;
}

/**
 * Chooses the id of each trip after a refold: (1) the earliest of the live handles anchored in it,
 * (2) else the remaining live handle with which it shares the most events, (3) else the earliest
 * other handle anchored in it, (4) else a new one. A trip that neither merged nor split keeps its
 * id.
 *
 * @param trips the trips after the refold, in order of their start
 * @param live the trips before it
 * @param others handles without a live trip
 * @param countShared number of stored events that are in both spans
 */
export function chooseHandles(
  trips: readonly TripSpan[],
  live: readonly LiveTrip[],
  others: readonly Handle[],
  countShared: (a: TripSpan, b: TripSpan) => number,
): readonly HandleChoice[] {
  const byAnchor = (a: Handle, b: Handle) => compareKeys(a.anchor, b.anchor) || a.id - b.id;
  const free = [...live].sort(byAnchor);
  const spare = [...others].sort(byAnchor);
  const take = <T extends Handle>(from: T[], index: number): T | undefined =>
    index < 0 ? undefined : from.splice(index, 1)[0];

  const choices = trips.map((trip) =>
    take(
      free,
      free.findIndex((h) => isWithin(h.anchor, trip)),
    ),
  );
  trips.forEach((trip, i) => {
    if (choices[i]) return;
    let best = -1;
    let most = 0;
    free.forEach((handle, at) => {
      const shared = countShared(trip, handle);
      if (shared > most) [best, most] = [at, shared];
    });
    choices[i] = take(free, best);
  });
  return trips.map((trip, i) => {
    const handle =
      choices[i] ??
      take(
        spare,
        spare.findIndex((h) => isWithin(h.anchor, trip)),
      );
    return {
      id: handle?.id,
      moved: handle !== undefined && compareKeys(handle.anchor, trip.anchor) !== 0,
    };
  });
}

function isWithin(key: EventKey, span: TripSpan): boolean {
  return compareKeys(span.anchor, key) <= 0 && compareKeys(key, span.last) <= 0;
}

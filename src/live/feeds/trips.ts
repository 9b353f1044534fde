import type { Span } from '../../store/read/live/changes.ts';
import type { LiveQuery } from '../../store/read/live/connection.ts';
import type { Owner } from '../../store/read/live/owner.ts';
import type { ChangedTrip } from '../../store/read/live/trips.ts';
import {
  readLiveTrips,
  readLostTrips,
  readTripChanges,
  readTripOwners,
} from '../../store/read/live/trips.ts';
import type { TripRow } from '../../store/read/trip-row.ts';
import type { ChangeReads, Topics } from './change-feed.ts';
import { topicsOf } from './topics.ts';

/** A trip that changed, with what its followers are sent of it. */
export interface TripChange extends ChangedTrip {
  /** Every transaction below it is over. */
  readonly upTo: bigint;
  /** Undefined where the trip itself has no followers. */
  readonly trip: TripRow | undefined;
  /** Where the trip was merged into another: whose that one is, and the trip for those who may not see it. */
  readonly merged: { readonly into: Owner; readonly orphan: TripRow } | undefined;
}

/** Reads changed trips for those who follow them, and for those who follow what is worked out from them. */
export const tripReads: ChangeReads<TripChange> = {
  read: readTripsOf,
  topicsOf: (change) => [...topicsOf('trips', change), ...topicsOf('habits', change)],
  changedIn: ({ changed }) => changed,
};

async function readTripsOf(
  query: LiveQuery,
  since: bigint,
  topics: Topics,
): Promise<Span<TripChange>> {
  const span = await readTripChanges(query, since);
  const follows = (kind: string) => (change: ChangedTrip) =>
    topicsOf(kind, change).some((topic) => topics.has(topic));
  const [ofTrips, ofHabits] = [follows('trips'), follows('habits')];
  const followed = span.rows.filter((change) => ofTrips(change) || ofHabits(change));
  const lost = await readLost(query, followed, ofTrips, span.upTo);
  const newest = new Map(
    followed.filter((change) => !change.lost).map((change) => [change.id, change]),
  );
  const ids = [...newest.values()].filter(ofTrips).map(({ id }) => id);
  const rows = ids.length === 0 ? [] : await readLiveTrips(query, ids);
  const trips = new Map(rows.map((row) => [row.id, row]));
  const refs = rows.flatMap(({ supersededByRef: ref }) => ref ?? []);
  const owners = refs.length === 0 ? undefined : await readTripOwners(query, refs);
  const changes = [...newest.values()].map((change): TripChange => {
    const trip = trips.get(change.id);
    const into = owners?.get(trip?.supersededByRef ?? 0);
    const merged = trip && into && { into, orphan: { ...trip, supersededByRef: null } };
    return { ...change, upTo: span.upTo, trip, merged };
  });
  const rowsInOrder = [...lost, ...changes].sort(
    (a, b) => Number(a.changed - b.changed) || a.id - b.id,
  );
  return { ...span, rows: rowsInOrder };
}

/** Trips for those that lost them, as they were before. */
async function readLost(
  query: LiveQuery,
  followed: readonly ChangedTrip[],
  ofTrips: (change: ChangedTrip) => boolean,
  upTo: bigint,
): Promise<readonly TripChange[]> {
  const lost = followed.flatMap((change) => (change.lost ? [{ change, ...change.lost }] : []));
  const wanted = lost.filter(({ change }) => ofTrips(change));
  if (lost.length === 0) return [];
  const revisions = wanted.map(({ change: { id }, revision }) => ({ id, revision }));
  const rows = wanted.length === 0 ? [] : await readLostTrips(query, revisions);
  const trips = new Map(rows.map((row) => [`${row.id} ${row.revision}`, row]));
  return lost.map(({ change, revision }) => ({
    ...change,
    upTo,
    trip: trips.get(`${change.id} ${revision}`),
    merged: undefined,
  }));
}

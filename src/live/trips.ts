import type { Transaction } from '../store/transaction.ts';
import { WHOLE_TRIP } from '../store/read/trip-columns.ts';
import { readTripPages } from '../store/read/trip-pages.ts';
import type { TripCriteria, TripSubject } from '../store/read/trips.ts';
import type { TripRow } from '../store/read/trip-row.ts';
import { readChangedTrips } from '../store/read/trips.ts';
import type { ChangeStream } from './changes.ts';
import { tenantTopic, topicOf } from './feeds/topics.ts';
import type { TripChange } from './feeds/trips.ts';
import type { Owner } from '../store/read/live/owner.ts';
import { reaches } from './reach.ts';

/** A trip that changed, as it is now. */
export interface TripUpdate {
  readonly cursor: string;
  readonly trip: TripRow;
}

/** Trips that may wait for a slow subscriber: a tenant's cars may all be under way. */
const MOST_OF_TENANT = 10_000;
const MOST_OF_ONE = 256;
const PRESENT = 20;

/** The newest state of each trip that changed. */
export const tripUpdates: ChangeStream<TripSubject, TripChange, TripRow, TripUpdate> = {
  name: 'trips',
  feedOf: ({ trips }) => trips,
  topicOf: (of, reader) =>
    'tenantWide' in of ? tenantTopic('trips', reader.tenant) : topicOf('trips', of, reader),
  pick: ({ trip, merged, lost, owner }, reader, of) => {
    if (!trip || !reaches(reader, owner)) return undefined;
    if ('tenantWide' in of && !meets(of.tenantWide, trip, owner)) return undefined;
    // A reader that still sees the trip is sent it as it is now, unless it follows the driver who lost it.
    const { driverExternalId } =
      'tenantWide' in of ? of.tenantWide : { driverExternalId: undefined, ...of };
    if (lost && driverExternalId === undefined && reaches(reader, lost.to)) return undefined;
    return merged && !reaches(reader, merged.into) ? merged.orphan : trip;
  },
  read: readChangedTrips,
  readPresent,
  mostWaiting: (of) => ('tenantWide' in of ? MOST_OF_TENANT : MOST_OF_ONE),
  placeOf: ({ changed, id }) => ({ xid: changed, key: [id] }),
  stateOf: ({ id }) => String(id),
  toMessage: (trip, cursor) => ({ cursor, trip }),
};

async function readPresent(tx: Transaction, of: TripSubject): Promise<readonly TripRow[]> {
  const criteria = 'tenantWide' in of ? of.tenantWide : of;
  const page = { limit: PRESENT, backward: false };
  const pages = await readTripPages(tx, { of: 'anybody' }, criteria, 'DESC', page, WHOLE_TRIP);
  return [...(pages.get(0)?.rows ?? [])].reverse();
}

/** Whether a trip meets criteria, as `criteriaOf` asks it of the store. */
function meets(
  { deviceId, driverExternalId, startedFromMs, startedToMs, closed }: TripCriteria,
  trip: TripRow,
  { driver }: Owner,
): boolean {
  return (
    (deviceId === undefined || deviceId === trip.deviceId) &&
    (driverExternalId === undefined || driverExternalId === driver) &&
    (startedFromMs === undefined || trip.startedAtMs >= startedFromMs) &&
    (startedToMs === undefined || trip.startedAtMs < startedToMs) &&
    (closed === undefined || closed === trip.closed)
  );
}

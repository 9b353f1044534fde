import type { ChangeSubject } from '../store/read/changes.ts';
import type { TripRow } from '../store/read/trips.ts';
import { readChangedTrips } from '../store/read/trips.ts';
import type { ChangeStream } from './changes.ts';
import { interestIn } from './changes.ts';

/** A trip that changed, as it is now. */
export interface TripUpdate {
  readonly cursor: string;
  readonly trip: TripRow;
}

/** The newest state of each trip that changed. */
export const tripUpdates: ChangeStream<ChangeSubject, TripRow, TripUpdate> = {
  name: 'trips',
  interestOf: interestIn,
  read: readChangedTrips,
  placeOf: ({ changed, id }) => ({ xid: changed, key: [id] }),
  toMessage: (trip, cursor) => ({ cursor, trip }),
};

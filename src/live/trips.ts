import type { ChangeSubject } from '../store/read/changes.ts';
import type { TripRow } from '../store/read/trips.ts';
import { readChangedTrips } from '../store/read/trips.ts';
import type { ChangeStream } from './changes.ts';
import { topicOf } from './feeds/topics.ts';
import type { TripChange } from './feeds/trips.ts';
import { reaches } from './reach.ts';

/** A trip that changed, as it is now. */
export interface TripUpdate {
  readonly cursor: string;
  readonly trip: TripRow;
}

/** The newest state of each trip that changed. */
export const tripUpdates: ChangeStream<ChangeSubject, TripChange, TripRow, TripUpdate> = {
  name: 'trips',
  feedOf: ({ trips }) => trips,
  topicOf: (of, reader) => topicOf('trips', of, reader),
  pick: ({ trip, merged, lost, owner }, reader, of) => {
    if (!trip || !reaches(reader, owner)) return undefined;
    // Who follows the device and may still see the trip is sent it as it is now.
    if (lost && 'deviceId' in of && reaches(reader, lost.to)) return undefined;
    return merged && !reaches(reader, merged.into) ? merged.orphan : trip;
  },
  read: readChangedTrips,
  placeOf: ({ changed, id }) => ({ xid: changed, key: [id] }),
  stateOf: ({ id }) => String(id),
  toMessage: (trip, cursor) => ({ cursor, trip }),
};

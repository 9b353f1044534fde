import type { ChangeSubject } from '../store/read/changes.ts';
import type { AddedDrivingEvent, DrivingEventRow } from '../store/read/driving-events.ts';
import { readAddedDrivingEvents } from '../store/read/driving-events.ts';
import type { ChangeStream } from './changes.ts';
import { interestIn } from './changes.ts';

/** A driving event that was added, or given to another driver. */
export interface DrivingEventAdded {
  readonly cursor: string;
  readonly drivingEvent: DrivingEventRow;
}

/** Each driving event once; its trip changes in the same transaction, so a trip's wake-up is its own. */
export const addedDrivingEvents: ChangeStream<ChangeSubject, AddedDrivingEvent, DrivingEventAdded> =
  {
    name: 'drivingEvents',
    interestOf: interestIn,
    read: readAddedDrivingEvents,
    placeOf: ({ changed, deviceRef, atMs, kind, source }) => ({
      xid: changed,
      key: [deviceRef, atMs, kind, source],
    }),
    toMessage: (drivingEvent, cursor) => ({ cursor, drivingEvent }),
  };

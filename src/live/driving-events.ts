import type { ChangeSubject } from '../store/read/changes.ts';
import type { AddedDrivingEvent, DrivingEventRow } from '../store/read/driving-events.ts';
import { readAddedDrivingEvents } from '../store/read/driving-events.ts';
import type { ChangeStream } from './changes.ts';
import type { DrivingEventChange } from './feeds/driving-events.ts';
import { topicOf } from './feeds/topics.ts';
import { reaches } from './reach.ts';

/** A driving event that was added, or given to another driver. */
export interface DrivingEventAdded {
  readonly cursor: string;
  readonly drivingEvent: DrivingEventRow;
}

/** Each driving event once. */
export const addedDrivingEvents: ChangeStream<
  ChangeSubject,
  DrivingEventChange,
  AddedDrivingEvent,
  DrivingEventAdded
> = {
  name: 'drivingEvents',
  feedOf: ({ drivingEvents }) => drivingEvents,
  topicOf: (of, reader) => topicOf('drivingEvents', of, reader),
  pick: ({ event, owner }, reader) => (reaches(reader, owner) ? event : undefined),
  read: readAddedDrivingEvents,
  placeOf: ({ changed, deviceRef, atMs, kind, source }) => ({
    xid: changed,
    key: [deviceRef, atMs, kind, source],
  }),
  stateOf: () => undefined,
  toMessage: (drivingEvent, cursor) => ({ cursor, drivingEvent }),
};

import type { Span } from '../../store/read/live/changes.ts';
import type { LiveQuery } from '../../store/read/live/connection.ts';
import type { ChangedDrivingEvent } from '../../store/read/live/driving-events.ts';
import {
  readDrivingEventChanges,
  readLiveDrivingEvents,
} from '../../store/read/live/driving-events.ts';
import type { AddedDrivingEvent, DrivingEventPlace } from '../../store/read/driving-events.ts';
import type { ChangeReads, Topics } from './change-feed.ts';
import { topicsOf } from './topics.ts';

/** A driving event that was added, with what its followers are sent of it. */
export interface DrivingEventChange extends ChangedDrivingEvent {
  readonly event: AddedDrivingEvent;
}

const KIND = 'drivingEvents';

export const drivingEventReads: ChangeReads<DrivingEventChange> = {
  read: readDrivingEventsOf,
  topicsOf: (change) => topicsOf(KIND, change),
  changedIn: ({ changed }) => changed,
};

async function readDrivingEventsOf(
  query: LiveQuery,
  since: bigint,
  topics: Topics,
): Promise<Span<DrivingEventChange>> {
  const span = await readDrivingEventChanges(query, since);
  const followed = span.rows.filter((change) =>
    topicsOf(KIND, change).some((topic) => topics.has(topic)),
  );
  const rows =
    followed.length === 0
      ? []
      : await readLiveDrivingEvents(
          query,
          followed.map(({ key }) => key),
        );
  const events = new Map(rows.map((row) => [nameOf(row), row]));
  const changes = followed.flatMap((change) => {
    const event = events.get(nameOf(change.key));
    return event ? [{ ...change, event: { ...event, changed: String(change.changed) } }] : [];
  });
  return { ...span, rows: changes };
}

function nameOf({ deviceRef, atMs, kind, source }: DrivingEventPlace): string {
  return `${deviceRef} ${atMs} ${kind} ${source}`;
}

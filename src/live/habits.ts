import type { Transaction } from '../store/transaction.ts';
import type { ChangePlace, Changes } from '../store/read/changes.ts';
import type { DriverRow } from '../store/read/drivers.ts';
import { readDriversByName } from '../store/read/drivers.ts';
import { readChangedTrips } from '../store/read/trips.ts';
import type { ChangeStream } from './changes.ts';
import { reaches } from './reach.ts';
import { topicOf } from './feeds/topics.ts';
import type { TripChange } from './feeds/trips.ts';

/** A driver whose trips changed, and with them the habits. */
export interface HabitsUpdate {
  readonly cursor: string;
  readonly driver: DriverRow;
}

interface Driven {
  readonly driver: DriverRow;
  readonly horizon: string;
}

/** The messages of a change, so that all that follow the driver are sent the same one. */
const drivenBy = new WeakMap<TripChange, Driven>();

/** One message for all that changed since the last; the message's habits are read when it is answered. */
export const updatedHabits: ChangeStream<
  { readonly driverExternalId: string },
  TripChange,
  Driven,
  HabitsUpdate
> = {
  name: 'habits',
  feedOf: ({ trips }) => trips,
  topicOf: (of, reader) => topicOf('habits', of, reader),
  pick: (change, reader) => {
    if (!change.driver || !reaches(reader, change.owner)) return undefined;
    const driven = drivenBy.get(change) ?? { driver: change.driver, horizon: String(change.upTo) };
    drivenBy.set(change, driven);
    return driven;
  },
  read: readDriven,
  readPresent: async (tx, { driverExternalId }) => {
    const drivers = await readDriversByName(tx, [driverExternalId]);
    return drivers.map((driver) => ({ driver, horizon: '0' }));
  },
  placeOf: ({ horizon }) => ({ xid: horizon, key: [] }),
  stateOf: () => 'habits',
  toMessage: ({ driver }, cursor) => ({ cursor, driver }),
};

async function readDriven(
  tx: Transaction,
  of: { readonly driverExternalId: string },
  after: ChangePlace,
): Promise<Changes<Driven>> {
  const { horizon, rows: trips } = await readChangedTrips(tx, of, after, 1);
  if (trips.length === 0) return { horizon, rows: [] };
  const drivers = await readDriversByName(tx, [of.driverExternalId]);
  return { horizon, rows: drivers.map((driver) => ({ driver, horizon })) };
}

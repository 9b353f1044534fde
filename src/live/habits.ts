import type { Transaction } from '../store/open.ts';
import type { ChangePlace, Changes } from '../store/read/changes.ts';
import type { DriverRow } from '../store/read/drivers.ts';
import { readDriversByName } from '../store/read/drivers.ts';
import { readChangedTrips } from '../store/read/trips.ts';
import type { ChangeStream } from './changes.ts';
import { interestIn } from './changes.ts';

/** A driver whose trips changed, and with them the habits. */
export interface HabitsUpdate {
  readonly cursor: string;
  readonly driver: DriverRow;
}

interface Driven {
  readonly driver: DriverRow;
  readonly horizon: string;
}

/** One message for all that changed since the last; the message's habits are read when it is answered. */
export const updatedHabits: ChangeStream<
  { readonly driverExternalId: string },
  Driven,
  HabitsUpdate
> = {
  name: 'habits',
  interestOf: interestIn,
  read: readDriven,
  placeOf: ({ horizon }) => ({ xid: horizon, key: [] }),
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

import { readHorizon, readJournalStartMs } from '../store/read/changes.ts';
import type { Reader } from '../store/read/reading.ts';
import { openReading } from '../store/read/reading.ts';
import type { TripPlace, TripRow } from '../store/read/trips.ts';
import { readChangedTrips } from '../store/read/trips.ts';
import type { CursorFault } from './cursors.ts';
import { isForgotten } from './retention.ts';
import { createStream } from './stream.ts';
import type { Streams } from './telemetry.ts';

/** A trip that changed, as it is now. */
export interface TripUpdate {
  readonly cursor: string;
  readonly trip: TripRow;
}

/** Whose trips. */
export type TripSubject = { readonly deviceId: string } | { readonly driverExternalId: string };

const BATCH = 100;

/**
 * The newest state of each trip that changed. Only transactions below the horizon (all of which are
 * over) are told, so none that commits late is stepped over.
 *
 * @param after cursor of the last message seen; without it the stream begins now
 */
export async function streamTripUpdates(
  { store, hub, cursors, now }: Streams,
  reader: Reader,
  of: TripSubject,
  after: string | undefined,
): Promise<AsyncIterableIterator<TripUpdate> | CursorFault> {
  const scope = JSON.stringify([reader.tenant, of]);
  const watch = hub.watch(
    'deviceId' in of
      ? { of: 'tripsOfDevice', deviceId: of.deviceId }
      : { of: 'tripsOfDriver', tenant: reader.tenant, driverExternalId: of.driverExternalId },
  );
  try {
    const start = await startOf();
    if (typeof start === 'string') {
      watch.close();
      return start;
    }
    let place = start;
    return createStream(watch, async () => {
      const reading = openReading(store, reader, { snapshot: false });
      try {
        const { horizon, trips } = await reading.run((tx) =>
          readChangedTrips(tx, of, place, BATCH),
        );
        const messages = trips.map((trip) => ({
          cursor: cursors.ofTrips(scope, { xid: trip.changed, id: trip.id }, now()),
          trip,
        }));
        const more = trips.length === BATCH;
        const last = trips.at(-1);
        place = more && last ? { xid: last.changed, id: last.id } : { xid: horizon, id: -1 };
        return { messages, more };
      } finally {
        await reading.end();
      }
    });
  } catch (error) {
    watch.close();
    throw error;
  }

  async function startOf(): Promise<TripPlace | CursorFault> {
    const reading = openReading(store, reader, { snapshot: false });
    try {
      const horizon = await reading.run(readHorizon);
      if (after === undefined) return { xid: horizon, id: -1 };
      const opened = cursors.toTrips(after, scope);
      if (typeof opened === 'string') return opened;
      if (BigInt(opened.place.xid) > BigInt(horizon)) return 'EXPIRED';
      const keptFromMs = await reading.run(readJournalStartMs);
      return isForgotten(opened.madeAtMs, keptFromMs, now()) ? 'EXPIRED' : opened.place;
    } finally {
      await reading.end();
    }
  }
}

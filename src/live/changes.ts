import type { ChangePlace, Changes, ChangeSubject } from '../store/read/changes.ts';
import { readHorizon, readJournalStartMs } from '../store/read/changes.ts';
import type { Transaction } from '../store/open.ts';
import type { Reader } from '../store/read/reading.ts';
import { openReading } from '../store/read/reading.ts';
import type { CursorFault } from './cursors.ts';
import type { Interest } from './hub.ts';
import { isForgotten } from './retention.ts';
import { createStream } from './stream.ts';
import type { Streams } from './telemetry.ts';

/** A stream of what changed in the store, in the order of transactions. */
export interface ChangeStream<Of, Row, Message> {
  /** What its cursors bear, so that another stream's are refused. */
  readonly name: string;
  readonly interestOf: (of: Of, reader: Reader) => Interest;
  readonly read: (
    tx: Transaction,
    of: Of,
    after: ChangePlace,
    limit: number,
  ) => Promise<Changes<Row>>;
  readonly placeOf: (row: Row) => ChangePlace;
  readonly toMessage: (row: Row, cursor: string) => Message;
}

const BATCH = 100;

/**
 * What changed and belongs to somebody. Only transactions below the horizon (all of which are over)
 * are told, so none that commits late is stepped over.
 *
 * @param after cursor of the last message seen; without it the stream begins now
 */
export async function streamChanges<Of, Row, Message>(
  { name, interestOf, read, placeOf, toMessage }: ChangeStream<Of, Row, Message>,
  { store, hub, cursors, now }: Streams,
  reader: Reader,
  of: Of,
  after: string | undefined,
): Promise<AsyncIterableIterator<Message> | CursorFault> {
  const scope = JSON.stringify([reader.tenant, of]);
  const watch = hub.watch(interestOf(of, reader));
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
        const { horizon, rows } = await reading.run((tx) => read(tx, of, place, BATCH));
        const messages = rows.map((row) =>
          toMessage(row, cursors.ofChanges(name, scope, placeOf(row), now())),
        );
        const more = rows.length === BATCH;
        const last = rows.at(-1);
        place = more && last ? placeOf(last) : { xid: horizon, key: [] };
        return { messages, more };
      } finally {
        await reading.end();
      }
    });
  } catch (error) {
    watch.close();
    throw error;
  }

  async function startOf(): Promise<ChangePlace | CursorFault> {
    const reading = openReading(store, reader, { snapshot: false });
    try {
      const horizon = await reading.run(readHorizon);
      if (after === undefined) return { xid: horizon, key: [] };
      const opened = cursors.toChanges(name, after, scope);
      if (typeof opened === 'string') return opened;
      if (BigInt(opened.place.xid) > BigInt(horizon)) return 'EXPIRED';
      const keptFromMs = await reading.run(readJournalStartMs);
      return isForgotten(opened.madeAtMs, keptFromMs, now()) ? 'EXPIRED' : opened.place;
    } finally {
      await reading.end();
    }
  }
}

/** The wake-up for what belongs to a device or a driver. */
export function interestIn(of: ChangeSubject, { tenant }: Reader): Interest {
  return 'deviceId' in of
    ? { of: 'tripsOfDevice', deviceId: of.deviceId }
    : { of: 'tripsOfDriver', tenant, driverExternalId: of.driverExternalId };
}

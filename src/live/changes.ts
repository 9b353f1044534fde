import type { ChangePlace, Changes, ChangeSubject } from '../store/read/changes.ts';
import { readHorizon, readJournalStartMs } from '../store/read/changes.ts';
import type { Transaction } from '../store/open.ts';
import type { Reader } from '../store/read/reading.ts';
import { openReading } from '../store/read/reading.ts';
import type { CursorFault } from './cursors.ts';
import type { Interest } from './hub.ts';
import { isForgotten } from './retention.ts';
import { createStream } from './stream.ts';
import type { Streams } from './streams.ts';

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
  /**
   * Where given, changes are read behind the tenant's wall only, and this says behind the reader's own
   * whether they are for him.
   */
  readonly mayHear?: (tx: Transaction, of: Of) => Promise<boolean>;
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
  { name, interestOf, read, mayHear, placeOf, toMessage }: ChangeStream<Of, Row, Message>,
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
      if (mayHear && !(await readAs(reader, (tx) => mayHear(tx, of)))) {
        return { messages: [], more: false };
      }
      const whole = mayHear ? { ...reader, driver: null } : reader;
      const { horizon, rows } = await readAs(whole, (tx) => read(tx, of, place, BATCH));
      const messages = rows.map((row) =>
        toMessage(row, cursors.ofChanges(name, scope, placeOf(row), now())),
      );
      const more = rows.length === BATCH;
      const last = rows.at(-1);
      place = more && last ? placeOf(last) : { xid: horizon, key: [] };
      return { messages, more };
    });
  } catch (error) {
    watch.close();
    throw error;
  }

  async function readAs<T>(who: Reader, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const reading = openReading(store, who, { snapshot: false });
    try {
      return await reading.run(work);
    } finally {
      await reading.end();
    }
  }

  function startOf(): Promise<ChangePlace | CursorFault> {
    return readAs(reader, async (tx) => {
      const horizon = await readHorizon(tx);
      if (after === undefined) return { xid: horizon, key: [] };
      const opened = cursors.toChanges(name, after, scope);
      if (typeof opened === 'string') return opened;
      if (BigInt(opened.place.xid) > BigInt(horizon)) return 'EXPIRED';
      const keptFromMs = await readJournalStartMs(tx);
      return isForgotten(opened.madeAtMs, keptFromMs, now()) ? 'EXPIRED' : opened.place;
    });
  }
}

/** The wake-up for what belongs to a device or a driver. */
export function interestIn(of: ChangeSubject, { tenant }: Reader): Interest {
  return 'deviceId' in of
    ? { of: 'tripsOfDevice', deviceId: of.deviceId }
    : { of: 'tripsOfDriver', tenant, driverExternalId: of.driverExternalId };
}

import type { Transaction } from '../store/transaction.ts';
import type { ChangePlace, Changes } from '../store/read/changes.ts';
import { readJournalStartMs } from '../store/read/changes.ts';
import type { Reader } from '../store/read/session.ts';
import { withReading } from '../store/read/transaction.ts';
import type { ChangeFeed } from './feeds/change-feed.ts';
import type { CursorFault } from './cursors.ts';
import { isForgotten } from './retention.ts';
import type { StreamOptions, Streams } from './streams.ts';
import type { Item, Source } from './subscriber.ts';
import { Subscriber } from './subscriber.ts';

/** A stream of what changed in the store, in the order of transactions. */
export interface ChangeStream<Of, Change, Row, Message> {
  /** Part of its cursors, so that another stream's are refused. */
  readonly name: string;
  readonly feedOf: (hub: Streams['hub']) => ChangeFeed<Change>;
  /** Under which topic the hub finds its changes. */
  readonly topicOf: (of: Of, reader: Reader) => string;
  /** What a change of the topic means for a reader; undefined where it is not for that reader. */
  readonly pick: (change: Change, reader: Reader, of: Of) => Row | undefined;
  /** Reads the same for one reader alone, behind row-level security. */
  readonly read: (
    tx: Transaction,
    of: Of,
    after: ChangePlace,
    limit: number,
  ) => Promise<Changes<Row>>;
  /**
   * Where given, `read` runs behind the tenant's row-level security only, and this decides behind the reader's own
   * whether the changes are for that reader.
   */
  readonly mayHear?: (tx: Transaction, of: Of) => Promise<boolean>;
  readonly placeOf: (row: Row) => ChangePlace;
  /** What a message gives the newest state of; undefined for events, each of which is sent. */
  readonly stateOf: (row: Row) => string | undefined;
  readonly toMessage: (row: Row, cursor: string) => Message;
  /** Reads the present state, the oldest first. */
  readonly readPresent?: (tx: Transaction, of: Of) => Promise<readonly Row[]>;
  /** Messages that may wait for a slow subscriber. */
  readonly mostWaiting?: (of: Of) => number;
}

const BATCH = 100;
const MOST_WAITING = 256;

/**
 * What changed and belongs to a device, a driver, a policy or a tenant. Only transactions below the horizon (all of
 * which are over) count, so none that commits late is stepped over.
 */
export async function streamChanges<Of, Change, Row extends object, Message>(
  stream: ChangeStream<Of, Change, Row, Message>,
  { store, hub, cursors, now, alone }: Streams,
  reader: Reader,
  of: Of,
  { after, maxPerSecond, present = false }: StreamOptions,
): Promise<AsyncIterableIterator<Message> | CursorFault> {
  const { name, mayHear } = stream;
  const feed = stream.feedOf(hub);
  const topic = stream.topicOf(of, reader);
  const scope = JSON.stringify([reader.tenant, of]);
  const start = await startOf();
  if (typeof start === 'string') return start;
  const source: Source<ChangePlace, Message> = {
    mostWaiting: stream.mostWaiting?.(of) ?? MOST_WAITING,
    read: readOn,
    join: (subscriber, place) => {
      const itemOf = (change: Change) => {
        const row = stream.pick(change, reader, of);
        return row && hub.share(row, `${name} ${scope}`, () => toItem(row, stream.placeOf(row)));
      };
      feed.follow(topic, place, { subscriber, itemOf });
    },
    leave: (subscriber) => feed.leave(topic, subscriber),
  };
  const first = present && after === undefined ? await readPresent(start) : [];
  return new Subscriber(source, hub.open, start, after === undefined, { first, maxPerSecond });

  /** The present state; each message bears the place from which changes follow. */
  async function readPresent(place: ChangePlace): Promise<readonly Item<Message>[]> {
    const { readPresent: read } = stream;
    const rows = read ? await readAs(reader, (tx) => read(tx, of)) : [];
    return rows.map((row) => toItem(row, place));
  }

  async function startOf(): Promise<ChangePlace | CursorFault> {
    const horizon = await feed.horizon();
    if (after === undefined) return { xid: String(horizon), key: [] };
    const opened = cursors.toChanges(name, after, scope);
    if (typeof opened === 'string') return opened;
    if (BigInt(opened.place.xid) > horizon) return 'EXPIRED';
    const isGone = await isForgotten(opened.madeAtMs, now(), () =>
      readAs(reader, readJournalStartMs),
    );
    return isGone ? 'EXPIRED' : opened.place;
  }

  async function readOn(place: ChangePlace) {
    if (mayHear && !(await readAs(reader, (tx) => mayHear(tx, of)))) {
      return { items: [], end: { xid: String(await feed.horizon()), key: [] }, more: false };
    }
    const whole = mayHear ? { ...reader, driver: null } : reader;
    const { horizon, rows } = await readAs(whole, (tx) => stream.read(tx, of, place, BATCH));
    const more = rows.length === BATCH;
    const last = rows.at(-1);
    const end = more && last ? stream.placeOf(last) : { xid: horizon, key: [] };
    return { items: rows.map((row) => toItem(row, stream.placeOf(row))), end, more };
  }

  function toItem(row: Row, place: ChangePlace): Item<Message> {
    const message = stream.toMessage(row, cursors.ofChanges(name, scope, place, now()));
    const state = stream.stateOf(row);
    return state === undefined ? { message } : { message, state };
  }

  async function readAs<T>(as: Reader, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const options = { snapshot: false, acquire: alone.acquire };
    return withReading(store, as, options, (reading) => reading.run(work));
  }
}

import type { Store } from '../open.ts';
import type { Transaction } from '../transaction.ts';
import type { Reader, ReadPool, ReadSession, ReadTimes } from './session.ts';

/**
 * Kind of reader of a list. Lists of a reader limited to one driver must filter by that driver: row-level
 * security alone would read the rows of others and drop them.
 */
export type ReaderKind = 'operator' | 'tenant' | 'driver';

export function readerKindOf({
  operator,
  driver,
}: Pick<Reader, 'operator' | 'driver'>): ReaderKind {
  if (operator) return 'operator';
  return driver === null ? 'tenant' : 'driver';
}

/** The reads of one request, in one transaction with the reader's row-level security. */
export interface ReadTransaction {
  /** Runs one read; the first one opens the transaction. */
  run<T>(read: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Every event that was in the log at this instant is counted; null if unknown or nothing was read yet. */
  dataAsOfMs(): number | null;
  /** Returns the connection. Nothing may be read afterwards. */
  end(): Promise<void>;
}

/** How a transaction reads. */
export interface ReadOptions {
  /** All reads see one state of the store; otherwise each sees what was committed before it. */
  readonly snapshot: boolean;
  /** `USUAL_TIMES` if not given. */
  readonly times?: ReadTimes;
  /** Another pool than the store's. */
  readonly through?: ReadPool;
  /** Waits for a place at a gate. @returns a function that frees it */
  acquire?(signal?: AbortSignal): Promise<() => void>;
  /** Aborted when the client disconnects. */
  readonly signal?: AbortSignal;
}

export const USUAL_TIMES: ReadTimes = { statementTimeoutMs: 10_000, readingTimeoutMs: 20_000 };

/** Opens a transaction with the first read, and only then reads its options. */
export function openReadTransaction(
  { reads }: Store,
  reader: Reader,
  options: () => ReadOptions,
): ReadTransaction {
  let opened: Promise<ReadSession> | undefined;
  let dataAsOfMs: number | null = null;
  let ended = false;
  let free: (() => void) | undefined;

  const open = async () => {
    const { snapshot, through = reads, times = USUAL_TIMES, acquire, signal } = options();
    free = await acquire?.(signal);
    return through.open(reader, snapshot, times);
  };

  return {
    run: async (read) => {
      if (ended) throw new Error('the request has ended: nothing may be read any more');
      const session = await (opened ??= open());
      const found = await session.run(read);
      dataAsOfMs = session.dataAsOfMs();
      return found;
    },
    dataAsOfMs: () => dataAsOfMs,
    end: async () => {
      ended = true;
      // A request that ended while it waited at the gate frees its place when it gets it.
      const session = await opened?.catch(() => undefined);
      session?.end();
      free?.();
      free = undefined;
    },
  };
}

/** Runs work in a read transaction of its own. */
export async function withReading<T>(
  store: Store,
  reader: Reader,
  options: ReadOptions,
  work: (reading: ReadTransaction) => Promise<T>,
): Promise<T> {
  const reading = openReadTransaction(store, reader, () => options);
  try {
    return await work(reading);
  } finally {
    await reading.end();
  }
}

/** PostgreSQL's own limit of a transaction that writes. */
const WRITE_TIMEOUT_MS = 21_000;

/**
 * Sets row-level security for the rest of a transaction that writes. An unknown tenant or driver becomes
 * 0, which owns nothing; for a driver it never becomes "no restriction".
 */
export async function applyRowSecurity(tx: Transaction, reader: Reader): Promise<void> {
  if (reader.operator) await tx.$executeRaw`set local role odograph_operator`;
  await tx.$queryRaw`
    select set_config('odograph.tenant', coalesce((select id from tenant where slug = ${reader.tenant ?? ''}), 0)::text, true),
      set_config('odograph.driver', '', true),
      set_config('statement_timeout', ${String(USUAL_TIMES.statementTimeoutMs)}, true),
      set_config('transaction_timeout', ${String(WRITE_TIMEOUT_MS)}, true)`;
  if (reader.driver !== null) {
    await tx.$queryRaw`
      select set_config('odograph.driver', coalesce((select id from driver
        where tenant_id = current_tenant() and external_id = ${reader.driver}), 0)::text, true)`;
  }
}

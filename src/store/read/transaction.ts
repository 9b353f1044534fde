import type { Store, Transaction } from '../open.ts';

/** The reader for row-level security. */
export interface Reader {
  /** An operator reads as the role odograph_operator, across all tenants. */
  readonly operator: boolean;
  /** Slug of the tenant; null reads nothing, except for an operator. */
  readonly tenant: string | null;
  /** External id of the driver for a reader limited to their own rows; null for all drivers of the tenant. */
  readonly driver: string | null;
}

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

interface Opened {
  readonly tx: Transaction;
  readonly dataAsOfMs: number | null;
}

/** Time limits of one statement and of all reads of a request, enforced by PostgreSQL, milliseconds. */
export interface ReadTimes {
  readonly statementTimeoutMs: number;
  readonly readingTimeoutMs: number;
}

/** How a transaction reads. */
export interface ReadOptions {
  /** All reads see one state of the store; otherwise each sees what was committed before it. */
  readonly snapshot: boolean;
  /** `USUAL_TIMES` if not given. */
  readonly times?: ReadTimes;
  /** Another pool than the store's. */
  readonly through?: Store;
  /** Waits for a place at a gate. @returns a function that frees it */
  acquire?(signal?: AbortSignal): Promise<() => void>;
  /** Aborted when the client disconnects. */
  readonly signal?: AbortSignal;
}

/** transaction_timeout is this much later than Prisma's timeout, so that ours fires first. */
const GRACE_MS = 1_000;

export const USUAL_TIMES: ReadTimes = { statementTimeoutMs: 10_000, readingTimeoutMs: 20_000 };

/** Opens a transaction with the first read, and only then reads its options. */
export function openReadTransaction(
  store: Store,
  reader: Reader,
  options: () => ReadOptions,
): ReadTransaction {
  let opened: Promise<Opened> | undefined;
  let finished: Promise<void> | undefined;
  let dataAsOfMs: number | null = null;
  let ended = false;
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });

  const open = async () => {
    const { snapshot, through = store, times = USUAL_TIMES, acquire, signal } = options();
    const free = await acquire?.(signal);
    return new Promise<Opened>((resolve, reject) => {
      finished = through.prisma
        .$transaction(
          async (tx) => {
            dataAsOfMs = await applyRowSecurity(tx, reader, times);
            resolve({ tx, dataAsOfMs });
            await released;
          },
          {
            maxWait: 5_000,
            timeout: times.readingTimeoutMs,
            isolationLevel: snapshot ? 'RepeatableRead' : 'ReadCommitted',
          },
        )
        .catch(reject)
        .finally(() => free?.());
    });
  };

  return {
    run: async (read) => {
      if (ended) throw new Error('the request has ended: nothing may be read any more');
      opened ??= open();
      return read((await opened).tx);
    },
    dataAsOfMs: () => dataAsOfMs,
    end: async () => {
      ended = true;
      release();
      // A request that ended while it waited at the gate frees its place when it gets it.
      await opened?.catch(() => undefined);
      await finished;
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

/**
 * Sets row-level security for the rest of a transaction. An unknown tenant or driver becomes 0, which owns
 * nothing; for a driver it never becomes "no restriction".
 * @returns how fresh the data are, as `ReadTransaction.dataAsOfMs`
 */
export async function applyRowSecurity(
  tx: Transaction,
  reader: Reader,
  { statementTimeoutMs, readingTimeoutMs }: ReadTimes = USUAL_TIMES,
): Promise<number | null> {
  if (reader.operator) await tx.$executeRaw`set local role odograph_operator`;
  const [row] = await tx.$queryRaw<{ read_through: Date | null }[]>`
    select set_config('odograph.tenant', coalesce((select id from tenant where slug = ${reader.tenant ?? ''}), 0)::text, true),
      set_config('odograph.driver', '', true),
      set_config('statement_timeout', ${String(statementTimeoutMs)}, true),
      set_config('transaction_timeout', ${String(readingTimeoutMs + GRACE_MS)}, true),
      (select case when bool_and(read_through is not null) then min(read_through) end from sink_offset) as read_through`;
  if (reader.driver !== null) {
    await tx.$queryRaw`
      select set_config('odograph.driver', coalesce((select id from driver
        where tenant_id = current_tenant() and external_id = ${reader.driver}), 0)::text, true)`;
  }
  return row?.read_through?.getTime() ?? null;
}

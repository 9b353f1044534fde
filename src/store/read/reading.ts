import type { Store, Transaction } from '../open.ts';

/** On whose behalf the store is read: what the walls (row-level security) go by. */
export interface Reader {
  /** The system's operator reads as the role odograph_operator, over all tenants. */
  readonly operator: boolean;
  /** Slug of the tenant; null reads nothing, unless an operator asks. */
  readonly tenant: string | null;
  /** External id of the driver for one who may read only what is his; null: everybody of the tenant. */
  readonly driver: string | null;
}

/**
 * Who looks at a list, by what the walls leave. Who sees but one driver's rows has to be asked for by that driver: a
 * wall does not lead to them, it lets the others be read and dropped.
 */
export type Beholder = 'operator' | 'tenant' | 'driver';

export function beholderOf({ operator, driver }: Pick<Reader, 'operator' | 'driver'>): Beholder {
  if (operator) return 'operator';
  return driver === null ? 'tenant' : 'driver';
}

/** One request's reads: all of them see the store through the same walls. */
export interface Reading {
  /** Runs one read; the first one opens the transaction. */
  run<T>(read: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Every event that stood in the log at this instant is counted; null if unknown or nothing was read yet. */
  dataAsOfMs(): number | null;
  /** Gives the connection back. Nothing may be read afterwards. */
  end(): Promise<void>;
}

interface Opened {
  readonly tx: Transaction;
  readonly dataAsOfMs: number | null;
}

/** Time that one statement may take, and all reads of a request, before PostgreSQL ends them, milliseconds. */
export interface ReadingTimes {
  readonly statementTimeoutMs: number;
  readonly readingTimeoutMs: number;
}

/** How a request reads. */
export interface ReadingOptions {
  /**
   * With it all reads see one state of the store; without, each sees what was committed before it, as
   * after a mutation.
   */
  readonly snapshot: boolean;
  /** The usual ones if not given. */
  readonly times?: ReadingTimes;
  /** Connections of its own instead of the store's. */
  readonly through?: Store;
  /** Waits for a turn; the function that it resolves to gives the turn back. */
  enter?(gone?: AbortSignal): Promise<() => void>;
  /** Aborted when nobody is there any more to be answered. */
  readonly gone?: AbortSignal;
}

/** So much later than ours does PostgreSQL's own clock end a transaction: ours ends it in order. */
const GRACE_MS = 1_000;

export const USUAL_TIMES: ReadingTimes = { statementTimeoutMs: 10_000, readingTimeoutMs: 20_000 };

/** Begins a request's reads; nothing happens before the first, and only then are the options asked. */
export function openReading(store: Store, reader: Reader, options: ReadingOptions): Reading {
  let opened: Promise<Opened> | undefined;
  let finished: Promise<void> | undefined;
  let dataAsOfMs: number | null = null;
  let ended = false;
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });

  const open = async () => {
    const { snapshot, through = store, times = USUAL_TIMES, gone } = options;
    const leave = await options.enter?.(gone);
    return new Promise<Opened>((resolve, reject) => {
      finished = through.prisma
        .$transaction(
          async (tx) => {
            dataAsOfMs = await enterWalls(tx, reader, times);
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
        .finally(() => leave?.());
    });
  };

  return {
    run: async (read) => {
      if (ended) throw new Error('the request is over: nothing may be read any more');
      opened ??= open();
      return read((await opened).tx);
    },
    dataAsOfMs: () => dataAsOfMs,
    end: async () => {
      ended = true;
      release();
      // A request that was ended while it waited for its turn gives it back when it comes.
      await opened?.catch(() => undefined);
      await finished;
    },
  };
}

/**
 * Puts up the walls for the rest of a transaction and tells how fresh the data are. A tenant or a
 * driver that is not there becomes 0, which owns nothing; for a driver never "no wall".
 */
export async function enterWalls(
  tx: Transaction,
  reader: Reader,
  { statementTimeoutMs, readingTimeoutMs }: ReadingTimes = USUAL_TIMES,
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

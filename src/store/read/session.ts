import pg from 'pg';
import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import { SessionClient } from '../session.ts';
import { READ_THROUGH } from '../read-through.ts';

/** A reader for row-level security. */
export interface Reader {
  /** An operator reads as the role odograph_operator, across all tenants. */
  readonly operator: boolean;
  /** Slug of the tenant; null reads nothing, except for an operator. */
  readonly tenant: string | null;
  /** External id of the driver for a reader limited to their own rows; null for all drivers of the tenant. */
  readonly driver: string | null;
}

/** Time limits of one statement and of all reads of a transaction, milliseconds. */
export interface ReadTimes {
  readonly statementTimeoutMs: number;
  readonly readingTimeoutMs: number;
}

/** Connections that only read. Named statements are parsed once per connection. */
export interface ReadPool {
  /**
   * Opens a transaction. Its first statements leave together with those that begin it and set row-level
   * security; nothing is read before `first` is called.
   */
  open(reader: Reader, snapshot: boolean, times: ReadTimes): Promise<ReadSession>;
  /** Ends every connection once its transaction has ended. */
  close(): Promise<void>;
}

export interface ReadSession {
  /** Every event that was in the log at this instant is counted; null if unknown. After the first read. */
  dataAsOfMs(): number | null;
  run<T>(read: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Ends the transaction and returns the connection; the commit is not waited for. */
  end(): void;
}

/** Generic plans suit reads by key: they are planned once. Custom plans suit reads of large parts of a table. */
export type Plans = 'generic' | 'custom';

/** An error of ours for what took too long, with a code that the API knows. */
class ReadTimeout extends Error {
  readonly code = 'READ_TIMEOUT';
}

/** A request that waits longer for a connection is refused. */
const WAIT_MS = 10_000;
/** PostgreSQL's own limit of a transaction is this much later than ours, so that ours ends it first. */
const GRACE_MS = 1_000;
/** A connection with more named statements is replaced, since PostgreSQL keeps each of them in memory. */
const MAX_NAMES = 300;
/** Codes of a pooler that does not keep named statements with the connection. */
const LOST_NAMES: ReadonlySet<unknown> = new Set(['26000', '42P05']);

const SECURE = `select set_config('odograph.tenant', coalesce((select id from tenant where slug = $1), 0)::text, true),
  set_config('odograph.driver', '', true), set_config('statement_timeout', $2, true), set_config('transaction_timeout', $3, true),
  ${READ_THROUGH.sql} as read_through`;
const SECURE_DRIVER = `select set_config('odograph.driver', coalesce((select id from driver
  where tenant_id = current_tenant() and external_id = $1), 0)::text, true)`;

/** The parts of node-postgres' client that its types leave out. */
type PipelinedClient = pg.PoolClient & {
  readonly connection: { readonly stream: { cork(): void; uncork(): void } };
};

interface Named {
  /** The names of texts, the same on every connection. */
  readonly names: Map<string, string>;
  enabled: boolean;
}

/**
 * Opens connections that only read, for the API's login.
 * @param size connections, each of which serves one transaction at a time; others wait for `WAIT_MS`
 */
export function openReadPool(url: string, size: number, plans: Plans): ReadPool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    Client: SessionClient,
    connectionTimeoutMillis: WAIT_MS,
    types: { getTypeParser },
    // Statements are sent without waiting for the answers of those before them.
    ...{ pipeline: true },
  });
  // An idle connection that drops needs no handling: the next read opens another or fails.
  pool.on('error', () => undefined);
  const named: Named = { names: new Map(), enabled: plans === 'generic' };
  return {
    open: async (reader, snapshot, times) => {
      const client = await connect(pool);
      return createSession(client, named, plans, reader, snapshot, times);
    },
    close: () => pool.end(),
  };
}

async function connect(pool: pg.Pool): Promise<PipelinedClient> {
  try {
    return await pool.connect();
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('timeout exceeded')) {
      throw new ReadTimeout(`no connection was free within ${WAIT_MS} ms`);
    }
    throw error;
  }
}

const statementsOf = new WeakMap<pg.PoolClient, Set<string>>();

function createSession(
  client: PipelinedClient,
  named: Named,
  plans: Plans,
  reader: Reader,
  snapshot: boolean,
  { statementTimeoutMs, readingTimeoutMs }: ReadTimes,
): ReadSession {
  let dataAsOfMs: number | null = null;
  let secured: Promise<void> | undefined;
  let fatal: Error | undefined;
  let over = false;
  // After an error, node-postgres may take a statement for prepared that is not.
  let tainted = false;

  const release = (error?: Error) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    client.off('error', onLost);
    const names = statementsOf.get(client);
    client.release(error ?? (tainted || (names !== undefined && names.size > MAX_NAMES)));
  };
  const onLost = (error: Error) => {
    fatal ??= error;
    release(error);
  };
  client.on('error', onLost);
  const timer = setTimeout(() => {
    onLost(new ReadTimeout(`the reads took longer than ${readingTimeoutMs} ms`));
  }, readingTimeoutMs);

  const query = async (text: string, values: readonly unknown[]) => {
    if (over) throw fatal ?? new Error('the transaction has ended: nothing may be read any more');
    try {
      return await client.query({ text, values: [...values], ...nameFor(client, named, text) });
    } catch (error) {
      tainted = true;
      if (LOST_NAMES.has((error as { code?: unknown }).code)) named.enabled = false;
      throw fatal ?? error;
    }
  };
  const toSql = (sql: TemplateStringsArray | Prisma.Sql, values: readonly unknown[]): Prisma.Sql =>
    sql instanceof Prisma.Sql ? sql : Prisma.sql(sql, ...values);
  const tx: Transaction = {
    $queryRaw: async <T>(sql: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) => {
      const statement = toSql(sql, values);
      return (await query(statement.text, statement.values)).rows as T;
    },
    $executeRaw: async (sql, ...values) => {
      const statement = toSql(sql, values);
      return (await query(statement.text, statement.values)).rowCount ?? 0;
    },
  };

  /** Fails closed: nothing read is returned before all of these have succeeded. */
  const secure = async (): Promise<void> => {
    const level = snapshot ? 'repeatable read' : 'read committed';
    const role = reader.operator ? '; set local role odograph_operator' : '';
    const times = [String(statementTimeoutMs), String(readingTimeoutMs + GRACE_MS)];
    const [, rows] = await Promise.all([
      client.query(
        `begin isolation level ${level} read only; set local plan_cache_mode = force_${plans}_plan${role}`,
      ),
      query(SECURE, [reader.tenant ?? '', ...times]),
      reader.driver === null ? undefined : query(SECURE_DRIVER, [reader.driver]),
    ]);
    const row = rows.rows[0] as { readonly read_through: Date | null } | undefined;
    dataAsOfMs = row?.read_through?.getTime() ?? null;
  };

  return {
    dataAsOfMs: () => dataAsOfMs,
    run: async (read) => {
      if (secured) {
        await secured;
        return read(tx);
      }
      const { stream } = client.connection;
      stream.cork();
      secured = secure();
      // A failure is reported by the await below.
      secured.catch(() => undefined);
      const found = (async () => read(tx))();
      found.catch(() => undefined);
      stream.uncork();
      try {
        await secured;
      } catch (error) {
        onLost(error instanceof Error ? error : new Error(String(error)));
        throw fatal ?? error;
      }
      return found;
    },
    end: () => {
      if (over) return;
      if (!secured) {
        release();
        return;
      }
      client.query('commit').then(
        () => release(),
        (error: Error) => release(error),
      );
    },
  };
}

/** The name under which a connection keeps a statement, if it does. */
function nameFor(client: pg.PoolClient, { names, enabled }: Named, text: string) {
  if (!enabled) return {};
  let name = names.get(text);
  if (name === undefined) {
    // The oldest names are forgotten; a text that comes back gets a new one.
    if (names.size >= MAX_NAMES) names.delete(names.keys().next().value!);
    name = `r${nextName++}`;
    names.set(text, name);
  }
  let kept = statementsOf.get(client);
  if (!kept) statementsOf.set(client, (kept = new Set()));
  kept.add(name);
  return { name };
}

let nextName = 0;

const DATE = 1082;
const INT8 = 20;

/** As Prisma gives them: whole numbers of eight bytes as bigint, dates at midnight UTC. */
const getTypeParser: typeof pg.types.getTypeParser = (
  oid: number,
  format?: 'text' | 'binary',
): ((text: string) => unknown) => {
  if (oid === INT8) return BigInt;
  if (oid === DATE) return (text) => new Date(`${text}T00:00:00Z`);
  return pg.types.getTypeParser(oid, format) as (text: string) => unknown;
};

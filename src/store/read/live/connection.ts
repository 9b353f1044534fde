import pg from 'pg';
import type { Prisma } from '../../generated/client.ts';
import { SessionClient } from '../../session.ts';

/** Runs one statement; its plan is kept under the name. */
export type LiveQuery = <Row>(name: string, statement: Prisma.Sql) => Promise<Row[]>;

/**
 * Reads for many subscribers at once, over all tenants. What is found here is not yet for anyone in particular:
 * `src/live/reach.ts` decides row by row for whom it is.
 */
export interface LiveStore {
  /** Runs statements in one transaction; all of them see one state of the store. */
  read<T>(work: (query: LiveQuery) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const INT8 = 20;
/** In one round trip. */
const BEGIN = `begin isolation level repeatable read read only; set local role odograph_operator;
set local statement_timeout = 10000; set local transaction_timeout = 20000`;
/** PostgreSQL's codes for a kept plan that a pooler between us and the server has lost or mixed up. */
const LOST_PLANS: ReadonlySet<unknown> = new Set(['26000', '42P05', '0A000']);

const getTypeParser: typeof pg.types.getTypeParser = (oid: number): ((text: string) => unknown) =>
  oid === INT8 ? BigInt : (pg.types.getTypeParser(oid) as (text: string) => unknown);

/**
 * Opens connections that the hub reads by.
 *
 * @param url login of the API, which may become `odograph_operator` within a transaction
 * @param size connections, each of which reads one thing at a time; what comes beyond waits
 */
export function openLiveStore(url: string, size: number): LiveStore {
  const pool = new pg.Pool({
    Client: SessionClient,
    connectionString: url,
    max: size,
    application_name: 'odograph api live',
    types: { getTypeParser },
  });
  // A connection that is lost while idle is replaced by the next read.
  pool.on('error', () => undefined);
  let keepsPlans = true;

  const run = async <T>(work: (query: LiveQuery) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let failed: Error | undefined;
    try {
      await client.query(BEGIN);
      const result = await work(async <Row>(name: string, { text, values }: Prisma.Sql) => {
        const asked = { text, values: [...values], ...(keepsPlans ? { name } : {}) };
        return (await client.query(asked)).rows as Row[];
      });
      await client.query('commit');
      return result;
    } catch (error) {
      failed = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.release(failed);
    }
  };

  return {
    read: async (work) => {
      try {
        return await run(work);
      } catch (error) {
        if (!keepsPlans || !LOST_PLANS.has((error as { code?: unknown }).code)) throw error;
        keepsPlans = false;
        return run(work);
      }
    },
    close: () => pool.end(),
  };
}

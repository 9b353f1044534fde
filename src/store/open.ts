import type { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.ts';

export interface Store {
  readonly prisma: PrismaClient;
  readonly freight: Freight;
  /** Ends every connection; nothing may use the store afterwards. */
  close(): Promise<void>;
}

/**
 * Large values of raw statements. Prisma's engine writes every parameter as JSON and bytes as base64
 * before the driver sees it, which costs more than all else in a write; so a value travels beside the
 * engine and its ticket stands in the statement.
 */
export interface Freight {
  /** Runs a statement with a ticket for the value as its last parameter. */
  send<T>(value: string | Buffer, run: (ticket: string) => Promise<T>): Promise<T>;
}

/** A Prisma client, or the client of one interactive transaction of it. */
export type Transaction = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0];

const COPY_IN = /^COPY\s.+\sFROM STDIN/;

/**
 * node-postgres' client, taught two things: to take a ticket for the value it stands for, and to run
 * `COPY … FROM STDIN` whose data is the statement's one value. Prisma has no COPY; this way its
 * interactive transaction runs one on its own connection.
 */
function createClientClass(values: ReadonlyMap<string, string | Buffer>) {
  return class FreightClient extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      const query = super.query.bind(this) as (...args: unknown[]) => unknown;
      this.query = ((...args: unknown[]) => {
        const statement = args[0] as { text?: unknown; values?: unknown[] } | undefined;
        if (typeof statement?.text !== 'string' || !statement.values) return query(...args);
        const given = statement.values.map((value) =>
          typeof value === 'string' ? (values.get(value) ?? value) : value,
        );
        if (!COPY_IN.test(statement.text))
          return query({ ...statement, values: given }, ...args.slice(1));
        const stream = query(copyFrom(statement.text)) as ReturnType<typeof copyFrom>;
        return new Promise((resolve, reject) => {
          stream.on('finish', () => resolve({ rowCount: stream.rowCount, rows: [], fields: [] }));
          stream.on('error', reject);
          stream.end(given[0]);
        });
      }) as typeof this.query;
    }
  };
}

/**
 * Opens the store for one role.
 * @param url the role's own login; see src/store/setup/logins.ts.
 */
export function openStore({ url, poolSize }: { url: string; poolSize: number }): Store {
  const values = new Map<string, string | Buffer>();
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    Client: createClientClass(values),
  });
  // A connection that is lost while idle is no event: the next statement opens another or says why not.
  pool.on('error', () => undefined);
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool),
    transactionOptions: { maxWait: 10_000, timeout: 120_000 },
  });
  return {
    prisma,
    freight: {
      async send(value, run) {
        const ticket = `freight:${randomUUID()}`;
        values.set(ticket, value);
        try {
          return await run(ticket);
        } finally {
          values.delete(ticket);
        }
      },
    },
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

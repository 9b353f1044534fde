import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.ts';

export interface Store {
  readonly prisma: PrismaClient;
  /** Ends every connection; nothing may use the store afterwards. */
  close(): Promise<void>;
}

/** A Prisma client, or the client of one interactive transaction of it. */
export type Transaction = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0];

const COPY_IN = /^COPY\s.+\sFROM STDIN/;

/**
 * node-postgres' client, taught to run `COPY … FROM STDIN` whose data is the statement's one value.
 * Prisma has no COPY; this way its interactive transaction runs one on its own connection.
 */
class CopyingClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const query = super.query.bind(this) as (...args: unknown[]) => unknown;
    this.query = ((...args: unknown[]) => {
      const config = args[0] as { text?: unknown; values?: unknown[] } | undefined;
      if (typeof config?.text !== 'string' || !COPY_IN.test(config.text)) return query(...args);
      const stream = query(copyFrom(config.text)) as ReturnType<typeof copyFrom>;
      return new Promise((resolve, reject) => {
        stream.on('finish', () => resolve({ rowCount: stream.rowCount, rows: [], fields: [] }));
        stream.on('error', reject);
        stream.end(config.values?.[0]);
      });
    }) as typeof this.query;
  }
}

/**
 * Opens the store for one role.
 * @param url the role's own login; see src/store/logins.ts.
 */
export function openStore({ url, poolSize }: { url: string; poolSize: number }): Store {
  const pool = new pg.Pool({ connectionString: url, max: poolSize, Client: CopyingClient });
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool),
    transactionOptions: { maxWait: 10_000, timeout: 120_000 },
  });
  return {
    prisma,
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

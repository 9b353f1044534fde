import pg from 'pg';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.ts';
import type { LargeValues } from './large-values.ts';
import { createLargeValues } from './large-values.ts';
import type { ReadPool } from './read/session.ts';
import { openReadPool } from './read/session.ts';

export interface Store {
  /** For writes and for reads of the system itself. */
  readonly prisma: PrismaClient;
  /** For reads on behalf of a reader. */
  readonly reads: ReadPool;
  readonly largeValues: LargeValues;
  /** Ends every connection; nothing may use the store afterwards. */
  close(): Promise<void>;
}

/** The client of an interactive transaction of Prisma. */
export type PrismaTransaction = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0];

/**
 * Opens the store for one role.
 * @param url the role's own login; see src/store/setup/logins.ts.
 */
export function openStore({ url, poolSize }: { url: string; poolSize: number }): Store {
  const { largeValues, Client } = createLargeValues();
  const pool = new pg.Pool({ connectionString: url, max: poolSize, Client });
  // An idle connection that drops needs no handling: the next statement opens another or fails.
  pool.on('error', () => undefined);
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool),
    transactionOptions: { maxWait: 10_000, timeout: 120_000 },
  });
  const reads = openReadPool(url, poolSize, 'generic');
  return {
    prisma,
    reads,
    largeValues,
    close: async () => {
      await reads.close();
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

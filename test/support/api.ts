import { afterAll } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { startTestApi } from '../api/client.ts';
import type { Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';
import type { TestDatabase } from './database.ts';
import { createTestDatabase } from './database.ts';

interface TestApi {
  readonly database: TestDatabase;
  /** Writes rows into the database. */
  readonly rows: Rows;
  readonly api: Api;
  /** Starts another API on the same database, which is stopped with the first. */
  startApi(options?: Parameters<typeof startTestApi>[1]): Promise<Api>;
}

/** An API on an empty database of its own, for one test file: `const { api, rows } = await useApi();` */
export async function useApi(options?: Parameters<typeof startTestApi>[1]): Promise<TestApi> {
  const database = await createTestDatabase();
  const rows = await openRows(database);
  const apis: Api[] = [];
  const startApi = async (others: Parameters<typeof startTestApi>[1] = {}) => {
    const started = await startTestApi(database, others);
    apis.push(started);
    return started;
  };
  afterAll(async () => {
    for (const started of apis) await started.stop();
    await rows.close();
    await database.drop();
  });
  return { database, rows, api: await startApi(options), startApi };
}

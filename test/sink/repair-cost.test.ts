import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { createBench } from './bench.ts';
import { LATE, lateEvent, measureLateEvent, PARKING, storeLife } from './lives.ts';

const TOPIC = 'repair-cost';
const SHORT = 10_000;
const LONG = process.env['ODOGRAPH_LONG'] === '1' ? 1_000_000 : 40_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const store = openStore({ url: database.sinkUrl, poolSize: 2 });
  const bench = createBench(store, TOPIC);
  for (const parking of PARKING) {
    for (const size of [SHORT, LONG]) await storeLife(bench, `${parking} ${size}`, parking, size);
  }
  await store.close();
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query('vacuum analyze');
  await owner.end();
});

afterAll(async () => {
  await database?.drop();
});

describe.each(PARKING)('repair for a device that %s', (parking) => {
  it.each(LATE)(
    `of an event %s costs as much with ${LONG} events stored as with few`,
    async (late) => {
      const [short, long] = [
        await measureLateEvent(
          database,
          TOPIC,
          `${parking} ${SHORT}`,
          lateEvent(parking, SHORT, late),
        ),
        await measureLateEvent(
          database,
          TOPIC,
          `${parking} ${LONG}`,
          lateEvent(parking, LONG, late),
        ),
      ];
      expect(long.written).toBe(short.written);
      // An index may give a few entries of rows that are gone.
      expect(Math.abs(long.read - short.read)).toBeLessThan(20);
      expect(long.read).toBeLessThan(SHORT);
    },
  );
});

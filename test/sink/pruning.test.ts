import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMetrics } from '../../src/ops.ts';
import { startPruning } from '../../src/sink/pruning.ts';
import { prune } from '../../src/store/ingest/prune.ts';
import { LOCKS } from '../../src/store/locks.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';

const LIVES = { changesDays: 8, idempotencyKeysDays: 30 };
/** The number of rows of each age: more than one piece. */
const ROWS = 3_000;

let database: TestDatabase;
let store: Store;
let owner: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore({ url: database.sinkUrl, poolSize: 2 });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  for (const [age, first] of [
    ['31 days', 1],
    ['9 days', ROWS + 1],
    ['7 days 23 hours', 2 * ROWS + 1],
  ] as const) {
    const values = [age, first, first + ROWS - 1];
    await owner.query(
      `insert into journal (at, device_ids) select now() - $1::interval, '{1}' from generate_series($2::int, $3::int)`,
      values,
    );
    await owner.query(
      `insert into late_event (device_id, version, sec, rest, at) select 1, n, 0, 0, now() - $1::interval from generate_series($2::int, $3::int) n`,
      values,
    );
    await owner.query(
      `insert into idempotency_key (tenant_id, key, mutation, input_hash, result, at)
       select 1, n, 'm', 'h', '{}', now() - $1::interval from generate_series($2::int, $3::int) n`,
      values,
    );
    // Of every three trips, one was open, one was closed, and one is withdrawn.
    await owner.query(
      `insert into trip_revision (trip_id, revision, device_id, tenant_id, known_from, known_to, withdrawn, facts)
       select n, 1, 1, 1, now() - $1::interval, now() - $1::interval, n % 3 = 2,
         jsonb_build_object('decided_sec', case when n % 3 = 1 then 5 end) from generate_series($2::int, $3::int) n`,
      values,
    );
  }
});
afterAll(async () => {
  await owner.end();
  await store.close();
  await database.drop();
});

async function counts() {
  const { rows } = await owner.query(
    `select (select count(*)::int from journal) as journal, (select count(*)::int from late_event) as late_event,
       (select count(*)::int from trip_revision) as trip_revision, (select count(*)::int from idempotency_key) as idempotency_key`,
  );
  return rows[0] as Record<string, number>;
}

it('removes nothing while another process removes rows', async () => {
  const before = await counts();
  await owner.query('select pg_advisory_lock($1)', [LOCKS.prune]);
  expect(await prune(store, LIVES)).toEqual({ rows: new Map(), more: false });
  await owner.query('select pg_advisory_unlock($1)', [LOCKS.prune]);
  expect(await counts()).toEqual(before);
});

it('removes expired rows in pieces, and nothing that a promise needs', async () => {
  const metrics = createMetrics();
  const pieces: number[] = [];
  let isDone: () => void;
  const done = new Promise<void>((resolve) => (isDone = resolve));
  const pruning = startPruning({
    store,
    lives: LIVES,
    log: pino({ level: 'silent' }),
    onPruned: (rows) => {
      pieces.push(...rows.values());
      metrics.countPruned(rows);
    },
    onSizes: (bytes) => {
      metrics.setTableBytes(bytes);
      isDone();
    },
  });
  await done;
  await pruning.stop();
  expect(Math.max(...pieces)).toBeLessThanOrEqual(2_000);
  expect(await counts()).toEqual({
    journal: ROWS,
    late_event: ROWS,
    // Two thirds of the older rows, and all rows that a cursor may need.
    trip_revision: (2 * ROWS * 2) / 3 + ROWS,
    idempotency_key: 2 * ROWS,
  });
  const written = await metrics.write();
  expect(written).toContain(`odograph_pruned_rows_total{table="journal"} ${2 * ROWS}`);
  expect(written).toMatch(/odograph_table_bytes\{table="event"\} \d+/);
  expect(written).toMatch(/odograph_table_bytes\{table="journal"\} [1-9]\d+/);
});

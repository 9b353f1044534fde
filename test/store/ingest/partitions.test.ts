import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore, type Store } from '../../../src/store/open.ts';
import { createPartitions } from '../../../src/store/ingest/partitions.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const secOf = (iso: string) => Date.parse(iso) / 1000 - 946_684_800;

let database: TestDatabase;
let owner: pg.Client;
const stores: Store[] = [];
const openSink = () => {
  const store = openStore({ url: database.sinkUrl, poolSize: 2 });
  stores.push(store);
  return store;
};

beforeAll(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});

afterAll(async () => {
  for (const store of stores) await store.close();
  await owner.end();
  await database.drop();
});

async function partitions(): Promise<Record<string, string>> {
  const { rows } = await owner.query<{ name: string; bounds: string }>(
    `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds
     from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = 'event'::regclass order by 1`,
  );
  return Object.fromEntries(rows.map(({ name, bounds }) => [name, bounds]));
}

test('migrations create no partition, so that the schema does not depend on the date', async () => {
  expect(await partitions()).toEqual({});
});

test('three sinks that need the same months at once create each partition once, owned by the sink', async () => {
  const makers = [openSink(), openSink(), openSink()].map(createPartitions);
  const secs = [secOf('2015-05-15T00:08:13Z'), secOf('2026-11-30T23:59:59Z')];
  await Promise.all(makers.map((ensure) => ensure(secs)));

  expect(await partitions()).toEqual({
    event_before_2020: `FOR VALUES FROM (MINVALUE) TO (${secOf('2020-01-01T00:00:00Z')})`,
    event_2026_11: `FOR VALUES FROM (${secOf('2026-11-01T00:00:00Z')}) TO (${secOf('2026-12-01T00:00:00Z')})`,
    event_2026_12: `FOR VALUES FROM (${secOf('2026-12-01T00:00:00Z')}) TO (${secOf('2027-01-01T00:00:00Z')})`,
    event_2027_01: `FOR VALUES FROM (${secOf('2027-01-01T00:00:00Z')}) TO (${secOf('2027-02-01T00:00:00Z')})`,
  });
});

test('the first and the last second of a month, and of all time that can be stored, have a partition', async () => {
  const [store] = stores;
  const secs = [
    secOf('2000-01-01T00:00:00Z'),
    secOf('2019-12-31T23:59:59Z'),
    secOf('2020-01-01T00:00:00Z'),
    secOf('2024-02-29T23:59:59Z'),
    secOf('2024-03-01T00:00:00Z'),
    2 ** 31 - 1,
  ];
  await createPartitions(store!)(secs);
  for (const sec of secs) {
    await store!.prisma
      .$executeRaw`insert into event (device_id, sec, rest) values (1, ${sec}::int, 0)`;
  }
  const { rows } = await owner.query<{ partition: string }>(
    'select tableoid::regclass::text as partition from event order by sec',
  );
  expect(rows.map(({ partition }) => partition)).toEqual([
    'event_before_2020',
    'event_before_2020',
    'event_2020_01',
    'event_2024_02',
    'event_2024_03',
    'event_2068_01',
  ]);
});

test('a new month is created while another transaction writes and a third one reads', async () => {
  const [writer, reader] = [new pg.Client(database.sinkUrl), new pg.Client(database.sinkUrl)];
  for (const client of [writer, reader]) {
    await client.connect();
    await client.query('begin');
  }
  await writer.query('insert into event (device_id, sec, rest) values (2, $1, 0)', [
    secOf('2026-11-02T00:00:00Z'),
  ]);
  await reader.query('select count(*) from event');
  await owner.query(`alter role odograph_sink set lock_timeout = '5s'`);
  try {
    const fresh = openSink();
    await createPartitions(fresh)([secOf('2031-07-01T00:00:00Z')]);
  } finally {
    await owner.query('alter role odograph_sink reset lock_timeout');
    for (const client of [writer, reader]) {
      await client.query('commit');
      await client.end();
    }
  }
  expect(Object.keys(await partitions())).toContain('event_2031_09');
});

test('the API reads events through the parent, which has row-level security, and never a partition directly', async () => {
  const api = new pg.Client(database.apiUrl);
  await api.connect();
  try {
    expect((await api.query('select * from event')).rows).toEqual([]);
    await expect(api.query('select * from event_2026_11')).rejects.toThrow(/permission denied/);
  } finally {
    await api.end();
  }
});

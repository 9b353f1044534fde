import pg from 'pg';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeJson } from '../../src/core/decode/json.ts';
import { digestOf } from '../../src/core/digest.ts';
import { loadOffsets, markHeld } from '../../src/store/ingest/offsets.ts';
import { openStore } from '../../src/store/open.ts';
import { checkSession } from '../../src/store/session.ts';
import { migrate } from '../../src/store/setup/migrate.ts';
import { ask, signToken, startTestApi } from '../api/client.ts';
import { createSinkContext, processBatch } from '../sink/context.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** What an administrator may set for a whole database, each against what our statements rely on. */
const SETTINGS = {
  'Europe/Berlin, German dates': {
    TimeZone: "'Europe/Berlin'",
    DateStyle: "'German, DMY'",
    IntervalStyle: 'sql_standard',
  },
  'Asia/Kolkata, SQL dates, another search_path': {
    TimeZone: "'Asia/Kolkata'",
    DateStyle: "'SQL, DMY'",
    IntervalStyle: 'iso_8601',
    search_path: 'elsewhere, public',
    standard_conforming_strings: 'off',
  },
  'Pacific/Auckland, PostgreSQL dates': {
    TimeZone: "'Pacific/Auckland'",
    DateStyle: "'Postgres, MDY'",
    search_path: 'nowhere',
  },
} as const;

const databases: TestDatabase[] = [];
afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop();
});

async function openDatabase(settings: Readonly<Record<string, string>>): Promise<TestDatabase> {
  const database = await createTestDatabase();
  databases.push(database);
  const name = new URL(database.ownerUrl).pathname.slice(1);
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  // A table of the same name that comes first would be read instead of ours.
  await client.query(
    'create schema elsewhere; create table elsewhere.trip (id int); grant usage on schema elsewhere to public',
  );
  for (const [setting, value] of Object.entries(settings)) {
    await client.query(`alter database ${name} set ${setting} = ${value}`);
  }
  await client.end();
  await migrate({ url: database.ownerUrl, logins: database });
  return database;
}

const TENANT = 'acme';
const INSURER = { role: 'INSURER', tenant: TENANT } as const;
const DEVICE = 'ID-1';
/** Drives of ten minutes: in the hours in which the day is another one in Berlin, Kolkata or Auckland. */
const DRIVES = ['2026-09-29T18:45', '2026-09-29T22:10', '2026-09-29T23:30', '2026-09-30T11:20'];

function eventsOf(start: string) {
  return Array.from({ length: 61 }, (_, i) => {
    const content = {
      atMs: Date.parse(`${start}:00Z`) + i * 10_000,
      latE7: 525_200_000 + i * 15_000,
      lonE7: 134_000_000,
      speedCkmh: 6_000,
    };
    return { ...content, digest: digestOf(content) };
  });
}

async function drive(database: TestDatabase): Promise<void> {
  const store = openStore({ url: database.sinkUrl, poolSize: 2 });
  try {
    await checkSession(store);
    const sink = createSinkContext(store, 'telematics');
    await loadOffsets(store, sink.topic, new Map([[0, 0]]));
    const records = DRIVES.flatMap(eventsOf).map((event, offset) => ({
      partition: 0,
      offset,
      timestampMs: event.atMs,
      key: null,
      value: Buffer.from(encodeJson(DEVICE, event)),
      headers: [],
    }));
    await processBatch(sink, [{ partition: 0, from: 0, to: records.length, records }]);
    const at = new Date('2026-10-01T00:00:00Z');
    await markHeld(store, sink.topic, [{ partition: 0, end: records.length, at }]);
  } finally {
    await store.close();
  }
}

const QUESTION = `query ($from: DateTime!, $to: DateTime!) {
  all: trips(first: 10) { edges { node {
    startedAt endedAt status distanceKm timeZone localDate driver { externalId } } } }
  some: trips(first: 10, filter: { startedFrom: $from, startedTo: $to }) { edges { node { startedAt } } }
  device(deviceId: "ID-1") { lastEventAt assignments { driver { externalId } from to } }
  tripStats(groupBy: [{ by: DAY }, { by: DRIVER }]) { groups rows { key { value } distanceKm { sum } } }
  policy(number: "P-1") { startDate endDate vehicles { from to } drivers { from to } }
}`;

/** What the API answers, and what the database holds, after the same drives and orders. */
async function answersOf(settings: Readonly<Record<string, string>>) {
  const database = await openDatabase(settings);
  await drive(database);
  const api = await startTestApi(database);
  try {
    let orders = 0;
    const order = async (claims: Parameters<typeof ask>[1], name: string, input: object) => {
      const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
      const { data, errors } = await ask(
        api,
        claims,
        `mutation ($input: ${type}!) { ${name}(input: $input) { userErrors { code message } } }`,
        { input: { idempotencyKey: `order ${++orders}`, ...input } },
      );
      expect([errors, data?.[name]?.userErrors]).toEqual([[], []]);
    };
    await order({ role: 'OPERATOR' }, 'moveDevice', {
      deviceId: DEVICE,
      tenant: TENANT,
      createTenant: true,
    });
    for (const externalId of ['ann', 'bob']) {
      await order(INSURER, 'registerDriver', { externalId, dateOfBirth: '1990-02-03' });
    }
    await order(INSURER, 'assignDevice', { deviceId: DEVICE, driverExternalId: 'bob' });
    await order(INSURER, 'assignDevice', {
      deviceId: DEVICE,
      driverExternalId: 'ann',
      vehicle: { externalId: 'car' },
      from: '2026-09-29T23:00:00Z',
      to: '2026-09-30T00:00:00Z',
    });
    await order(INSURER, 'createPolicy', {
      number: 'P-1',
      product: 'p',
      jurisdiction: 'DE',
      timeZone: 'Europe/Berlin',
      startDate: '2026-01-02',
      endDate: '2027-01-02',
      driverExternalId: 'ann',
      vehicle: { externalId: 'car' },
    });
    const asked = await ask(api, INSURER, QUESTION, {
      from: '2026-09-29T22:00:00Z',
      to: '2026-09-30T00:00:00Z',
    });
    expect(asked.errors).toEqual([]);
    const authorization = `Bearer ${await signToken(INSURER)}`;
    const exported = await fetch(new URL('/export/trips.csv', api.url), {
      headers: { authorization },
    });
    const stored = new pg.Client({ connectionString: database.ownerUrl });
    await stored.connect();
    await stored.query(`set timezone = 'UTC'; set datestyle = 'ISO'; set search_path = public`);
    const { rows } = await stored.query(
      `select (select json_agg(json_build_array(from_at, to_at, driver_id) order by from_at) from assignment) as assignments,
         (select json_agg(json_build_array(started_at, local_date, driver_id, days) order by started_at) from trip) as trips,
         (select json_agg(json_build_array(local_date, driver_id, trips, distance_m) order by local_date, driver_id) from daily_total) as totals,
         (select json_agg(json_build_array(from_date, to_date)) from policy_vehicle) as covered,
         (select json_agg(read_through) from sink_offset) as read_through`,
    );
    await stored.end();
    return {
      asked: asked.data,
      dataAsOf: asked.headers.get('x-odograph-data-as-of'),
      exported: (await exported.text()).replaceAll(/2026-12[^,]*/g, 'updated'),
      stored: rows,
    };
  } finally {
    await api.stop();
  }
}

describe('a database whose sessions begin otherwise', () => {
  let usual: Awaited<ReturnType<typeof answersOf>>;
  beforeAll(async () => {
    usual = await answersOf({});
    expect(usual.asked.device.assignments[1]).toEqual({
      driver: { externalId: 'ann' },
      from: '2026-09-29T23:00:00.000Z',
      to: '2026-09-30T00:00:00.000Z',
    });
    expect(usual.dataAsOf).toBe('2026-10-01T00:00:00.000Z');
  });

  it.each(Object.keys(SETTINGS) as (keyof typeof SETTINGS)[])(
    'stores and answers the same with %s',
    async (name) => {
      expect(await answersOf(SETTINGS[name])).toEqual(usual);
    },
  );

  it('is refused by name where a setting still arrives', async () => {
    const database = await openDatabase({});
    const { pathname } = new URL(database.ownerUrl);
    const client = new pg.Client({ connectionString: database.ownerUrl });
    await client.connect();
    await client.query(
      `alter role odograph_api in database ${pathname.slice(1)} set search_path = elsewhere, public`,
    );
    await client.end();
    await expect(startTestApi(database)).rejects.toMatchObject({
      code: 'DATABASE_SESSION',
      message: expect.stringContaining('search_path = elsewhere, public instead of public first'),
    });
    await migrate({ url: database.ownerUrl });
    await (await startTestApi(database)).stop();
  });
});

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { digestOf } from '../../src/core/digest.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { createSinkContext } from './context.ts';
import { LATE, lateEvent, measureLateEvent, PARKING, storeLife } from './lives.ts';

const TOPIC = 'repair-cost';
const SHORT = 10_000;
const LONG = process.env['ODOGRAPH_LONG'] === '1' ? 1_000_000 : 120_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const store = openStore({ url: database.sinkUrl, poolSize: 2 });
  const sink = createSinkContext(store, TOPIC);
  for (const parking of PARKING) {
    for (const size of [SHORT, LONG]) await storeLife(sink, `${parking} ${size}`, parking, size);
  }
  await store.close();
  await ask('vacuum analyze');
  await preferIndexes();
});

afterAll(async () => {
  await database?.drop();
});

describe.each(PARKING)('repair for a device that %s', (parking) => {
  it.each(LATE)(
    `of an event %s costs the same with ${LONG} events stored as with few`,
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
      // An index may return a few entries of deleted rows.
      expect(Math.abs(long.read - short.read)).toBeLessThan(20);
      expect(long.read).toBeLessThan(SHORT);
    },
  );
});

describe('repair beside many other devices', () => {
  it('costs the same as beside few, because an index serves every statement', async () => {
    const device = `${PARKING[0]} ${SHORT}`;
    await ask('vacuum analyze');
    const few = await measureLateEvent(database, TOPIC, device, anotherInADrive(1));
    await storeOthers(device, 150);
    const many = await measureLateEvent(database, TOPIC, device, anotherInADrive(2));
    expect(many.written).toBe(few.written);
    // A full read of the smallest table would return a row for each of the 150.
    expect(Math.abs(many.read - few.read)).toBeLessThan(100);
  });
});

/** PostgreSQL rightly reads a small table as a whole. Here it must treat it as a large one. */
async function preferIndexes(): Promise<void> {
  const { username, pathname } = new URL(database.sinkUrl);
  for (const setting of ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) {
    await ask(`alter role ${username} in database ${pathname.slice(1)} set ${setting} = off`);
  }
}

async function ask(...statements: readonly string[]): Promise<void> {
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  for (const statement of statements) await owner.query(statement);
  await owner.end();
}

/** A separate late event, some seconds after the one that the tests above sent. */
function anotherInADrive(seconds: number): CanonicalEvent {
  const { digest: _, ...content } = lateEvent(PARKING[0], SHORT, 'in a drive');
  const later = { ...content, atMs: content.atMs + seconds * 1000 };
  return { ...later, digest: digestOf(later) };
}

/** Adds devices, each with the trips, handles, driving events and checkpoints of one, and some of its events. */
async function storeOthers(like: string, count: number): Promise<void> {
  const others = `device o cross join device l where o.external_id like 'other %' and l.external_id = '${like}'`;
  const copies = [
    ['device_state', `'{}'`, 'true'],
    ['trip', `jsonb_build_object('id', t.id + 1000000 * o.id)`, 'true'],
    ['trip_handle', `jsonb_build_object('id', t.id + 1000000 * o.id)`, 'true'],
    ['driving_event', `'{}'`, 'true'],
    ['checkpoint', `'{}'`, 'true'],
    ['event', `'{}'`, 't.sec % 500 = 0'],
  ].map(
    ([table, changes, which]) => `insert into ${table}
      select (jsonb_populate_record(null::${table}, to_jsonb(t) || ${changes} || jsonb_build_object('device_id', o.id))).*
      from ${table} t join (select o.id, l.id as like_id from ${others}) as o on t.device_id = o.like_id where ${which}`,
  );
  await ask(
    `insert into device (external_id) select 'other ' || n from generate_series(1, ${count}) as n`,
    `insert into device_tenancy (device_id, tenant_id)
      select o.id, (select tenant_id from device_tenancy where device_id = l.id limit 1) from ${others}`,
    ...copies,
    'vacuum analyze',
  );
}

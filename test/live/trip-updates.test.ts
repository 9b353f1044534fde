import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { ask, startTestApi } from '../api/client.ts';
import type { Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { quietFor } from '../support/streams.ts';
import type { Subscription } from './sockets.ts';
import { subscribe } from './sockets.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
const UPDATES = `subscription ($deviceId: String, $driver: String, $after: Cursor) {
  tripUpdates(deviceId: $deviceId, driverExternalId: $driver, after: $after) {
    cursor trip { id localDate revision distanceKm withdrawn supersededBy { id } } } }`;

interface Message {
  readonly tripUpdates: {
    readonly cursor: string;
    readonly trip: {
      readonly id: string;
      readonly localDate: string;
      readonly revision: number;
      readonly withdrawn: boolean;
      readonly supersededBy: { readonly id: string } | null;
    };
  };
}

let database: TestDatabase;
let rows: Rows;
let api: Api;
let tenant: number;
let ann: number;
let device: number;
let deviceId: string;
let probe: number;
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  tenant = await rows.addTenant('acme');
  ann = await rows.addDriver(tenant, 'ann');
});
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});
beforeEach(async () => {
  deviceId = `ID-${++count}`;
  device = await rows.addDevice(deviceId, tenant);
  probe = await addTrip(28, ann);
});

function addTrip(day: number, driver?: number): Promise<number> {
  const startedAt = `2015-05-${String(day).padStart(2, '0')}T08:00:00Z`;
  return rows.addTrip(tenant, device, {
    startedAt,
    endedAt: startedAt.replace('08:00', '09:00'),
    ...(driver === undefined ? {} : { driver }),
  });
}

/** Changes a trip as a batch of the sink does, in its own transaction. */
async function revise(on: pg.Client, id: number): Promise<void> {
  await on.query('begin');
  await on.query(
    'update trip set revision = revision + 1, changed = pg_current_xact_id(), updated_at = now() where id = $1',
    [id],
  );
  await on.query('insert into journal (device_ids) values ($1)', [[device]]);
}

async function commit(on: pg.Client): Promise<void> {
  await on.query('commit');
  await on.query('notify odograph');
}

/** A subscription to the device's trips that has begun; a separate trip confirms it. */
async function listen(variables: Record<string, unknown>): Promise<Subscription<Message>> {
  const ear = subscribe<Message>(api, INSURER, UPDATES, variables, {
    counts: ({ tripUpdates }) => tripUpdates.trip.localDate !== '2015-05-28',
  });
  await ear.begun(async () => {
    await revise(rows.client, probe);
    await commit(rows.client);
  });
  return ear;
}

describe('tripUpdates', () => {
  it('sends a trip of the device, or of the driver, each time it changes, and resumes by cursor', async () => {
    const id = await addTrip(1, ann);
    const byDevice = await listen({ deviceId });
    const byDriver = await listen({ driver: 'ann' });
    await revise(rows.client, id);
    await commit(rows.client);
    const [told] = await byDevice.until(1);
    expect(told?.tripUpdates.trip).toMatchObject({
      localDate: '2015-05-01',
      revision: 2,
      withdrawn: false,
    });
    expect((await byDriver.until(1))[0]?.tripUpdates.trip).toEqual(told?.tripUpdates.trip);
    await byDevice.end();
    await byDriver.end();
    await revise(rows.client, id);
    await commit(rows.client);
    const resumed = subscribe<Message>(api, INSURER, UPDATES, {
      deviceId,
      after: told?.tripUpdates.cursor,
    });
    expect((await resumed.until(1))[0]?.tripUpdates.trip.revision).toBe(3);
    await quietFor(resumed);
    expect(resumed.messages).toHaveLength(1);
    await resumed.end();
  });

  it('does not skip a change that commits after a later one', async () => {
    const early = await addTrip(1);
    const late = await addTrip(2);
    const slow = new pg.Client({ connectionString: database.sinkUrl });
    await slow.connect();
    const ear = await listen({ deviceId });
    await revise(slow, early);
    await revise(rows.client, late);
    await commit(rows.client);
    await quietFor(ear);
    await commit(slow);
    await ear.until(2);
    expect(ear.messages.map((m) => m.tripUpdates.trip.localDate).sort()).toEqual([
      '2015-05-01',
      '2015-05-02',
    ]);
    await ear.end();
    await slow.end();
  });

  it('sends every newest revision to a reader who disconnects and resumes during concurrent writes', async () => {
    const ids = await Promise.all([1, 2, 3, 4].map((day) => addTrip(day)));
    const writers = ids.map(() => new pg.Client({ connectionString: database.sinkUrl }));
    for (const writer of writers) await writer.connect();
    let ear = await listen({ deviceId });
    const newest = new Map<string, number>();
    const writing = Promise.all(
      writers.map(async (writer, w) => {
        for (let round = 0; round < 25; round++) {
          await revise(writer, ids[w]!);
          await new Promise((resolve) => setTimeout(resolve, (w * 7 + round * 3) % 11));
          await commit(writer);
        }
      }),
    );
    const deadline = Date.now() + 40_000;
    while (Date.now() < deadline && ![...newest.values()].filter((r) => r === 26).length) {
      await ear.until(1).catch(() => undefined);
      for (const { tripUpdates } of ear.messages) {
        const { trip } = tripUpdates;
        expect(trip.revision).toBeGreaterThan(newest.get(trip.localDate) ?? 0);
        newest.set(trip.localDate, trip.revision);
      }
      const after = ear.messages.at(-1)?.tripUpdates.cursor;
      await ear.end();
      ear = subscribe<Message>(api, INSURER, UPDATES, { deviceId, after });
    }
    await writing;
    while (Date.now() < deadline && [...newest.values()].some((revision) => revision < 26)) {
      await ear.until(1).catch(() => undefined);
      for (const { tripUpdates } of ear.messages.splice(0)) {
        newest.set(tripUpdates.trip.localDate, tripUpdates.trip.revision);
      }
    }
    expect([...newest.values()]).toEqual([26, 26, 26, 26]);
    await ear.end();
    for (const writer of writers) await writer.end();
  });

  it('reports when late messages merge a trip into another or withdraw it', async () => {
    const whole = await addTrip(1);
    const swallowed = await addTrip(2);
    const lost = await addTrip(10);
    const query = `query ($deviceId: String!) { trips(filter: { deviceId: $deviceId }) { nodes { id } } }`;
    const before = await ask(api, INSURER, query, { deviceId });
    const [, lostId, swallowedId, wholeId] = before.data.trips.nodes.map(
      (n: { id: string }) => n.id,
    );
    const ear = await listen({ deviceId });
    await rows.client.query('begin');
    for (const id of [swallowed, lost]) {
      await rows.client.query(
        `insert into trip_revision (trip_id, revision, device_id, tenant_id, known_from, known_to, withdrawn, facts)
         select id, revision, device_id, tenant_id, updated_at, now(), true, to_jsonb(trip) - array['id', 'revision', 'changed', 'updated_at']
         from trip where id = $1`,
        [id],
      );
      await rows.client.query('delete from trip where id = $1', [id]);
    }
    await rows.client.query(
      `update trip set last_sec = last_sec + 86400, revision = 2, changed = pg_current_xact_id() where id = $1`,
      [whole],
    );
    await rows.client.query('insert into journal (device_ids) values ($1)', [[device]]);
    await commit(rows.client);
    await ear.until(3);
    const told = new Map(ear.messages.map((m) => [m.tripUpdates.trip.id, m.tripUpdates.trip]));
    expect(told.get(swallowedId)).toMatchObject({
      withdrawn: false,
      supersededBy: { id: wholeId },
    });
    expect(told.get(lostId)).toMatchObject({
      withdrawn: true,
      supersededBy: null,
      localDate: '2015-05-10',
    });
    expect(told.get(wholeId)).toMatchObject({ withdrawn: false, supersededBy: null, revision: 2 });
    await ear.end();
    const nodes = await ask(
      api,
      INSURER,
      `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Trip { withdrawn supersededBy { id } } } }`,
      {
        ids: [swallowedId, lostId],
      },
    );
    expect(nodes.data.nodes).toEqual([
      { withdrawn: false, supersededBy: { id: wholeId } },
      { withdrawn: true, supersededBy: null },
    ]);
  });

  it('requires exactly one of device and driver', async () => {
    for (const variables of [{}, { deviceId, driver: 'ann' }]) {
      const ear = subscribe<Message>(api, INSURER, UPDATES, variables);
      await expect(ear.until(1)).rejects.toThrow('BAD_USER_INPUT');
      await ear.end();
    }
  });
});

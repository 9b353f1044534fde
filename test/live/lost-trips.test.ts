import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { openStore } from '../../src/store/open.ts';
import { readRepricedPolicies } from '../../src/store/read/changes.ts';
import { readChangedTrips } from '../../src/store/read/trips.ts';
import type { Claims } from '../api/client.ts';
import { ask, startTestApi } from '../api/client.ts';
import type { Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { quietFor } from '../support/streams.ts';
import { subscribe } from './sockets.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
const GLOBEX = { role: 'INSURER', tenant: 'globex' } as const;
const ANN = { role: 'DRIVER', tenant: 'acme', driver: 'ann' } as const;
const UPDATES = `subscription ($deviceId: String, $driver: String, $after: Cursor) {
  tripUpdates(deviceId: $deviceId, driverExternalId: $driver, after: $after) {
    cursor trip { id localDate withdrawn supersededBy { id } driver { externalId } } } }`;

interface Message {
  readonly tripUpdates: {
    readonly cursor: string;
    readonly trip: {
      readonly localDate: string;
      readonly withdrawn: boolean;
      readonly supersededBy: unknown;
      readonly driver: { readonly externalId: string } | null;
    };
  };
}

let database: TestDatabase;
let rows: Rows;
let api: Api;
let tenant: number;
let orders = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  tenant = await rows.addTenant('acme');
  await rows.addTenant('globex');
  for (const name of ['ann', 'bob']) await rows.addDriver(tenant, name);
});
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});

async function order(claims: Claims, name: 'assignDevice' | 'moveDevice', input: object) {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const { data, errors } = await ask(
    api,
    claims,
    `mutation ($input: ${type}!) { ${name}(input: $input) { userErrors { message } } }`,
    { input: { idempotencyKey: `order ${++orders}`, ...input } },
  );
  expect([errors, data?.[name].userErrors]).toEqual([[], []]);
}

let devices = 0;

/** A device that Ann drove: a closed trip on 1 May, and one that is still open on 2 May. */
async function addDriven(): Promise<{ deviceId: string; probe: () => Promise<void> }> {
  const deviceId = `ID-${++devices}`;
  const device = await rows.addDevice(deviceId, tenant);
  await order(INSURER, 'assignDevice', { deviceId, driverExternalId: 'ann' });
  const { driver, assignment } = await rows.one<{ driver: number; assignment: number }>(
    `select driver_id as driver, id as assignment from assignment where device_id = $1`,
    device,
  );
  const add = (day: string, closed: boolean) =>
    rows.addTrip(tenant, device, {
      startedAt: `2015-05-${day}T08:00:00Z`,
      endedAt: `2015-05-${day}T09:00:00Z`,
      closed,
      driver,
      assignment,
    });
  await add('01', true);
  await add('02', false);
  // A trip of another device that Ann keeps shows that a subscription has begun.
  const other = await rows.addDevice(`${deviceId}-probe`, tenant);
  const id = await rows.addTrip(tenant, other, {
    startedAt: '2015-05-28T08:00:00Z',
    endedAt: '2015-05-28T09:00:00Z',
    driver,
  });
  return {
    deviceId,
    probe: async () => {
      for (const on of [other, device]) {
        await rows.owner.query(
          `update trip set changed = pg_current_xact_id() where ${on === other ? 'id = $1' : 'device_id = $1'}`,
          [on === other ? id : device],
        );
        await rows.owner.query('insert into journal (device_ids) values ($1)', [[on]]);
      }
      await rows.owner.query('notify odograph');
    },
  };
}

/** Subscriptions that have begun and are idle. Each then waits for the two trips of the device. */
async function follow(probe: () => Promise<void>, ...of: readonly (readonly [Claims, object])[]) {
  const streams = of.map(([claims, variables]) =>
    subscribe<Message>(api, claims, UPDATES, variables as Record<string, unknown>),
  );
  for (const stream of streams) await stream.begun(probe);
  await Promise.all(streams.map((stream) => quietFor(stream)));
  return streams.map((stream) => {
    const before = stream.messages.length;
    return {
      cursor: stream.messages.at(-1)!.tripUpdates.cursor,
      async news() {
        await stream.until(before + 2);
        await quietFor(stream);
        await stream.end();
        return show(stream.messages.slice(before));
      },
    };
  });
}

function show(messages: readonly Message[]) {
  return messages.map(({ tripUpdates: { trip } }) => ({
    date: trip.localDate,
    withdrawn: trip.withdrawn,
    supersededBy: trip.supersededBy,
    driver: trip.driver?.externalId ?? null,
  }));
}

async function resume(claims: Claims, variables: object, after: string) {
  const stream = subscribe<Message>(api, claims, UPDATES, { ...variables, after });
  await stream.until(2);
  await quietFor(stream);
  await stream.end();
  return show(stream.messages);
}

const gone = (driver: string) =>
  ['2015-05-01', '2015-05-02'].map((date) => ({
    date,
    withdrawn: true,
    supersededBy: null,
    driver,
  }));
const kept = (driver: string | null) =>
  ['2015-05-01', '2015-05-02'].map((date) => ({
    date,
    withdrawn: false,
    supersededBy: null,
    driver,
  }));

describe('a trip that is given to another driver', () => {
  it('is withdrawn for the driver who loses it, and sent to the driver who gets it, live and on resume', async () => {
    const { deviceId, probe } = await addDriven();
    const [byAnn, ofAnn, ofDevice] = await follow(
      probe,
      [ANN, { driver: 'ann' }],
      [INSURER, { driver: 'ann' }],
      [INSURER, { deviceId }],
    );
    await order(INSURER, 'assignDevice', { deviceId, driverExternalId: 'bob' });
    const live = await Promise.all([byAnn!.news(), ofAnn!.news(), ofDevice!.news()]);
    expect(live).toEqual([gone('ann'), gone('ann'), kept('bob')]);
    const resumed = await Promise.all([
      resume(ANN, { driver: 'ann' }, byAnn!.cursor),
      resume(INSURER, { driver: 'ann' }, ofAnn!.cursor),
      resume(INSURER, { deviceId }, ofDevice!.cursor),
    ]);
    expect(resumed).toEqual([gone('ann'), gone('ann'), kept('bob')]);

    // Given back, it is visible again to Ann and no longer to Bob.
    await order(INSURER, 'assignDevice', { deviceId, driverExternalId: 'ann' });
    expect(await resume(ANN, { driver: 'ann' }, byAnn!.cursor)).toEqual(kept('ann'));
    expect(await resume(INSURER, { deviceId }, ofDevice!.cursor)).toEqual(kept('ann'));
    const { rows: revisions } = await rows.owner.query(
      `select count(*)::int as n from trip_revision r join driver d on d.id = r.driver_id where d.external_id = 'bob'`,
    );
    expect(revisions).toEqual([{ n: 2 }]);
  });
});

describe('a device that is moved to another tenant', () => {
  it('withdraws its trips from the streams of the old tenant', async () => {
    const { deviceId, probe } = await addDriven();
    const [ofDevice, byAnn] = await follow(
      probe,
      [INSURER, { deviceId }],
      [ANN, { driver: 'ann' }],
    );
    await order({ role: 'OPERATOR' }, 'moveDevice', { deviceId, tenant: 'globex' });
    const live = await Promise.all([ofDevice!.news(), byAnn!.news()]);
    expect(live).toEqual([gone('ann'), gone('ann')]);
    expect(await resume(INSURER, { deviceId }, ofDevice!.cursor)).toEqual(gone('ann'));
    const trips = await ask(api, GLOBEX, '{ trips { edges { node { localDate } } } }');
    expect(trips.data.trips.edges).toHaveLength(2);
  });
});

describe('a stream that resumes', () => {
  it('reads only the data of its driver or policy, not of the whole fleet', async () => {
    const store = openStore({ url: database.ownerUrl, poolSize: 1 });
    try {
      const work = store.prisma.$transaction(async (tx) => {
        await tx.$executeRaw`select set_config('odograph.tenant', ${String(tenant)}, true)`;
        // Both still answer without the journal, which lists every batch of every device.
        await tx.$executeRaw`drop table journal`;
        const after = { xid: '3', key: [] };
        const trips = await readChangedTrips(tx, { driverExternalId: 'ann' }, after, 100);
        expect(trips.rows.length).toBeGreaterThan(0);
        await readRepricedPolicies(tx, ['P-1'], after);
        throw new Error('undo');
      });
      await expect(work).rejects.toThrow('undo');
    } finally {
      await store.close();
    }
  });
});

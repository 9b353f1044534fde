import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Answer, Claims } from './client.ts';
import { ask, codesOf, startTestApi } from './client.ts';
import type { Rows } from './rows.ts';
import { openRows } from './rows.ts';

const ACME = { role: 'INSURER', tenant: 'acme' } as const;
const GLOBEX = { role: 'INSURER', tenant: 'globex' } as const;
const ANN = { role: 'DRIVER', tenant: 'acme', driver: 'ann' } as const;
const BOB = { role: 'DRIVER', tenant: 'acme', driver: 'bob' } as const;
const DEVICE = `{ device(deviceId: "ID-1") { firstSeenAt lastEventAt
  tenancies { tenant from to } assignments { driver { externalId } from to }
  trips(first: 10) { edges { node { startedAt status } } } }
  devices(first: 5) { edges { node { deviceId lastEventAt } } }
  trips(first: 10, filter: { deviceId: "ID-1" }) { edges { node { startedAt status } } } }`;
/** Of one who owns only part of the time nothing else may change, whatever happens after it. */
const [ANNS, BOBS, MOVED, NEWEST] = [
  '2015-05-01T08:30:00.000Z',
  '2015-05-03T08:30:00.000Z',
  '2015-05-05T00:00:00.000Z',
  '2015-05-07T08:30:00.000Z',
];

let database: TestDatabase;
let rows: Rows;
let api: Api;
let device: number;
let tenants: readonly number[];

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  const [acme, globex] = [await rows.addTenant('acme'), await rows.addTenant('globex')];
  tenants = [acme, globex];
  const drivers: number[] = [];
  for (const name of ['ann', 'bob']) drivers.push(await rows.addDriver(acme, name));
  device = await rows.addDevice('ID-1', acme);
  const spans = [
    { from: '1970-01-01T00:00:00Z', to: '2015-05-02T00:00:00Z' },
    { from: '2015-05-02T00:00:00Z', to: MOVED },
  ];
  for (const [i, span] of spans.entries()) {
    await rows.addAssignment(acme, device, drivers[i]!, span);
  }
  await rows.owner.query(`update device_tenancy set to_at = $2 where device_id = $1`, [
    device,
    MOVED,
  ]);
  await rows.owner.query(
    `insert into device_tenancy (device_id, tenant_id, from_at) values ($1, $2, $3)`,
    [device, globex, MOVED],
  );
  for (const [at, driver] of [
    [ANNS, drivers[0]],
    [BOBS, drivers[1]],
  ] as const) {
    await rows.addEvents(device, [{ at }]);
    await rows.addTrip(acme, device, { startedAt: at, endedAt: at, driver: driver! });
  }
});
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});

/** The new owner's drives: events, a trip, the device's head, and that it was heard of now. */
async function driveOn(at: string): Promise<void> {
  await rows.addEvents(device, [{ at }]);
  await rows.addTrip(tenants[1]!, device, { startedAt: at, endedAt: at, closed: false });
}

async function answerOf(claims: Claims) {
  const { data, errors } = await ask(api, claims, DEVICE);
  expect(codesOf({ errors } as Answer).filter((code) => code !== 'FORBIDDEN')).toEqual([]);
  return data;
}

describe('a device that was assigned to others and moved to another tenant', () => {
  it('shows its former tenant and drivers nothing of the time after', async () => {
    const former = [ACME, ANN, BOB];
    const before = await Promise.all(former.map(answerOf));
    expect(before.map(({ device: { lastEventAt } }) => lastEventAt)).toEqual([BOBS, ANNS, BOBS]);
    for (const at of ['2015-05-06T08:30:00.000Z', NEWEST]) {
      await driveOn(at);
      expect(await Promise.all(former.map(answerOf))).toEqual(before);
      for (const claims of [GLOBEX, { role: 'OPERATOR' } as const]) {
        const { device: seen, devices } = await answerOf(claims);
        expect([seen.lastEventAt, devices.edges[0].node.lastEventAt]).toEqual([at, at]);
      }
    }
  });

  it('shows its new tenant nothing of the time before', async () => {
    const { device: seen, trips } = await answerOf(GLOBEX);
    expect(seen.assignments).toEqual([]);
    expect(seen.tenancies).toEqual([{ tenant: 'globex', from: MOVED, to: null }]);
    expect(trips.edges.map(({ node }: { node: { startedAt: string } }) => node.startedAt)).toEqual([
      NEWEST,
      '2015-05-06T08:30:00.000Z',
    ]);
  });
});

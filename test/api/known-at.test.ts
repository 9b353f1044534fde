import { beforeAll, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import type { Claims } from './client.ts';
import { ask } from './client.ts';

const INSURER: Claims = { role: 'INSURER', tenant: 'acme' };

let ann: number;

const { api, rows } = await useApi();

/** Three trips known at noon of 10 May; the first was corrected, the second withdrawn on 12 May; the third is open. */
beforeAll(async () => {
  const acme = await rows.addTenant('acme');
  const device = await rows.addDevice('ID-1', acme);
  ann = await rows.addDriver(acme, 'ann');
  const [first, second] = [
    await rows.addTrip(acme, device, {
      startedAt: '2015-05-01T08:00:00Z',
      endedAt: '2015-05-01T08:30:00Z',
      distanceM: 1_000,
      driver: ann,
    }),
    await rows.addTrip(acme, device, {
      startedAt: '2015-05-02T08:00:00Z',
      endedAt: '2015-05-02T08:30:00Z',
      distanceM: 20_000,
      driver: ann,
    }),
  ];
  await rows.addTrip(acme, device, {
    startedAt: '2015-05-03T08:00:00Z',
    endedAt: '2015-05-03T08:30:00Z',
    distanceM: 300_000,
    closed: false,
    driver: ann,
  });
  await rows.owner.query(`update trip set updated_at = '2015-05-10T12:00:00Z'`);
  await rows.owner.query(
    `insert into trip_revision (trip_id, revision, device_id, tenant_id, driver_id, known_from, known_to, withdrawn, facts)
     select id, revision, device_id, tenant_id, driver_id, updated_at, '2015-05-12T12:00:00Z', id = $2,
       to_jsonb(trip) - array['id', 'revision', 'changed', 'updated_at'] from trip where id in ($1, $2)`,
    [first, second],
  );
  await rows.owner.query('delete from trip where id = $1', [second]);
  await rows.owner.query(
    `update trip set distance_m = 4000, revision = 2, updated_at = '2015-05-12T12:00:00Z' where id = $1`,
    [first],
  );
});

async function figuresAt(knownAt: string | null) {
  const answer = await ask(
    api,
    INSURER,
    `query ($knownAt: DateTime) { tripStats(groupBy: [{ by: DAY }, { by: DRIVER }], knownAt: $knownAt) {
      rows { key { value } distanceKm { sum max variance } } totals { exposure { trips } } } }`,
    { knownAt },
  );
  expect(answer.errors).toEqual([]);
  return answer.data.tripStats;
}

it('figures are those known at the given instant: before a correction, before a withdrawal, and after', async () => {
  const row = (day: string, km: number) => ({
    key: [{ value: day }, { value: 'ann' }],
    distanceKm: { sum: km, max: km, variance: null },
  });
  expect(await figuresAt('2015-05-10T11:59:59.999Z')).toMatchObject({
    rows: [],
    totals: { exposure: { trips: 0 } },
  });
  expect(await figuresAt('2015-05-10T12:00:00Z')).toEqual({
    rows: [row('2015-05-01', 1), row('2015-05-02', 20)],
    totals: { exposure: { trips: 2 } },
  });
  expect(await figuresAt('2015-05-12T11:59:59.999Z')).toEqual(
    await figuresAt('2015-05-10T12:00:00Z'),
  );
  expect(await figuresAt('2015-05-12T12:00:00Z')).toEqual({
    rows: [row('2015-05-01', 4)],
    totals: { exposure: { trips: 1 } },
  });
  // Now the open trip counts with its state so far.
  expect(await figuresAt(null)).toMatchObject({ totals: { exposure: { trips: 2 } } });
});

it('the same query returns the same answer after the trips move to a driver, and then to another', async () => {
  const instants = ['2015-05-10T12:00:00Z', '2015-05-12T12:00:00Z', '2015-06-01T00:00:00Z'];
  const before = await Promise.all(instants.map(figuresAt));
  for (const [at, driver] of ['ann', 'bob'].entries()) {
    const answer = await ask(
      api,
      INSURER,
      `mutation ($driver: String!, $key: String!, $from: DateTime!) {
        registerDriver(input: { externalId: $driver, idempotencyKey: $driver }) { userErrors { code } }
        assignDevice(input: { deviceId: "ID-1", driverExternalId: $driver, from: $from, idempotencyKey: $key }) { userErrors { code } } }`,
      { driver, key: `assign-${driver}`, from: `2015-04-0${at + 1}T00:00:00Z` },
    );
    expect(answer.errors).toEqual([]);
    expect(answer.data.assignDevice.userErrors).toEqual([]);
    expect(await Promise.all(instants.map(figuresAt))).toEqual(before);
  }
  const now = await figuresAt(null);
  expect(now.rows.map((row: { key: unknown[] }) => row.key[1])).toEqual([
    { value: 'bob' },
    { value: 'bob' },
  ]);
});

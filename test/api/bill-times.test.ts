import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Claims } from './client.ts';
import { ask, startTestApi } from './client.ts';
import type { Rows } from './rows.ts';
import { openRows } from './rows.ts';

const LONG = process.env['ODOGRAPH_LONG'] === '1';
/** Weekdays from 1 January 2026 on which the device sends once a second for two hours. */
const DRIVEN_DAYS = 42;
const A_DAY = LONG ? 7_200 : 600;
/** Others work at the same time, unless this is a long run. */
const MOST_MS = LONG ? 1_000 : 5_000;

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
const ACTUARY = { role: 'ACTUARY', tenant: 'acme' } as const;
const ANN = { role: 'DRIVER', tenant: 'acme', driver: 'ann' } as const;
const MARCH = { policyNumber: 'P-1', from: '2026-03-01', to: '2026-04-01' };

const documentOf = (version: string, rate: string) => ({
  format: 'odograph.tariff/1',
  id: 'silent',
  version,
  product: 'p',
  jurisdiction: 'US-NY',
  currency: 'USD',
  effectiveFrom: '2020-01-01',
  rounding: { mode: 'HALF_UP', places: 2 },
  charges: [{ kind: 'perKm/1', id: 'distance', unit: 'km', rate }],
  factors: [],
  adjustments: [],
  silentDays: {
    ...{ kind: 'mean/1', source: 'Policy wording, clause 7', fromDays: 5, upToDays: 60 },
    ...{ windowDays: 30, leastHeardDays: 10, unit: 'km', otherwise: '30' },
  },
});

let database: TestDatabase;
let rows: Rows;
let api: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  const tenant = await rows.addTenant('acme');
  const driver = await rows.addDriver(tenant, 'ann');
  const vehicle = await rows.addVehicle(tenant, 'car');
  const device = await rows.addDevice('ID-1', tenant);
  const assignment = await rows.addAssignment(tenant, device, driver, { vehicle });
  await fill(tenant, device, driver, vehicle, assignment);
  api = await startTestApi(database);
  for (const document of [documentOf('1', '0.10'), documentOf('2', '0.20')])
    await change(ACTUARY, 'createTariffDraft', { document }, 'tariff { name }');
  await change(INSURER, 'activateTariff', { tariffId: 'silent@1' }, 'tariff { status }');
  const policy = {
    ...{ number: 'P-1', product: 'p', jurisdiction: 'US-NY', timeZone: 'America/New_York' },
    ...{ startDate: '2026-01-01', endDate: '2027-01-01', driverExternalId: 'ann' },
  };
  const input = { ...policy, vehicle: { externalId: 'car' } };
  await change(INSURER, 'createPolicy', input, 'policy { number }');
}, 120_000);
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});

/** A trip of 60 km on each driven day, its events at 1 Hz, and nothing since. */
async function fill(...[tenant, device, driver, vehicle, assignment]: number[]): Promise<void> {
  const days = Array.from({ length: 366 }, (_, i) => new Date(Date.UTC(2026, 0, 1 + i)))
    .filter((day) => day.getUTCDay() > 0 && day.getUTCDay() < 6)
    .slice(0, DRIVEN_DAYS);
  for (const day of days) {
    const date = day.toISOString().slice(0, 10);
    const trip = await rows.addTrip(tenant!, device!, {
      ...{ startedAt: `${date}T13:00:00Z`, endedAt: `${date}T15:00:00Z`, distanceM: 60_000 },
      ...{ driver: driver!, vehicle: vehicle!, assignment: assignment! },
    });
    await rows.rollUp(trip);
  }
  await rows.owner.query(
    `insert into event (device_id, sec, rest, lat_e7, lon_e7, speed_ckmh)
       select device_id, anchor_sec + i, 1, 420000000, -755000000, 6000 from trip cross join generate_series(0, $1::int - 1) as i
       where device_id = $2`,
    [A_DAY, device],
  );
  await rows.owner.query(
    `update device_state s set head_sec = m.sec, head_rest = 1, arrived_at = '2026-03-01' from (select max(sec) as sec from event) as m where s.device_id = $1`,
    [device],
  );
  await rows.owner.query(
    `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, '2026-12-01T00:00:00Z')`,
  );
  await rows.owner.query('vacuum analyze');
}

async function change(claims: Claims, name: string, input: object, select: string) {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const answer = await ask(
    api,
    claims,
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${select} userErrors { message } } }`,
    { input: { idempotencyKey: `${name} ${Math.random()}`, ...input } },
  );
  expect(answer.errors).toEqual([]);
  expect(answer.data[name].userErrors).toEqual([]);
  return answer.data[name];
}

describe(`a device with ${(DRIVEN_DAYS * A_DAY).toLocaleString('en')} events that was silent all month`, () => {
  it('is previewed, billed, adjusted and asked about within a second each', async () => {
    const period = 'policyNumber: "P-1", from: "2026-03-01", to: "2026-04-01"';
    const preview = await within(async () => {
      const answer = await ask(api, ANN, `{ premium(${period}) { total } }`);
      expect(answer.errors).toEqual([]);
      return answer.data.premium;
    });
    const { bill } = await within(() => change(INSURER, 'issueBill', MARCH, 'bill { total }'));
    // 31 days at 60 km: the mean of the days heard, weekends being silent.
    expect([preview, bill]).toEqual([{ total: '186.00' }, { total: '186.00' }]);
    const adjusted = await within(() =>
      change(INSURER, 'adjustBills', { policyNumber: 'P-1' }, 'adjustment { total }'),
    );
    expect(adjusted.adjustment).toBeNull();
    const whatIf = await within(async () =>
      ask(
        api,
        INSURER,
        '{ whatIf(tariff: "silent@2", from: "2026-03-01", to: "2026-04-01") { total { before after } } }',
      ),
    );
    expect(whatIf.data.whatIf.total).toEqual({ before: '186.00', after: '372.00' });
  });
});

async function within<Result>(work: () => Promise<Result>): Promise<Result> {
  const startMs = performance.now();
  const result = await work();
  expect(performance.now() - startMs).toBeLessThan(MOST_MS);
  return result;
}

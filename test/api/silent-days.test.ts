import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Claims } from './client.ts';
import { ask, startTestApi } from './client.ts';
import type { Rows } from './rows.ts';
import { openRows } from './rows.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
const ACTUARY = { role: 'ACTUARY', tenant: 'acme' } as const;
const ANN = { role: 'DRIVER', tenant: 'acme', driver: 'ann' } as const;

/** Ten cents a kilometre, also for silent days of three and more in a row. */
const documentOf = (version: string, more: object = {}) => ({
  format: 'odograph.tariff/1',
  id: 'silent',
  version,
  product: 'p',
  jurisdiction: 'DE',
  currency: 'EUR',
  effectiveFrom: '2020-01-01',
  rounding: { mode: 'HALF_UP', places: 2 },
  charges: [{ kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.10' }],
  factors: [],
  adjustments: [],
  ...more,
});
const SILENT_DAYS = {
  ...{ kind: 'mean/1', source: 'Policy wording, clause 7', fromDays: 3, upToDays: 30 },
  ...{ windowDays: 30, leastHeardDays: 2, unit: 'km', otherwise: '0' },
};
const JUNE = { policyNumber: 'P-1', from: '2026-06-01', to: '2026-07-01' };
const LINES = 'total lines { id kind quantity amount } worksheet inputsHash';

let database: TestDatabase;
let rows: Rows;
let api: Api;
let tenant: number;
let device: number;
let driver: number;
let vehicle: number;
let assignment: number;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  tenant = await rows.addTenant('acme');
  driver = await rows.addDriver(tenant, 'ann');
  for (const document of [documentOf('1', { silentDays: SILENT_DAYS }), documentOf('2')])
    await change(ACTUARY, 'createTariffDraft', { document }, 'tariff { name }');
  await change(INSURER, 'activateTariff', { tariffId: 'silent@1' }, 'tariff { status }');
  const policy = {
    ...{ number: 'P-1', product: 'p', jurisdiction: 'DE', timeZone: 'America/New_York' },
    ...{ startDate: '2026-01-01', endDate: '2027-01-01', driverExternalId: 'ann' },
  };
  const input = { ...policy, vehicle: { externalId: 'car' } };
  await change(INSURER, 'createPolicy', input, 'policy { number }');
  vehicle = (await rows.one<{ id: number }>(`select id from vehicle where external_id = 'car'`)).id;
  device = await rows.addDevice('ID-1', tenant);
  const from = '2026-05-31T12:00:00Z';
  assignment = await rows.addAssignment(tenant, device, driver, { vehicle, from });
  await rows.owner.query(
    `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, '2026-07-02T03:00:00Z')`,
  );
  // The last message of 4 June comes late in its evening, when in UTC it is the 5th.
  await hear('2026-06-01T12:00:00Z', '2026-06-03T12:00:00Z', '2026-06-05T03:59:59.500Z');
  await hear(
    ...Array.from({ length: 22 }, (_, i) => `2026-06-${String(i + 9).padStart(2, '0')}T04:00:00Z`),
  );
  await drive('2026-06-01', 20);
  await drive('2026-06-03', 40);
});
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});

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

async function hear(...instants: string[]) {
  await rows.addEvents(
    device,
    instants.map((at) => ({ at })),
  );
}

async function drive(date: string, km: number) {
  const trip = await rows.addTrip(tenant, device, {
    startedAt: `${date}T14:00:00Z`,
    endedAt: `${date}T15:00:00Z`,
    ...{ distanceM: km * 1000, vehicle, driver, assignment },
  });
  await rows.rollUp(trip);
}

async function preview(claims: Claims = INSURER, period: object = JUNE) {
  const answer = await ask(
    api,
    claims,
    `query ($policyNumber: String!, $from: Date!, $to: Date!) { premium(policyNumber: $policyNumber, from: $from, to: $to) { ${LINES} } }`,
    { ...period },
  );
  expect(answer.errors).toEqual([]);
  return answer.data.premium;
}

const estimatesOf = (premium: {
  worksheet: { years: { vehicles: { estimates: object[] }[] }[] };
}) => premium.worksheet.years[0]?.vehicles[0]?.estimates;

describe('a device that was silent for days', () => {
  it('costs its estimate in a preview, the same for every caller that may see the policy', async () => {
    const premium = await preview();
    // Heard on 1, 3 and 4 June with 60 km; 2 June alone is a parked car, 31 May not a whole day.
    expect(premium).toMatchObject({
      total: '14.00',
      lines: [
        { id: 'distance', kind: 'CHARGE', quantity: '60', amount: '6.00' },
        { id: 'distance.estimated', kind: 'ESTIMATED', quantity: '80', amount: '8.00' },
      ],
    });
    expect(estimatesOf(premium)).toMatchObject([
      { mark: 'ESTIMATED', from: '2026-06-05', to: '2026-06-09', days: 4, dailyM: 20_000 },
    ]);
    expect(await preview(ANN)).toEqual(premium);
  });

  it('is not silent on days that are not over, nor before it was mounted', async () => {
    const { total } = await preview(INSURER, { ...JUNE, from: '2026-05-01', to: '2026-06-01' });
    expect(total).toBe('0.00');
    await rows.owner.query(`update sink_offset set read_through = '2026-06-08T03:59:00Z'`);
    expect(estimatesOf(await preview())).toEqual([]);
    await rows.owner.query(`update sink_offset set read_through = '2026-06-08T04:00:00Z'`);
    expect(estimatesOf(await preview())).toMatchObject([{ to: '2026-06-08', days: 3 }]);
    await rows.owner.query(`update sink_offset set read_through = '2026-07-02T03:00:00Z'`);
  });

  it('is billed by its estimate, and settled by a line when the true kilometres come', async () => {
    const { bill } = await change(
      INSURER,
      'issueBill',
      JUNE,
      'bill { number total document text }',
    );
    expect(bill.total).toBe('14.00');
    expect(bill.text).toMatch(/^8 June 2026 +estimated +20\.000 +20\.000$/m);
    const again = await change(INSURER, 'recalculateBill', { billNumber: bill.number }, 'same');
    expect(again.same).toBe(true);
    const SETTLED = 'adjustment { total lines { now difference } text }';
    const none = await change(INSURER, 'adjustBills', { policyNumber: 'P-1' }, SETTLED);
    expect(none.adjustment).toBeNull();

    await hear(...['05', '06', '07', '08'].map((d) => `2026-06-${d}T14:30:00Z`));
    await drive('2026-06-06', 35);
    const { adjustment } = await change(INSURER, 'adjustBills', { policyNumber: 'P-1' }, SETTLED);
    expect(adjustment).toMatchObject({
      total: '-4.50',
      lines: [{ now: '9.50', difference: '-4.50' }],
    });
    expect(adjustment.text).toMatch(/^6 June 2026 +20\.000 +35\.000$/m);
    expect((await preview()).total).toBe('9.50');
    const document = await rows.one<{ document: string }>(
      'select document from bill where number = $1',
      bill.number,
    );
    expect(JSON.parse(document.document).inputs.deviceDays).toEqual([
      { vehicleId: 'car', from: '2026-06-01', to: '2026-06-02', heard: true },
      { vehicleId: 'car', from: '2026-06-02', to: '2026-06-03', heard: false },
      { vehicleId: 'car', from: '2026-06-03', to: '2026-06-05', heard: true },
      { vehicleId: 'car', from: '2026-06-05', to: '2026-06-09', heard: false },
      { vehicleId: 'car', from: '2026-06-09', to: '2026-07-01', heard: true },
    ]);
  });

  it('costs in a what-if as each of the tariffs says', async () => {
    await rows.owner.query(
      `delete from event where device_id = $1 and sec < (extract(epoch from '2026-06-10T00:00:00Z'::timestamptz) - 946684800)`,
      [device],
    );
    const { data, errors } = await ask(
      api,
      INSURER,
      `{ whatIf(tariff: "silent@2", from: "2026-06-01", to: "2026-07-01") { total { before after } } }`,
    );
    expect(errors).toEqual([]);
    // 1, 3 and 6 June have trips; of the others 7 to 9 June are silent now: 95 km on three days heard.
    expect(data.whatIf.total).toEqual({ before: '19.00', after: '9.50' });
  });
});

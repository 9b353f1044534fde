import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { tariffDocument } from '../../src/sim/tariff.ts';
import { cities } from '../../src/sim/cities.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { ask, codesOf, startTestApi } from './client.ts';
import type { Rows } from './rows.ts';
import { openRows } from './rows.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
const ACTUARY = { role: 'ACTUARY', tenant: 'acme' } as const;

let database: TestDatabase;
let rows: Rows;
let api: Api;

const city = Object.values(cities).find(({ jurisdiction }) => jurisdiction === 'DE')!;
const document = tariffDocument(city) as {
  id: string;
  version: string;
  jurisdiction: string;
  product: string;
};

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  const tenant = await rows.addTenant('acme');
  const device = await rows.addDevice('ID-1', tenant);
  await rows.addDriver(tenant, 'ann');
  for (const day of ['2026-03-01', '2026-03-02', '2026-03-03']) {
    await rows.addTrip(tenant, device, {
      startedAt: `${day}T08:00:00Z`,
      endedAt: `${day}T10:00:00Z`,
      distanceM: 50_000,
      closed: day < '2026-03-03',
    });
  }
});
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});

async function change(
  claims: typeof INSURER | typeof ACTUARY,
  name: string,
  input: object,
  select: string,
) {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const answer = await ask(
    api,
    claims,
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${select} userErrors { code message field } } }`,
    { input: { idempotencyKey: `${name} ${Math.random()}`, ...input } },
  );
  expect(answer.errors).toEqual([]);
  return answer.data[name];
}

const PREMIUM = `query ($from: Date!, $to: Date!) { premium(policyNumber: "P-1", from: $from, to: $to) {
  from to currency total lines { id kind label quantity unit rate amount explanation } worksheet
  tariff { name version hash status } dataCutoff inputsHash } }`;

describe('from a driver to the premium', () => {
  it('refuses a tariff with every problem, and activates a good one once', async () => {
    const bad = await change(
      ACTUARY,
      'createTariffDraft',
      { document: { ...document, currency: 'Taler', charges: [] } },
      'tariff { id }',
    );
    expect(bad.tariff).toBeNull();
    expect(bad.userErrors.map((e: { field: string[] }) => e.field)).toEqual(
      expect.arrayContaining([
        ['document', 'currency'],
        ['document', 'charges'],
      ]),
    );
    const draft = await change(
      ACTUARY,
      'createTariffDraft',
      { document },
      'tariff { id name status document }',
    );
    expect(draft.tariff).toMatchObject({ name: `${document.id}@1`, status: 'DRAFT', document });
    const active = await change(
      INSURER,
      'activateTariff',
      { tariffId: draft.tariff.id },
      'tariff { status }',
    );
    expect(active.tariff).toEqual({ status: 'ACTIVE' });
    const again = await change(
      INSURER,
      'activateTariff',
      { tariffId: `${document.id}@1` },
      'tariff { status }',
    );
    expect(again.userErrors).toMatchObject([{ code: 'WRONG_STATE' }]);
    const rewritten = await change(
      ACTUARY,
      'createTariffDraft',
      { document: { ...document, title: 'New' } },
      'tariff { id }',
    );
    expect(rewritten.userErrors).toMatchObject([{ code: 'WRONG_STATE' }]);
  });

  it('prices closed trips and the open one, and its lines add up to the cent', async () => {
    await change(
      INSURER,
      'createPolicy',
      {
        number: 'P-1',
        product: document.product,
        jurisdiction: document.jurisdiction,
        timeZone: 'Europe/Berlin',
        startDate: '2026-01-01',
        endDate: '2027-01-01',
        driverExternalId: 'ann',
        vehicle: { externalId: 'car-1' },
        ratingFactors: { parking: 'garage' },
      },
      'policy { number drivers { driver { externalId } } vehicles { vehicle { externalId } } startDate }',
    );
    await change(
      INSURER,
      'assignDevice',
      {
        deviceId: 'ID-1',
        driverExternalId: 'ann',
        vehicle: { externalId: 'car-1' },
      },
      'device { deviceId }',
    );
    const answer = await ask(api, INSURER, PREMIUM, { from: '2026-03-01', to: '2026-04-01' });
    expect(answer.errors).toEqual([]);
    const { premium } = answer.data;
    expect(premium).toMatchObject({
      from: '2026-03-01',
      to: '2026-04-01',
      currency: 'EUR',
      tariff: { version: '1', status: 'ACTIVE' },
    });
    const distance = premium.lines.find((line: { id: string }) => line.id === 'distance');
    expect(distance).toMatchObject({ kind: 'CHARGE', unit: 'km', quantity: '150' });
    const cents = premium.lines.reduce(
      (sum: number, line: { amount: string }) => sum + Math.round(Number(line.amount) * 100),
      0,
    );
    expect(cents).toBe(Math.round(Number(premium.total) * 100));
    const own = await ask(api, { role: 'DRIVER', tenant: 'acme', driver: 'ann' }, PREMIUM, {
      from: '2026-03-01',
      to: '2026-04-01',
    });
    expect(own.data.premium).toEqual(premium);
  });

  it('says what would be right if nothing can be priced', async () => {
    const early = await ask(api, INSURER, PREMIUM, { from: '2019-01-01', to: '2019-02-01' });
    expect(codesOf(early)).toEqual(['BAD_USER_INPUT']);
    const outside = await ask(api, INSURER, PREMIUM, { from: '2025-01-01', to: '2025-02-01' });
    expect(codesOf(outside)).toEqual(['BAD_USER_INPUT']);
    const reversed = await ask(api, INSURER, PREMIUM, { from: '2026-02-01', to: '2026-02-01' });
    expect(codesOf(reversed)).toEqual(['BAD_USER_INPUT']);
    const foreign = await ask(api, { role: 'INSURER', tenant: 'default' }, PREMIUM, {
      from: '2026-03-01',
      to: '2026-04-01',
    });
    expect(foreign).toMatchObject({ data: { premium: null }, errors: [] });
  });
});

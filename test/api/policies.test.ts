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
const BOB = { role: 'DRIVER', tenant: 'acme', driver: 'bob' } as const;

/** A unit of money a day and vehicle, twice that in the city, half as much again with a young driver. */
const TARIFF = {
  format: 'odograph.tariff/1',
  id: 'day-by-day',
  version: '1',
  product: 'p',
  jurisdiction: 'DE',
  currency: 'EUR',
  effectiveFrom: '2020-01-01',
  rounding: { mode: 'HALF_UP', places: 2 },
  charges: [{ kind: 'fixed/1', id: 'base', amount: '365.00', per: 'YEAR' }],
  factors: [
    { kind: 'relativity/1', id: 'territory', fact: 'territory', table: { suburb: '1', city: '2' } },
    {
      kind: 'banded/1',
      id: 'age',
      fact: 'age',
      subject: 'DRIVERS',
      bands: [{ below: 25, relativity: '1.5' }, { relativity: '1' }],
    },
  ],
  adjustments: [],
};
const POLICY = `policy { number product cancelledOn startDate endDate
  drivers { driver { externalId } from to } vehicles { vehicle { externalId } from to }
  facts { name value vehicle { externalId } driver { externalId } from to } amendments { subject effectiveFrom change reason } }`;

let database: TestDatabase;
let rows: Rows;
let api: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  const tenant = await rows.addTenant('acme');
  await rows.addDriver(tenant, 'ann');
  await rows.addDriver(tenant, 'bob');
  await change(ACTUARY, 'createTariffDraft', { document: TARIFF }, 'tariff { id }');
  await change(INSURER, 'activateTariff', { tariffId: 'day-by-day@1' }, 'tariff { id }');
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
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${select} userErrors { code message field } } }`,
    { input: { idempotencyKey: `${name} ${Math.random()}`, ...input } },
  );
  expect(answer.errors).toEqual([]);
  return answer.data[name];
}

function createPolicy(number: string) {
  return change(
    INSURER,
    'createPolicy',
    {
      number,
      product: 'p',
      jurisdiction: 'DE',
      timeZone: 'Europe/Berlin',
      startDate: '2026-01-01',
      endDate: '2027-01-01',
      driverExternalId: 'ann',
      vehicle: { externalId: `${number} car 1` },
      ratingFactors: { territory: 'suburb' },
      facts: [{ name: 'age', value: 40, driverExternalId: 'ann' }],
    },
    POLICY,
  );
}

const amend = (policyNumber: string, from: string, what: object) =>
  change(INSURER, 'amendPolicy', { policyNumber, from, ...what }, POLICY);

async function march(claims: Claims, policyNumber: string, to = '2026-04-01') {
  const answer = await ask(
    api,
    claims,
    `query ($policyNumber: String!, $to: Date!) {
      premium(policyNumber: $policyNumber, from: "2026-03-01", to: $to) { total } }`,
    { policyNumber, to },
  );
  return answer.data?.premium?.total ?? answer.errors[0]?.message;
}

describe('a policy that changes during its term', () => {
  it('is rated day by day with the address, vehicles and drivers of each day', async () => {
    const made = await createPolicy('P-1');
    expect(made).toMatchObject({ userErrors: [], policy: { number: 'P-1', product: 'p' } });
    expect(await march(INSURER, 'P-1')).toBe('31.00');
    await amend('P-1', '2026-03-11', { facts: [{ name: 'territory', value: 'city' }] });
    expect(await march(INSURER, 'P-1')).toBe('52.00');
    await amend('P-1', '2026-03-21', { addVehicles: [{ externalId: 'P-1 car 2' }] });
    expect(await march(INSURER, 'P-1')).toBe('74.00');
    const young = { addDriverExternalIds: ['bob'], reason: 'a son with a licence' };
    await amend('P-1', '2026-03-27', young);
    expect(await march(INSURER, 'P-1')).toMatch(/driver bob has no "age" from 2026-03-27/);
    const age = { facts: [{ name: 'age', value: 20, driverExternalId: 'bob' }] };
    const { policy } = await amend('P-1', '2026-03-27', age);
    expect(await march(INSURER, 'P-1')).toBe('84.00');
    expect(policy.drivers).toEqual([
      { driver: { externalId: 'ann' }, from: '2026-01-01', to: '2027-01-01' },
      { driver: { externalId: 'bob' }, from: '2026-03-27', to: '2027-01-01' },
    ]);
    expect(policy.facts.filter(({ name }: { name: string }) => name === 'territory')).toEqual([
      expect.objectContaining({ value: 'suburb', from: '2026-01-01', to: '2026-03-11' }),
      expect.objectContaining({ value: 'city', from: '2026-03-11', to: '2027-01-01' }),
    ]);
    expect(policy.amendments).toHaveLength(4);
    expect(policy.amendments[2]).toMatchObject({
      effectiveFrom: '2026-03-27',
      reason: 'a son with a licence',
      change: { addDrivers: ['bob'] },
    });
    await amend('P-1', '2026-03-30', { removeVehicleExternalIds: ['P-1 car 1'] });
    expect(await march(INSURER, 'P-1')).toBe('78.00');
  });

  it('costs the same up to its cancellation, and cannot be changed afterwards', async () => {
    await createPolicy('P-2');
    const cancelled = await change(
      INSURER,
      'cancelPolicy',
      { policyNumber: 'P-2', on: '2026-03-21', reason: 'sold' },
      POLICY,
    );
    expect(cancelled.policy).toMatchObject({ cancelledOn: '2026-03-21', endDate: '2027-01-01' });
    expect(await march(INSURER, 'P-2', '2026-03-21')).toBe('20.00');
    expect(await march(INSURER, 'P-2')).toMatch(/not within the policy, 2026-01-01 to 2026-03-21/);
    const late = await amend('P-2', '2026-02-01', {
      facts: [{ name: 'territory', value: 'city' }],
    });
    expect(late.userErrors).toMatchObject([{ code: 'WRONG_STATE', field: ['policyNumber'] }]);
  });

  it('is never left without a vehicle or a driver, and says what is wrong with a change', async () => {
    await createPolicy('P-3');
    const bare = await amend('P-3', '2026-05-01', { removeVehicleExternalIds: ['P-3 car 1'] });
    expect(bare.userErrors).toMatchObject([{ code: 'INVALID', field: ['removeVehicles'] }]);
    expect(bare.userErrors[0].message).toContain('no vehicle from 2026-05-01');
    const swapped = await amend('P-3', '2026-05-01', {
      removeVehicleExternalIds: ['P-3 car 1'],
      addVehicles: [{ externalId: 'P-3 car 2' }],
    });
    expect(swapped.policy.vehicles).toMatchObject([{ to: '2026-05-01' }, { from: '2026-05-01' }]);
    const codes = async (from: string, what: object) =>
      (await amend('P-3', from, what)).userErrors.map((e: { code: string }) => e.code);
    expect(await codes('2027-01-01', { facts: [{ name: 'a', value: 'b' }] })).toEqual(['INVALID']);
    expect(await codes('2026-05-01', {})).toEqual(['INVALID']);
    expect(await codes('2026-05-01', { facts: [{ name: 'a', value: { b: 1 } }] })).toEqual([
      'INVALID',
    ]);
    expect(await codes('2026-05-01', { facts: [{ name: 'a', value: null }] })).toEqual([
      'NOT_FOUND',
    ]);
    expect(await codes('2026-05-01', { removeDriverExternalIds: ['bob'] })).toEqual(['NOT_FOUND']);
    expect(await codes('2026-05-01', { addVehicles: [{ externalId: 'P-3 car 1' }] })).toEqual([
      'ALREADY_EXISTS',
    ]);
  });
});

describe('a named driver', () => {
  it("sees their policy at the insurer's price, but not another driver's facts or the amendments", async () => {
    const query = `{ policies { nodes { number drivers { driver { externalId } }
      facts { name value driver { externalId } } amendments { reason } } } }`;
    const answer = await ask(api, BOB, query);
    const [policy] = answer.data.policies.nodes;
    expect(answer.data.policies.nodes).toHaveLength(1);
    expect(policy).toMatchObject({
      number: 'P-1',
      drivers: [{ driver: { externalId: 'bob' } }],
      amendments: null,
    });
    expect(policy.facts).toContainEqual({ name: 'age', value: 20, driver: { externalId: 'bob' } });
    expect(policy.facts.map(({ value }: { value: unknown }) => value)).not.toContain(40);
    expect(await march(BOB, 'P-1')).toBe(await march(INSURER, 'P-1'));
    expect(await march(ANN, 'P-1')).toBe('78.00');
    expect(await march(BOB, 'P-2')).toBeUndefined();
    await createPolicy('P-4');
    await amend('P-4', '2026-01-01', { product: 'unpriced' });
    expect(await march(INSURER, 'P-4')).toMatch(/No tariff of unpriced in DE is in force/);
  });
});

describe('the amendments of a policy', () => {
  it('are protected by the database against every login, including the owner', async () => {
    for (const statement of [
      `update policy_amendment set reason = 'other'`,
      'delete from policy_amendment',
      'truncate policy_amendment',
    ]) {
      await expect(rows.owner.query(statement)).rejects.toThrow(/never changed or taken away/);
    }
  });
});

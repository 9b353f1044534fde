import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { useApi } from '../support/api.ts';
import { ask } from './client.ts';

const TRIPS = 50;
const DRIVERS = 10;
const INSURER = { role: 'INSURER', tenant: 'acme' } as const;

const statements = vi.spyOn(pg.Client.prototype, 'query');

const { api, rows } = await useApi();

beforeAll(async () => {
  const tenant = await rows.addTenant('acme');
  const start = Date.parse('2015-05-01T08:00:00Z');
  for (let index = 0; index < DRIVERS; index++) {
    const driver = await rows.addDriver(tenant, `DR-${index}`);
    const device = await rows.addDevice(`ID-${index}`, tenant);
    for (let day = 0; day < TRIPS / DRIVERS; day++) {
      const startedAt = new Date(start + day * 86_400_000 + index * 60_000).toISOString();
      const endedAt = new Date(Date.parse(startedAt) + 1_800_000).toISOString();
      await rows.addTrip(tenant, device, { startedAt, endedAt, driver });
      await rows.addDrivingEvent(tenant, device, startedAt, startedAt, driver);
    }
  }
});

afterAll(async () => {
  statements.mockRestore();
});

async function countStatements(first: number): Promise<number> {
  statements.mockClear();
  const answer = await ask(
    api,
    INSURER,
    `query ($first: Int!) { trips(first: $first) { nodes { id events { kind }
      driver { externalId habits(from: "2015-05-01", to: "2015-05-30") { __typename } } } } }`,
    { first },
  );
  expect(answer.errors).toEqual([]);
  const { nodes } = answer.data.trips;
  expect(nodes).toHaveLength(first);
  expect(nodes.every((trip: { events: unknown[] }) => trip.events.length === 1)).toBe(true);
  expect(nodes.every((trip: { driver: unknown }) => trip.driver !== null)).toBe(true);
  return statements.mock.calls.length;
}

it('takes as many statements for a page of 50 trips with driver, events and habits as for a page of 2', async () => {
  await countStatements(1);
  const small = await countStatements(2);
  expect(small).toBeGreaterThan(3);
  expect(await countStatements(TRIPS)).toBe(small);
});

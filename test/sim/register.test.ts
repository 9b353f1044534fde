import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { createFleet } from '../../src/sim/fleet.ts';
import type { FleetTokens, RegisterSettings } from '../../src/sim/register.ts';
import { lastEventsMs, registerFleet } from '../../src/sim/register.ts';
import { ask, signToken, startTestApi } from '../api/client.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';

const INSURER = { role: 'INSURER', tenant: 'default' } as const;
const fleet = createFleet({ seed: 5, cars: 6 });
let database: TestDatabase;
let api: Api;
let settings: RegisterSettings;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
  const tokens: FleetTokens = {
    OPERATOR: await signToken({ role: 'OPERATOR' }),
    INSURER: await signToken(INSURER),
    ACTUARY: await signToken({ role: 'ACTUARY', tenant: 'default' }),
  };
  const signal = new AbortController().signal;
  settings = { fleet, apiUrl: api.url, tokens, firstYear: 2025, lastYear: 2026, signal };
});

afterAll(async () => {
  await api.stop();
  await database.drop();
});

const EVERYTHING = `{
  drivers(first: 100) { edges { node { externalId name policies { number } } } }
  devices(first: 100) { edges { node { deviceId assignments { from to driver { externalId } vehicle { externalId } } } } }
  tariffs(first: 100) { edges { node { name status jurisdiction } } }
}`;

describe('registering a fleet', () => {
  it('registers drivers, devices, tariffs and policies, and changes nothing the second time', async () => {
    await registerFleet(settings);
    const once = await ask(api, INSURER, EVERYTHING);
    expect(once.errors).toEqual([]);
    expect(once.data.drivers.edges).toHaveLength(fleet.length);
    expect(once.data.devices.edges).toHaveLength(fleet.length);
    for (const { node } of once.data.drivers.edges) expect(node.policies).toHaveLength(2);
    for (const { node } of once.data.tariffs.edges) expect(node.status).toBe('ACTIVE');
    const car = fleet[0];
    const device = once.data.devices.edges.find(
      (edge: { node: { deviceId: string } }) => edge.node.deviceId === car?.deviceId,
    );
    expect(device.node.assignments).toEqual([
      {
        from: null,
        to: null,
        driver: { externalId: car?.driverId },
        vehicle: { externalId: car?.vehicleId },
      },
    ]);

    await registerFleet(settings);
    expect((await ask(api, INSURER, EVERYTHING)).data).toEqual(once.data);
    expect(await lastEventsMs(settings)).toEqual(new Map());
  });

  it('names the address and what to do when the API does not answer', async () => {
    const apiUrl = 'http://127.0.0.1:9/graphql';
    await expect(registerFleet({ ...settings, apiUrl })).rejects.toMatchObject({
      code: 'FLEET_NOT_REGISTERED',
      message: expect.stringContaining(apiUrl) as string,
      hint: expect.stringContaining('--no-register') as string,
    });
  });
});

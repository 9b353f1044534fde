import { beforeAll, describe, expect, it } from 'vitest';
import { startApi } from '../../src/api/server.ts';
import { useApi } from '../support/api.ts';
import type { Claims } from './client.ts';
import { ask, codesOf, signToken } from './client.ts';

let acme: number;

const ANN: Claims = { role: 'DRIVER', tenant: 'acme', driver: 'ann' };
const BOB: Claims = { role: 'DRIVER', tenant: 'acme', driver: 'bob' };
const INSURER: Claims = { role: 'INSURER', tenant: 'acme' };
const CLAIMS: Claims = { role: 'CLAIMS', tenant: 'acme' };
const ACTUARY: Claims = { role: 'ACTUARY', tenant: 'acme' };
const OPERATOR: Claims = { role: 'OPERATOR' };

const { api, database, rows } = await useApi();

/** ann drives ID-1 until noon of 2 May, bob from then on. ID-2 has no driver. ID-9 belongs to globex. */
beforeAll(async () => {
  acme = await rows.addTenant('acme');
  const globex = await rows.addTenant('globex');
  const device = await rows.addDevice('ID-1', acme);
  const idle = await rows.addDevice('ID-2', acme);
  const other = await rows.addDevice('ID-9', globex);
  const ann = await rows.addDriver(acme, 'ann');
  const bob = await rows.addDriver(acme, 'bob');
  const vehicle = await rows.addVehicle(acme, 'car-1');
  const noon = '2015-05-02T12:00:00Z';
  const first = await rows.addAssignment(acme, device, ann, { to: noon, vehicle });
  const second = await rows.addAssignment(acme, device, bob, { from: noon, vehicle });
  for (const [target, tenant, day, hour, driver, assignment] of [
    [device, acme, 1, '08', ann, first],
    [device, acme, 2, '20', bob, second],
    [idle, acme, 1, '08', null, null],
    [other, globex, 1, '08', null, null],
  ] as const) {
    const startedAt = `2015-05-0${day}T${hour}:00:00Z`;
    await rows.addEvents(target, [
      { at: startedAt },
      { at: startedAt.replace(':00:00Z', ':15:00Z') },
      { at: startedAt.replace(':00:00Z', ':30:00Z') },
    ]);
    await rows.addTrip(tenant, target, {
      startedAt,
      endedAt: startedAt.replace(':00:00Z', ':30:00Z'),
      ...(driver === null ? {} : { driver, assignment, vehicle }),
    });
    await rows.addDrivingEvent(
      tenant,
      target,
      startedAt,
      startedAt.replace(':00:00Z', ':15:00Z'),
      driver,
    );
  }
  // The anchor's key in addTrip has digest 0, lower than every event's, so the path begins with the first event.
  await rows.addPolicy(acme, 'P-1', ann, vehicle);
});

describe('a driver', () => {
  it('sees their own trips, positions and path, and no data of drivers who have the car at other times', async () => {
    const query = `{ viewer { role tenant driver { externalId } } trips { nodes { deviceId driver { externalId } vehicle { externalId }
      start { lat lon } end { lat } path { at lat lon speedKmh } events { kind position { lat } } } }
      devices { nodes { deviceId assignments { driver { externalId } } } } driver(externalId: "bob") { id } policies { nodes { number } } }`;
    const answer = await ask(api, ANN, query);
    expect(answer.errors).toEqual([]);
    expect(answer.data.viewer).toEqual({
      role: 'DRIVER',
      tenant: 'acme',
      driver: { externalId: 'ann' },
    });
    expect(answer.data.trips.nodes).toHaveLength(1);
    const [trip] = answer.data.trips.nodes;
    expect(trip).toMatchObject({
      driver: { externalId: 'ann' },
      start: { lat: 40.757977, lon: -73.978165 },
      events: [{ kind: 'HARSH_BRAKING', position: { lat: 40.757977 } }],
    });
    expect(trip.path.map((p: { at: string }) => p.at)).toEqual([
      '2015-05-01T08:00:00.000Z',
      '2015-05-01T08:15:00.000Z',
    ]);
    expect(answer.data.driver).toBeNull();
    expect(answer.data.devices.nodes).toEqual([
      { deviceId: 'ID-1', assignments: [{ driver: { externalId: 'ann' } }] },
    ]);
    expect(answer.data.policies.nodes).toEqual([{ number: 'P-1' }]);
    const bob = await ask(api, BOB, query);
    expect(bob.data.trips.nodes).toHaveLength(1);
    expect(bob.data.policies.nodes).toEqual([]);
    const nobody = await ask(api, { ...ANN, driver: 'nobody' }, query);
    expect(nobody.data.trips.nodes).toEqual([]);
    expect(nobody.data.devices.nodes).toEqual([]);
  });
});

describe('coordinates', () => {
  const COORDINATES = `{ trips { nodes { deviceId distanceKm start { lat } end { lat } path(purpose: "why not") { lat } events { position { lat } } } } }`;

  it('are withheld from an insurer with one FORBIDDEN error, and the rest is answered', async () => {
    const answer = await ask(api, INSURER, COORDINATES);
    expect(codesOf(answer)).toEqual(['FORBIDDEN']);
    expect(answer.data.trips.nodes).toHaveLength(3);
    for (const trip of answer.data.trips.nodes) {
      expect(trip).toMatchObject({
        distanceKm: 1,
        start: null,
        end: null,
        path: null,
        events: [{ position: null }],
      });
    }
  });

  it('are visible to the operator only while no driver was assigned', async () => {
    const answer = await ask(api, OPERATOR, COORDINATES);
    expect(codesOf(answer)).toEqual(['FORBIDDEN']);
    for (const trip of answer.data.trips.nodes) {
      const shown = trip.deviceId !== 'ID-1';
      expect(trip.start === null).toBe(!shown);
      expect(trip.path === null).toBe(!shown);
      expect(trip.events[0].position === null).toBe(!shown);
    }
  });

  it('are given to a claims handler only as a path, with a purpose that is written to the access log first', async () => {
    const query = `query ($purpose: String) { trips(filter: { driverExternalId: "ann" }) { nodes { start { lat } path(purpose: $purpose) { lat } } } }`;
    const silent = await ask(api, CLAIMS, query);
    expect(codesOf(silent).sort()).toEqual(['BAD_USER_INPUT', 'FORBIDDEN']);
    expect(silent.data.trips.nodes[0]).toEqual({ start: null, path: null });
    const answer = await ask(api, CLAIMS, query, { purpose: 'claim 4711: who braked' });
    expect(answer.data.trips.nodes[0].path).toHaveLength(2);
    const { rows: log } = await rows.owner.query(
      'select tenant_id, role, purpose, object from access_log',
    );
    expect(log).toEqual([
      {
        tenant_id: acme,
        role: 'CLAIMS',
        purpose: 'claim 4711: who braked',
        object: expect.stringMatching(/^Trip\.path \d+$/) as string,
      },
    ]);
  });
});

describe('an actuary with microdata', () => {
  it('sees rows without names, and each read is logged', async () => {
    const claims = { ...ACTUARY, microdata: true };
    const answer = await ask(
      api,
      claims,
      '{ trips { nodes { distanceKm deviceId driver { name } vehicle { externalId } } } }',
    );
    expect(codesOf(answer)).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']);
    expect(answer.data.trips.nodes[0]).toEqual({
      distanceKm: 1,
      deviceId: null,
      driver: null,
      vehicle: null,
    });
    expect(
      codesOf(await ask(api, claims, '{ trips(filter: { deviceId: "ID-1" }) { nodes { id } } }')),
    ).toEqual(['FORBIDDEN']);
    const { rows: log } = await rows.owner.query(
      `select count(*)::int as n from access_log where purpose = 'microdata'`,
    );
    expect(log[0].n).toBeGreaterThan(0);
  });
});

describe('a token', () => {
  it('is required, must be signed with our key, and must not be expired', async () => {
    const none = await ask(api, null, '{ viewer { role } }');
    expect([none.status, ...codesOf(none)]).toEqual([401, 'UNAUTHENTICATED']);
    const tokens = [
      await signToken(INSURER, -10),
      await signToken(INSURER, 60, 'another secret that is long enough too'),
      await signToken({ role: 'ADMIN' as 'INSURER', tenant: 'acme' }),
      await signToken({ role: 'INSURER' }),
      await signToken({ role: 'DRIVER', tenant: 'acme' }),
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"role":"OPERATOR","exp":9999999999}').toString('base64url')}.`,
      'nonsense',
    ];
    for (const token of tokens) {
      const response = await fetch(api.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: '{"query":"{ viewer { role } }"}',
      });
      const body = (await response.json()) as { errors: { extensions: { code: string } }[] };
      expect([token, response.status, body.errors[0]?.extensions.code]).toEqual([
        token,
        401,
        'UNAUTHENTICATED',
      ]);
    }
  });
});

describe('an API', () => {
  it('does not start with a login that bypasses row-level security', async () => {
    const options = {
      host: '127.0.0.1',
      port: 0,
      auth: { jwtSecret: 'x'.repeat(32) },
      corsOrigins: [],
    };
    const log = (await import('pino')).default({ level: 'silent' });
    await expect(startApi({ ...options, log, storeUrl: database.ownerUrl })).rejects.toThrow(
      /superuser/,
    );
    await expect(startApi({ ...options, log, storeUrl: database.sinkUrl })).rejects.toThrow(
      /owns the table event/,
    );
  });
});

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Claims } from '../api/client.ts';
import { ask } from '../api/client.ts';
import { useApi } from '../support/api.ts';
import { until } from '../support/child.ts';
import { quietFor } from '../support/streams.ts';
import { subscribe } from './sockets.ts';

const { api, rows } = await useApi();
const INSURER: Claims = { role: 'INSURER', tenant: 'acme' };
const TRIPS = `subscription ($deviceId: String, $driver: String, $filter: TripFilter, $after: Cursor, $most: Float, $present: Boolean) {
  tripUpdates(deviceId: $deviceId, driverExternalId: $driver, filter: $filter, after: $after, maxPerSecond: $most, present: $present) {
    cursor trip { deviceId startedAt revision status closesAt } } }`;
/** Each message has an error for its coordinates too. */
const TRIPS_WITH_PLACES = TRIPS.replace('closesAt', 'closesAt start { lat }');

interface Trips {
  readonly tripUpdates: {
    readonly cursor: string;
    readonly trip: {
      readonly deviceId: string;
      readonly startedAt: string;
      readonly revision: number;
      readonly status: string;
      readonly closesAt: string | null;
    };
  };
}

let acme: number;
let other: number;
let ann: number;
let device: number;
let deviceId: string;
let count = 0;

beforeAll(async () => {
  acme = await rows.addTenant('acme');
  other = await rows.addTenant('other');
  ann = await rows.addDriver(acme, 'ann');
});
beforeEach(async () => {
  deviceId = `ID-${++count}`;
  device = await rows.addDevice(deviceId, acme);
});

const start = (day: number) => `2015-05-${String(day).padStart(2, '0')}T08:00:00.000Z`;

function addTrip(day: number, { tenant = acme, of = device, closed = true, driver = ann } = {}) {
  const endedAt = start(day).replace('08:00', '09:00');
  const seed = { startedAt: start(day), endedAt, closed, ...(tenant === acme && { driver }) };
  return rows.addTrip(tenant, of, seed);
}

async function revise(ids: readonly number[], of = device): Promise<void> {
  await rows.client.query('begin');
  await rows.client.query(
    'update trip set revision = revision + 1, changed = pg_current_xact_id(), updated_at = now() where id = any($1)',
    [ids],
  );
  await rows.client.query('insert into journal (device_ids) values ($1)', [[of]]);
  await rows.client.query('commit');
  await rows.client.query('notify odograph');
}

let open = 0;

/** A subscription that is running, or was refused. */
async function follow<Message = Trips>(
  claims: Claims,
  query: string,
  variables: Record<string, unknown>,
) {
  await until('earlier ones to end', () => api.live().subscriptions <= open);
  const ear = subscribe<Message>(api, claims, query, variables);
  open += 1;
  await until('it', () => api.live().subscriptions === open || ear.errors.length > 0);
  const end = async () => {
    open -= 1;
    await ear.end();
  };
  return { ...ear, end };
}

const told = ({ messages }: { readonly messages: readonly Trips[] }) =>
  messages.map(
    ({ tripUpdates: { trip } }) =>
      `${trip.deviceId} ${trip.startedAt.slice(8, 10)} ${trip.revision}`,
  );

describe('tripUpdates of a whole tenant', () => {
  it('sends every changed trip that matches the filter, none of another tenant, and resumes', async () => {
    const theirs = await rows.addDevice(`their-${count}`, other);
    const mine = await addTrip(1);
    const open = await addTrip(2, { closed: false });
    const foreign = await addTrip(1, { tenant: other, of: theirs });
    const all = await follow(INSURER, TRIPS, { filter: {} });
    const closed = await follow(INSURER, TRIPS, { filter: { status: 'CLOSED', deviceId } });
    await revise([mine, open]);
    await revise([foreign], theirs);
    await all.until(2);
    await closed.until(1);
    await quietFor(all);
    expect(told(all).sort()).toEqual([`${deviceId} 01 2`, `${deviceId} 02 2`]);
    expect(told(closed)).toEqual([`${deviceId} 01 2`]);
    const after = closed.messages[0]?.tripUpdates.cursor;
    for (const ear of [all, closed]) await ear.end();
    await revise([mine, open]);
    const filter = { status: 'CLOSED', deviceId };
    const resumed = await follow(INSURER, TRIPS, { filter, after });
    await resumed.until(1);
    await quietFor(resumed);
    expect(told(resumed)).toEqual([`${deviceId} 01 3`]);
    await resumed.end();
    const elsewhere = await follow(INSURER, TRIPS, { filter: {}, after });
    await expect(elsewhere.until(1)).rejects.toThrow('BAD_USER_INPUT');
    await elsewhere.end();
  });

  it('sends no coordinates, and refuses every other role', async () => {
    const trip = await addTrip(1);
    const ear = await follow(INSURER, TRIPS_WITH_PLACES, { filter: { deviceId } });
    await revise([trip]);
    await until('the refusal', () => ear.errors.length > 0);
    expect(JSON.stringify(ear.errors)).toContain('FORBIDDEN');
    await ear.end();
    const driver: Claims = { role: 'DRIVER', tenant: 'acme', driver: 'ann' };
    const refused = await follow(driver, TRIPS, { filter: {} });
    await expect(refused.until(1)).rejects.toThrow('FORBIDDEN');
    await refused.end();
  });
});

describe('maxPerSecond', () => {
  it('spaces messages out, and sends the newest state of each trip', async () => {
    const ids = [await addTrip(1), await addTrip(2)];
    const ear = await follow(INSURER, TRIPS, { deviceId, most: 2 });
    for (let round = 0; round < 10; round++) await revise(ids);
    await until('the newest states', () =>
      [1, 2].every((day) => told(ear).includes(`${deviceId} 0${day} 11`)),
    );
    await quietFor(ear);
    // The first trip is sent at once. By the time the next ones are sent, all rounds are over.
    expect(ear.messages.length).toBeLessThan(8);
    expect(new Set(told(ear)).size).toBe(ear.messages.length);
    await ear.end();
  });

  it('must be a rate', async () => {
    for (const most of [0, -1, 1e9]) {
      const ear = await follow(INSURER, TRIPS, { deviceId, most });
      await expect(ear.until(1)).rejects.toThrow('BAD_USER_INPUT');
      await ear.end();
    }
  });
});

describe('present', () => {
  it('sends the newest trips first, and resumes after any of their cursors', async () => {
    const ids = [];
    for (let day = 1; day <= 22; day++) ids.push(await addTrip(day));
    const ear = await follow(INSURER, TRIPS, { driver: 'ann', present: true, deviceId: undefined });
    await ear.until(20);
    await quietFor(ear);
    const [first] = ear.messages;
    expect(ear.messages).toHaveLength(20);
    expect(first?.tripUpdates.trip.startedAt).toBe(start(3));
    await ear.end();
    await revise([ids[4]!]);
    const resumed = await follow(INSURER, TRIPS, {
      driver: 'ann',
      after: first?.tripUpdates.cursor,
    });
    await resumed.until(1);
    await quietFor(resumed);
    expect(told(resumed)).toEqual([`${deviceId} 05 2`]);
    await resumed.end();
  });

  it('sends a driver and the newest event of a device in their current state', async () => {
    await rows.addEvents(device, [
      { at: '2015-05-15T08:00:00.000Z' },
      { at: '2015-05-15T08:00:01.000Z' },
    ]);
    const telemetry = await follow<{ telemetry: { at: string; cursor: string } }>(
      { role: 'OPERATOR' },
      'subscription ($deviceId: String!) { telemetry(deviceId: $deviceId, present: true) { at cursor } }',
      { deviceId },
    );
    const [event] = await telemetry.until(1);
    expect(event?.telemetry.at).toBe('2015-05-15T08:00:01.000Z');
    await telemetry.end();
    const habits = await follow<{ habitsUpdated: { driver: { externalId: string } } }>(
      INSURER,
      'subscription { habitsUpdated(driverExternalId: "ann", present: true) { cursor driver { externalId } } }',
      {},
    );
    const [now] = await habits.until(1);
    expect(now?.habitsUpdated.driver.externalId).toBe('ann');
    await habits.end();
  });

  it('cannot be combined with after', async () => {
    const ear = await follow(INSURER, TRIPS, { deviceId, present: true, after: 'x' });
    await expect(ear.until(1)).rejects.toThrow('BAD_USER_INPUT');
    await ear.end();
  });
});

describe('closesAt', () => {
  it('says when silence ends an open trip, and is null for a closed one', async () => {
    await addTrip(1);
    await addTrip(2, { closed: false });
    await rows.owner.query(`update device_state set arrived_at = $2 where device_id = $1`, [
      device,
      start(2),
    ]);
    const query = `query ($deviceId: String!) { trips(filter: { deviceId: $deviceId }) { nodes { status closesAt } } }`;
    const { data } = await ask(api, INSURER, query, { deviceId });
    const [open, closed] = data.trips.nodes;
    expect(closed).toEqual({ status: 'CLOSED', closesAt: null });
    expect(open.status).toBe('OPEN');
    expect(Date.parse(open.closesAt)).toBeGreaterThan(Date.parse(start(2)));
  });
});

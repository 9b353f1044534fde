import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import type { Claims } from '../api/client.ts';
import { ask, startTestApi } from '../api/client.ts';
import type { Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';
import type { Belongings } from '../api/world.ts';
import { fillDriver, fillTenant } from '../api/world.ts';
import { until } from '../support/child.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Subscription } from './sockets.ts';
import { subscribe } from './sockets.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
const ADDED = `subscription ($deviceId: String, $driver: String, $after: Cursor) {
  drivingEventAdded(deviceId: $deviceId, driverExternalId: $driver, after: $after) {
    cursor drivingEvent { at kind trip { localDate } } } }`;
const HABITS = `subscription ($driver: String!, $after: Cursor) {
  habitsUpdated(driverExternalId: $driver, after: $after) {
    cursor driver { externalId habits(from: "2015-05-01", to: "2015-06-01") { distanceKm } } } }`;

interface Added {
  readonly drivingEventAdded: {
    readonly cursor: string;
    readonly drivingEvent: {
      readonly at: string;
      readonly kind: string;
      readonly trip: { readonly localDate: string } | null;
    };
  };
}

interface Habits {
  readonly habitsUpdated: {
    readonly cursor: string;
    readonly driver: {
      readonly externalId: string;
      readonly habits: { readonly distanceKm: number };
    };
  };
}

let database: TestDatabase;
let rows: Rows;
let api: Api;
let tenant: number;
let ann: number;
let device: number;
let deviceId: string;
let driver: string;
let assignment: number;
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  tenant = await rows.addTenant('acme');
});
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});
beforeEach(async () => {
  driver = `ann-${++count}`;
  deviceId = `ID-${count}`;
  ann = await rows.addDriver(tenant, driver);
  device = await rows.addDevice(deviceId, tenant);
  assignment = await rows.addAssignment(tenant, device, ann);
});

/** Adds a trip on a day of May 2015 with harsh braking at the given minutes, as one batch of the sink. */
async function drive(day: number, minutes: readonly number[], driverRef = ann): Promise<void> {
  const at = (minute: number) =>
    `2015-05-${String(day).padStart(2, '0')}T08:${String(minute).padStart(2, '0')}:00Z`;
  await rows.client.query('begin');
  const trip = await rows.addTrip(tenant, device, {
    startedAt: at(0),
    endedAt: at(59),
    driver: driverRef,
    assignment,
    distanceM: 10_000,
  });
  for (const minute of minutes) {
    await rows.addDrivingEvent(tenant, device, at(0), at(minute), driverRef);
  }
  await rows.client.query('insert into journal (device_ids) values ($1)', [[device]]);
  await rows.client.query('commit');
  await rows.rollUp(trip);
  await rows.client.query('notify odograph');
}

/** Long enough for an unexpected message to arrive. */
async function wait(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1_500));
}

async function listen<Message>(
  query: string,
  variables: Record<string, unknown>,
): Promise<Subscription<Message>> {
  const ear = subscribe<Message>(api, INSURER, query, variables);
  let probe = 0;
  await ear.begun(() => drive(1 + (probe += 1), [1]));
  await wait();
  ear.messages.splice(0);
  await rows.owner.query('delete from driving_event where device_id = $1', [device]);
  await rows.owner.query('delete from trip where device_id = $1', [device]);
  await rows.owner.query('delete from daily_total where device_id = $1', [device]);
  return ear;
}

const times = (ear: Subscription<Added>) =>
  ear.messages.map(({ drivingEventAdded }) => drivingEventAdded.drivingEvent.at);

describe('drivingEventAdded', () => {
  it('sends each driving event of the device, or of the driver, once and in order', async () => {
    const byDevice = await listen<Added>(ADDED, { deviceId });
    const byDriver = await listen<Added>(ADDED, { driver });
    byDevice.messages.splice(0);
    await drive(27, [30, 10, 20]);
    await drive(26, [5]);
    const expected = [
      '2015-05-27T08:10:00.000Z',
      '2015-05-27T08:20:00.000Z',
      '2015-05-27T08:30:00.000Z',
      '2015-05-26T08:05:00.000Z',
    ];
    for (const ear of [byDevice, byDriver]) {
      await ear.until(4);
      await wait();
      expect(times(ear)).toEqual(expected);
      expect(ear.messages[0]?.drivingEventAdded.drivingEvent).toMatchObject({
        kind: 'HARSH_BRAKING',
        trip: { localDate: '2015-05-27' },
      });
      await ear.end();
    }
  });

  it('resumes after a cursor in the middle of a batch, and sends no event twice', async () => {
    const ear = await listen<Added>(ADDED, { deviceId });
    await drive(
      27,
      Array.from({ length: 50 }, (_, minute) => minute + 1),
    );
    await ear.until(50);
    const seen = ear.messages[19]?.drivingEventAdded.cursor;
    const rest = times(ear).slice(20);
    await ear.end();
    await drive(28, [7]);
    const resumed = subscribe<Added>(api, INSURER, ADDED, { deviceId, after: seen });
    await resumed.until(31);
    await wait();
    expect(times(resumed)).toEqual([...rest, '2015-05-28T08:07:00.000Z']);
    await resumed.end();
  });

  it('sends an event that moves to another driver to that driver', async () => {
    const bob = await rows.addDriver(tenant, `bob-${count}`);
    await drive(27, [10, 20]);
    const ear = subscribe<Added>(api, INSURER, ADDED, { driver: `bob-${count}` });
    let probe = 0;
    await ear.begun(() => drive(1 + (probe += 1), [1], bob));
    await wait();
    ear.messages.splice(0);
    await rows.owner.query('begin');
    for (const [table, at] of [
      ['trip', `started_at = '2015-05-27T08:00:00Z'`],
      ['driving_event', `at = '2015-05-27T08:20:00Z'`],
    ]) {
      await rows.owner.query(
        `update ${table} set driver_id = $2, changed = pg_current_xact_id() where device_id = $1 and ${at}`,
        [device, bob],
      );
    }
    await rows.owner.query('insert into journal (device_ids) values ($1)', [[device]]);
    await rows.owner.query('commit');
    await ear.until(1);
    expect(times(ear)).toEqual(['2015-05-27T08:20:00.000Z']);
    await ear.end();
  });

  it('refuses a cursor of another stream', async () => {
    const ear = await listen<Added>(ADDED, { deviceId });
    await drive(27, [10]);
    const [told] = await ear.until(1);
    await ear.end();
    const after = told?.drivingEventAdded.cursor;
    const other = subscribe(
      api,
      INSURER,
      'subscription ($deviceId: String, $after: Cursor) { tripUpdates(deviceId: $deviceId, after: $after) { cursor } }',
      { deviceId, after },
    );
    await expect(other.until(1)).rejects.toThrow('after is not a cursor of this stream');
    await other.end();
  });
});

describe('habitsUpdated', () => {
  it('sends the current driver when one of their trips changes, not when a trip of another driver does, and resumes', async () => {
    const ear = await listen<Habits>(HABITS, { driver });
    await drive(27, []);
    await ear.until(1);
    await wait();
    expect(ear.messages.at(-1)?.habitsUpdated.driver).toEqual({
      externalId: driver,
      habits: { distanceKm: 10 },
    });
    const told = ear.messages.length;
    const bob = await rows.addDriver(tenant, `bob-${count}`);
    await drive(20, [], bob);
    await wait();
    expect(ear.messages).toHaveLength(told);
    const after = ear.messages.at(-1)?.habitsUpdated.cursor;
    await ear.end();
    await drive(26, []);
    await drive(25, []);
    // An older transaction anywhere in the cluster would make the stream send the two drives one by one.
    await until('both drives to be older than every open transaction', async () => {
      const { over } = await rows.one<{ over: boolean }>(
        'select pg_snapshot_xmin(pg_current_snapshot()) > (select max(xid) from journal) as over',
      );
      return over;
    });
    const resumed = subscribe<Habits>(api, INSURER, HABITS, { driver, after });
    await resumed.until(1);
    await wait();
    expect(resumed.messages).toHaveLength(1);
    expect(resumed.messages[0]?.habitsUpdated.driver.habits.distanceKm).toBe(30);
    await resumed.end();
  });
});

describe('premiumUpdated', () => {
  const PREMIUM = `subscription ($number: String!, $after: Cursor) { premiumUpdated(policyNumber: $number, after: $after) {
    cursor policy { number } premium(from: "2026-01-01", to: "2026-02-01") { total } } }`;
  interface Premiums {
    readonly premiumUpdated: {
      readonly cursor: string;
      readonly policy: { readonly number: string };
      readonly premium: { readonly total: string };
    };
  }
  const driver = { role: 'DRIVER', tenant: 'premiums', driver: 'premiums-ann' } as const;
  const insurer = { role: 'INSURER', tenant: 'premiums' } as const;
  const totals = ({ messages }: Subscription<Premiums>) =>
    messages.map(({ premiumUpdated }) => premiumUpdated.premium.total);
  let its: Belongings;
  let colleague: Belongings;
  let itsTenant: number;

  beforeAll(async () => {
    itsTenant = await fillTenant(api, rows, 'premiums');
    its = await fillDriver(api, rows, 'premiums', itsTenant, 'ann');
    colleague = await fillDriver(api, rows, 'premiums', itsTenant, 'bob');
  });

  async function touch(policy: string): Promise<void> {
    await rows.owner.query('update policy set changed = pg_current_xact_id() where number = $1', [
      policy,
    ]);
    await rows.owner.query('notify odograph');
  }

  async function follow(claims: Claims, number: string): Promise<Subscription<Premiums>> {
    const ear = subscribe<Premiums>(api, claims, PREMIUM, { number });
    await ear.begun(() => touch(number));
    await wait();
    ear.messages.splice(0);
    return ear;
  }

  /** A hundred kilometres with the policy's vehicle, by another driver with their own device. */
  async function driveIt(on: string): Promise<void> {
    const carer = await rows.addDriver(itsTenant, `carer-${on}`);
    const { id: vehicle } = await rows.one<{ id: number }>(
      'select id from vehicle where external_id = $1',
      its.vehicle,
    );
    const lent = await rows.addDevice(`lent-${on}`, itsTenant);
    // Kilometres of a vehicle count once, by the device assigned first: the driver's own is taken out.
    await rows.owner.query(
      'update assignment set to_at = $1 where vehicle_id = $2 and to_at > $1',
      [`${on}T00:00:00Z`, vehicle],
    );
    const given = await rows.addAssignment(itsTenant, lent, carer, {
      vehicle,
      from: `${on}T00:00:00Z`,
    });
    const trip = await rows.addTrip(itsTenant, lent, {
      startedAt: `${on}T08:00:00Z`,
      endedAt: `${on}T09:00:00Z`,
      distanceM: 100_000,
      driver: carer,
      vehicle,
      assignment: given,
    });
    await rows.rollUp(trip);
    await rows.owner.query('insert into journal (device_ids) values ($1)', [[lent]]);
    // A batch commits this at once. Here it was written in pieces, so the trip is touched once more at the end.
    await rows.owner.query('begin');
    await rows.owner.query('update trip set changed = pg_current_xact_id() where id = $1', [trip]);
    await rows.owner.query('insert into journal (device_ids) values ($1)', [[lent]]);
    await rows.owner.query('commit');
    await rows.owner.query('notify odograph');
  }

  it('sends the driver what others drove with the vehicle, and resumes', async () => {
    const ear = await follow(driver, its.policy);
    await touch(its.policy);
    await ear.until(1);
    const [before] = totals(ear);
    await driveIt('2026-01-11');
    await ear.until(2);
    await wait();
    expect(Number(totals(ear).at(-1))).toBeCloseTo(Number(before) + 10, 9);
    const after = ear.messages.at(-1)?.premiumUpdated.cursor;
    await ear.end();
    await driveIt('2026-01-12');
    const resumed = subscribe<Premiums>(api, driver, PREMIUM, { number: its.policy, after });
    await resumed.until(1);
    expect(totals(resumed)).toEqual([(Number(before) + 20).toFixed(2)]);
    await resumed.end();
  });

  it('reports a dispute of a trip, its end, and an amendment', async () => {
    const ear = await follow(insurer, colleague.policy);
    const trips = await ask(
      api,
      insurer,
      `query ($driver: String!) { driver(externalId: $driver) { trips(first: 20) { nodes { id localDate } } } }`,
      { driver: colleague.driver },
    );
    const tripId = trips.data.driver.trips.nodes.find(
      ({ localDate }: { localDate: string }) => localDate === '2026-01-20',
    ).id;
    const { policy: policyNumber } = colleague;
    const opened = await order('disputeTrip', { policyNumber, tripId, reason: 'not me' });
    await ear.until(1);
    const disputeId = opened.dispute.id;
    await order('settleDispute', { disputeId, outcome: 'REJECTED', settlement: 'it was' });
    await ear.until(2);
    await order('cancelPolicy', { policyNumber, on: '2026-06-01', reason: 'sold' }, '');
    await ear.until(3);
    await wait();
    const [without, withIt, cancelled] = totals(ear).map(Number);
    expect(withIt! - without!).toBeCloseTo(5, 9);
    expect(cancelled).toBe(withIt);
    await ear.end();
  });

  it("sends a driver nothing about a colleague's policy, and an insurer nothing about one of another tenant", async () => {
    const ears = [
      subscribe<Premiums>(api, driver, PREMIUM, { number: colleague.policy }),
      subscribe<Premiums>(api, INSURER, PREMIUM, { number: its.policy }),
    ];
    const own = await follow(insurer, colleague.policy);
    for (const policy of [colleague.policy, its.policy]) await touch(policy);
    await own.until(1);
    await wait();
    expect(ears.map(({ messages, errors }) => [messages, errors])).toEqual([
      [[], []],
      [[], []],
    ]);
    for (const ear of [...ears, own]) await ear.end();
  });

  async function order(mutation: string, input: object, select = 'dispute { id }') {
    const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
    const { data, errors } = await ask(
      api,
      insurer,
      `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${select} userErrors { message } } }`,
      { input: { idempotencyKey: `${mutation} ${Math.random()}`, ...input } },
    );
    expect([errors, data?.[mutation]?.userErrors]).toEqual([[], []]);
    return data[mutation];
  }
});

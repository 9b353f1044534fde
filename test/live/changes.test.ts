import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { startTestApi } from '../api/client.ts';
import type { Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';
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

/** A trip on a day of May 2015 with harsh braking at some minutes of it, as one batch of the sink. */
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

/** Long enough that what ought not to come would have come. */
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
  it('tells each driving event of the device, or of the driver, once and in order', async () => {
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

  it('goes on after a cursor in the middle of a batch, and tells none twice', async () => {
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

  it('tells an event that is given to another driver to that one', async () => {
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

  it('takes no cursor of another stream', async () => {
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
    await expect(other.until(1)).rejects.toThrow('after is no cursor of this stream');
    await other.end();
  });
});

describe('habitsUpdated', () => {
  it('tells the driver as of now when a trip changes, not that of somebody else, and resumes', async () => {
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
    const resumed = subscribe<Habits>(api, INSURER, HABITS, { driver, after });
    await resumed.until(1);
    await wait();
    expect(resumed.messages).toHaveLength(1);
    expect(resumed.messages[0]?.habitsUpdated.driver.habits.distanceKm).toBe(30);
    await resumed.end();
  });
});

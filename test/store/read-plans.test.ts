import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/open.ts';
import type { Transaction } from '../../src/store/transaction.ts';
import { openStore } from '../../src/store/open.ts';
import { readBilledDriving } from '../../src/store/read/billed-trips.ts';
import { readDeviceDays } from '../../src/store/read/device-days.ts';
import { readDisputedTrips } from '../../src/store/read/disputes.ts';
import { readDrives } from '../../src/store/read/drives.ts';
import {
  readDrivingEventPage,
  readDrivingEvents,
  readDrivingEventsOfTrips,
  EVENT_COLUMNS,
  selectEvents,
} from '../../src/store/read/driving-events.ts';
import { readPaths } from '../../src/store/read/events.ts';
import { readDriverExposure, readVehicleExposure } from '../../src/store/read/exposure.ts';
import { readTelemetry, TELEMETRY_BEGINNING } from '../../src/store/read/live/telemetry.ts';
import { readPolicies } from '../../src/store/read/policies.ts';
import { readRatedCovers, readRatingInputs } from '../../src/store/read/rating.ts';
import type { Reader } from '../../src/store/read/session.ts';
import { applyRowSecurity, withReading } from '../../src/store/read/transaction.ts';
import { readAllTrips } from '../../src/store/read/trip-export.ts';
import { readTripPages } from '../../src/store/read/trip-pages.ts';
import { readTrips, readTripsByStart } from '../../src/store/read/trips.ts';
import { assignDevice } from '../../src/store/write/devices.ts';
import { openRows, type Rows } from '../api/rows.ts';
import { LOGINS } from '../support/cluster.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { followPlans, type RanStatement } from '../support/plan-log.ts';

/** Tables that grow with what devices send. */
const GROWING =
  /\b(?:from|join) (event|trip|trip_handle|trip_revision|daily_total|driving_event|late_event)\b/i;
/**
 * What one statement may read of such a table. The device has 24,000 events, and 4,500 trips with as many
 * driving events and daily totals: a condition that is not part of the index condition reads all of them.
 */
const MOST_ROWS = 1_000;
const TRIPS = 4_500;
const EVENTS = 24_000;

// The trips start on 1 January 2022, one every eight hours for 1,500 days; the events are in the last one of them.
const JAN_2026 = '2026-01-01';
const FEB_2026 = '2026-02-01';
const SINCE = '2025-12-01';
const CUT_OFF = new Date('2026-02-20T00:00:00Z');
/** The first trip has the id 1001. */
const TRIP_ID = 1_000 + 4_400;
const STARTED_AT_MS = Date.UTC(2022, 0, 1) + (TRIP_ID - 1_001) * 8 * 3_600_000;
const [FROM_MS, TO_MS] = [Date.parse('2026-01-10T00:00:00Z'), Date.parse('2026-01-12T00:00:00Z')];
/** Of the event key: seconds since 2000. */
const toSec = (ms: number) => ms / 1000 - 946_684_800;
const FIRST_SEC = toSec(Date.UTC(2026, 0, 20));

let database: TestDatabase;
let rows: Rows;
let store: Store;
let takeStatements: () => Promise<RanStatement[]>;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  await fill(await rows.addTenant('acme'));
  takeStatements = await followPlans(rows.owner, LOGINS.api.user);
  store = openStore({ url: database.apiUrl, poolSize: 2 });
}, 120_000);
afterAll(async () => {
  await store.close();
  await rows.close();
  await database.drop();
});

/** One device, driver, vehicle and policy, each with the id 1. */
async function fill(tenant: number): Promise<void> {
  const driver = await rows.addDriver(tenant, 'ann');
  const vehicle = await rows.addVehicle(tenant, 'car');
  const device = await rows.addDevice('ID-1', tenant);
  const assignment = await rows.addAssignment(tenant, device, driver, { vehicle });
  const policy = await rows.addPolicy(tenant, 'P-1', driver, vehicle);
  expect([driver, vehicle, device, policy]).toEqual([1, 1, 1, 1]);
  await rows.addTrip(tenant, device, {
    ...{ startedAt: '2022-01-01T00:00:00Z', endedAt: '2022-01-01T01:00:00Z', distanceM: 60_000 },
    ...{ driver, vehicle, assignment },
  });
  const shifted = (columns: string) =>
    columns.replace(/(\w+) \+ n/g, "'$1', t.$1 + n * interval '8 hours'");
  const statements: readonly (readonly [string, ...number[]])[] = [
    [
      `insert into trip select c.* from trip t cross join generate_series(1, $1::int - 1) as n
         cross join lateral (select t.local_date + n / 3 as date) as d
         cross join lateral jsonb_populate_record(null::trip, to_jsonb(t) || jsonb_build_object('id', t.id + n,
           ${shifted('started_at + n, ended_at + n, closes_at + n')}, 'local_date', d.date, 'anchor_sec', t.anchor_sec + n * 28800,
           'last_sec', t.last_sec + n * 28800, 'decided_sec', t.decided_sec + n * 28800,
           'days', jsonb_set(t.days, '{0,localDate}', to_jsonb(d.date)))) as c`,
      TRIPS,
    ],
    [`delete from trip_handle`],
    [`insert into trip_handle select id, device_id, anchor_sec, anchor_rest from trip`],
    [
      `insert into daily_total (device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, trips, distance_m, duration_ms,
         moving_ms, idle_ms, night_m, measures)
       select device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, 3, 180000, 10800000, 10800000, 0, 0, '{}'
       from trip where (id - 1001) % 3 = 0 and local_date < '2026-01-15'`,
    ],
    [
      `insert into driving_event (device_id, at, kind, source, severity, ended_at, trip_started_at, tenant_id, driver_id,
         decided_sec, decided_rest, local_date, rules_version)
       select device_id, started_at + interval '1 minute', 'HARSH_BRAKING', 'GPS', 'LOW', ended_at, started_at, tenant_id, driver_id,
         decided_sec, 0, local_date, 'test' from trip`,
    ],
    [
      `insert into trip_revision (trip_id, revision, device_id, tenant_id, driver_id, known_from, known_to, withdrawn, facts)
       select id, 1, device_id, tenant_id, driver_id, started_at, ended_at, false, to_jsonb(t) from trip t where started_at < '2026-01-01'`,
    ],
    [
      `insert into event (device_id, sec, rest, lat_e7, lon_e7, speed_ckmh)
       select 1, $1::int + i * 60, 1, 420000000, -755000000, 6000 from generate_series(0, $2::int - 1) as i`,
      FIRST_SEC,
      EVENTS,
    ],
    [
      `update device_state set version = 9, head_sec = (select max(sec) from event), head_rest = 1, arrived_at = '2026-02-20'`,
    ],
    [
      `insert into dispute (tenant_id, policy_id, trip_id, reason, device_id, from_at, to_at, was_open, parts)
       select tenant_id, 1, id, 'x', device_id, started_at, ended_at, false, days from trip where id = 1100`,
    ],
    [
      `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, '2026-12-01')`,
    ],
    [`vacuum analyze`],
  ];
  for (const [sql, ...values] of statements) await rows.owner.query(sql, values);
}

const TENANT: Reader = { operator: false, tenant: 'acme', driver: null };
const DRIVER: Reader = { ...TENANT, driver: 'ann' };
const PAGE = { limit: 20, backward: false };
const DEVICE = { deviceId: 'ID-1' };
const START = { deviceRef: 1, startedAtMs: STARTED_AT_MS };

type Run = <T>(read: (tx: Transaction) => Promise<T>) => Promise<T>;

/** A call of each function that reads a growing table. */
const CASES: Readonly<Record<string, (run: Run) => Promise<unknown>>> = {
  readBilledDriving: (run) =>
    run(async (tx) => {
      const cover = (await readRatedCovers(tx, await readPolicies(tx, [1]))).get(1);
      return readBilledDriving(tx, 1, cover!, SINCE, FEB_2026, CUT_OFF);
    }),
  readDeviceDays: (run) =>
    run((tx) =>
      readDeviceDays(
        tx,
        [{ timeZone: 'America/New_York', vehicles: new Map([[1, 'car']]) }],
        SINCE,
        CUT_OFF,
      ),
    ),
  readDisputedTrips: (run) => run((tx) => readDisputedTrips(tx, [1])),
  readRatingInputs: (run) =>
    run(async (tx) =>
      readRatingInputs(tx, await readPolicies(tx, [1]), JAN_2026, FEB_2026, () => SINCE, true),
    ),
  readDrives: (run) => run((tx) => readDrives(tx, [1], JAN_2026, FEB_2026)),
  readDriverExposure: (run) => run((tx) => readDriverExposure(tx, [1], JAN_2026, FEB_2026)),
  readVehicleExposure: (run) => run((tx) => readVehicleExposure(tx, [1], JAN_2026, FEB_2026)),
  readDrivingEventPage: (run) =>
    run((tx) => readDrivingEventPage(tx, { ...DEVICE, fromMs: FROM_MS, toMs: TO_MS }, PAGE)),
  readDrivingEvents: (run) =>
    run((tx) =>
      readDrivingEvents(tx, [
        { deviceRef: 1, atMs: STARTED_AT_MS + 60_000, kind: 'HARSH_BRAKING', source: 'GPS' },
      ]),
    ),
  readDrivingEventsOfTrips: (run) => run((tx) => readDrivingEventsOfTrips(tx, [START])),
  readPaths: (run) =>
    run((tx) =>
      readPaths(tx, [
        {
          ...{ deviceRef: 1, anchorSec: FIRST_SEC + 3_600, anchorRest: 0n },
          ...{ lastSec: FIRST_SEC + 7_200, lastRest: 0n },
        },
      ]),
    ),
  readTelemetry: (run) =>
    run((tx) => {
      const places = [{ deviceRef: 1, place: TELEMETRY_BEGINNING }];
      return readTelemetry((_, statement) => tx.$queryRaw(statement), places, 20);
    }),
  readAllTrips: async (run) => {
    const criteria = { ...DEVICE, startedFromMs: FROM_MS, startedToMs: TO_MS };
    const found = [];
    for await (const batch of readAllTrips(run, criteria, 50)) found.push(...batch);
    return found;
  },
  readTripPages: (run) =>
    run((tx) =>
      readTripPages(
        tx,
        { of: 'anybody' },
        { ...DEVICE, startedFromMs: FROM_MS, startedToMs: TO_MS },
        'DESC',
        PAGE,
        {
          key: 'all',
          columns: new Set(['id', 'startedAtMs', 'deviceId', 'closed']),
          withDriver: true,
          events: selectEvents(new Set(EVENT_COLUMNS)),
        },
      ),
    ),
  readTrips: (run) => run((tx) => readTrips(tx, [TRIP_ID])),
  readTripsByStart: (run) => run((tx) => readTripsByStart(tx, [START])),
};

/** Functions without a case, and why. */
const WITHOUT_CASE: Readonly<Record<string, string>> = {
  readChangedTrips: 'reads all changes since a cursor, which here are all trips',
  readAddedDrivingEvents: 'reads all changes since a cursor, which here are all driving events',
  readRepricedPolicies: 'reads all changes since a cursor, which here are all trips',
  tripsById: 'is the statement of readTrips',
  lostTrips: 'is read by the keys of revisions that readChangedTrips found',
  drivingEventsByKey: 'is the statement of readDrivingEvents',
  selectEvents: 'is part of the statement of readTripPages',
  listOf: 'lists columns for the statements of trips',
  readExposure: 'is called by readDriverExposure and readVehicleExposure alone',
};

/** The functions of src/store/read whose statements read a growing table. */
function findReaders(): string[] {
  const folder = new URL('../../src/store/read/', import.meta.url);
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(new URL(entry.name, folder), 'utf8'))
    .flatMap((source) => source.split(/^(?=export |async function |function )/m))
    .filter((part) => GROWING.test(part))
    .flatMap((part) => /^(?:export )?(?:async )?function\*? (\w+)/.exec(part)?.slice(1) ?? []);
}

/** Runs a read, and says which scans read too many rows. */
async function watch(reader: Reader, read: (run: Run) => Promise<unknown>) {
  await takeStatements();
  const found = await withReading(store, reader, { snapshot: true }, (reading) =>
    read((work) => reading.run(work)),
  );
  return { found, faults: await takeFaults() };
}

async function takeFaults(): Promise<string[]> {
  const scans = (await takeStatements()).flatMap((statement) => statement.scans);
  const tooMany = scans.filter((scan) => scan.read > MOST_ROWS);
  return tooMany.map((scan) => `${scan.title} read ${scan.read} rows`);
}

describe('a statement behind row-level security', () => {
  it('has a case here if it reads a table that grows with what devices send', () => {
    const tried = [...Object.keys(CASES), ...Object.keys(WITHOUT_CASE)];
    expect(findReaders().filter((name) => !tried.includes(name))).toEqual([]);
  });

  for (const [name, read] of Object.entries(CASES)) {
    it.each([
      { who: 'a tenant', reader: TENANT },
      { who: 'a driver', reader: DRIVER },
    ])(`reads no more of such a table than it needs: ${name}, by $who`, async ({ reader }) => {
      const { found, faults } = await watch(reader, read);
      expect(found).toBeTruthy();
      expect(faults).toEqual([]);
    });
  }

  it('reads no more than it changes where a device is assigned to another vehicle', async () => {
    const order = {
      ...{ deviceId: 'ID-1', driverExternalId: 'ann', fromMs: TO_MS, toMs: null },
      vehicle: { externalId: 'another car', attributes: null },
    };
    await takeStatements();
    await store.prisma.$transaction(async (tx) => {
      await applyRowSecurity(tx, TENANT);
      const [tenant] = await tx.$queryRaw<{ ref: number }[]>`select current_tenant() as ref`;
      await assignDevice(tx, tenant!.ref, order);
    });
    expect(await takeFaults()).toEqual([]);
  });
});

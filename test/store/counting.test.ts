import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../src/store/open.ts';
import { readBilledDriving } from '../../src/store/read/billed-trips.ts';
import { readVehicleExposure } from '../../src/store/read/exposure.ts';
import { readPolicies } from '../../src/store/read/policies.ts';
import { readRatedCovers } from '../../src/store/read/rating.ts';
import { openReadTransaction } from '../../src/store/read/transaction.ts';
import { openRows, type Rows } from '../api/rows.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';

const DEVICES = 3;
const DAYS = 28;
const day = (n: number) => `2015-05-${String(n).padStart(2, '0')}`;
/** Two trips a day of each device; every device of a day with its own metres. */
const metresOf = (device: number, date: number, nth: number) => 1_000 * date + 100 * device + nth;

let database: TestDatabase;
let rows: Rows;
let store: Store;
let tenant: number;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  store = openStore({ url: database.apiUrl, poolSize: 2 });
  tenant = await rows.addTenant('acme');
  await rows.owner.query(
    `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, '2015-12-01')`,
  );
});
afterAll(async () => {
  await store.close();
  await rows.close();
  await database.drop();
});

/** Assignments of some devices to one vehicle, by first and last day. */
type Plan = readonly (readonly [device: number, from: number, to: number])[];

interface Counted {
  readonly previewed: number;
  readonly billed: number;
  readonly overlapping: number;
}

let made = 0;

async function count(plan: Plan): Promise<Counted> {
  const name = `${++made}`;
  const driver = await rows.addDriver(tenant, name);
  const vehicle = await rows.addVehicle(tenant, name);
  const policy = await rows.addPolicy(tenant, name, driver, vehicle);
  const devices: number[] = [];
  for (let i = 0; i < DEVICES; i++) devices.push(await rows.addDevice(`${name} ${i}`, tenant));
  for (const [i, from, to] of plan) {
    const span = { vehicle, from: `${day(from)}T12:00:00Z`, to: `${day(to)}T12:00:00Z` };
    const assignment = await rows.addAssignment(tenant, devices[i]!, driver, span);
    for (let date = from; date <= to; date++) {
      for (const [nth, hour] of [8, 16].entries()) {
        if ((date === from && nth === 0) || (date === to && nth === 1)) continue;
        const trip = await rows.addTrip(tenant, devices[i]!, {
          startedAt: `${day(date)}T${String(hour).padStart(2, '0')}:00:00Z`,
          endedAt: `${day(date)}T${String(hour + 1).padStart(2, '0')}:00:00Z`,
          ...{ distanceM: metresOf(i, date, nth), driver, vehicle, assignment },
        });
        await rows.owner.query(
          `insert into daily_total (device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, trips, distance_m, duration_ms,
             moving_ms, idle_ms, night_m, measures)
           select device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, 1, distance_m, 0, 0, 0, 0, '{}' from trip where id = $1
           on conflict (device_id, tenant_id, assignment_id, local_date) do update set trips = daily_total.trips + 1,
             distance_m = daily_total.distance_m + excluded.distance_m`,
          [trip],
        );
      }
    }
  }
  const reader = { operator: false, tenant: 'acme', driver: null };
  const reading = openReadTransaction(store, reader, () => ({ snapshot: true }));
  try {
    const sum = (found: readonly { readonly distanceM: number }[]) =>
      found.reduce((total, { distanceM }) => total + distanceM, 0);
    return await reading.run(async (tx) => {
      const covers = await readRatedCovers(tx, await readPolicies(tx, [policy]));
      const cover = covers.get(policy)!;
      const cutOff = new Date('2015-07-01T00:00:00Z');
      const billed = await readBilledDriving(tx, policy, cover, day(1), '2015-06-10', cutOff);
      return {
        previewed: sum(await readVehicleExposure(tx, [vehicle], day(1), '2015-06-10')),
        billed: sum(billed.exposure),
        overlapping: sum(billed.overlapping.flatMap(({ parts }) => parts)),
      };
    });
  } finally {
    await reading.end();
  }
}

/** What counts by the rule, worked out trip by trip; devices were made in order. */
function expected(plan: Plan): { readonly counted: number; readonly all: number } {
  let counted = 0;
  let all = 0;
  for (const [device, from, to] of plan) {
    for (let half = 2 * from + 1; half < 2 * to + 1; half++) {
      const metres = metresOf(device, Math.floor(half / 2), half % 2);
      all += metres;
      const isSecond = plan.some(
        ([other, otherFrom, otherTo]) =>
          other !== device &&
          2 * otherFrom + 1 <= half &&
          half < 2 * otherTo + 1 &&
          (otherFrom < from || (otherFrom === from && other < device)),
      );
      if (!isSecond) counted += metres;
    }
  }
  return { counted, all };
}

describe('kilometres of a vehicle with several devices', () => {
  it('count once, by the device that was assigned first, and the others are reported', async () => {
    const plan: Plan = [
      [1, 3, 20],
      [0, 10, 28],
    ];
    const { counted, all } = expected(plan);
    expect(await count(plan)).toMatchObject({
      ...{ previewed: counted, billed: counted, overlapping: all - counted },
    });
    expect(all).toBeGreaterThan(counted);
  });

  it('count once in previews and in bills, however devices are assigned', async () => {
    const interval = fc
      .uniqueArray(fc.integer({ min: 1, max: DAYS }), { minLength: 2, maxLength: 2 })
      .map((ends) => ends.sort((a, b) => a - b));
    const plans = fc.uniqueArray(
      fc
        .tuple(fc.nat(DEVICES - 1), interval)
        .map(([device, [from = 1, to = 2]]) => [device, from, to] as const),
      { minLength: 2, maxLength: DEVICES, selector: ([device]) => device },
    );
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { counted, all } = expected(plan);
        expect(await count(plan)).toMatchObject({
          ...{ previewed: counted, billed: counted, overlapping: all - counted },
        });
      }),
      { numRuns: process.env['ODOGRAPH_LONG'] === '1' ? 200 : 8 },
    );
  });
});

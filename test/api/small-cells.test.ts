import { beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import type { Claims } from './client.ts';
import { ask, codesOf } from './client.ts';

const ACTUARY: Claims = { role: 'ACTUARY', tenant: 'acme', sub: 'a.lovelace' };
const MICRODATA: Claims = { ...ACTUARY, microdata: true };

/** Drivers of cars of each fuel, two trips each, the second in another month. */
const FUELS = { diesel: 3, electric: 12, petrol: 20 } as const;

const { api, rows } = await useApi();

beforeAll(async () => {
  const acme = await rows.addTenant('acme');
  for (const [fuel, drivers] of Object.entries(FUELS)) {
    const vehicle = await rows.addVehicle(acme, `car-${fuel}`);
    await rows.owner.query('update vehicle set attributes = $2 where id = $1', [
      vehicle,
      JSON.stringify({ fuel }),
    ]);
    for (let index = 0; index < drivers; index++) {
      const driver = await rows.addDriver(acme, `${fuel}-${index}`);
      const device = await rows.addDevice(`ID-${fuel}-${index}`, acme);
      for (const month of ['05', '06']) {
        await rows.addTrip(acme, device, {
          startedAt: `2015-${month}-01T08:00:00Z`,
          endedAt: `2015-${month}-01T08:30:00Z`,
          distanceM: 1_000 * (index + 1),
          driver,
          vehicle,
        });
      }
    }
  }
});

const BY_FUEL = `{ tripStats(groupBy: { by: VEHICLE_ATTRIBUTE, name: "fuel" }) {
  rows { key { value } exposure { trips drivers } distanceKm { percentiles(percents: [50, 99]) { value } } }
  totals { exposure { trips drivers } } groups withheld } }`;

describe('an actuary who sees aggregates only', () => {
  it('sees neither small groups nor the next one, which would reveal them; the totals cover all', async () => {
    const answer = await ask(api, ACTUARY, BY_FUEL);
    expect(answer.errors).toEqual([]);
    expect(answer.data.tripStats).toEqual({
      rows: [
        {
          key: [{ value: 'petrol' }],
          exposure: { trips: 40, drivers: 20 },
          distanceKm: { percentiles: [{ value: 10 }, { value: null }] },
        },
      ],
      totals: { exposure: { trips: 70, drivers: 35 } },
      groups: 1,
      withheld: 2,
    });
    const open = await ask(api, MICRODATA, BY_FUEL);
    expect(open.data.tripStats).toMatchObject({ groups: 3, withheld: 0 });
  });

  it('gets conditions, order and size applied to the remaining groups, so that they reveal nothing of the others', async () => {
    const answer = await ask(
      api,
      ACTUARY,
      `{ tripStats(groupBy: { by: VEHICLE_ATTRIBUTE, name: "fuel" }, having: { of: DRIVERS, atMost: 15 }, first: 1) {
        rows { key { value } } groups withheld totals { exposure { trips } } } }`,
    );
    expect(answer.data.tripStats).toEqual({
      rows: [],
      groups: 0,
      withheld: 2,
      totals: { exposure: { trips: 70 } },
    });
  });

  it('does not see totals of too few drivers', async () => {
    const answer = await ask(
      api,
      ACTUARY,
      `{ tripStats(groupBy: { by: MONTH }, filter: { where: { by: VEHICLE_ATTRIBUTE, name: "fuel", values: ["diesel"] } }) {
        rows { key { value } } totals { exposure { trips } } withheld } }`,
    );
    expect(answer.errors).toEqual([]);
    expect(answer.data.tripStats).toEqual({ rows: [], totals: null, withheld: 2 });
  });

  it.each([
    'groupBy: { by: DRIVER }',
    'filter: { driverExternalId: "petrol-1" }',
    'filter: { deviceId: "ID-petrol-1" }',
    'filter: { where: { by: HOUR_OF_DAY, values: ["8"] } }',
    'having: { of: DISTANCE_KM, statistic: MAX, atLeast: 5 }',
    'orderBy: { of: DISTANCE_KM, statistic: MIN }',
  ])('may not ask %s', async (given) => {
    const answer = await ask(api, ACTUARY, `{ tripStats(${given}) { groups } }`);
    expect(codesOf(answer)).toEqual(['FORBIDDEN']);
    expect(answer.data.tripStats).toBeNull();
  });

  it('has no minimum and maximum, and may ask once per operation, because two cuts could be combined', async () => {
    const extremes = await ask(
      api,
      ACTUARY,
      '{ tripStats { totals { distanceKm { min max sum } } } }',
    );
    expect(codesOf(extremes)).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    expect(extremes.data.tripStats.totals.distanceKm).toMatchObject({ min: null, max: null });
    const twice = await ask(
      api,
      ACTUARY,
      '{ a: tripStats { groups } b: tripStats(groupBy: { by: MONTH }) { groups } }',
    );
    expect(codesOf(twice)).toEqual(['FORBIDDEN']);
    expect(twice.data).toEqual({ a: { groups: 0 }, b: null });
  });

  it('leaves each query in the access log, which reveals comparisons', async () => {
    const { rows: log } = await rows.owner.query<{ object: string }>(
      `select object from access_log where purpose = 'aggregates' and subject = 'a.lovelace' order by id limit 1`,
    );
    expect(log[0]?.object).toBe(
      'Query.tripStats {"groupBy":[{"by":"VEHICLE_ATTRIBUTE","name":"fuel"}],"where":[]}',
    );
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import type { Claims } from './client.ts';
import { ask, codesOf } from './client.ts';

const INSURER: Claims = { role: 'INSURER', tenant: 'acme' };

let acme: number;

const { api, rows } = await useApi();

/** ann drives three trips in May and bob one in June; ID-2 has no driver; ID-9 is globex's. */
beforeAll(async () => {
  acme = await rows.addTenant('acme');
  const globex = await rows.addTenant('globex');
  const device = await rows.addDevice('ID-1', acme);
  const idle = await rows.addDevice('ID-2', acme);
  const other = await rows.addDevice('ID-9', globex);
  const ann = await rows.addDriver(acme, 'ann');
  const bob = await rows.addDriver(acme, 'bob');
  const vehicle = await rows.addVehicle(acme, 'car-1');
  await rows.owner.query(`update vehicle set attributes = '{"fuel": "petrol", "seats": 5}'`);
  const policy = await rows.addPolicy(acme, 'P-1', ann, vehicle);
  await rows.owner.query(
    `insert into policy_fact (tenant_id, policy_id, vehicle_id, name, value, from_date, to_date)
     values ($1, $2, 0, 'territory', '"north"', '2015-01-01', '2015-05-02'), ($1, $2, 0, 'territory', '"south"', '2015-05-02', '2016-01-01'),
       ($1, $2, $3, 'fuel', '"electric"', '2015-06-01', '2016-01-01')`,
    [acme, policy, vehicle],
  );
  await rows.owner.query(
    `insert into tariff (id, tenant_id, product, jurisdiction, effective_from, status, document, hash)
     values ('old', $1, 'p', 'DE', '2015-01-01', 'ACTIVE', '', ''), ('new', $1, 'p', 'DE', '2015-05-03', 'ACTIVE', '', ''),
       ('later', $1, 'p', 'DE', '2015-05-02', 'DRAFT', '', '')`,
    [acme],
  );
  for (const [startedAt, minutes, distanceM, driver, on, tenant] of [
    ['2015-05-01T08:00:00Z', 10, 1_000, ann, device, acme],
    ['2015-05-02T08:00:00Z', 20, 2_000, ann, device, acme],
    ['2015-05-03T20:00:00Z', 60, 60_000, ann, device, acme],
    ['2015-06-01T23:30:00Z', 30, 7_000, bob, device, acme],
    ['2015-06-02T08:00:00Z', 30, 500, null, idle, acme],
    ['2015-06-02T08:00:00Z', 30, 900_000, null, other, globex],
  ] as const) {
    const endedAt = new Date(Date.parse(startedAt) + minutes * 60_000).toISOString();
    await rows.addTrip(tenant, on, {
      startedAt,
      endedAt,
      distanceM,
      ...(driver === null ? {} : { driver, vehicle }),
    });
  }
  await rows.client.query(
    `update trip set days = '[{"localDate": "2015-05-03", "measures": {"harshBrakingGps.count": 3, "harshBrakingAccelerometer.count": 1, "speeding.count": 1}},
       {"localDate": "2015-05-04", "measures": {"harshBrakingGps.count": 1}}]', end_reason = 'IGNITION' where distance_m = 60000`,
  );
});

async function keysOf(groupBy: string, more = ''): Promise<unknown[]> {
  const answer = await ask(
    api,
    INSURER,
    `{ tripStats(groupBy: ${groupBy} ${more}) { rows { key { value } exposure { trips } } } }`,
  );
  expect(answer.errors).toEqual([]);
  return answer.data.tripStats.rows.map(
    (row: { key: { value: string | null }[]; exposure: { trips: number } }) => [
      ...row.key.map(({ value }) => value),
      row.exposure.trips,
    ],
  );
}

describe('the groups', () => {
  it('can be formed by every dimension, with its value at the start of the trip', async () => {
    expect(await keysOf('{ by: DAY }')).toEqual([
      ['2015-05-01', 1],
      ['2015-05-02', 1],
      ['2015-05-03', 1],
      ['2015-06-01', 1],
      ['2015-06-02', 1],
    ]);
    expect(await keysOf('{ by: WEEK }')).toEqual([
      ['2015-W18', 3],
      ['2015-W23', 2],
    ]);
    expect(await keysOf('{ by: MONTH }')).toEqual([
      ['2015-05', 3],
      ['2015-06', 2],
    ]);
    expect(await keysOf('{ by: HOUR_OF_DAY }')).toEqual([
      ['8', 3],
      ['20', 1],
      ['23', 1],
    ]);
    expect(await keysOf('{ by: WEEKDAY }')).toEqual([
      ['1', 1],
      ['2', 1],
      ['5', 1],
      ['6', 1],
      ['7', 1],
    ]);
    expect(await keysOf('{ by: DRIVER }')).toEqual([
      ['ann', 3],
      ['bob', 1],
      [null, 1],
    ]);
    expect(await keysOf('{ by: VEHICLE_ATTRIBUTE, name: "fuel" }')).toEqual([
      ['electric', 1],
      ['petrol', 3],
      [null, 1],
    ]);
    expect(await keysOf('{ by: VEHICLE_ATTRIBUTE, name: "seats" }')).toEqual([
      ['5', 4],
      [null, 1],
    ]);
    expect(await keysOf('{ by: TERRITORY }')).toEqual([
      ['north', 1],
      ['south', 3],
      [null, 1],
    ]);
    expect(await keysOf('{ by: RATING_FACT, name: "fuel" }')).toEqual([
      ['electric', 1],
      [null, 4],
    ]);
    expect(await keysOf('{ by: TARIFF }')).toEqual([
      ['new', 2],
      ['old', 2],
      [null, 1],
    ]);
    expect(await keysOf('{ by: DISTANCE_BAND }')).toEqual([
      ['0-1', 1],
      ['1-2', 1],
      ['2-5', 1],
      ['5-10', 1],
      ['50-100', 1],
    ]);
    expect(await keysOf('{ by: END_REASON }')).toEqual([
      ['IGNITION', 1],
      ['SILENCE', 4],
    ]);
    expect(await keysOf('[{ by: MONTH }, { by: DRIVER }]')).toEqual([
      ['2015-05', 'ann', 3],
      ['2015-06', 'bob', 1],
      ['2015-06', null, 1],
    ]);
  });

  it('contain only trips that pass the filter', async () => {
    expect(await keysOf('{ by: DAY }', 'filter: { from: "2015-05-02", to: "2015-06-02" }')).toEqual(
      [
        ['2015-05-02', 1],
        ['2015-05-03', 1],
        ['2015-06-01', 1],
      ],
    );
    expect(await keysOf('{ by: MONTH }', 'filter: { driverExternalId: "ann" }')).toEqual([
      ['2015-05', 3],
    ]);
    expect(await keysOf('{ by: MONTH }', 'filter: { deviceId: "ID-2" }')).toEqual([['2015-06', 1]]);
    expect(
      await keysOf(
        '{ by: DAY }',
        'filter: { where: [{ by: TERRITORY, values: ["south", null] }, { by: HOUR_OF_DAY, values: ["8"] }] }',
      ),
    ).toEqual([
      ['2015-05-02', 1],
      ['2015-06-02', 1],
    ]);
  });

  it('are filtered and ordered by their figures, with totals over all trips', async () => {
    const answer = await ask(
      api,
      INSURER,
      `{ tripStats(groupBy: { by: DAY }, having: [{ of: DISTANCE_KM, atLeast: 1, atMost: 10 }],
        orderBy: [{ of: DISTANCE_KM, statistic: PERCENTILE, percent: 50, direction: ASC }, { of: TRIPS }], first: 2) {
        rows { key { by name value } distanceKm { sum } } groups withheld totals { key { value } exposure { trips drivers distanceKm drivingHours } } } }`,
    );
    expect(answer.errors).toEqual([]);
    expect(answer.data.tripStats).toEqual({
      rows: [
        { key: [{ by: 'DAY', name: null, value: '2015-05-01' }], distanceKm: { sum: 1 } },
        { key: [{ by: 'DAY', name: null, value: '2015-05-02' }], distanceKm: { sum: 2 } },
      ],
      groups: 3,
      withheld: 0,
      totals: {
        key: [],
        exposure: { trips: 5, drivers: 2, distanceKm: 70.5, drivingHours: 2.5 },
      },
    });
  });
});

describe('the figures', () => {
  it('equal those computed from the rows', async () => {
    const answer = await ask(
      api,
      INSURER,
      `fragment F on TripQuantity { sum mean variance min max percentiles(percents: [50, 66.67, 100]) { percent value } }
       { tripStats(filter: { driverExternalId: "ann" }) { rows { key { value } } totals { distanceKm { ...F } durationS { ...F } maxSpeedKmh { ...F }
         rates { kind count per100Km perHour } } } }`,
    );
    expect(answer.errors).toEqual([]);
    const { rows: none, totals } = answer.data.tripStats;
    expect(none).toEqual([]);
    expect(totals.distanceKm).toEqual({
      sum: 63,
      mean: 21,
      variance: 1141,
      min: 1,
      max: 60,
      percentiles: [
        { percent: 50, value: 2 },
        { percent: 66.67, value: 60 },
        { percent: 100, value: 60 },
      ],
    });
    expect(totals.durationS).toMatchObject({ sum: 5_400, mean: 1_800, min: 600, max: 3_600 });
    expect(totals.maxSpeedKmh).toMatchObject({ mean: 60, variance: 0 });
    expect(totals.rates).toEqual([
      { kind: 'HARSH_ACCELERATION', count: 0, per100Km: 0, perHour: 0 },
      { kind: 'HARSH_BRAKING', count: 6, per100Km: 600 / 63, perHour: 6 / 1.5 },
      { kind: 'HARSH_CORNERING', count: 0, per100Km: 0, perHour: 0 },
      { kind: 'PHONE_USE', count: 0, per100Km: 0, perHour: 0 },
      { kind: 'SPEEDING', count: 1, per100Km: 100 / 63, perHour: 1 / 1.5 },
    ]);
  });

  it('without trips are zero or null', async () => {
    const answer = await ask(
      api,
      INSURER,
      `{ tripStats(groupBy: { by: MONTH }, filter: { from: "2001-01-01", to: "2001-02-01" }) { rows { key { value } }
         totals { exposure { trips drivers distanceKm } distanceKm { sum mean variance min percentiles { value } } } } }`,
    );
    expect(answer.data.tripStats).toEqual({
      rows: [],
      totals: {
        exposure: { trips: 0, drivers: 0, distanceKm: 0 },
        distanceKm: {
          sum: 0,
          mean: null,
          variance: null,
          min: null,
          percentiles: [{ value: null }, { value: null }, { value: null }, { value: null }],
        },
      },
    });
  });

  it('can be estimated first, and then nothing is read', async () => {
    const answer = await ask(
      api,
      INSURER,
      '{ tripStats(groupBy: { by: MONTH }) { estimate { source rows work } } }',
    );
    expect(answer.errors).toEqual([]);
    const { source, rows: read, work } = answer.data.tripStats.estimate;
    expect(source).toBe('ROLL_UPS');
    expect(read).toBeGreaterThan(0);
    expect(work).toBeGreaterThan(0);
  });
});

describe('invalid arguments', () => {
  it.each([
    ['groupBy: { by: RATING_FACT }', 'Name which one'],
    ['groupBy: { by: MONTH, name: "x" }', 'MONTH has no name.'],
    ['groupBy: [{ by: MONTH }, { by: MONTH }]', 'groupBy repeats a dimension.'],
    [
      'filter: { from: "2015-05-02", to: "2015-05-02" }',
      'to is 2015-05-02; it must lie after from',
    ],
    ['filter: { where: { by: MONTH, values: [] } }', 'filter.where has 0 values of MONTH'],
    ['orderBy: { of: TRIPS, statistic: MEAN }', 'MEAN is not available for TRIPS.'],
    ['orderBy: { of: DRIVERS, statistic: PER_HOUR }', 'PER_HOUR is not available for DRIVERS.'],
    ['having: { of: DISTANCE_KM, statistic: PERCENTILE }', 'Give percent with PERCENTILE'],
    [
      'having: { of: DISTANCE_KM, statistic: PERCENTILE, percent: 0 }',
      'The percentile 0 must be above 0',
    ],
    ['first: 1001', 'first is 1001; it must be from 0 to 1000.'],
    ['knownAt: "2999-01-01T00:00:00Z"', 'it must be at least a minute ago'],
    [
      'knownAt: "2015-01-01T00:00:00Z", groupBy: { by: TARIFF }',
      'TARIFF cannot be asked with knownAt',
    ],
  ])('is refused with what would be right: %s', async (given, message) => {
    const answer = await ask(api, INSURER, `{ tripStats(${given}) { groups } }`);
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    expect(answer.errors[0]?.message).toContain(message);
  });
});

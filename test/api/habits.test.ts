import { beforeAll, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import { ask } from './client.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;

const { api, rows } = await useApi();

beforeAll(async () => {
  const tenant = await rows.addTenant('acme');
  const driver = await rows.addDriver(tenant, 'ann');
  const device = await rows.addDevice('ann-1', tenant);
  // 135 and 136 minutes of driving with 44 of rest between them.
  const drives = [
    ['2026-06-03T06:00:00Z', '2026-06-03T08:15:00Z'],
    ['2026-06-03T08:59:00Z', '2026-06-03T11:15:00Z'],
  ] as const;
  for (const [startedAt, endedAt] of drives) {
    await rows.addTrip(tenant, device, { startedAt, endedAt, driver });
  }
  const [[startedAt]] = drives;
  await rows.addDrivingEvent(tenant, device, startedAt, '2026-06-03T07:00:00Z', driver);
  await rows.owner.query(
    `insert into driving_event (device_id, at, kind, source, severity, ended_at, trip_started_at, tenant_id, driver_id,
       decided_sec, decided_rest, speed_before_ckmh, speed_after_ckmh, peak_ckmh, threshold, severity_threshold, least_ms,
       duration_ms, local_date, rules_version)
     values ($1, '2026-06-03T07:30:00Z', 'SPEEDING', 'GPS', 'MEDIUM', '2026-06-03T07:31:10Z', $2, $3, $4, 2, 0, 5000, 5100,
       6200, 5000, 5900, 60000, 70000, '2026-06-03', '2+test')`,
    [device, startedAt, tenant, driver],
  );
  await rows.owner.query(
    `insert into daily_total (device_id, tenant_id, assignment_id, local_date, driver_id, trips, distance_m, duration_ms,
       moving_ms, idle_ms, night_m, measures)
     values ($1, $2, 0, '2026-06-03', $3, 2, 200000, 16260000, 15000000, 1000000, 0, $4)`,
    [
      device,
      tenant,
      driver,
      {
        'hour06.m': 120_000,
        'hour09.m': 80_000,
        'standing.ms': 1_813_000,
        'crawling.ms': 1_626_000,
        'above130Kmh.ms': 813_000,
        'above130Kmh.mm': 30_500_000,
        'accelerationGps.measurable.ms': 8_130_000,
        'harshBrakingGps.count': 2,
      },
    ],
  );
});

it('a driving event explains itself from its record alone', async () => {
  const { data, errors } = await ask(
    api,
    INSURER,
    `{ drivingEvents(filter: { driverExternalId: "ann" }) { nodes {
         kind peakKmh threshold severityThreshold durationS leastS why } } }`,
  );
  expect(errors).toEqual([]);
  expect(data.drivingEvents.nodes).toEqual([
    {
      kind: 'SPEEDING',
      peakKmh: 62,
      threshold: 50,
      severityThreshold: 59,
      durationS: 70,
      leastS: 60,
      why:
        'Drove at up to 62 km/h where 50 km/h were allowed for 70 s; a flag from 60 s on, ' +
        'MEDIUM from 59 km/h on (rules 2+test).',
    },
    {
      kind: 'HARSH_BRAKING',
      peakKmh: null,
      threshold: 3,
      severityThreshold: null,
      durationS: null,
      leastS: null,
      why: 'Slowed down by 3.5 m/s², by speed and course; a flag from 3 m/s² on, LOW (rules test).',
    },
  ]);
});

it('habits distinguish slow and very fast time, the hours of the week, and what was measurable', async () => {
  const { data, errors } = await ask(
    api,
    INSURER,
    `{ driver(externalId: "ann") { habits(from: "2026-06-01", to: "2026-07-01") {
         stopShare crawlShare above130KmhShare above130Km byHour { weekday hour distanceKm }
         rates { kind count measurableShare } } } }`,
  );
  expect(errors).toEqual([]);
  expect(data.driver.habits).toEqual({
    stopShare: 0.05,
    crawlShare: 0.1,
    above130KmhShare: 0.05,
    above130Km: 30.5,
    byHour: [
      { weekday: 3, hour: 6, distanceKm: 120 },
      { weekday: 3, hour: 9, distanceKm: 80 },
    ],
    rates: expect.arrayContaining([
      { kind: 'HARSH_BRAKING', count: 2, measurableShare: 0.5 },
      { kind: 'PHONE_USE', count: 0, measurableShare: 0 },
    ]) as unknown[],
  });
});

it('long driving covers all trips of a driver, by the day on which it began', async () => {
  const within = (from: string, to: string) =>
    ask(
      api,
      INSURER,
      `{ driver(externalId: "ann") { longDriving(from: "${from}", to: "${to}") {
           rule startedAt endedAt localDate drivingHours allowedHours } } }`,
    );
  const { data, errors } = await within('2026-06-03', '2026-06-04');
  expect(errors).toEqual([]);
  expect(data.driver.longDriving).toEqual([
    {
      rule: 'EU_BREAK',
      startedAt: '2026-06-03T06:00:00.000Z',
      endedAt: '2026-06-03T11:15:00.000Z',
      localDate: '2026-06-03',
      drivingHours: 271 / 60,
      allowedHours: 4.5,
    },
  ]);
  expect((await within('2026-06-04', '2026-06-05')).data.driver.longDriving).toEqual([]);
});

it('a date whose neighbours have no four-digit year is refused by name', async () => {
  const { errors } = await ask(
    api,
    INSURER,
    `{ driver(externalId: "ann") {
         score(asOf: "9999-12-31") { value } longDriving(from: "0001-01-01", to: "2026-01-01") { rule } } }`,
  );
  expect(errors.map(({ message, extensions: { code } }) => [code, message])).toEqual([
    ['BAD_USER_INPUT', 'asOf is 9999-12-31; it must be from 1900-01-01 to 9998-12-31.'],
    ['BAD_USER_INPUT', 'from is 0001-01-01; it must be from 1900-01-01 to 9998-12-31.'],
  ]);
});

it('a score shows its window, prior, rates with intervals, and other published scores', async () => {
  const { data, errors } = await ask(
    api,
    INSURER,
    `{ driver(externalId: "ann") { score(asOf: "2026-06-30") {
         value status credibility from to distanceKm prior { events km } parts { metric points }
         rates { kind count per100Km low high } beside { name value lacks } } } }`,
  );
  expect(errors).toEqual([]);
  const { score } = data.driver;
  expect(score).toMatchObject({
    status: 'SCORED',
    from: '2026-04-02',
    to: '2026-07-01',
    distanceKm: 200,
    prior: { events: 2, km: 500 },
    beside: [
      { name: 'Tesla Safety Score 1.0', value: 100 },
      { name: 'Samsara Safety Score', value: 83.91 },
      { name: 'Momentum', value: 59.77, lacks: [] },
    ],
  });
  expect(score.credibility).toBeCloseTo(200 / 700, 12);
  const braking = score.rates.find((rate: { kind: string }) => rate.kind === 'HARSH_BRAKING');
  expect(braking).toMatchObject({ count: 2, per100Km: 1 });
  // The exact interval of 2 events is 0.2422 to 7.2247.
  expect(braking.low).toBeCloseTo(0.1211, 4);
  expect(braking.high).toBeCloseTo(3.6123, 4);
});

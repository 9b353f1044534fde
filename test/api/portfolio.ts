import type pg from 'pg';
import { fillDriving } from '../../bench/fill-driving.ts';
import { fillTrips } from '../../bench/fill-trips.ts';

/** What the portfolio's things are called. The tenant `small` has every thousandth of them. */
export const PORTFOLIO = {
  large: 'tenant-2',
  small: 'small',
  /** Of `large`, as everybody else there. */
  driver: 'D-1',
  device: 'ID-1',
  policy: 'P-1',
  /** Of `large`: a taxi, with more trips than anybody else by a hundred times. */
  busyDriver: 'D-5',
  busyDevice: 'ID-5',
  busyPolicy: 'P-5',
  /** Of `small`. */
  smallDriver: 'D-1000',
  smallDevice: 'ID-1000',
} as const;

const TARIFF = {
  format: 'odograph.tariff/1',
  id: 'tariff',
  version: '1',
  product: 'car',
  jurisdiction: 'DE',
  currency: 'EUR',
  effectiveFrom: '2020-01-01',
  rounding: { mode: 'HALF_UP', places: 2 },
  charges: [{ kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.10' }],
  factors: [],
  adjustments: [],
};

const TENANTS = 4;
const BUSY_TRIPS = 5_000;
/** Number of the busy driver and device. */
const BUSY = 5;
/** To this instant the log is read. */
const NOW = '2027-01-01';
const MOVED = 'id % 1000 = 0';

/**
 * Two years of trips of several tenants, and what hangs on them: driving events, events, daily sums,
 * revisions, policies with bills, amendments and disputes. The last trip of every device is open by its
 * row; all but one in nineteen have been over for long by the time.
 */
export async function fillPortfolio(owner: pg.Client, trips: number): Promise<void> {
  const devices = Math.max(2_000, Math.floor(trips / 50));
  await fillTrips(owner, trips, { devices, tenants: TENANTS, days: 730 });
  await owner.query(
    `insert into trip select copy.* from (select * from trip where device_id = $1 order by started_at limit 1) as t
       cross join generate_series(1, $2::int) as n cross join lateral jsonb_populate_record(null::trip, to_jsonb(t) || jsonb_build_object('id', 1000000000 + n, 'started_at', t.started_at + n * interval '3 hours',
        'ended_at', t.ended_at + n * interval '3 hours', 'closes_at', t.closes_at + n * interval '3 hours', 'anchor_sec', t.anchor_sec + n * 10800,
        'last_sec', t.last_sec + n * 10800, 'decided_sec', t.decided_sec + n * 10800, 'local_date', t.local_date + n / 8,
        'days', jsonb_set(t.days, '{0,localDate}', to_jsonb(t.local_date + n / 8)))) as copy
     on conflict do nothing`,
    [BUSY, BUSY_TRIPS],
  );
  await fillDriving(owner);
  for (const sql of [
    `insert into tenant (slug) values ('${PORTFOLIO.small}')`,
    ...['driver', 'vehicle', 'policy'].map((table) => move(table, MOVED)),
    ...['device_tenancy', 'assignment', 'trip', 'driving_event', 'daily_total'].map((table) =>
      move(table, MOVED.replace('id', 'device_id')),
    ),
    ...['policy_product', 'policy_vehicle', 'policy_fact'].map((table) =>
      move(table, MOVED.replace('id', 'policy_id')),
    ),
    `update trip t set decided_sec = null, decided_rest = null, end_reason = null
       from (select device_id, max(started_at) as started_at from trip group by device_id) as last
       where t.device_id = last.device_id and t.started_at = last.started_at`,
    `update device_state s set arrived_at = case when s.device_id % 19 = 1 then '${NOW}' else t.ended_at end, head_sec = t.last_sec, head_rest = t.last_rest
       from trip t where t.device_id = s.device_id and t.decided_sec is null`,
    `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, '${NOW}')`,
    // A kind that is rare.
    `update driving_event set kind = 'PHONE_USE', source = 'DEVICE' where decided_rest % 19997 = 1`,
    `insert into trip_handle select id, device_id, anchor_sec, anchor_rest from trip`,
    `insert into trip_revision (trip_id, revision, device_id, tenant_id, driver_id, known_from, known_to, withdrawn, facts)
       select id, 1, device_id, tenant_id, driver_id, ended_at, ended_at + interval '1 day', false, to_jsonb(t) from trip t where id % 50 = 0`,
    `create table event_all partition of event for values from (minvalue) to (maxvalue)`,
    `insert into event (device_id, sec, rest, lat_e7, lon_e7, speed_ckmh)
       select device_id, anchor_sec + 240 * nth, anchor_rest, 525200000, 134050000, 5000 from trip cross join generate_series(0, 4) as nth
       where id % 4 = 1 on conflict do nothing`,
    `insert into policy_driver (tenant_id, policy_id, driver_id, from_date, to_date) select tenant_id, id, id, start_date, end_date from policy`,
    `insert into policy_amendment (tenant_id, policy_id, effective_from, change) select tenant_id, id, start_date + 30, '{}' from policy`,
    `insert into tariff (id, tenant_id, product, jurisdiction, effective_from, status, document, hash)
       select 'tariff-' || n || '@1', t.id, 'car', 'DE', '2020-01-01'::date + n, 'ACTIVE', '${JSON.stringify(TARIFF)}', '' from tenant t cross join generate_series(1, 40) as n`,
    `insert into bill (tenant_id, policy_id, kind, number, from_date, to_date, product, jurisdiction, tariff_id, currency, total, cut_off, document, hash)
       select tenant_id, id, case when n = 8 then 'ADJUSTMENT' when n = 9 then 'CREDIT_NOTE' else 'BILL' end, 'B-' || id || '-' || n,
         start_date + 30 * n, start_date + 30 * (n + 1), 'car', 'DE', 'tariff-1@1', 'EUR', 10, now(), '{"trips":[],"lines":[]}', ''
       from policy cross join generate_series(0, 9) as n`,
    `insert into dispute (tenant_id, policy_id, trip_id, reason, device_id, from_at, to_at, was_open, parts)
       select tenant_id, vehicle_id, id, 'not driven', device_id, started_at, ended_at, false, days from trip where id % 100 = 1`,
    'vacuum analyze',
  ]) {
    await owner.query(sql);
  }
}

function move(table: string, which: string): string {
  return `update ${table} set tenant_id = (select id from tenant where slug = '${PORTFOLIO.small}') where ${which}`;
}

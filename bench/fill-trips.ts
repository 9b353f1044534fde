import type pg from 'pg';

/** Trips of one device where nothing else is said: three on most days of a year. */
const PER_DEVICE = 1_000;

/** How trips are spread. */
interface Spread {
  readonly devices?: number;
  /** Devices belong to them in turn; the first is the tenant `default`. */
  readonly tenants?: number;
  /** From 2025-01-01 on. */
  readonly days?: number;
}

/**
 * A time of trips, spread evenly over devices with a driver, a vehicle and a policy each, whose territory
 * changes on 2025-07-15. Device, driver, vehicle and policy of a number have that number as their id. Every
 * value is a function of the trip's number.
 */
export async function fillTrips(
  owner: pg.Client,
  trips: number,
  { devices = Math.ceil(trips / PER_DEVICE), tenants = 1, days = 365 }: Spread = {},
): Promise<void> {
  await owner.query(
    `insert into tenant (slug) select 'tenant-' || n from generate_series(2, $1::int) as n`,
    [tenants],
  );
  for (const sql of [
    `insert into driver (tenant_id, external_id) select 1 + n % $2::int, 'D-' || n from generate_series(1, $1::int) as n`,
    `insert into vehicle (tenant_id, external_id, attributes) select 1 + n % $2::int, 'V-' || n,
       jsonb_build_object('fuel', (array['petrol', 'diesel', 'electric'])[1 + n % 3]) from generate_series(1, $1::int) as n`,
  ]) {
    await owner.query(sql, [devices, tenants]);
  }
  await owner.query(
    `insert into policy (tenant_id, number, time_zone, start_date, end_date)
       select 1 + n % $2::int, 'P-' || n, 'UTC', '2025-01-01', '2025-01-01'::date + $3::int from generate_series(1, $1::int) as n`,
    [devices, tenants, days],
  );
  for (const sql of [
    `insert into device (external_id) select 'ID-' || id from driver order by id`,
    `insert into device_tenancy (device_id, tenant_id) select id, tenant_id from driver`,
    `insert into device_state (device_id) select id from device`,
    `insert into assignment (tenant_id, device_id, driver_id, vehicle_id) select tenant_id, id, id, id from driver`,
    `insert into policy_product (tenant_id, policy_id, product, jurisdiction, from_date, to_date)
       select tenant_id, id, 'car', 'DE', start_date, end_date from policy`,
    `insert into policy_vehicle (tenant_id, policy_id, vehicle_id, from_date, to_date)
       select tenant_id, id, id, start_date, end_date from policy`,
    `insert into policy_fact (tenant_id, policy_id, name, value, from_date, to_date)
       select tenant_id, id, 'territory', to_jsonb('T' || id % 10), start_date, '2025-07-15'::date from policy
       union all select tenant_id, id, 'territory', to_jsonb('T' || (id + 1) % 10), '2025-07-15', end_date from policy`,
  ]) {
    await owner.query(sql);
  }
  await owner.query(
    `insert into trip (id, device_id, started_at, tenant_id, assignment_id, driver_id, vehicle_id, anchor_sec, anchor_rest, last_sec,
       last_rest, decided_sec, decided_rest, ended_at, closes_at, end_reason, time_zone, local_date, distance_m, distance_source,
       bridged_m, moving_ms, idle_ms, max_speed_ckmh, night_m, fixes, events, rejected_fixes, days, rules_version)
     select n, device, started_at, 1 + device % $4::int, device, device, device,
       extract(epoch from started_at)::int - 946684800, n, extract(epoch from started_at + lasts)::int - 946684800, n,
       extract(epoch from started_at + lasts)::int - 946684200, n, started_at + lasts, started_at + lasts + interval '10 minutes', 'SILENCE',
       'Europe/Berlin', (started_at at time zone 'Europe/Berlin')::date, distance_m, 'GPS', 0, 900000, 60000, 5000 + n % 9000, n % 500,
       100, 100, '{}', jsonb_build_array(jsonb_build_object('localDate', (started_at at time zone 'Europe/Berlin')::date,
         'distanceM', distance_m, 'durationMs', 960000, 'movingMs', 900000, 'idleMs', 60000, 'nightM', n % 500,
         'measures', jsonb_build_object('harshBrakingGps.count', n % 7, 'night.ms', 1000, 'standing.ms', 60000))), 'bench'
     from (select n, 1 + n % $2::int as device, 500 + (n::bigint * 7919 % 60000)::int as distance_m, interval '16 minutes' as lasts,
       '2025-01-01T00:00:00Z'::timestamptz + (n / $2::int) * $5::int * interval '1 day' / $3::int + (n::bigint * 7907 % 86400) * interval '1 second' as started_at
       from generate_series(0, $1::int - 1) as n) as made
     order by started_at
     on conflict do nothing`,
    [trips, devices, Math.ceil(trips / devices), tenants, days],
  );
  await owner.query('vacuum analyze');
}

import type pg from 'pg';

/** What the trips of fill-trips.ts brought about: names, three driving events a trip, the daily roll-ups. */
export async function fillDriving(owner: pg.Client): Promise<void> {
  for (const sql of [
    `update driver set name = 'Driver ' || id`,
    `insert into driving_event (device_id, at, kind, source, severity, ended_at, trip_started_at, tenant_id, driver_id, decided_sec,
         decided_rest, speed_before_ckmh, speed_after_ckmh, peak_mmps2, threshold, local_date, rules_version, duration_ms)
       select device_id, at, (array['HARSH_BRAKING', 'HARSH_ACCELERATION', 'HARSH_CORNERING'])[nth], 'GPS', 'LOW', at,
         started_at, tenant_id, driver_id, 0, id, 5000 + id % 900, 4000 - id % 900, -3500 - id % 500, -3500, local_date, rules_version, 1000
       from trip cross join generate_series(1, 3) as nth
         cross join lateral (select started_at + nth * interval '200 seconds' as at) as instant`,
    `insert into daily_total (device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, trips, distance_m, duration_ms,
         moving_ms, idle_ms, night_m, measures)
       select device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, count(*), sum(distance_m), 960000 * count(*),
         sum(moving_ms), sum(idle_ms), sum(night_m), jsonb_build_object(
           'harshBrakingGps.count', count(*), 'harshAccelerationGps.count', count(*), 'harshCorneringGps.count', count(*),
           'accelerationGps.measurable.ms', 900000 * count(*), 'speeding.ms', 4000 * count(*), 'speeding.count', 1,
           'limitKnown.ms', 800000 * count(*), 'phone.ms', 1000, 'night.ms', 60000, 'standing.ms', 60000, 'crawling.ms', 30000,
           'hour07.m', sum(distance_m) / 2, 'hour17.m', sum(distance_m) / 2)
       from trip group by device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id`,
    'vacuum analyze',
  ]) {
    await owner.query(sql);
  }
}

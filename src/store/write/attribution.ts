import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';

/**
 * Updates every trip of a device that began at or after an instant to the tenancy and assignment of its
 * start: tenant, driver and vehicle, its driving events, and its share of the roll-ups. A closed trip whose
 * owner changes gets a new revision, and its old state is kept; so does an open one that a tenant, driver or
 * vehicle loses, which the loser's streams report. Without a new revision neither its facts nor
 * `updated_at` change. The device must be held by this transaction.
 */
export async function reattribute(tx: Transaction, device: number, from: Date): Promise<void> {
  await tx.$executeRaw`
    insert into trip_revision (trip_id, revision, device_id, tenant_id, driver_id, known_from, known_to, withdrawn, facts)
    select t.id, t.revision, t.device_id, t.tenant_id, t.driver_id, t.updated_at, now(), false,
      to_jsonb(t) - array['id', 'revision', 'changed', 'updated_at']
    from trip t
    join device_tenancy y on y.device_id = t.device_id and y.from_at <= t.started_at and t.started_at < y.to_at
    left join assignment a on a.device_id = t.device_id and a.from_at <= t.started_at and t.started_at < a.to_at
    where t.device_id = ${device} and t.started_at >= ${from} and ${isRevised('t')}`;
  const moved = await tx.$queryRaw<{ days: { localDate: string }[] }[]>`
    update trip t set tenant_id = n.tenant_id, assignment_id = n.assignment_id, driver_id = n.driver_id, vehicle_id = n.vehicle_id,
      revision = t.revision + n.revised, changed = pg_current_xact_id(),
      updated_at = case when t.decided_sec is null or n.revised = 1 then now() else t.updated_at end
    from (
      select o.started_at, y.tenant_id, a.id as assignment_id, a.driver_id, a.vehicle_id,
        (${isRevised('o')})::int as revised
      from trip o
      join device_tenancy y on y.device_id = o.device_id and y.from_at <= o.started_at and o.started_at < y.to_at
      left join assignment a on a.device_id = o.device_id and a.from_at <= o.started_at and o.started_at < a.to_at
      where o.device_id = ${device} and o.started_at >= ${from}
        and (o.tenant_id, o.assignment_id, o.driver_id, o.vehicle_id) is distinct from (y.tenant_id, a.id, a.driver_id, a.vehicle_id)
    ) as n
    where t.device_id = ${device} and t.started_at = n.started_at
    returning t.days`;
  await tx.$executeRaw`
    update driving_event e set tenant_id = t.tenant_id, driver_id = t.driver_id, changed = pg_current_xact_id()
    from trip t
    where e.device_id = ${device} and e.at >= ${from} and t.device_id = e.device_id and t.started_at = e.trip_started_at
      and (e.tenant_id, e.driver_id) is distinct from (t.tenant_id, t.driver_id)`;
  const dates = [...new Set(moved.flatMap(({ days }) => days.map((day) => day.localDate)))];
  if (dates.length > 0) await rebuildTotals(tx, device, dates);
}

/** Whether a trip gets a revision when it moves to the tenancy `y` and the assignment `a`. */
function isRevised(trip: 't' | 'o'): Prisma.Sql {
  const t = Prisma.raw(trip);
  return Prisma.sql`((${t}.tenant_id, ${t}.driver_id, ${t}.vehicle_id) is distinct from (y.tenant_id, a.driver_id, a.vehicle_id)
    and (${t}.decided_sec is not null or ${t}.tenant_id <> y.tenant_id
      or (${t}.driver_id is not null and ${t}.driver_id is distinct from a.driver_id)
      or (${t}.vehicle_id is not null and ${t}.vehicle_id is distinct from a.vehicle_id)))`;
}

/** All days of a trip are within this time of its start. */
const MARGIN_MS = 4 * 86_400_000;

/** Recalculates the sums of closed trips for some local days; a trip lasts a day or two, so few others are read. */
async function rebuildTotals(
  tx: Transaction,
  device: number,
  dates: readonly string[],
): Promise<void> {
  // The bounds are timestamptz like the column: see read/trip-starts.ts.
  const days = dates.map((date) => Date.parse(`${date}T00:00:00Z`));
  await tx.$executeRaw`delete from daily_total where device_id = ${device} and local_date = any(${dates}::date[])`;
  await tx.$executeRaw`
    with part as materialized (
      select t.tenant_id, coalesce(t.assignment_id, 0) as assignment_id, t.driver_id, t.vehicle_id, t.local_date as trip_date, d.*
      from trip t cross join lateral jsonb_to_recordset(t.days) as d("localDate" date, "distanceM" bigint, "durationMs" bigint,
        "movingMs" bigint, "idleMs" bigint, "nightM" bigint, measures jsonb)
      where t.device_id = ${device} and t.decided_sec is not null and d."localDate" = any(${dates}::date[])
        and t.started_at >= ${new Date(Math.min(...days) - MARGIN_MS)} and t.started_at < ${new Date(Math.max(...days) + MARGIN_MS)}
    ), measured as (
      select tenant_id, assignment_id, "localDate", jsonb_object_agg(key, total) as measures from (
        select tenant_id, assignment_id, "localDate", m.key, sum(m.value::bigint) as total
        from part cross join lateral jsonb_each_text(part.measures) as m
        group by 1, 2, 3, 4 having sum(m.value::bigint) <> 0) as sums
      group by 1, 2, 3
    )
    insert into daily_total (device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, trips, distance_m, duration_ms,
      moving_ms, idle_ms, night_m, measures)
    select ${device}, p.tenant_id, p.assignment_id, p."localDate", min(p.driver_id), min(p.vehicle_id),
      count(*) filter (where p.trip_date = p."localDate"), sum(p."distanceM"), sum(p."durationMs"), sum(p."movingMs"),
      sum(p."idleMs"), sum(p."nightM"), coalesce((select m.measures from measured m where m.tenant_id = p.tenant_id
        and m.assignment_id = p.assignment_id and m."localDate" = p."localDate"), '{}')
    from part p group by p.tenant_id, p.assignment_id, p."localDate"`;
}

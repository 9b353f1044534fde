import { Prisma } from '../generated/client.ts';

/**
 * When which device counts for vehicles: rows `assignment_id, device_id, vehicle_id, counts_from, counts_to, whole`. Of several
 * devices that are assigned to a vehicle at one time, the one whose assignment began first counts; of two from the same
 * time, the one that the store has known longer. So kilometres of a vehicle count once. `whole`: the device counts
 * for as long as it is assigned. The times are null where it never counts.
 */
export function countingOf(vehicleRefs: readonly number[]): Prisma.Sql {
  return Prisma.sql`
    select a.id as assignment_id, a.device_id, a.vehicle_id, lower(s.span) as counts_from, upper(s.span) as counts_to,
      coalesce(lower(s.span) = a.from_at and upper(s.span) = a.to_at, false) as whole
    from assignment a left join lateral (
      select unnest(tstzmultirange(tstzrange(a.from_at, a.to_at)) - coalesce((
        select range_agg(tstzrange(b.from_at, b.to_at)) from assignment b
        where b.vehicle_id = a.vehicle_id and b.device_id <> a.device_id
          and (b.from_at, b.device_id) < (a.from_at, a.device_id)), '{}')) as span) as s on true
    where a.vehicle_id = any(${vehicleRefs}::int[])`;
}

/** The assignments that count for a part of their time or never, with the rows of `countingOf` as `counting`. */
export const IN_PARTS = Prisma.sql`array(select assignment_id from counting where not whole)`;

/** Whether the trip `t` counts for its vehicle: its device did so at its start. With the rows of `countingOf` as `counting`. */
export const COUNTS = Prisma.sql`(t.assignment_id is null or t.assignment_id <> all(${IN_PARTS}) or exists (
  select from counting c where c.assignment_id = t.assignment_id and c.counts_from <= t.started_at and t.started_at < c.counts_to))`;

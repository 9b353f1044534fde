import type { DeviceDays } from '../../core/premium/rating/input.ts';
import type { Transaction } from '../transaction.ts';
import { READ_THROUGH } from '../read-through.ts';
import { countingOf, IN_PARTS } from './counting.ts';

/** The vehicles of a policy with their external ids, and the zone that its dates are of. */
interface ListenedPolicy {
  readonly timeZone: string;
  readonly vehicles: ReadonlyMap<number, string>;
}

/**
 * The whole local days on which devices of policies' vehicles were heard, and those on which they were silent:
 * no event of the day is stored. Days without a device all day long are missing, and so are those that were
 * not over at `cutOff`. Of several devices on a vehicle it is the one that counts. A day with driving in the roll-ups was heard; each other day costs one probe of
 * the events' key, by device and second.
 *
 * @param since first local date
 * @param cutOff up to when the log is read; null: nothing was read, so no day is returned
 * @returns by the place of the policy
 */
export async function readDeviceDays(
  tx: Transaction,
  policies: readonly ListenedPolicy[],
  since: string,
  cutOff: Date | null,
): Promise<DeviceDays[][]> {
  const days = policies.map((): DeviceDays[] => []);
  if (cutOff === null) return days;
  const vehicles = policies.flatMap(({ timeZone, vehicles: covered }, policy) =>
    [...covered].map(([vehicleRef, vehicleId]) => ({ policy, vehicleRef, vehicleId, timeZone })),
  );
  // Behind row-level security a condition on an event's columns is part of the index condition only if all
  // functions in it are leakproof. So the bounds are whole seconds of a materialized CTE, compared as integers. Without
  // its limit the look at the sums could be planned as a hash of all sums.
  const rows = await tx.$queryRaw<
    { place: bigint; from: string; to: string; heard: boolean }[]
  >`with counting as materialized (${countingOf(vehicles.map((v) => v.vehicleRef))}),
    held as (
      select v.place, v.vehicle_id, v.zone, range_agg(tstzrange(a.counts_from, a.counts_to)) as times
      from unnest(${vehicles.map((v) => v.vehicleRef)}::int[], ${vehicles.map((v) => v.timeZone)}::text[])
        with ordinality as v(vehicle_id, zone, place)
      join counting a on a.vehicle_id = v.vehicle_id and a.counts_from is not null
      group by v.place, v.vehicle_id, v.zone),
    day as materialized (
      select h.place, h.vehicle_id, d.date, d.begins, d.ends, (
        select true from daily_total t where t.vehicle_id = h.vehicle_id and t.local_date = d.date
          and t.assignment_id <> all(${IN_PARTS}) limit 1) is not null as driven
      from held h cross join lateral (
        select s::date as date, s at time zone h.zone as begins, (s + interval '1 day') at time zone h.zone as ends
        from generate_series(${since}::timestamp, (${cutOff}::timestamptz at time zone h.zone)::date - interval '1 day', interval '1 day') as s) as d
      where h.times @> tstzrange(d.begins, d.ends)),
    probe as materialized (
      select day.place, day.date, a.device_id,
        floor(extract(epoch from greatest(a.counts_from, day.begins)))::int - 946684800 as from_sec,
        ceil(extract(epoch from least(a.counts_to, day.ends)))::int - 946684800 as to_sec
      from day join counting a on a.vehicle_id = day.vehicle_id and a.counts_from < day.ends and a.counts_to > day.begins
      where not day.driven),
    heard as (
      select distinct p.place, p.date from probe p cross join lateral (
        select from event e where e.device_id = p.device_id and e.sec >= p.from_sec and e.sec < p.to_sec limit 1) as e),
    classified as (
      select day.place, day.date, day.driven or h.date is not null as heard
      from day left join heard h on h.place = day.place and h.date = day.date),
    run as (
      select place, date, heard, date - row_number() over (partition by place, heard order by date)::int as run from classified)
    select place, min(date)::text as from, (max(date) + 1)::text as to, heard from run group by place, heard, run order by place, min(date)`;
  for (const { place, ...row } of rows) {
    const vehicle = vehicles[Number(place) - 1];
    if (vehicle) days[vehicle.policy]?.push({ vehicleId: vehicle.vehicleId, ...row });
  }
  return days;
}

/** Up to when everything in the log is read; null before anything was read. */
export async function readReadThrough(tx: Transaction): Promise<Date | null> {
  const [row] = await tx.$queryRaw<{ through: Date | null }[]>`
    select ${READ_THROUGH} as through`;
  return row?.through ?? null;
}

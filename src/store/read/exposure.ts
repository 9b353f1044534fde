import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../open.ts';

/** What a driver did on one local day with one device, in the store's units; rows of a day add up. */
export interface ExposureRow {
  readonly driverRef: number;
  readonly localDate: string;
  /** Trips that began on that day. */
  readonly trips: number;
  readonly distanceM: number;
  readonly durationMs: number;
  readonly movingMs: number;
  readonly idleMs: number;
  readonly nightM: number;
  readonly measures: Readonly<Record<string, number>>;
}

interface RawExposure {
  readonly driverRef: number;
  readonly localDate: string;
  readonly trips: number;
  readonly distanceM: bigint;
  readonly durationMs: bigint;
  readonly movingMs: bigint;
  readonly idleMs: bigint;
  readonly nightM: bigint;
  readonly measures: Readonly<Record<string, number>>;
}

/**
 * Drivers' days: the sums of closed trips, and the trips under way, from one statement, so that one
 * that closes meanwhile is counted once.
 *
 * @param from first local date
 * @param to the local date after the last
 */
export async function readExposure(
  tx: Transaction,
  driverRefs: readonly number[],
  from: string,
  to: string,
  vehicleRef?: number,
): Promise<ExposureRow[]> {
  const ofVehicle =
    vehicleRef === undefined ? Prisma.sql`true` : Prisma.sql`t.vehicle_id = ${vehicleRef}`;
  const rows = await tx.$queryRaw<RawExposure[]>`
    select t.driver_id as "driverRef", t.local_date::text as "localDate", t.trips, t.distance_m as "distanceM",
      t.duration_ms as "durationMs", t.moving_ms as "movingMs", t.idle_ms as "idleMs", t.night_m as "nightM", t.measures
    from daily_total t
    where t.driver_id = any(${driverRefs}::int[]) and ${ofVehicle} and t.local_date >= ${from}::date and t.local_date < ${to}::date
    union all
    select t.driver_id, p."localDate"::text, (p."localDate" = t.local_date)::int, p."distanceM",
      p."durationMs", p."movingMs", p."idleMs", p."nightM", p.measures
    from trip t cross join lateral jsonb_to_recordset(t.days) as p("localDate" date, "distanceM" bigint, "durationMs" bigint,
      "movingMs" bigint, "idleMs" bigint, "nightM" bigint, measures jsonb)
    where t.device_id = any(array(select device_id from assignment where driver_id = any(${driverRefs}::int[])))
      and t.decided_sec is null and t.driver_id = any(${driverRefs}::int[]) and ${ofVehicle}
      and p."localDate" >= ${from}::date and p."localDate" < ${to}::date`;
  return rows.map((row) => ({
    ...row,
    distanceM: Number(row.distanceM),
    durationMs: Number(row.durationMs),
    movingMs: Number(row.movingMs),
    idleMs: Number(row.idleMs),
    nightM: Number(row.nightM),
  }));
}

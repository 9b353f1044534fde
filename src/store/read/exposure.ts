import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../open.ts';

/** What one device did on one local day with one driver and vehicle, in the store's units; rows of a day add up. */
export interface ExposureRow {
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

/** Whose days are asked for: those of drivers, or of vehicles whoever drove them. */
type Owner = 'driver' | 'vehicle';

interface RawExposure {
  readonly ref: number;
  readonly localDate: string;
  readonly trips: number;
  readonly distanceM: bigint;
  readonly durationMs: bigint;
  readonly movingMs: bigint;
  readonly idleMs: bigint;
  readonly nightM: bigint;
  readonly measures: Readonly<Record<string, number>>;
}

/** The days of drivers within half-open local dates, whatever they drove. */
export async function readDriverExposure(
  tx: Transaction,
  driverRefs: readonly number[],
  from: string,
  to: string,
): Promise<(ExposureRow & { readonly driverRef: number })[]> {
  const rows = await readExposure(tx, 'driver', driverRefs, from, to);
  return rows.map(({ ref, ...row }) => ({ ...row, driverRef: ref }));
}

/** The days of vehicles within half-open local dates, whoever drove them. */
export async function readVehicleExposure(
  tx: Transaction,
  vehicleRefs: readonly number[],
  from: string,
  to: string,
): Promise<(ExposureRow & { readonly vehicleRef: number })[]> {
  const rows = await readExposure(tx, 'vehicle', vehicleRefs, from, to);
  return rows.map(({ ref, ...row }) => ({ ...row, vehicleRef: ref }));
}

/**
 * The sums of closed trips, and the trips under way, from one statement, so that one that closes
 * meanwhile is counted once.
 */
async function readExposure(
  tx: Transaction,
  owner: Owner,
  refs: readonly number[],
  from: string,
  to: string,
): Promise<(ExposureRow & { readonly ref: number })[]> {
  const column = owner === 'driver' ? Prisma.sql`driver_id` : Prisma.sql`vehicle_id`;
  const rows = await tx.$queryRaw<RawExposure[]>`
    select t.${column} as ref, t.local_date::text as "localDate", t.trips, t.distance_m as "distanceM",
      t.duration_ms as "durationMs", t.moving_ms as "movingMs", t.idle_ms as "idleMs", t.night_m as "nightM", t.measures
    from daily_total t
    where t.${column} = any(${refs}::int[]) and t.local_date >= ${from}::date and t.local_date < ${to}::date
    union all
    select t.${column}, p."localDate"::text, (p."localDate" = t.local_date)::int, p."distanceM",
      p."durationMs", p."movingMs", p."idleMs", p."nightM", p.measures
    from trip t cross join lateral jsonb_to_recordset(t.days) as p("localDate" date, "distanceM" bigint, "durationMs" bigint,
      "movingMs" bigint, "idleMs" bigint, "nightM" bigint, measures jsonb)
    where t.device_id = any(array(select device_id from assignment where ${column} = any(${refs}::int[])))
      and t.decided_sec is null and t.${column} = any(${refs}::int[])
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

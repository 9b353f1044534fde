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

/** Whether days are those of drivers, or of vehicles with any driver. */
type Owner = 'driver' | 'vehicle';

/**
 * The days of one owner column by column, each column as one text: a book has millions of days, and a row
 * for each would cost more than the work on it.
 */
interface RawExposure {
  readonly ref: number;
  readonly dates: string;
  readonly trips: string;
  readonly distancesM: string;
  readonly durationsMs: string;
  readonly movingMs: string;
  readonly idleMs: string;
  readonly nightsM: string;
  /** A JSON array. */
  readonly measures: string;
}

/** The days of drivers within half-open local dates, with any vehicle. */
export async function readDriverExposure(
  tx: Transaction,
  driverRefs: readonly number[],
  from: string,
  to: string,
): Promise<(ExposureRow & { readonly driverRef: number })[]> {
  const rows = await readExposure(tx, 'driver', driverRefs, from, to);
  return rows.map(({ ref, ...row }) => ({ ...row, driverRef: ref }));
}

/** The days of vehicles within half-open local dates, with any driver. */
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
 * The sums of closed trips and the open trips come from one statement, so that a trip that closes
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
    select ref, array_agg(local_date)::text as dates, array_agg(trips)::text as trips, array_agg(distance_m)::text as "distancesM",
      array_agg(duration_ms)::text as "durationsMs", array_agg(moving_ms)::text as "movingMs", array_agg(idle_ms)::text as "idleMs",
      array_agg(night_m)::text as "nightsM", json_agg(measures)::text as measures
    from (
      select t.${column} as ref, t.local_date, t.trips, t.distance_m, t.duration_ms, t.moving_ms, t.idle_ms, t.night_m, t.measures
      from daily_total t
      where t.${column} = any(${refs}::int[]) and t.local_date >= ${from}::date and t.local_date < ${to}::date
      union all
      select t.${column}, p."localDate", (p."localDate" = t.local_date)::int, p."distanceM",
        p."durationMs", p."movingMs", p."idleMs", p."nightM", p.measures
      from trip t cross join lateral jsonb_to_recordset(t.days) as p("localDate" date, "distanceM" bigint, "durationMs" bigint,
        "movingMs" bigint, "idleMs" bigint, "nightM" bigint, measures jsonb)
      where t.device_id = any(array(select device_id from assignment where ${column} = any(${refs}::int[])))
        and t.decided_sec is null and t.${column} = any(${refs}::int[])
        and p."localDate" >= ${from}::date and p."localDate" < ${to}::date) as day
    group by ref`;
  return rows.flatMap((row) => {
    const trips = toNumbers(row.trips);
    const distancesM = toNumbers(row.distancesM);
    const durationsMs = toNumbers(row.durationsMs);
    const movingMs = toNumbers(row.movingMs);
    const idleMs = toNumbers(row.idleMs);
    const nightsM = toNumbers(row.nightsM);
    const measures = JSON.parse(row.measures) as Readonly<Record<string, number>>[];
    return toTexts(row.dates).map((localDate, i) => ({
      ref: row.ref,
      localDate,
      trips: trips[i] ?? 0,
      distanceM: distancesM[i] ?? 0,
      durationMs: durationsMs[i] ?? 0,
      movingMs: movingMs[i] ?? 0,
      idleMs: idleMs[i] ?? 0,
      nightM: nightsM[i] ?? 0,
      measures: measures[i] ?? {},
    }));
  });
}

/** The elements of an array in PostgreSQL's text form without quotes: {a,b}. */
function toTexts(array: string): string[] {
  return array.slice(1, -1).split(',');
}

function toNumbers(array: string): number[] {
  return JSON.parse(`[${array.slice(1, -1)}]`) as number[];
}

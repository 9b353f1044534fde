import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import { COUNTS, countingOf, IN_PARTS } from './counting.ts';
import { startsFor } from './trip-starts.ts';

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

/** The days of vehicles within half-open local dates, with any driver, by the device that counts at the time. */
export async function readVehicleExposure(
  tx: Transaction,
  vehicleRefs: readonly number[],
  from: string,
  to: string,
): Promise<(ExposureRow & { readonly vehicleRef: number })[]> {
  const rows = await readExposure(tx, 'vehicle', vehicleRefs, from, to);
  return rows.map(({ ref, ...row }) => ({ ...row, vehicleRef: ref }));
}

/** What of sums and of trips is read for an owner. */
interface Source {
  readonly column: Prisma.Sql;
  readonly counting: Prisma.Sql;
  readonly sums: Prisma.Sql;
  readonly trips: Prisma.Sql;
}

const OF_DRIVERS: Source = {
  column: Prisma.sql`driver_id`,
  counting: Prisma.empty,
  sums: Prisma.empty,
  trips: Prisma.sql`t.decided_sec is null`,
};

/** The sums of an assignment that counts only for a part of its time do not tell which trips count: those are read. */
function ofVehicles(refs: readonly number[]): Source {
  return {
    column: Prisma.sql`vehicle_id`,
    counting: Prisma.sql`with counting as materialized (${countingOf(refs)})`,
    sums: Prisma.sql` and t.assignment_id <> all(${IN_PARTS})`,
    trips: Prisma.sql`(t.decided_sec is null or t.assignment_id = any(${IN_PARTS})) and ${COUNTS}`,
  };
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
  const { column, counting, sums, trips } = owner === 'driver' ? OF_DRIVERS : ofVehicles(refs);
  const rows = await tx.$queryRaw<RawExposure[]>`
    ${counting}
    select ref, array_agg(local_date)::text as dates, array_agg(trips)::text as trips, array_agg(distance_m)::text as "distancesM",
      array_agg(duration_ms)::text as "durationsMs", array_agg(moving_ms)::text as "movingMs", array_agg(idle_ms)::text as "idleMs",
      array_agg(night_m)::text as "nightsM", json_agg(measures)::text as measures
    from (
      select t.${column} as ref, t.local_date, t.trips, t.distance_m, t.duration_ms, t.moving_ms, t.idle_ms, t.night_m, t.measures
      from daily_total t
      where t.${column} = any(${refs}::int[]) and t.local_date >= ${from}::date and t.local_date < ${to}::date${sums}
      union all
      select t.${column}, p."localDate", (p."localDate" = t.local_date)::int, p."distanceM",
        p."durationMs", p."movingMs", p."idleMs", p."nightM", p.measures
      from trip t cross join lateral jsonb_to_recordset(t.days) as p("localDate" date, "distanceM" bigint, "durationMs" bigint,
        "movingMs" bigint, "idleMs" bigint, "nightM" bigint, measures jsonb)
      where t.device_id = any(array(select device_id from assignment where ${column} = any(${refs}::int[])))
        and ${startsFor(from, to)} and ${trips} and t.${column} = any(${refs}::int[])
        and p."localDate" >= ${from}::date and p."localDate" < ${to}::date) as day
    group by ref`;
  return rows.flatMap((row) => {
    const counts = toNumbers(row.trips);
    const distancesM = toNumbers(row.distancesM);
    const durationsMs = toNumbers(row.durationsMs);
    const movingMs = toNumbers(row.movingMs);
    const idleMs = toNumbers(row.idleMs);
    const nightsM = toNumbers(row.nightsM);
    const measures = JSON.parse(row.measures) as Readonly<Record<string, number>>[];
    return toTexts(row.dates).map((localDate, i) => ({
      ref: row.ref,
      localDate,
      trips: counts[i] ?? 0,
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

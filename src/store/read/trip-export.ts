import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import type { TripCriteria } from './trips.ts';
import type { TripRow } from './trip-row.ts';
import { CLOSED, JOINS } from './trip-columns.ts';
import { criteriaOf } from './trips.ts';

/** A trip in an export file, in the store's units, with the insurer's ids. */
export interface ExportedTrip extends Pick<
  TripRow,
  | 'id'
  | 'revision'
  | 'deviceId'
  | 'driverRef'
  | 'vehicleRef'
  | 'closed'
  | 'startedAtMs'
  | 'endedAtMs'
  | 'endReason'
  | 'timeZone'
  | 'localDate'
  | 'distanceM'
  | 'distanceSource'
  | 'bridgedM'
  | 'movingMs'
  | 'idleMs'
  | 'maxSpeedCkmh'
  | 'nightM'
  | 'fixes'
  | 'days'
  | 'rulesVersion'
  | 'updatedAtMs'
> {
  readonly driverExternalId: string | null;
  readonly vehicleExternalId: string | null;
}

/** The columns of an `ExportedTrip`, by its property names. */
const EXPORTED = Prisma.sql`t.id, t.revision, d.external_id as "deviceId", t.driver_id as "driverRef",
  t.vehicle_id as "vehicleRef", ${CLOSED} as closed, (extract(epoch from t.started_at) * 1000)::bigint as "startedAtMs",
  (extract(epoch from t.ended_at) * 1000)::bigint as "endedAtMs", t.end_reason as "endReason", t.time_zone as "timeZone",
  t.local_date::text as "localDate", t.distance_m as "distanceM", t.distance_source as "distanceSource",
  t.bridged_m as "bridgedM", t.moving_ms as "movingMs", t.idle_ms as "idleMs", t.max_speed_ckmh as "maxSpeedCkmh",
  t.night_m as "nightM", t.fixes, t.days, t.rules_version as "rulesVersion",
  (extract(epoch from t.updated_at) * 1000)::bigint as "updatedAtMs", w.external_id as "driverExternalId",
  v.external_id as "vehicleExternalId"`;

/** The state of the store that a file was read from. */
export interface ExportSnapshot {
  /** Identifies the state: its instant in UTC, and the oldest transaction not included. */
  readonly id: string;
  readonly takenAt: Date;
}

/** Identifies the state of the store that a REPEATABLE READ transaction reads. */
export async function readSnapshot(tx: Transaction): Promise<ExportSnapshot> {
  const [row] = await tx.$queryRaw<ExportSnapshot[]>`
    select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24-MI-SS"Z"') || '-' || pg_snapshot_xmin(pg_current_snapshot()) as id,
      now() as "takenAt"`;
  if (!row) throw new Error('the database returned no snapshot');
  return row;
}

/**
 * All trips that the reader may see, by start and then id, in batches from one cursor: memory holds one batch,
 * regardless of their number. One cursor at a time per transaction.
 */
export async function* readAllTrips(
  run: <T>(read: (tx: Transaction) => Promise<T>) => Promise<T>,
  criteria: TripCriteria,
  batch: number,
): AsyncGenerator<readonly ExportedTrip[], void> {
  // A trip comes as one text, which takes less time and memory than a value per cell.
  await run(
    (tx) => tx.$executeRaw`
      declare every_trip no scroll cursor for
      select row_to_json(e)::text as trip
      from trip t ${JOINS} left join driver w on w.id = t.driver_id left join vehicle v on v.id = t.vehicle_id,
        lateral (select ${EXPORTED}) as e
      where ${criteriaOf(criteria)} order by t.started_at, t.id`,
  );
  for (;;) {
    const rows = await run((tx) =>
      tx.$queryRaw<{ trip: string }[]>(Prisma.raw(`fetch ${batch} from every_trip`)),
    );
    if (rows.length > 0) yield rows.map(({ trip }) => JSON.parse(trip) as ExportedTrip);
    if (rows.length < batch) return;
  }
}

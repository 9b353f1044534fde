import type { Transaction } from '../open.ts';
import type { RawTrip, TripCriteria, TripRow } from './trips.ts';
import { criteriaOf, JOINS, LIVE, toTripRow } from './trips.ts';

/** A trip with the names that the insurer gave to whom and what it is of. */
export interface ExportedTrip extends TripRow {
  readonly driverExternalId: string | null;
  readonly vehicleExternalId: string | null;
}

type RawExport = RawTrip & Pick<ExportedTrip, 'driverExternalId' | 'vehicleExternalId'>;

/** A state of the store that a file was made of. */
export interface Snapshot {
  /** Names the state: its instant in UTC, and the oldest transaction that it does not hold. */
  readonly id: string;
  readonly takenAt: Date;
}

/** Names the state of the store that a REPEATABLE READ transaction reads. */
export async function readSnapshot(tx: Transaction): Promise<Snapshot> {
  const [row] = await tx.$queryRaw<Snapshot[]>`
    select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24-MI-SS"Z"') || '-' || pg_snapshot_xmin(pg_current_snapshot()) as id,
      now() as "takenAt"`;
  if (!row) throw new Error('the database named no snapshot');
  return row;
}

/**
 * All trips that the reader may see, by start and then id, in batches of one cursor: they hold a batch in
 * memory, whatever their number. One at a time in a transaction.
 */
export async function* readAllTrips(
  run: <T>(read: (tx: Transaction) => Promise<T>) => Promise<T>,
  criteria: TripCriteria,
  batch: number,
): AsyncGenerator<readonly ExportedTrip[], void> {
  await run(
    (tx) => tx.$executeRaw`
      declare every_trip no scroll cursor for
      select ${LIVE}, w.external_id as "driverExternalId", v.external_id as "vehicleExternalId"
      from trip t ${JOINS} left join driver w on w.id = t.driver_id left join vehicle v on v.id = t.vehicle_id
      where ${criteriaOf(criteria)} order by t.started_at, t.id`,
  );
  for (;;) {
    const rows = await run((tx) =>
      tx.$queryRawUnsafe<RawExport[]>(`fetch ${batch} from every_trip`),
    );
    if (rows.length > 0) {
      yield rows.map(({ driverExternalId, vehicleExternalId, ...raw }) => ({
        ...toTripRow(raw),
        driverExternalId,
        vehicleExternalId,
      }));
    }
    if (rows.length < batch) return;
  }
}

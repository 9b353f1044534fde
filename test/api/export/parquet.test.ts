import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { expect, it } from 'vitest';
import { columnsFor } from '../../../src/api/export/columns.ts';
import { writeParquet } from '../../../src/api/export/parquet.ts';
import type { ExportedTrip } from '../../../src/store/read/trip-export.ts';

const TRIPS = 20_003;
const BATCH = 300;
const START_MS = Date.UTC(2025, 0, 1);

/** Every third trip is of nobody, every fifth is open. */
function tripOf(n: number): ExportedTrip {
  const nobody = n % 3 === 0;
  const open = n % 5 === 0;
  const startedAtMs = START_MS + n * 60_000;
  return {
    id: n,
    revision: 1,
    deviceId: `ID-${n % 7}`,
    driverRef: nobody ? null : n % 100,
    vehicleRef: nobody ? null : 0,
    closed: !open,
    startedAtMs,
    endedAtMs: startedAtMs + 30_500,
    endReason: open ? null : 'IGNITION',
    timeZone: 'UTC',
    localDate: new Date(startedAtMs).toISOString().slice(0, 10),
    distanceM: n,
    distanceSource: 'GPS',
    bridgedM: 0,
    movingMs: 30_000,
    idleMs: 500,
    maxSpeedCkmh: n % 9_000,
    nightM: 0,
    fixes: 4,
    days: [],
    rulesVersion: 'test',
    updatedAtMs: startedAtMs + 60_000,
    driverExternalId: nobody ? null : `D-${n}`,
    vehicleExternalId: null,
  };
}

async function* inBatches(): AsyncGenerator<readonly ExportedTrip[]> {
  for (let from = 0; from < TRIPS; from += BATCH) {
    yield Array.from({ length: Math.min(BATCH, TRIPS - from) }, (_, i) => tripOf(from + i));
  }
}

it('keeps every trip in order through several row groups, with nulls in any of them', async () => {
  const parts: Uint8Array[] = [];
  for await (const part of writeParquet(columnsFor({ role: 'INSURER' }), inBatches(), {})) {
    parts.push(part);
  }
  const whole = new Uint8Array(Buffer.concat(parts));
  const file = whole.buffer;
  expect(parquetMetadata(file).row_groups.map((group) => Number(group.num_rows))).toEqual([
    10_000, 10_000, 3,
  ]);
  const instants = parquetMetadata(file).schema.filter(
    ({ logical_type: of }) =>
      of?.type === 'TIMESTAMP' && of.isAdjustedToUTC && of.unit === 'MILLIS',
  );
  expect(instants.map(({ name }) => name)).toEqual(['started_at', 'ended_at', 'updated_at']);
  const rows = await parquetReadObjects({ file });
  expect(rows).toHaveLength(TRIPS);
  const wrong = rows.filter((row, n) => {
    const trip = tripOf(n);
    return !(
      row['trip_id'] === BigInt(n) &&
      (row['driver_id'] ?? null) === (trip.driverRef === null ? null : BigInt(trip.driverRef)) &&
      (row['vehicle_id'] ?? null) === (trip.vehicleRef === null ? null : 0n) &&
      row['closed'] === trip.closed &&
      (row['started_at'] as Date).getTime() === trip.startedAtMs &&
      (row['local_date'] as Date).toISOString().slice(0, 10) === trip.localDate &&
      (row['end_reason'] ?? null) === trip.endReason &&
      row['distance_km'] === n / 1000 &&
      row['device'] === trip.deviceId &&
      (row['driver'] ?? null) === trip.driverExternalId
    );
  });
  expect(wrong).toEqual([]);
});

import type { SchemaElement } from 'hyparquet-writer';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { ExportedTrip } from '../../store/read/trip-export.ts';
import type { Cell, CellType, Column } from './columns.ts';

/** How a type is stored, and what the library takes for a value of it. */
const STORED: Readonly<
  Record<
    CellType,
    Pick<SchemaElement, 'type' | 'converted_type'> & { toValue(cell: Cell): unknown }
  >
> = {
  INTEGER: { type: 'INT64', toValue: (cell) => BigInt(Number(cell)) },
  NUMBER: { type: 'DOUBLE', toValue: (cell) => cell },
  BOOLEAN: { type: 'BOOLEAN', toValue: (cell) => cell },
  TEXT: { type: 'BYTE_ARRAY', converted_type: 'UTF8', toValue: (cell) => cell },
  INSTANT: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    toValue: (cell) => new Date(Number(cell)),
  },
  DATE: {
    type: 'INT32',
    converted_type: 'DATE',
    toValue: (cell) => new Date(`${String(cell)}T00:00:00Z`),
  },
};

/**
 * Apache Parquet, a row group a batch, written as the batches come.
 * @param notes key and value, kept in the file's footer
 */
export async function* writeParquet(
  columns: readonly Column[],
  batches: AsyncIterable<readonly ExportedTrip[]>,
  notes: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array, void> {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: [{ name: 'trip', num_children: columns.length }, ...columns.map(toElement)],
    kvMetadata: Object.entries(notes).map(([key, value]) => ({ key, value })),
    createdBy: 'odograph',
  });
  for await (const trips of batches) {
    const columnData = columns.map((column) => ({
      name: column.name,
      data: trips.map((trip) => toValue(column, trip)),
    }));
    await writer.write({ columnData, rowGroupSize: trips.length });
    yield take(bytes);
  }
  await writer.finish();
  yield take(bytes);
}

function toElement({ name, type, nullable }: Column): SchemaElement {
  const { toValue: _, ...element } = STORED[type];
  return { name, ...element, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED' };
}

function toValue({ type, value }: Column, trip: ExportedTrip): unknown {
  const cell = value(trip);
  return cell === null ? null : STORED[type].toValue(cell);
}

/** What was written since the last time; the writer goes on with an empty buffer and counts on. */
function take(bytes: ByteWriter): Uint8Array {
  const taken = bytes.getBytes().slice();
  bytes.index = 0;
  return taken;
}

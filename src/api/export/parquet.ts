import type { SchemaElement } from 'hyparquet-writer';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { ExportedTrip } from '../../store/read/trip-export.ts';
import type { ExportCell, CellType, ExportColumn } from './columns.ts';

/** How a type is stored, and what the library takes for a value of it. */
const STORED: Readonly<
  Record<
    CellType,
    Pick<SchemaElement, 'type' | 'converted_type' | 'logical_type'> & {
      toValue(cell: ExportCell): unknown;
    }
  >
> = {
  INTEGER: { type: 'INT64', toValue: (cell) => BigInt(Number(cell)) },
  NUMBER: { type: 'DOUBLE', toValue: (cell) => cell },
  BOOLEAN: { type: 'BOOLEAN', toValue: (cell) => cell },
  TEXT: { type: 'BYTE_ARRAY', converted_type: 'UTF8', toValue: (cell) => cell },
  INSTANT: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    // Without it DuckDB and polars take the column for local times.
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
    toValue: (cell) => new Date(Number(cell)),
  },
  DATE: {
    type: 'INT32',
    converted_type: 'DATE',
    toValue: (cell) => new Date(`${String(cell)}T00:00:00Z`),
  },
};

/** Rows of a row group. The file's index has an entry for each column of each of them, kept until the end. */
const GROUP = 10_000;

/**
 * Apache Parquet, written as the batches come, a row group for every 10,000 rows.
 * @param notes key and value, kept in the file's footer
 */
export async function* writeParquet(
  columns: readonly ExportColumn[],
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
  const buffers = columns.map(createBuffer);
  let rows = 0;
  const writeGroup = async () => {
    await writer.write({
      columnData: columns.map(({ name }, at) => ({
        name,
        // The library's values are larger than ours: a column has them only while it is written.
        get data() {
          return buffers[at]!.read(rows);
        },
      })),
      rowGroupSize: rows,
    });
    rows = 0;
    return take(bytes);
  };
  for await (const trips of batches) {
    for (const trip of trips) {
      for (const buffer of buffers) buffer.set(rows, trip);
      rows++;
      if (rows === GROUP) yield await writeGroup();
    }
  }
  if (rows > 0) yield await writeGroup();
  await writer.finish();
  yield take(bytes);
}

/** A column of the row group that is being gathered. */
interface ColumnBuffer {
  set(row: number, trip: ExportedTrip): void;
  /** The first rows, as the library takes them. */
  read(rows: number): unknown[];
}

/**
 * Reused for all row groups, with numbers in typed arrays and every distinct text once: objects that live as
 * long as a row group are promoted to the old generation and collected late.
 */
function createBuffer({ type, value }: ExportColumn): ColumnBuffer {
  const { toValue } = STORED[type];
  if (type === 'TEXT' || type === 'DATE') {
    const texts: ExportCell[] = Array.from({ length: GROUP }, () => null);
    const known = new Map<ExportCell, ExportCell>();
    return {
      set: (row, trip) => {
        const cell = value(trip);
        const same = known.get(cell);
        if (same === undefined) known.set(cell, cell);
        texts[row] = same ?? cell;
      },
      read: (rows) => {
        known.clear();
        return texts.slice(0, rows).map((cell) => (cell === null ? null : toValue(cell)));
      },
    };
  }
  const numbers = new Float64Array(GROUP);
  return {
    set: (row, trip) => {
      const cell = value(trip);
      numbers[row] = cell === null ? NaN : Number(cell);
    },
    read: (rows) =>
      Array.from(numbers.subarray(0, rows), (number) =>
        Number.isNaN(number) ? null : toValue(type === 'BOOLEAN' ? number === 1 : number),
      ),
  };
}

function toElement({ name, type, nullable }: ExportColumn): SchemaElement {
  const { toValue: _, ...element } = STORED[type];
  return { name, ...element, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED' };
}

/** What was written since the last time; the writer goes on with an empty buffer and counts on. */
function take(bytes: ByteWriter): Uint8Array {
  const taken = bytes.getBytes().slice();
  bytes.index = 0;
  return taken;
}

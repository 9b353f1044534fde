import type { ExportedTrip } from '../../store/read/trip-export.ts';
import type { ExportCell, ExportColumn } from './columns.ts';

/** CSV by RFC 4180 with a heading; an instant in ISO 8601, no value as an empty field. */
export async function* writeCsv(
  columns: readonly ExportColumn[],
  batches: AsyncIterable<readonly ExportedTrip[]>,
): AsyncGenerator<string, void> {
  yield toLine(columns.map(({ name }) => name));
  for await (const trips of batches) {
    yield trips.map((trip) => toLine(columns.map((column) => toField(column, trip)))).join('');
  }
}

function toField({ type, value }: ExportColumn, trip: ExportedTrip): string {
  const cell: ExportCell = value(trip);
  if (cell === null) return '';
  return type === 'INSTANT' ? new Date(Number(cell)).toISOString() : String(cell);
}

function toLine(fields: readonly string[]): string {
  return `${fields.map(quote).join(',')}\r\n`;
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

import type { ExportedTrip } from '../../store/read/trip-export.ts';
import type { ExportCell, ExportColumn } from './columns.ts';

/** A text that spreadsheets would take for a formula, or that the guard below has made of one. */
const FORMULA = /^'*[=+\-@\t\r]/;

/**
 * CSV by RFC 4180 with a heading; an instant in ISO 8601, no value as an empty field.
 * @param guard puts an apostrophe before a text that a spreadsheet would take for a formula
 */
export async function* writeCsv(
  columns: readonly ExportColumn[],
  batches: AsyncIterable<readonly ExportedTrip[]>,
  { guard }: { readonly guard: boolean },
): AsyncGenerator<string, void> {
  yield toLine(columns.map(({ name }) => name));
  for await (const trips of batches) {
    yield trips
      .map((trip) => toLine(columns.map((column) => toField(column, trip, guard))))
      .join('');
  }
}

function toField({ type, value }: ExportColumn, trip: ExportedTrip, guard: boolean): string {
  const cell: ExportCell = value(trip);
  if (cell === null) return '';
  if (type === 'INSTANT') return new Date(Number(cell)).toISOString();
  const text = String(cell);
  return guard && type === 'TEXT' && FORMULA.test(text) ? `'${text}` : text;
}

function toLine(fields: readonly string[]): string {
  return `${fields.map(quote).join(',')}\r\n`;
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

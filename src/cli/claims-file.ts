import { isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse/sync';
import { Problem } from '../problem.ts';

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Signs between fields, and their names for people. */
export const SEPARATORS: Readonly<Record<string, string>> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
};

/** Windows-1252 where it differs from ISO 8859-1, from 0x80 on; 0 is no character. */
const WINDOWS_1252 =
  '\u20ac0\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u01520\u017d0' +
  '0\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u01530\u017e\u0178';

/**
 * The text of a file. UTF-8 and UTF-16 are known by their bytes; any other encoding has to be named, since
 * the same bytes are different letters in each.
 * @throws Problem UNKNOWN_ENCODING
 */
export function decodeText(file: string, bytes: Uint8Array, named?: Encoding): string {
  const encoding = named ?? detect(bytes);
  const at = encoding === undefined ? undefined : badByte(bytes, encoding);
  if (encoding !== undefined && at === undefined) return decode(bytes, encoding);
  const where = at ?? badByte(bytes, 'utf-8') ?? 0;
  const line = 1 + bytes.subarray(0, where).filter((byte) => byte === 0x0a).length;
  const seen = `0x${(bytes[where] ?? 0).toString(16).toUpperCase().padStart(2, '0')}`;
  throw new Problem(
    'UNKNOWN_ENCODING',
    `${file}, line ${line}: the byte ${seen} is not ${(encoding ?? 'utf-8').toUpperCase()} text. Nothing was stored.`,
    'Save the file as UTF-8, or name its encoding with --encoding: Excel’s “CSV” of Western Europe and the Americas is windows-1252.',
  );
}

function detect(bytes: Uint8Array): Encoding | undefined {
  const [a, b] = bytes;
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  // A heading is of ASCII letters: in UTF-16 each has a zero byte after or before it.
  if (b === 0 && a !== 0) return 'utf-16le';
  if (a === 0 && b !== 0) return 'utf-16be';
  return badByte(bytes, 'utf-8') === undefined ? 'utf-8' : undefined;
}

/** Where a byte is that the encoding has no character for. */
function badByte(bytes: Uint8Array, encoding: Encoding): number | undefined {
  if (encoding === 'windows-1252') {
    const at = bytes.findIndex((b) => b >= 0x80 && b < 0xa0 && WINDOWS_1252[b - 0x80] === '0');
    return at < 0 ? undefined : at;
  }
  if (encoding === 'utf-8') return isUtf8(bytes) ? undefined : firstBad(bytes);
  try {
    new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return undefined;
  } catch {
    return 0;
  }
}

/** The first byte that is not UTF-8, by halving. */
function firstBad(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const decoder = new TextDecoder('utf-8', { fatal: true });
    try {
      decoder.decode(bytes.subarray(0, middle), { stream: true });
      good = middle;
    } catch {
      bad = middle;
    }
  }
  // The byte at which decoding fails may be the one after an unfinished character.
  const whole = [0, 1, 2, 3].find((back) => isUtf8(bytes.subarray(0, bad - 1 - back))) ?? 0;
  return bad - 1 - whole;
}

function decode(bytes: Uint8Array, encoding: Encoding): string {
  if (encoding !== 'windows-1252') return new TextDecoder(encoding).decode(bytes);
  const latin = Buffer.from(bytes).toString('latin1');
  return latin.replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80] ?? c);
}

/** The fields of the first line, for each separator. */
export function headingsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const [line = ''] = text.split(/\r\n|\n|\r/, 1);
  return new Map(
    Object.keys(SEPARATORS).map((separator) => [
      separator,
      line.split(separator).map((name) => name.trim().replace(/^"(.*)"$/, '$1')),
    ]),
  );
}

export interface CsvRecord {
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/**
 * The records of a file after its heading.
 * @throws Problem BAD_CSV
 */
export function readRecords(file: string, text: string, separator: string): CsvRecord[] {
  try {
    const records: unknown = parse(text, {
      delimiter: separator,
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      from: 2,
    });
    return (records as { record: string[]; info: { lines: number } }[]).map(({ record, info }) => ({
      line: info.lines - record.join('').split('\n').length + 1,
      fields: record,
    }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new Problem(
      'BAD_CSV',
      `${file}, line ${Number(error['lines'])}: ${error.message}. Nothing was stored.`,
      'A field with a separator, a quote or a line break is put in double quotes, with each quote in it doubled.',
    );
  }
}

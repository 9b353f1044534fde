import { readFileSync, statSync } from 'node:fs';
import type { DecimalSign } from '../core/claim-fields.ts';
import { decimalsOf, readAmount, readClaimDate } from '../core/claim-fields.ts';
import { quote } from '../core/decode/show.ts';
import { Problem } from '../problem.ts';
import type { Claim, RefusedClaim } from '../store/write/claims.ts';
import { openClaims } from '../store/write/claims.ts';
import type { CsvRecord, Encoding } from './claims-file.ts';
import { decodeText, headingsOf, readRecords, SEPARATORS } from './claims-file.ts';
import { findDatabase, openSession } from './session.ts';

/** How a file of claims is to be read where it does not show it. */
export interface ClaimsOptions {
  readonly tenant: string;
  readonly encoding?: Encoding;
  readonly separator?: string;
  readonly decimal?: DecimalSign;
}

/** Claims that are stored in one transaction. */
const BATCH = 1_000;
/** Faults of a file that are listed. */
const MOST_FAULTS = 100;
const MOST_BYTES = 200_000_000;

const REQUIRED = ['claimNumber', 'policyNumber', 'occurredOn', 'amount', 'currency'] as const;
const COLUMNS = [...REQUIRED, 'vehicleId', 'driverId'] as const;
type Column = (typeof COLUMNS)[number];

interface Fault extends RefusedClaim {
  readonly column?: Column;
}

/** Whether the heading of a text is that of claims, with any separator. */
export function isClaimTable(text: string): boolean {
  return separatorOf(text) !== undefined;
}

/** Reads a file of claims. */
export function readTextFile(file: string, encoding?: Encoding): string {
  const { size } = statSync(file);
  if (size > MOST_BYTES) {
    throw new Problem(
      'FILE_TOO_LARGE',
      `${file} has ${size} bytes; at most ${MOST_BYTES} are read at once.`,
      'Split it: claims are recognised by their number, in any number of files.',
    );
  }
  return decodeText(file, readFileSync(file), encoding);
}

/**
 * Imports a file of claims. Nothing is stored of a file that cannot be read for certain; of one that can, the claims that do
 * not fit the policies are refused, line by line.
 */
export async function importClaims(
  file: string,
  text: string,
  options: ClaimsOptions,
): Promise<void> {
  const { config, print, report } = openSession();
  const claims = readClaims(file, text, options, report);
  const store = await openClaims(findDatabase(config), options.tenant);
  if (store === 'UNKNOWN_TENANT') {
    throw new Problem(
      'UNKNOWN_TENANT',
      `There is no tenant ${options.tenant}.`,
      'Give the tenant that owns the policies with --tenant.',
    );
  }
  const sums = { added: 0, changed: 0, unchanged: 0, refused: 0 };
  try {
    for (let at = 0; at < claims.length; at += BATCH) {
      const kept = await store.keep(claims.slice(at, at + BATCH));
      sums.added += kept.added;
      sums.changed += kept.changed;
      sums.unchanged += kept.unchanged;
      sums.refused += kept.refused.length;
      for (const fault of kept.refused) report(spell(file, fault));
    }
  } finally {
    await store.close();
  }
  print(
    `${sums.added} claims added, ${sums.changed} updated, ${sums.unchanged} unchanged, ${sums.refused} refused`,
  );
  if (sums.refused > 0) {
    throw new Problem(
      'CLAIMS_REFUSED',
      `${sums.refused} lines of ${file} were not imported; all others were.`,
      'Fix the lines above and import the file again; claims already imported are recognised by number.',
    );
  }
}

function spell(file: string, { line, column, code, message }: Fault): string {
  const where = column === undefined ? '' : `, column ${column}`;
  return `${file}, line ${line}${where}: ${message} [${code}]`;
}

/** @throws Problem CLAIMS_UNREADABLE, after the faults were reported */
export function readClaims(
  file: string,
  text: string,
  options: ClaimsOptions,
  report: (line: string) => void,
): Claim[] {
  const separator = options.separator ?? separatorOf(text) ?? ',';
  const heading = headingsOf(text).get(separator) ?? [];
  const faults: Fault[] = headingFaults(heading);
  const claims: Claim[] = [];
  const records = faults.length === 0 ? readRecords(file, text, separator) : [];
  for (const record of records) {
    const claim = readClaim(heading, record, separator, options.decimal, faults);
    if (claim) claims.push(claim);
  }
  const mixed = options.decimal === undefined ? mixedSigns(heading, records) : undefined;
  if (mixed) faults.push(mixed);
  for (const fault of faults.slice(0, MOST_FAULTS)) report(spell(file, fault));
  if (faults.length === 0) return claims;
  throw new Problem(
    'CLAIMS_UNREADABLE',
    `${file} cannot be read for certain: ${faults.length} faults. Nothing was stored.`,
    'Fix the lines above and import the file again.',
  );
}

function separatorOf(text: string): string | undefined {
  return [...headingsOf(text)].find(([, names]) =>
    REQUIRED.every((name) => names.includes(name)),
  )?.[0];
}

function headingFaults(heading: readonly string[]): Fault[] {
  const missing = REQUIRED.filter((name) => !heading.includes(name));
  const twice = COLUMNS.find((name) => heading.indexOf(name) !== heading.lastIndexOf(name));
  const seen = heading.map((name) => quote(name, 60)).join(', ');
  return [
    ...(missing.length === 0
      ? []
      : [
          {
            line: 1,
            code: 'BAD_HEADING',
            message: `the heading lacks ${missing.join(', ')}; it has ${seen}`,
          },
        ]),
    ...(twice === undefined
      ? []
      : [
          {
            line: 1,
            column: twice,
            code: 'BAD_HEADING',
            message: 'the heading has this column twice',
          },
        ]),
  ];
}

function readClaim(
  heading: readonly string[],
  { line, fields }: CsvRecord,
  separator: string,
  decimal: DecimalSign | undefined,
  faults: Fault[],
): Claim | undefined {
  if (fields.length !== heading.length) {
    const between = SEPARATORS[separator] ?? 'separator';
    faults.push({
      line,
      code: 'BAD_LINE',
      message: `it has ${fields.length} fields, the heading has ${heading.length}; a field with a ${between} in it must be in double quotes`,
    });
    return undefined;
  }
  const before = faults.length;
  const textOf = (column: Column): string => fields[heading.indexOf(column)] ?? '';
  const refuse = (column: Column, code: string, message: string): string => {
    faults.push({ line, column, code, message: `${quote(textOf(column), 200)} ${message}` });
    return '';
  };
  const name = (column: Column, least: number): string => {
    const text = textOf(column);
    if (text.length < least || text.length > 200) {
      return refuse(column, 'BAD_NAME', `must have ${least} to 200 characters`);
    }
    return /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u.test(text)
      ? refuse(
          column,
          'BAD_NAME',
          'has a line break, a control character or a mark that turns the reading direction',
        )
      : text;
  };
  const currency = textOf('currency');
  if (!CURRENCIES.has(currency))
    refuse('currency', 'BAD_CURRENCY', 'is not a code of ISO 4217 such as EUR');
  const value = (column: Column, read: ReturnType<typeof readAmount>): string =>
    'value' in read ? read.value : refuse(column, read.code, read.message);
  const claim: Claim = {
    line,
    claimNumber: name('claimNumber', 1),
    policyNumber: name('policyNumber', 1),
    occurredOn: value('occurredOn', readClaimDate(textOf('occurredOn'))),
    amount: value('amount', readAmount(textOf('amount'), decimalsOf(currency), decimal)),
    currency,
    vehicleId: name('vehicleId', 0),
    driverId: name('driverId', 0),
  };
  return faults.length === before ? claim : undefined;
}

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** A file in which some amounts have a decimal point and others a decimal comma: one of them is something else. */
function mixedSigns(heading: readonly string[], records: readonly CsvRecord[]): Fault | undefined {
  const signs = new Map<string, number>();
  for (const { line, fields } of records) {
    const amount = fields[heading.indexOf('amount')] ?? '';
    const sign = /([.,])\d{1,2}$/.exec(amount)?.[1];
    if (sign !== undefined && !signs.has(sign)) signs.set(sign, line);
  }
  const [point, comma] = [signs.get('.'), signs.get(',')];
  if (point === undefined || comma === undefined) return undefined;
  return {
    line: Math.max(point, comma),
    column: 'amount',
    code: 'MIXED_DECIMAL_SIGNS',
    message: `line ${point} has a decimal point and line ${comma} a decimal comma; name the decimal sign of the file with --decimal`,
  };
}

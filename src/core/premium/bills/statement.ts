import { formatDay } from '../../civil.ts';
import { readDate } from '../exact/calendar.ts';

/** A column of a statement's table. Numbers are right-aligned. */
export interface StatementColumn {
  readonly title: string;
  readonly numeric?: boolean;
}

/** Rows that belong together. */
export interface RowGroup {
  readonly title?: string;
  /** What the group comes to: cells of the last columns. */
  readonly sums?: readonly string[];
  /** A cell for each column, the first of which names the row. */
  readonly rows: readonly (readonly string[])[];
}

/** Figures in rows and columns. */
export interface Table {
  readonly caption: string;
  readonly columns: readonly StatementColumn[];
  readonly groups: readonly RowGroup[];
  /** The last row: its name, and cells of the last columns. */
  readonly total?: { readonly title: string; readonly sums: readonly string[] };
}

/** A remark with what it is about. */
export interface Note {
  readonly title: string;
  readonly text: string;
}

/** What is needed to check a document: names, versions, hashes. */
export interface Evidence {
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly list?: { readonly title: string; readonly items: readonly string[] };
}

/** A part of a statement under its heading: one of a sentence, a table, remarks or evidence. */
export interface Section {
  readonly heading: string;
  readonly sentence?: string;
  readonly table?: Table;
  readonly notes?: readonly Note[];
  readonly evidence?: Evidence;
}

/**
 * What a customer is handed, in words and figures and without a look: shown as text and as HTML, it says
 * the same. Everything in it is plain text; a number with a sign begins with "-" or "+".
 */
export interface Statement {
  readonly title: string;
  /** Whose it is, and of which days. */
  readonly about: readonly string[];
  readonly due: { readonly label: string; readonly amount: string };
  readonly sections: readonly Section[];
}

const MONTHS =
  'January February March April May June July August September October November December'.split(
    ' ',
  );

/** An unambiguous date: "7 March 2026". @param date YYYY-MM-DD */
export function spellDate(date: string): string {
  const [year, month, day] = date.split('-');
  return `${Number(day)} ${MONTHS[Number(month) - 1]} ${Number(year)}`;
}

/** "1 March 2026 to 31 March 2026, both days included". @param to the day after the last */
export function spellPeriod(from: string, to: string): string {
  const last = formatDay((readDate(to) ?? 0) - 1);
  return from === last
    ? spellDate(from)
    : `${spellDate(from)} to ${spellDate(last)}, both days included`;
}

/** A decimal with its sign, also where it is a plus. */
export function withSign(amount: string): string {
  return amount.startsWith('-') ? amount : `+${amount}`;
}

/** An instant in UTC to the minute, "7 March 2026, 08:15 UTC"; any other text unchanged. */
export function spellInstant(instant: string): string {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*Z$/.exec(instant) ?? [];
  return date === undefined ? instant : `${spellDate(date)}, ${time} UTC`;
}

import { civilOf, dayOf, daysInMonth } from '../../civil.ts';

function digitsAt(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Day number of a date "YYYY-MM-DD" from 1900 to 9999; undefined if there is no such date. */
export function readDate(text: unknown): number | undefined {
  if (typeof text !== 'string' || text.length !== 10) return undefined;
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return undefined;
  const year = digitsAt(text, 0, 4);
  const month = digitsAt(text, 5, 7);
  const dayOfMonth = digitsAt(text, 8, 10);
  if (year < 1900 || month < 1 || month > 12) return undefined;
  if (dayOfMonth < 1 || dayOfMonth > daysInMonth(year, month)) return undefined;
  return dayOf(year, month, dayOfMonth);
}

/** The same day of the month `months` later, or that month's last day where it has no such day. */
export function addMonths(day: number, months: number): number {
  const { year, month, dayOfMonth } = civilOf(day);
  const index = year * 12 + month - 1 + months;
  const newYear = Math.floor(index / 12);
  const newMonth = index - newYear * 12 + 1;
  return dayOf(newYear, newMonth, Math.min(dayOfMonth, daysInMonth(newYear, newMonth)));
}

/** A policy year: from an anniversary of the start to the next, with the twelve months between. */
export interface PolicyYear {
  readonly start: number;
  readonly end: number;
  /** Days on which the policy's months begin, and the year's end as the thirteenth. */
  readonly months: readonly number[];
}

/** The policy years that touch [from, to), in order; anniversaries are counted from the start. */
export function policyYears(policyStart: number, from: number, to: number): PolicyYear[] {
  const years: PolicyYear[] = [];
  let index = Math.max(0, Math.floor((from - policyStart) / 366) - 1);
  for (; ; index++) {
    const start = addMonths(policyStart, index * 12);
    if (start >= to) return years;
    const end = addMonths(policyStart, index * 12 + 12);
    if (end <= from) continue;
    const months: number[] = [];
    for (let m = 0; m <= 12; m++) months.push(addMonths(policyStart, index * 12 + m));
    years.push({ start, end, months });
  }
}

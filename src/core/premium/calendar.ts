/**
 * Calendar dates as day numbers (days since 1970-01-01), by integer arithmetic alone: a premium must
 * not depend on a machine's idea of dates. The proleptic Gregorian rules are those of H. Hinnant's
 * "chrono-Compatible Low-Level Date Algorithms".
 */
export function dayOf(year: number, month: number, dayOfMonth: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + dayOfMonth - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly dayOfMonth: number;
}

function civilOf(day: number): CivilDate {
  const z = day + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    dayOfMonth: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  };
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function daysInMonth(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (MONTH_DAYS[month - 1] ?? 31);
}

function digitsAt(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Day number of a date "YYYY-MM-DD" from 1900 to 9999; undefined where there is no such date. */
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

/** "YYYY-MM-DD" of a day number. */
export function dateText(day: number): string {
  const { year, month, dayOfMonth } = civilOf(day);
  const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`);
  return `${year}-${two(month)}-${two(dayOfMonth)}`;
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

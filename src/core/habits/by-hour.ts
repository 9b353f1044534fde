import type { DayPart } from '../changes.ts';
import { dayOf } from '../civil.ts';
import { fromVersion } from './metric.ts';

/** Whether kilometres are also kept by local hour of the day; the weekday follows from the date. */
export const countsHours = fromVersion({ 2: true });

/** Name of the sum of metres in a local hour, 0 to 23. */
export function hourMeasure(hour: number): string {
  return `hour${hour < 10 ? '0' : ''}${String(hour)}.m`;
}

/** Kilometres of an hour of the week. */
export interface WeekHour {
  /** 1 Monday to 7 Sunday. */
  readonly weekday: number;
  /** Local hour, 0 to 23. */
  readonly hour: number;
  readonly distanceM: number;
}

/** The metres of days by weekday and local hour, in that order; only hours above 0. */
export function addHours(
  days: Iterable<Pick<DayPart, 'localDate' | 'measures'>>,
): readonly WeekHour[] {
  const metres = new Array<number>(7 * 24).fill(0);
  for (const { localDate, measures } of days) {
    const weekday = weekdayOf(localDate);
    for (let hour = 0; hour < 24; hour++) {
      const index = (weekday - 1) * 24 + hour;
      metres[index] = (metres[index] as number) + (measures[hourMeasure(hour)] ?? 0);
    }
  }
  return metres.flatMap((distanceM, index) =>
    distanceM === 0 ? [] : [{ weekday: Math.floor(index / 24) + 1, hour: index % 24, distanceM }],
  );
}

/** Weekday of a date YYYY-MM-DD, 1 Monday to 7 Sunday. 1970-01-01 was a Thursday. */
function weekdayOf(localDate: string): number {
  const [year = 0, month = 0, dayOfMonth = 0] = localDate.split('-').map(Number);
  return ((((dayOf(year, month, dayOfMonth) + 3) % 7) + 7) % 7) + 1;
}

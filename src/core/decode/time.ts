import { dayOf, daysInMonth } from '../civil.ts';
import type { Zones } from '../zones.ts';

const DAY_MS = 86_400_000;

/** Epoch milliseconds of a UTC date and time of day, or undefined if there is no such instant. */
export function utcMs(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return dayOf(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
}

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):?(\d\d))$/;
const LONGEST_DATE_TIME = 64;

/**
 * Epoch milliseconds of an RFC 3339 date-time with its zone, also as `+0000`. Finer digits are
 * truncated. A leap second (23:59:60 UTC) is the first second of the next day, as on Unix clocks.
 */
export function parseRfc3339(text: string): number | undefined {
  const m = text.length <= LONGEST_DATE_TIME ? RFC_3339.exec(text) : null;
  if (!m) return undefined;
  const isLeap = m[6] === '60';
  const ms = utcMs(+m[1]!, +m[2]!, +m[3]!, +m[4]!, +m[5]!, isLeap ? 59 : +m[6]!);
  if (ms === undefined || +(m[10] ?? 0) > 23 || +(m[11] ?? 0) > 59) return undefined;
  const offsetMs = m[8] ? 0 : (+m[10]! * 60 + +m[11]!) * 60_000 * (m[9] === '-' ? -1 : 1);
  const second = ms - offsetMs + (isLeap ? 1000 : 0);
  if (isLeap && second % DAY_MS !== 0) return undefined;
  return second + (m[7] === undefined ? 0 : +`${m[7]}000`.slice(0, 3));
}

/**
 * The instant at which clocks in a zone show a local time, which is given as if it were UTC. If
 * clocks go back and show it twice, the earlier instant. If they go forward and skip it, the
 * instant as long after the jump as the local time is after the beginning of the skipped time.
 */
export function localToUtcMs(
  localMs: number,
  zone: string,
  zones: Pick<Zones, 'offsetMsAt'>,
): number {
  const early = localMs - zones.offsetMsAt(zone, localMs - DAY_MS);
  const late = localMs - zones.offsetMsAt(zone, localMs + DAY_MS);
  const shows = (utc: number) => utc + zones.offsetMsAt(zone, utc) === localMs;
  return !shows(early) && shows(late) ? late : early;
}

import type { Rules } from './rules.ts';
import type { Zones } from './zones.ts';

const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** A stretch in one zone with one local date and hour and one offset, all at night or all not. */
export interface LocalSpan {
  readonly fromMs: number;
  /** The first instant after it. */
  readonly toMs: number;
  /** Local date as days since 1970-01-01. */
  readonly day: number;
  /** Local hour of the day, 0 to 23. */
  readonly hour: number;
  readonly night: boolean;
}

/** Local dates and nights in every zone. */
export interface Calendar {
  /** The span that contains the instant; a clock change may start or end it within an hour. */
  spanAt(zone: string, atMs: number): LocalSpan;
}

const calendars = new WeakMap<Zones, Map<string, Calendar>>();

/** The calendar of these zones with the night of these rules; equal input gives the same object. */
export function calendarOf(zones: Zones, rules: Rules): Calendar {
  let byNight = calendars.get(zones);
  if (byNight === undefined) calendars.set(zones, (byNight = new Map<string, Calendar>()));
  const night = `${rules.nightFromHour}-${rules.nightToHour}`;
  let calendar = byNight.get(night);
  if (calendar === undefined) {
    byNight.set(night, (calendar = createCalendar(zones, rules.nightFromHour, rules.nightToHour)));
  }
  return calendar;
}

function createCalendar(zones: Zones, nightFromHour: number, nightToHour: number): Calendar {
  const latest = new Map<string, LocalSpan>();
  return {
    spanAt(zone, atMs) {
      const known = latest.get(zone);
      if (known !== undefined && known.fromMs <= atMs && atMs < known.toMs) return known;
      const offsetMs = zones.offsetMsAt(zone, atMs);
      const localMs = atMs + offsetMs;
      const day = Math.floor(localMs / dayMs);
      const timeMs = localMs - day * dayMs;
      const hour = Math.floor(timeMs / hourMs);
      const span = {
        fromMs: atMs,
        toMs: firstChange(zones, zone, offsetMs, atMs, atMs + (hour + 1) * hourMs - timeMs),
        day,
        hour,
        night: hour >= nightFromHour || hour < nightToHour,
      };
      latest.set(zone, span);
      return span;
    },
  };
}

/** First instant in (fromMs, toMs] at which the offset differs, else toMs. */
function firstChange(
  zones: Zones,
  zone: string,
  offsetMs: number,
  fromMs: number,
  toMs: number,
): number {
  if (zones.offsetMsAt(zone, toMs) === offsetMs) return toMs;
  let same = fromMs;
  let other = toMs;
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (zones.offsetMsAt(zone, middle) === offsetMs) same = middle;
    else other = middle;
  }
  return other;
}

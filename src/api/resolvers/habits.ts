import { findLongDriving } from '../../core/habits/long-driving.ts';
import { scoreByOthers } from '../../core/habits/published-scores.ts';
import { scoreHabits } from '../../core/habits/score.ts';
import { addHours } from '../../core/habits/by-hour.ts';
import { addParts, type HabitRate, measure, prior, summarise } from '../../core/habits/summary.ts';
import type { ExposureRow } from '../../store/read/exposure.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { DriverHabitsArgs, Resolvers } from '../generated/schema.ts';

const DEFAULT_DAYS = 30;
const MAX_DAYS = 366;
/** Window of a score in days; 90, like Fleet Motion's. */
const SCORE_DAYS = 90;
/** Driving this many days before and after a window may belong to a period that began in it. */
const DRIVES_AROUND_DAYS = 2;
const DAY_MS = 86_400_000;
/** Range of dates for which neighbouring dates still have four-digit years. */
const REACH = { first: '1900-01-01', last: '9998-12-31' } as const;

/** Half-open local dates. */
interface Window {
  readonly from: string;
  readonly to: string;
}

export const habits: Resolvers = {
  Driver: {
    habits: async (driver, args, context) => {
      const window = toWindow(args, context.services.now());
      const days = await loadDays(context, driver.ref, window);
      const sums = addParts(days);
      const summary = summarise(sums);
      return {
        ...window,
        trips: days.reduce((sum, day) => sum + day.trips, 0),
        distanceKm: sums.distanceM / 1000,
        drivingHours: sums.durationMs / 3_600_000,
        nightShare: summary.nightShare ?? null,
        idleShare: summary.idleShare ?? null,
        stopShare: summary.stopShare ?? null,
        crawlShare: summary.crawlShare ?? null,
        speedingShare: summary.speedingShare ?? null,
        above130KmhShare: summary.above130KmhShare ?? null,
        above130Km: measure(sums, 'above130Kmh.mm') / 1_000_000,
        // Adds up only if it is selected.
        get byHour() {
          return addHours(days).map(({ weekday, hour, distanceM }) => ({
            weekday,
            hour,
            distanceKm: distanceM / 1000,
          }));
        },
        rates: summary.rates.map(toRate),
      };
    },
    score: async (driver, { asOf }, context) => {
      const last = asOf ?? toDate(context.services.now());
      checkReach('asOf', last);
      const to = addDays(last, 1);
      const days = await loadDays(context, driver.ref, { from: addDays(to, -SCORE_DAYS), to });
      const sums = addParts(days);
      const { value, parts, ...score } = scoreHabits(sums);
      return {
        ...score,
        value: value ?? null,
        parts: [...parts],
        from: addDays(to, -SCORE_DAYS),
        to,
        distanceKm: sums.distanceM / 1000,
        prior,
        rates: summarise(sums).rates.map(toRate),
        beside: scoreByOthers(sums).map((other) => ({
          name: other.name,
          value: other.value ?? null,
          lacks: [...other.lacks],
        })),
      };
    },
    longDriving: async (driver, window, context) => {
      const { from, to } = toWindow(window, context.services.now());
      checkReach('from', from);
      checkReach('to', to);
      const drives = await context.loaders.drives.load({
        ref: driver.ref,
        from: addDays(from, -DRIVES_AROUND_DAYS),
        to: addDays(to, DRIVES_AROUND_DAYS),
      });
      return findLongDriving(drives)
        .filter(({ localDate }) => localDate >= from && localDate < to)
        .map(({ rule, startedAtMs, endedAtMs, localDate, drivingMs, allowedMs }) => ({
          rule,
          startedAt: startedAtMs,
          endedAt: endedAtMs,
          localDate,
          drivingHours: drivingMs / 3_600_000,
          allowedHours: allowedMs / 3_600_000,
        }));
    },
  },
};

function toRate({ per100Km, low, high, measurableShare, ...rate }: HabitRate) {
  return {
    ...rate,
    per100Km: per100Km ?? null,
    low: low ?? null,
    high: high ?? null,
    measurableShare: measurableShare ?? null,
  };
}

function loadDays(context: Context, ref: number, window: Window): Promise<readonly ExposureRow[]> {
  return context.loaders.exposure.load({ ref, ...window });
}

/** @throws BAD_USER_INPUT for a date whose neighbours have no four-digit year */
function checkReach(name: string, date: string): void {
  const { first, last } = REACH;
  if (date < first || date > last) {
    throw createError('BAD_USER_INPUT', `${name} is ${date}; it must be from ${first} to ${last}.`);
  }
}

/** @throws BAD_USER_INPUT if it is given twice, incompletely, or is too long */
function toWindow({ days, from, to }: Partial<DriverHabitsArgs>, nowMs: number): Window {
  if (from == null && to == null) {
    const length = days ?? DEFAULT_DAYS;
    if (length < 1 || length > MAX_DAYS) {
      throw createError('BAD_USER_INPUT', `days is ${length}; it must be from 1 to ${MAX_DAYS}.`);
    }
    const end = addDays(toDate(nowMs), 1);
    return { from: addDays(end, -length), to: end };
  }
  if (days != null || from == null || to == null) {
    throw createError('BAD_USER_INPUT', 'Give either days, or from and to.');
  }
  if (from >= to) {
    throw createError('BAD_USER_INPUT', `to is ${to}; it must be later than from, ${from}.`);
  }
  return { from, to };
}

function toDate(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

function addDays(date: string, days: number): string {
  return toDate(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS);
}

import type { DayPart } from '../../changes.ts';
import { formatDay } from '../../civil.ts';
import { addParts, rateableMeasures } from '../../habits/summary.ts';
import { policyYears, readDate } from '../exact/calendar.ts';
import type { ExposureDay, Period } from './input.ts';
import type { Tariff } from '../tariff/tariff.ts';

/**
 * The first local date whose driving a premium of a period may depend on: yearly caps and running totals
 * carry on from the start of the policy year, habits look back over their window, and an estimate of
 * silent days over the days before them.
 *
 * @param policyStart the policy's first local date
 */
export function exposureSince(tariff: Tariff, policyStart: string, period: Period): string {
  const start = readDate(policyStart);
  const from = readDate(period.from);
  if (start === undefined || from === undefined) return period.from;
  const yearStart = policyYears(start, from, from + 1)[0]?.start ?? from;
  const window = tariff.document.behaviour?.window;
  const windowDays = window === undefined || window === 'PERIOD' ? 0 : window.days;
  const lookBackDays = tariff.silentDays?.lookBackDays ?? 0;
  return formatDay(Math.min(yearStart - lookBackDays, from - windowDays));
}

/**
 * A vehicle's exposure from the day parts of its trips, in order of days. Parts of a day are added before
 * habits are read from them, so that it does not matter into how many trips or sums the day is cut.
 *
 * @param without day parts among them that do not count, as those of a disputed trip
 */
export function exposureOf(
  vehicleId: string,
  parts: readonly DayPart[],
  without: readonly DayPart[] = [],
): ExposureDay[] {
  const days = new Map<string, DayPart[]>();
  for (const part of [...parts, ...without.map(negate)]) {
    const known = days.get(part.localDate);
    if (known) known.push(part);
    else days.set(part.localDate, [part]);
  }
  return [...days]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([localDate, ofDay]) => {
      const [first] = ofDay;
      const sums = first !== undefined && ofDay.length === 1 ? first : addParts(ofDay);
      return {
        vehicleId,
        localDate,
        distanceM: sums.distanceM,
        nightM: sums.nightM,
        measures: rateableMeasures(sums),
      };
    });
}

function negate(part: DayPart): DayPart {
  return {
    localDate: part.localDate,
    distanceM: -part.distanceM,
    durationMs: -part.durationMs,
    movingMs: -part.movingMs,
    idleMs: -part.idleMs,
    nightM: -part.nightM,
    measures: Object.fromEntries(
      Object.entries(part.measures).map(([name, value]) => [name, -value]),
    ),
  };
}

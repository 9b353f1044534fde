import { calendarOf } from '../calendar.ts';
import { formatDay } from '../civil.ts';
import type { DayPart, DistanceSource, EndReason, RejectionReason, TripFacts } from '../changes.ts';
import type { EventKey } from '../event.ts';
import { hourMeasure } from '../habits/by-hour.ts';
import { measureNames } from '../habits/registry.ts';
import { never } from '../reading.ts';
import type { Checks, Rules } from '../rules.ts';
import type { OpenTrip } from '../state.ts';
import type { Zones } from '../zones.ts';
import {
  type HourPart,
  mmAM,
  rejectionReasons,
  slot,
  speedUnitsAM,
  sumsOfWay,
  type Totals,
} from './totals.ts';

/** Why and by which event a trip ended; no event while a later event may still change the end. */
export interface Ending {
  readonly reason: EndReason;
  readonly decidedBy: EventKey | undefined;
}

/** The facts of a trip whose events add up to `totals`; without an ending it is still open. */
export function describeTrip(
  trip: OpenTrip,
  totals: Totals,
  closesAtMs: number,
  ending: Ending | undefined,
  rules: Rules,
  zones: Zones,
): TripFacts {
  const timeZone =
    trip.timeZone === '' ? zones.zoneAt(trip.startLatE7, trip.startLonE7) : trip.timeZone;
  const startDay = calendarOf(zones, rules).spanAt(timeZone, trip.startedAtMs).day;
  const source = distanceSource(trip, totals, rules);
  const { way, night, hour } = sumsOfWay[source];
  const days = describeDays(totals, startDay, way, night, hour);
  return {
    startedAtMs: trip.startedAtMs,
    anchor: { atMs: trip.startedAtMs, digest: trip.anchorDigest },
    last: { atMs: totals.lastAtMs, digest: totals.lastDigest },
    endedAtMs: totals.lastAtMs,
    closesAtMs,
    ...(ending === undefined
      ? {}
      : {
          ...(ending.decidedBy === undefined
            ? {}
            : { decidedBy: { atMs: ending.decidedBy.atMs, digest: ending.decidedBy.digest } }),
          endReason: ending.reason,
        }),
    timeZone,
    localDate: formatDay(startDay),
    distanceM: total(totals, way),
    distanceSource: source,
    bridgedM: bridgedM(totals, source),
    movingMs: total(totals, slot.movingMs),
    idleMs: total(totals, slot.idleMs),
    maxSpeedCkmh: totals.maxSpeedCkmh,
    nightM: total(totals, night),
    fixes: totals.fixes,
    events: totals.events,
    ...(totals.fixes === 0
      ? {}
      : {
          start: { latE7: trip.startLatE7, lonE7: trip.startLonE7 },
          end: { latE7: totals.endLatE7, lonE7: totals.endLonE7 },
        }),
    rejectedFixes: describeRejected(totals),
    rulesVersion: trip.rulesVersion,
    days,
  };
}

function total(totals: Totals, index: number): number {
  let sum = 0;
  for (const part of totals.parts) sum += part.sums[index] as number;
  return sum;
}

/**
 * The odometer if it spans the trip, never went back and agrees with the other sources; else the
 * speed if nearly all fixes have one and it agrees with the positions; else the positions.
 */
function distanceSource(trip: OpenTrip, totals: Totals, rules: Rules): DistanceSource {
  if (rules.checks !== undefined) return agreeingSource(trip, totals, rules, rules.checks);
  const gpsM = total(totals, slot.gpsM);
  const speedM = total(totals, slot.speedM);
  const covered = (part: number, whole: number) => part * 100 >= whole * rules.coveredPercent;
  const isSpeed =
    trip.speedAtMs !== never &&
    covered(totals.speedFixes, totals.fixes) &&
    isPlausible(speedM, gpsM, rules);
  const roadM = isSpeed ? speedM : gpsM;
  const durationMs = totals.lastAtMs - trip.startedAtMs;
  const isOdometer =
    totals.odometerCoveredMs > 0 &&
    totals.odometerBroken === 0 &&
    covered(totals.odometerCoveredMs, durationMs) &&
    isPlausible(total(totals, slot.odometerM), roadM, rules);
  return isOdometer ? 'ODOMETER' : isSpeed ? 'SPEED' : 'GPS';
}

/**
 * The odometer if another source agrees with it. Otherwise the speed if it is plausible against the
 * positions or there are no positions, then the positions, then the odometer.
 */
function agreeingSource(
  trip: OpenTrip,
  totals: Totals,
  rules: Rules,
  { agreePercent, agreeSlackM, stepPercent }: Checks,
): DistanceSource {
  const gpsM = total(totals, slot.gpsM);
  const speedM = total(totals, slot.speedM);
  const odometerM = total(totals, slot.odometerM);
  const durationMs = totals.lastAtMs - trip.startedAtMs;
  const covers = (partMs: number) =>
    partMs > 0 && partMs * 100 >= durationMs * rules.coveredPercent;
  const hasPlaces = totals.fixes > 1;
  const hasSpeed = covers(totals.speedCoveredMs);
  const hasOdometer =
    totals.odometerBroken === 0 &&
    covers(totals.odometerCoveredMs) &&
    totals.odometerStepMm * 100 <= odometerM * mmAM * stepPercent;
  const agree = (aM: number, bM: number) =>
    Math.abs(aM - bM) * 100 <= Math.max(aM, bM) * agreePercent + agreeSlackM * 100;
  if (hasOdometer && hasSpeed && agree(odometerM, speedM)) return 'ODOMETER';
  if (hasOdometer && hasPlaces && agree(odometerM, gpsM)) return 'ODOMETER';
  if (hasSpeed && (!hasPlaces || isPlausible(speedM, gpsM, rules))) return 'SPEED';
  if (hasPlaces || !hasOdometer) return 'GPS';
  return 'ODOMETER';
}

function isPlausible(wayM: number, otherM: number, rules: Rules): boolean {
  const { plausibleLeastPercent, plausibleMostPercent, plausibleSlackM } = rules;
  return (
    (wayM + plausibleSlackM) * 100 >= otherM * plausibleLeastPercent &&
    (wayM - plausibleSlackM) * 100 <= otherM * plausibleMostPercent
  );
}

function bridgedM(totals: Totals, source: DistanceSource): number {
  if (source === 'ODOMETER') return totals.odometerBridgedM;
  return source === 'SPEED'
    ? Math.floor(totals.speedBridgedUnits / speedUnitsAM)
    : Math.floor(totals.gpsBridgedMm / mmAM);
}

function describeRejected(totals: Totals): Partial<Record<RejectionReason, number>> {
  const rejected: Partial<Record<RejectionReason, number>> = {};
  rejectionReasons.forEach((reason, index) => {
    const count = totals.rejected[index] as number;
    if (count > 0) rejected[reason] = count;
  });
  return rejected;
}

/** Parts in date order; the start's date is among them even if nothing was added to it. */
function describeDays(
  totals: Totals,
  startDay: number,
  way: number,
  night: number,
  hour: number,
): DayPart[] {
  const partByDay = new Map(totals.parts.map((part) => [part.day, part]));
  if (!partByDay.has(startDay)) partByDay.set(startDay, { day: startDay, sums: [], hours: [] });
  return [...partByDay.values()]
    .sort((a, b) => a.day - b.day)
    .map(({ day, sums, hours }) => ({
      localDate: formatDay(day),
      distanceM: sums[way] ?? 0,
      durationMs: sums[slot.durationMs] ?? 0,
      movingMs: sums[slot.movingMs] ?? 0,
      idleMs: sums[slot.idleMs] ?? 0,
      nightM: sums[night] ?? 0,
      measures: describeMeasures(sums, hours, hour),
    }));
}

/** The measures that are not zero. */
function describeMeasures(
  sums: readonly number[],
  hours: readonly HourPart[],
  source: number,
): Record<string, number> {
  const measures: Record<string, number> = {};
  measureNames.forEach((name, index) => {
    const sum = sums[slot.measures + index] ?? 0;
    if (sum !== 0) measures[name] = sum;
  });
  for (const { hour, metres } of hours) {
    const sum = metres[source] ?? 0;
    if (sum !== 0) measures[hourMeasure(hour)] = sum;
  }
  return measures;
}

import { calendarOf } from '../calendar.ts';
import type { Change, UntrackedFacts, UntrackedKind } from '../changes.ts';
import { formatDay } from '../civil.ts';
import type { EventKey } from '../event.ts';
import { distanceMm } from '../geo.ts';
import { absent, never, setFix } from '../reading.ts';
import type { Checks, Rules } from '../rules.ts';
import type { DeviceState } from '../state.ts';
import type { Zones } from '../zones.ts';
import type { Judged } from './judge.ts';
import type { Held } from './held.ts';

/** What is needed to report kilometres that are in no trip. */
export interface Reporting {
  readonly decidedBy: EventKey;
  readonly rules: Rules;
  readonly checks: Checks;
  readonly zones: Zones;
  readonly changes: Change[];
}

/** Time zone if the state holds no known place. */
const zoneOfNowhere = 'Etc/UTC';

/** Time zone of the vehicle's last known place. */
export function zoneSeen({ seen }: DeviceState, zones: Zones): string {
  return seen.atMs === never ? zoneOfNowhere : zones.zoneAt(seen.latE7, seen.lonE7);
}

function report(
  kind: UntrackedKind,
  source: UntrackedFacts['source'],
  { fromMs, toMs, metres }: { fromMs: number; toMs: number; metres: number },
  state: DeviceState,
  { decidedBy, rules, zones, changes }: Reporting,
): void {
  const timeZone = zoneSeen(state, zones);
  const calendar = calendarOf(zones, rules);
  const days: { localDate: string; distanceM: number }[] = [];
  let given = 0;
  for (let atMs = fromMs; atMs < toMs;) {
    const span = calendar.spanAt(timeZone, atMs);
    const endMs = Math.min(toMs, span.toMs);
    const whole = Math.floor((metres * (endMs - fromMs)) / (toMs - fromMs));
    const localDate = formatDay(span.day);
    const day = days[days.length - 1];
    if (day?.localDate === localDate) day.distanceM += whole - given;
    else days.push({ localDate, distanceM: whole - given });
    given = whole;
    atMs = endMs;
  }
  changes.push({
    type: 'untracked',
    untracked: {
      kind,
      source,
      startedAtMs: fromMs,
      endedAtMs: toMs,
      distanceM: metres,
      timeZone,
      days,
      decidedBy: { atMs: decidedBy.atMs, digest: decidedBy.digest },
      rulesVersion: state.rulesVersion,
    },
  });
}

/** Adds a distance over which the vehicle was carried: it moved with the ignition off. */
export function addCarried(state: DeviceState, fromMs: number, atMs: number, wayMm: number): void {
  if (wayMm === 0) return;
  if (state.carriedFromMs === never) state.carriedFromMs = fromMs;
  state.carriedToMs = atMs;
  state.carriedMm += wayMm;
}

/** Reports the distance over which the vehicle was carried, once that has ended. */
export function endCarried(state: DeviceState, reporting: Reporting): void {
  if (state.carriedFromMs === never) return;
  const metres = Math.floor(state.carriedMm / 1000);
  if (metres >= reporting.checks.leastByPositionM) {
    const stretch = { fromMs: state.carriedFromMs, toMs: state.carriedToMs, metres };
    report('CARRIED', 'GPS', stretch, state, reporting);
  }
  state.carriedFromMs = never;
  state.carriedToMs = never;
  state.carriedMm = 0;
}

/**
 * Reports kilometres between the last reading and this one that no trip covers: by the odometer if
 * it is known on both sides, otherwise the straight line between two places.
 */
export function noteUntracked(
  judged: Judged,
  reading: Held,
  state: DeviceState,
  reporting: Reporting,
): void {
  const { seen, trip } = state;
  const opened = trip?.startedAtMs === reading.atMs;
  if (judged.odometerM !== absent) noteOdometer(judged.odometerM, reading, state, reporting);
  if (!judged.isFix) return;
  const byPosition = judged.speedCkmh === absent;
  if (opened && !byPosition && seen.atMs !== never && state.odometer.atMs === never) {
    const metres = metresFromSeen(state, reading);
    if (metres >= beyondDrift(state, reading, reporting.checks)) {
      const stretch = { fromMs: seen.atMs, toMs: reading.atMs, metres };
      report('UNCOVERED', 'GPS', stretch, state, reporting);
    }
  }
  setFix(seen, reading.atMs, reading.latE7, reading.lonE7);
}

function metresFromSeen({ seen }: DeviceState, { latE7, lonE7 }: Held): number {
  return Math.floor(distanceMm(seen.latE7, seen.lonE7, latE7, lonE7) / 1000);
}

/** The least distance in metres at which two positions count as different places. */
function beyondDrift({ lastAccuracyDm }: DeviceState, reading: Held, checks: Checks): number {
  const accuracyDm = lastAccuracyDm + Math.max(0, reading.accuracyDm);
  return Math.max(checks.leastByPositionM, Math.floor((accuracyDm * checks.driftPercent) / 1000));
}

function noteOdometer(
  odometerM: number,
  reading: Held,
  state: DeviceState,
  reporting: Reporting,
): void {
  const { odometer, trip } = state;
  const { checks, rules } = reporting;
  const { atMs } = reading;
  if (odometer.atMs !== never && (trip === undefined || odometer.atMs < trip.startedAtMs)) {
    const wayM = odometerM - odometer.readM;
    const mostM = (rules.jumpMmps * (atMs - odometer.atMs)) / 1_000_000 + rules.odometerTickM;
    const roadMm = Math.max(0, odometer.roadMm + (trip?.roadMm ?? 0));
    const metres = wayM - Math.floor(roadMm / 1000);
    if (wayM >= 0 && wayM <= mostM) {
      const isDue = trip !== undefined || atMs - odometer.atMs >= checks.untrackedEveryMs;
      if (wayM > 0 && !isDue) return;
      if (metres >= checks.leastByOdometerM) {
        const toMs = trip?.startedAtMs ?? atMs;
        const stretch = { fromMs: odometer.atMs, toMs, metres };
        report('UNCOVERED', 'ODOMETER', stretch, state, reporting);
      } else if (trip !== undefined) reportMovedByOthers(wayM, reading, state, reporting);
    }
  }
  odometer.atMs = atMs;
  odometer.readM = odometerM;
  odometer.roadMm = trip === undefined ? 0 : -trip.roadMm;
}

/** Reports a change of place that the odometer did not count: a ferry or a truck carried it. */
function reportMovedByOthers(
  drivenM: number,
  reading: Held,
  state: DeviceState,
  reporting: Reporting,
): void {
  const { seen } = state;
  if (reading.latE7 === absent || seen.atMs === never || seen.atMs >= reading.atMs) return;
  const metres = metresFromSeen(state, reading);
  const { tunnelSlackMm } = reporting.checks;
  if (metres * 1000 < tunnelSlackMm * 5 + drivenM * 1000) return;
  const stretch = { fromMs: seen.atMs, toMs: reading.atMs, metres };
  report('CARRIED', 'GPS', stretch, state, reporting);
}

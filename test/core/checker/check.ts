/**
 * The rules of every version once more, written from their text and sharing no code with the fold:
 * plain and slow, over the whole list of a device's events. Where fold and checker differ one is wrong.
 */
import type { DayPart, DrivingEventFacts, TripFacts } from '../../../src/core/changes.ts';
import type { CanonicalEvent } from '../../../src/core/event.ts';
import type { RulesRow } from '../../../src/core/rules.ts';
import type { Zones } from '../../../src/core/zones.ts';
import { cutTrips } from './cut.ts';
import { measureWay } from './distance.ts';
import { type CheckedFlag, findFlags, keyOf } from './flags.ts';
import { type Ledger, localDate } from './local.ts';
import { type CheckedRules, rulesOf } from './rules.ts';
import type { Seen, Stretch } from './seen.ts';
import { measureTimes } from './times.ts';

export interface Checked {
  /** In the order of their starts, the open one last. */
  trips: TripFacts[];
  /** Those that an event has decided. */
  drivingEvents: DrivingEventFacts[];
}

/** What a device's events say under some rules, in whatever order they are given. */
export function check(
  events: readonly CanonicalEvent[],
  zonesOf: (zoneData: string | undefined) => Zones,
  rows: readonly RulesRow[],
): Checked {
  // Every release so far has the same map, so trips are cut alike by each.
  const trips = cutTrips(events, zonesOf(undefined)).map((stretch) => {
    const rules = rulesOf(rows, (stretch.members[0] as Seen).event.atMs);
    const zones = zonesOf(rules.zoneData);
    const flags = findFlags(stretch, zones, rules);
    return { facts: describe(stretch, flags, zones, rules), flags };
  });
  return {
    trips: trips.map(({ facts }) => facts),
    drivingEvents: trips.flatMap(({ flags }) =>
      flags.flatMap(({ facts, pending }) => (pending ? [] : [facts])),
    ),
  };
}

function describe(
  stretch: Stretch,
  flags: readonly CheckedFlag[],
  zones: Zones,
  rules: CheckedRules,
): TripFacts {
  const { members, closesAtMs, ending } = stretch;
  const first = (members[0] as Seen).event;
  const last = (members.at(-1) as Seen).event;
  const fixes = members.filter((seen) => seen.accepted);
  const lastFix = (fixes.at(-1) as Seen).event;
  const timeZone = zones.zoneAt(first.latE7 ?? 0, first.lonE7 ?? 0);
  const startDate = localDate(zones, timeZone, first.atMs);
  const way = measureWay(members, zones);
  const times = measureTimes(members, zones, rules);
  const counts = new Map<string, Map<string, number>>();
  for (const { measure, facts } of flags) {
    const byDate = counts.get(measure) ?? new Map<string, number>();
    byDate.set(facts.localDate, (byDate.get(facts.localDate) ?? 0) + 1);
    counts.set(measure, byDate);
  }
  const measures: Record<string, ReadonlyMap<string, number>> = {
    'night.ms': times.duration.nightByDate,
    'standing.ms': times.standing.byDate,
    ...Object.fromEntries([...times.measures].map(([name, ledger]) => [name, ledger.byDate])),
    ...(rules.version >= 2 ? Object.fromEntries(way.metres.byHour) : {}),
    ...Object.fromEntries(counts),
  };
  const dates = new Set([
    startDate,
    ...times.duration.byDate.keys(),
    ...way.metres.byDate.keys(),
    ...flags.map(({ facts }) => facts.localDate),
  ]);
  const days = [...dates].sort().map((date): DayPart => ({
    localDate: date,
    distanceM: way.metres.byDate.get(date) ?? 0,
    durationMs: times.duration.byDate.get(date) ?? 0,
    movingMs: times.moving.byDate.get(date) ?? 0,
    idleMs: times.idle.byDate.get(date) ?? 0,
    nightM: way.metres.nightByDate.get(date) ?? 0,
    measures: Object.fromEntries(
      Object.entries(measures).flatMap(([name, byDate]) => {
        const sum = byDate.get(date) ?? 0;
        return sum === 0 ? [] : [[name, sum]];
      }),
    ),
  }));
  return {
    startedAtMs: first.atMs,
    anchor: keyOf(first),
    last: keyOf(last),
    endedAtMs: last.atMs,
    closesAtMs,
    ...(ending === undefined ? {} : { decidedBy: keyOf(ending.event), endReason: ending.reason }),
    timeZone,
    localDate: startDate,
    distanceM: way.metres.whole(),
    distanceSource: way.source,
    bridgedM: way.bridgedM,
    movingMs: times.moving.whole(),
    idleMs: times.idle.whole(),
    maxSpeedCkmh: Math.max(0, ...members.map((seen) => seen.speed ?? 0)),
    nightM: sumOf(way.metres.nightByDate),
    fixes: fixes.length,
    events: members.length,
    start: { latE7: first.latE7 ?? 0, lonE7: first.lonE7 ?? 0 },
    end: { latE7: lastFix.latE7 ?? 0, lonE7: lastFix.lonE7 ?? 0 },
    rejectedFixes: countRejected(members),
    rulesVersion: `${rules.name}+${zones.version}`,
    days,
  };
}

function sumOf(byDate: Ledger['byDate']): number {
  return [...byDate.values()].reduce((sum, value) => sum + value, 0);
}

function countRejected(members: readonly Seen[]): TripFacts['rejectedFixes'] {
  const counts: Record<string, number> = {};
  for (const { rejected } of members) {
    if (rejected !== undefined) counts[rejected] = (counts[rejected] ?? 0) + 1;
  }
  return counts;
}

import type {
  DrivingEventFacts,
  DrivingEventKind,
  MeasurementSource,
  Severity,
} from '../../../src/core/changes.ts';
import type { EventKey } from '../../../src/core/event.ts';
import type { Zones } from '../../../src/core/zones.ts';
import { localDate } from './local.ts';
import type { CheckedRules } from './rules.ts';
import { readingsOf, type Seen, type Stretch } from './seen.ts';

/** A flag and the measure that counts it. */
export interface CheckedFlag {
  measure: string;
  facts: DrivingEventFacts;
  /** It would be one if the trip ended now, but no event has decided it yet. */
  pending: boolean;
}

export function findFlags(stretch: Stretch, zones: Zones, rules: CheckedRules): CheckedFlag[] {
  const named = { zones, rulesVersion: `${rules.name}+${zones.version}` };
  return [
    ...moments.flatMap((kind) => findMoments(kind, stretch, named)),
    ...lastingUnder(rules).flatMap((kind) => findLasting(kind, stretch, named)),
  ];
}

/** What a flag names beside its evidence. */
interface Named {
  zones: Zones;
  rulesVersion: string;
}

interface Moment {
  kind: DrivingEventKind;
  source: MeasurementSource;
  measure: string;
  levels: readonly [number, number, number];
  /** Strength, mm/s²; anything below the first level is no candidate. */
  strength: (before: Seen, at: Seen, after: Seen) => number;
}

/** A tenth of g is 980.665 mm/s². */
const tenthsOfG = (tenths: number) => Math.round(tenths * 980.665);

const moments: readonly Moment[] = [
  {
    kind: 'HARSH_BRAKING',
    source: 'GPS',
    measure: 'harshBrakingGps.count',
    levels: [2_000, 2_500, tenthsOfG(3)],
    strength: (before, at, after) => -speedingUp(before, at, after),
  },
  {
    kind: 'HARSH_ACCELERATION',
    source: 'GPS',
    measure: 'harshAccelerationGps.count',
    levels: [2_000, 2_500, tenthsOfG(3)],
    strength: speedingUp,
  },
  {
    kind: 'HARSH_CORNERING',
    source: 'GPS',
    measure: 'harshCorneringGps.count',
    levels: [2_000, 2_300, tenthsOfG(4)],
    strength: turning,
  },
  {
    kind: 'HARSH_BRAKING',
    source: 'ACCELEROMETER',
    measure: 'harshBrakingAccelerometer.count',
    levels: [tenthsOfG(3.5), tenthsOfG(4.5), tenthsOfG(6)],
    strength: (_, at) => (isFaster(at, 10) ? -(at.event.accelForwardMmps2 ?? 0) : 0),
  },
  {
    kind: 'HARSH_ACCELERATION',
    source: 'ACCELEROMETER',
    measure: 'harshAccelerationAccelerometer.count',
    levels: [tenthsOfG(3.5), tenthsOfG(4.5), tenthsOfG(6)],
    strength: (_, at) => (isFaster(at, 10) ? (at.event.accelForwardMmps2 ?? 0) : 0),
  },
  {
    kind: 'HARSH_CORNERING',
    source: 'ACCELEROMETER',
    measure: 'harshCorneringAccelerometer.count',
    levels: [tenthsOfG(4), tenthsOfG(5), tenthsOfG(6)],
    strength: (_, at) => (isFaster(at, 30) ? Math.abs(at.event.accelLeftMmps2 ?? 0) : 0),
  },
];

function isFaster(at: Seen, kmh: number): boolean {
  return at.speed !== undefined && at.speed / 100 >= kmh;
}

/** Fixes more than 2 s apart measure no change between them. */
function areClose(before: Seen, at: Seen, after: Seen): boolean {
  return after.event.atMs - at.event.atMs <= 2_000 && at.event.atMs - before.event.atMs <= 2_000;
}

/** Change of speed from before to after, mm/s², rounded half up; 0 where it cannot be measured. */
function speedingUp(before: Seen, at: Seen, after: Seen): number {
  if (!isFaster(at, 10) || !areClose(before, at, after)) return 0;
  if (before.speed === undefined || after.speed === undefined) return 0;
  // 1 km/h is 10,000/36 mm/s, so 0.01 km/h in a millisecond are 25,000/9 mm/s².
  const numerator = BigInt(after.speed - before.speed) * 25_000n;
  const denominator = 9n * BigInt(after.event.atMs - before.event.atMs);
  const doubled = 2n * numerator + denominator;
  const rest = doubled % (2n * denominator);
  const floor = (doubled - rest) / (2n * denominator);
  return Number(rest < 0n ? floor - 1n : floor);
}

/** Speed times change of course, mm/s²; a course is believed with its position only. */
function turning(before: Seen, at: Seen, after: Seen): number {
  if (!isFaster(at, 30) || !areClose(before, at, after)) return 0;
  if (!before.accepted || !after.accepted) return 0;
  const [from, to] = [before.event.headingDdeg, after.event.headingDdeg];
  if (from === undefined || to === undefined) return 0;
  const clockwise = (to - from + 3_600) % 3_600;
  const radians = (Math.min(clockwise, 3_600 - clockwise) / 3_600) * 2 * Math.PI;
  const seconds = (after.event.atMs - before.event.atMs) / 1_000;
  const metresASecond = (at.speed ?? 0) / 360;
  return Math.round(1_000 * metresASecond * (radians / seconds));
}

/** Candidates in a row, each less than 15 s after the one before it, are one flag, at its peak. */
function findMoments(moment: Moment, stretch: Stretch, named: Named): CheckedFlag[] {
  const readings = readingsOf(stretch.watched);
  const candidates: { index: number; strength: number }[] = [];
  for (let index = 1; index + 1 < readings.length; index++) {
    const [before, at, after] = readings.slice(index - 1, index + 2) as [Seen, Seen, Seen];
    const strength = moment.strength(before, at, after);
    if (strength >= moment.levels[0]) candidates.push({ index, strength });
  }
  const atMs = (index: number) => (readings[index] as Seen).event.atMs;
  const runs: (typeof candidates)[] = [];
  for (const candidate of candidates) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (
      run !== undefined &&
      last !== undefined &&
      atMs(candidate.index) - atMs(last.index) < 15_000
    )
      run.push(candidate);
    else runs.push([candidate]);
  }
  return runs.map((run) => {
    const strongest = Math.max(...run.map(({ strength }) => strength));
    const { index } = run.find(({ strength }) => strength === strongest) as (typeof run)[0];
    const last = (run.at(-1) as (typeof run)[0]).index;
    const [before, at, after] = readings.slice(index - 1, index + 2) as [Seen, Seen, Seen];
    // Decided as soon as no candidate could join it any more, which the next reading but one shows.
    const decider = readings.slice(last + 2).find(({ event }) => event.atMs - atMs(last) >= 15_000);
    return flag(stretch, named, moment, decider, {
      severity:
        moment.levels[2] <= strongest ? 'HIGH' : moment.levels[1] <= strongest ? 'MEDIUM' : 'LOW',
      atMs: atMs(index),
      endedAtMs: atMs(last),
      durationMs: atMs(last) - atMs((run[0] as (typeof run)[0]).index),
      peakMmps2: strongest,
      threshold: moment.levels[0],
      severityThreshold: moment.levels.findLast((level) => level <= strongest) as number,
      position: at,
      before: before.speed,
      after: after.speed,
      dated: { atMs: atMs(index), zone: after.zone },
    });
  });
}

interface Lasting {
  kind: DrivingEventKind;
  source: MeasurementSource;
  measure: string;
  /** How far beyond what is allowed, 0.01 km/h; 0 where it is not. */
  excess: (seen: Seen) => number;
  allowed: (seen: Seen) => number;
  severity: (excess: number) => Severity;
  /** The least excess of each severity, 0.01 km/h. */
  grades: Readonly<Record<Severity, number>>;
  leastMs: (excess: number) => number;
}

const speeding = {
  kind: 'SPEEDING',
  source: 'GPS',
  severity: (excess: number) => (excess > 1_600 ? 'HIGH' : excess < 900 ? 'LOW' : 'MEDIUM'),
  grades: { LOW: 0, MEDIUM: 900, HIGH: 1_601 },
  leastMs: (excess: number) => (excess > 1_600 ? 10_000 : 60_000),
} as const satisfies Partial<Lasting>;

function lastingUnder({ version, capCkmh }: CheckedRules): Lasting[] {
  return [
    {
      ...speeding,
      measure: 'speeding.count',
      excess: (seen) =>
        isFaster(seen, 10) && seen.event.speedLimitCkmh !== undefined
          ? Math.max(0, (seen.speed ?? 0) - seen.event.speedLimitCkmh)
          : 0,
      allowed: ({ event }) => event.speedLimitCkmh ?? 0,
    },
    ...(capCkmh === undefined
      ? []
      : [
          {
            ...speeding,
            measure: 'speedingCap.count',
            excess: ({ speed, event }: Seen) =>
              event.speedLimitCkmh === undefined ? Math.max(0, (speed ?? 0) - capCkmh) : 0,
            allowed: () => capCkmh,
          },
        ]),
    {
      kind: 'PHONE_USE',
      source: 'DEVICE',
      measure: 'phone.count',
      excess: (seen) =>
        isFaster(seen, 10) && seen.event.phoneInUse === true ? (seen.speed ?? 0) : 0,
      allowed: () => 0,
      severity: (speed) => (speed < 3_000 ? 'LOW' : speed < 8_000 ? 'MEDIUM' : 'HIGH'),
      grades: { LOW: version >= 2 ? 1_000 : 0, MEDIUM: 3_000, HIGH: 8_000 },
      leastMs: () => 5_000,
    },
  ];
}

/** Readings in a row that hold, none more than two minutes after the one before it. */
function findLasting(kind: Lasting, stretch: Stretch, named: Named): CheckedFlag[] {
  const readings = readingsOf(stretch.watched);
  const flags: CheckedFlag[] = [];
  for (let first = 0; first < readings.length; first++) {
    if (kind.excess(readings[first] as Seen) === 0) continue;
    let last = first;
    for (let next = first + 1; next < readings.length; next++) {
      const [one, two] = readings.slice(next - 1, next + 1) as [Seen, Seen];
      if (kind.excess(two) === 0 || two.event.atMs - one.event.atMs > 120_000) break;
      last = next;
    }
    const row = readings.slice(first, last + 1);
    const most = Math.max(...row.map(kind.excess));
    const [begun, ended] = [row[0] as Seen, row.at(-1) as Seen];
    const peak = row.find((seen) => kind.excess(seen) === most) as Seen;
    if (ended.event.atMs - begun.event.atMs >= kind.leastMs(most)) {
      flags.push(
        flag(stretch, named, kind, readings[last + 1], {
          severity: kind.severity(most),
          atMs: begun.event.atMs,
          endedAtMs: ended.event.atMs,
          durationMs: ended.event.atMs - begun.event.atMs,
          peakCkmh: kind.allowed(peak) + most,
          threshold: kind.allowed(peak) + kind.grades.LOW,
          severityThreshold: kind.allowed(peak) + kind.grades[kind.severity(most)],
          leastMs: kind.leastMs(most),
          position: peak,
          before: readings[first - 1]?.speed,
          after: ended.speed,
          dated: { atMs: begun.event.atMs, zone: begun.zone },
        }),
      );
    }
    first = last;
  }
  return flags;
}

interface Evidence {
  severity: Severity;
  atMs: number;
  endedAtMs: number;
  durationMs: number;
  peakMmps2?: number;
  peakCkmh?: number;
  threshold: number;
  severityThreshold: number;
  leastMs?: number;
  position: Seen;
  before: number | undefined;
  after: number | undefined;
  dated: { atMs: number; zone: string };
}

function flag(
  stretch: Stretch,
  { zones, rulesVersion }: Named,
  { kind, source, measure }: { kind: DrivingEventKind; source: MeasurementSource; measure: string },
  decider: Seen | undefined,
  { position, before, after, dated, ...evidence }: Evidence,
): CheckedFlag {
  const decidedBy = decider?.event ?? stretch.ending?.event;
  const { latE7, lonE7 } = position.event;
  return {
    measure,
    pending: decidedBy === undefined,
    facts: {
      kind,
      source,
      ...evidence,
      tripStartedAtMs: (stretch.members[0] as Seen).event.atMs,
      decidedBy: keyOf(decidedBy ?? position.event),
      ...(position.accepted && latE7 !== undefined && lonE7 !== undefined
        ? { position: { latE7, lonE7 } }
        : {}),
      ...(before === undefined ? {} : { speedBeforeCkmh: before }),
      ...(after === undefined ? {} : { speedAfterCkmh: after }),
      localDate: localDate(zones, dated.zone, dated.atMs),
      rulesVersion,
    },
  };
}

export function keyOf({ atMs, digest }: EventKey): EventKey {
  return { atMs, digest };
}

/** The fold tells flags as they are decided; here by time, of one instant by kind and source. */
export function inOrder(flags: readonly DrivingEventFacts[]): DrivingEventFacts[] {
  const name = (flag: DrivingEventFacts) => `${flag.kind} ${flag.source}`;
  return [...flags].sort((a, b) => a.atMs - b.atMs || (name(a) < name(b) ? -1 : 1));
}

/** A driver's trip in any vehicle, reduced to what rest and driving times need. */
export interface Drive {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** What the drive adds to each local day. */
  readonly days: readonly {
    readonly localDate: string;
    readonly durationMs: number;
    readonly idleMs: number;
  }[];
}

export type LongDrivingRule = 'EU_BREAK' | 'FOUR_HOURS_REST' | 'DAY_DRIVING';

/** A long drive without enough rest, and the limit it was compared with. */
export interface LongDriving {
  readonly rule: LongDrivingRule;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Local date of the first drive; for a daily limit the day itself. YYYY-MM-DD. */
  readonly localDate: string;
  readonly drivingMs: number;
  /** Driving more than this is too long. */
  readonly allowedMs: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Regulation (EC) 561/2006, article 7: a break of 45 minutes after four and a half hours, … */
const euDrivingMs = 4.5 * hourMs;
const euBreakMs = 45 * minuteMs;
/** … or one of at least 15 followed by one of at least 30 minutes. */
const euFirstPartMs = 15 * minuteMs;
const euSecondPartMs = 30 * minuteMs;

/** Fleet rules of TSBS IoT: less than 20 minutes of rest in 4 hours, more than 10 hours a day. */
const windowMs = 4 * hourMs;
const windowRestMs = 20 * minuteMs;
const dayDrivingMs = 10 * hourMs;

/**
 * Finds where a driver drove too long without rest: a second fold, over the drives of one driver in
 * any order. A standstill that ends a trip is rest; idling within a trip is not rest, and does not
 * count as driving time either. Overlapping drives, from two devices, count once.
 *
 * @returns in order of beginning, then of rule
 */
export function findLongDriving(drives: readonly Drive[]): readonly LongDriving[] {
  const disjoint = toDisjoint(drives);
  return [
    ...findMissedBreaks(disjoint),
    ...findRestlessHours(disjoint),
    ...findLongDays(disjoint),
  ].sort((a, b) => a.startedAtMs - b.startedAtMs || (a.rule < b.rule ? -1 : 1));
}

/** Sorts the drives and cuts off the beginning of a drive where an earlier one covers it. */
function toDisjoint(drives: readonly Drive[]): Drive[] {
  const disjoint: Drive[] = [];
  let endMs = -Infinity;
  for (const drive of [...drives].sort((a, b) => a.startedAtMs - b.startedAtMs)) {
    if (drive.endedAtMs <= endMs) continue;
    disjoint.push(drive.startedAtMs < endMs ? cutTo(drive, endMs) : drive);
    endMs = drive.endedAtMs;
  }
  return disjoint;
}

function cutTo(drive: Drive, fromMs: number): Drive {
  let cutMs = fromMs - drive.startedAtMs;
  const days = drive.days.map((day) => {
    const offMs = Math.min(cutMs, day.durationMs);
    cutMs -= offMs;
    const durationMs = day.durationMs - offMs;
    return { ...day, durationMs, idleMs: Math.min(day.idleMs, durationMs) };
  });
  return { ...drive, startedAtMs: fromMs, days };
}

function drivingMsOf({ days }: Drive): number {
  return days.reduce((sum, { durationMs, idleMs }) => sum + durationMs - idleMs, 0);
}

function dateOf({ days }: Drive): string {
  return days[0]?.localDate ?? '';
}

function findMissedBreaks(drives: readonly Drive[]): LongDriving[] {
  const found: LongDriving[] = [];
  let spell: Drive[] = [];
  let hadFirstPart = false;
  const finish = () => {
    const drivingMs = spell.reduce((sum, drive) => sum + drivingMsOf(drive), 0);
    if (drivingMs > euDrivingMs) found.push(describe('EU_BREAK', spell, drivingMs, euDrivingMs));
    spell = [];
    hadFirstPart = false;
  };
  for (const drive of drives) {
    const previous = spell.at(-1);
    if (previous !== undefined) {
      const restMs = drive.startedAtMs - previous.endedAtMs;
      if (restMs >= euBreakMs || (hadFirstPart && restMs >= euSecondPartMs)) finish();
      else if (restMs >= euFirstPartMs) hadFirstPart = true;
    }
    spell.push(drive);
  }
  finish();
  return found;
}

function describe(
  rule: LongDrivingRule,
  drives: readonly Drive[],
  drivingMs: number,
  allowedMs: number,
): LongDriving {
  const first = drives[0] as Drive;
  return {
    rule,
    startedAtMs: first.startedAtMs,
    endedAtMs: (drives.at(-1) as Drive).endedAtMs,
    localDate: dateOf(first),
    drivingMs,
    allowedMs,
  };
}

/**
 * The rest in four hours is least where the four hours end with a drive or begin with one.
 * Overlapping windows are reported once, as the one with the least rest.
 */
function findRestlessHours(drives: readonly Drive[]): LongDriving[] {
  const found: LongDriving[] = [];
  const ends = drives
    .flatMap(({ startedAtMs, endedAtMs }) => [startedAtMs + windowMs, endedAtMs])
    .sort((a, b) => a - b);
  const allowedMs = windowMs - windowRestMs;
  let lastEndMs = -Infinity;
  for (const endMs of ends) {
    const fromMs = endMs - windowMs;
    const within = drives.filter((d) => d.endedAtMs > fromMs && d.startedAtMs < endMs);
    const drivingMs = within.reduce(
      (sum, d) => sum + Math.min(d.endedAtMs, endMs) - Math.max(d.startedAtMs, fromMs),
      0,
    );
    if (drivingMs <= allowedMs) continue;
    const told: LongDriving = {
      rule: 'FOUR_HOURS_REST',
      startedAtMs: fromMs,
      endedAtMs: endMs,
      localDate: dateOf(within[0] as Drive),
      drivingMs,
      allowedMs,
    };
    const previous = found.at(-1);
    if (previous === undefined || fromMs >= lastEndMs) found.push(told);
    else if (drivingMs > previous.drivingMs) found[found.length - 1] = told;
    lastEndMs = endMs;
  }
  return found;
}

function findLongDays(drives: readonly Drive[]): LongDriving[] {
  const byDate = new Map<string, { drives: Drive[]; drivingMs: number }>();
  for (const drive of drives) {
    for (const { localDate, durationMs, idleMs } of drive.days) {
      const day = byDate.get(localDate) ?? { drives: [], drivingMs: 0 };
      byDate.set(localDate, day);
      day.drives.push(drive);
      day.drivingMs += durationMs - idleMs;
    }
  }
  return [...byDate]
    .filter(([, { drivingMs }]) => drivingMs > dayDrivingMs)
    .map(([localDate, day]) => ({
      ...describe('DAY_DRIVING', day.drives, day.drivingMs, dayDrivingMs),
      localDate,
    }));
}

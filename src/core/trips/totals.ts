import { measureNames } from '../habits/registry.ts';

/** What a trip adds to one local day: one integer per slot. */
export interface Part {
  /** Days since 1970-01-01. */
  day: number;
  sums: number[];
  /** Metres by local hour, in the order in which the trip reached them; only hours above 0. */
  hours: HourPart[];
}

/** Metres in one local hour by each source of distance, in the order GPS, speed, odometer. */
export interface HourPart {
  hour: number;
  metres: [number, number, number];
}

/** Adds metres of a source to a local hour. */
export function addToHour({ hours }: Part, hour: number, source: number, metres: number): void {
  let part = hours[hours.length - 1];
  if (part?.hour !== hour) {
    part = hours.find((other) => other.hour === hour);
    if (part === undefined) hours.push((part = { hour, metres: [0, 0, 0] }));
  }
  part.metres[source] = (part.metres[source] as number) + metres;
}

/** Slots of `Part.sums`; the registry's measures begin at `slot.measures`. */
export const slot = {
  durationMs: 0,
  movingMs: 1,
  idleMs: 2,
  gpsM: 3,
  speedM: 4,
  odometerM: 5,
  gpsNightM: 6,
  speedNightM: 7,
  odometerNightM: 8,
  measures: 9,
} as const;

/** Where the metres of each source are kept: by day, at night, and in `HourPart.metres`. */
export const sumsOfWay = {
  GPS: { way: slot.gpsM, night: slot.gpsNightM, hour: 0 },
  SPEED: { way: slot.speedM, night: slot.speedNightM, hour: 1 },
  ODOMETER: { way: slot.odometerM, night: slot.odometerNightM, hour: 2 },
} as const;

export const slotCount = slot.measures + measureNames.length;

/** Why a value that was sent is not used, in the order of `Totals.rejected`. */
export const rejectionReasons = [
  'SAME_INSTANT',
  'NULL_ISLAND',
  'JUMP',
  'INACCURATE',
  'REPEATED',
  'IMPOSSIBLE_SPEED',
  'IMPOSSIBLE_ACCELERATION',
  'IMPOSSIBLE_ODOMETER',
] as const;

/** One millimetre in the fold's unit of integrated speed: 0.01 km/h · ms / 2 = 1/720 mm. */
export const speedUnitsAMm = 720;
export const speedUnitsAM = speedUnitsAMm * 1000;
export const mmAM = 1000;

/** All totals of a trip over its events so far. */
export interface Totals {
  lastAtMs: number;
  lastDigest: number;
  endLatE7: number;
  endLonE7: number;
  fixes: number;
  events: number;
  maxSpeedCkmh: number;
  rejected: number[];
  /** Remainders below a whole metre. */
  gpsRestMm: number;
  speedRestUnits: number;
  /** Distance across silences. */
  gpsBridgedMm: number;
  speedBridgedUnits: number;
  odometerBridgedM: number;
  /** Fixes that have a speed. */
  speedFixes: number;
  /** Time that odometer readings span; `odometerBroken` is 1 once they went back or jumped. */
  odometerCoveredMs: number;
  odometerBroken: number;
  /** Time between speeds that are not separated by a silence. */
  speedCoveredMs: number;
  /** Distance by speed, or by position if no speed is sent, since the odometer last changed. */
  sinceTickMm: number;
  /** The longest such distance: the odometer's resolution is not finer than this. */
  odometerStepMm: number;
  /** In the order in which the trip reached each local date; few, since a trip is cut at 36 h. */
  parts: Part[];
}

export function emptyTotals(atMs: number): Totals {
  return {
    lastAtMs: atMs,
    lastDigest: 0,
    endLatE7: 0,
    endLonE7: 0,
    fixes: 0,
    events: 0,
    maxSpeedCkmh: 0,
    rejected: rejectionReasons.map(() => 0),
    gpsRestMm: 0,
    speedRestUnits: 0,
    gpsBridgedMm: 0,
    speedBridgedUnits: 0,
    odometerBridgedM: 0,
    speedFixes: 0,
    odometerCoveredMs: 0,
    odometerBroken: 0,
    speedCoveredMs: 0,
    sinceTickMm: 0,
    odometerStepMm: 0,
    parts: [],
  };
}

/** The sums of a local day, created if the trip has none for it. */
export function sumsOf(totals: Totals, day: number): number[] {
  return partOf(totals, day).sums;
}

/** The trip's part of a local day, created if it has none. */
export function partOf(totals: Totals, day: number): Part {
  const { parts } = totals;
  const newest = parts[parts.length - 1];
  if (newest !== undefined && newest.day === day) return newest;
  const known = parts.find((part) => part.day === day);
  if (known !== undefined) return known;
  const part: Part = { day, sums: new Array<number>(slotCount).fill(0), hours: [] };
  parts.push(part);
  return part;
}

/** Copies `source` into `target`; they share no objects. */
export function copyTotals(target: Totals, source: Totals): void {
  const { rejected, parts } = target;
  Object.assign(target, source);
  target.rejected = rejected;
  target.parts = parts;
  for (let i = 0; i < rejected.length; i++) rejected[i] = source.rejected[i] ?? 0;
  parts.length = Math.min(parts.length, source.parts.length);
  source.parts.forEach((part, index) => {
    const kept = parts[index];
    if (kept === undefined) {
      parts.push({ day: part.day, sums: part.sums.slice(), hours: part.hours.map(copyHour) });
    } else {
      kept.hours = part.hours.map(copyHour);
      kept.day = part.day;
      for (let i = 0; i < slotCount; i++) kept.sums[i] = part.sums[i] ?? 0;
    }
  });
}

function copyHour({ hour, metres }: HourPart): HourPart {
  return { hour, metres: [...metres] };
}

/** The totals as one list of integers, for the codec. */
export function flattenTotals(totals: Totals): number[] {
  const flat = [
    totals.lastAtMs,
    totals.lastDigest,
    totals.endLatE7,
    totals.endLonE7,
    totals.fixes,
    totals.events,
    totals.maxSpeedCkmh,
    totals.gpsRestMm,
    totals.speedRestUnits,
    totals.gpsBridgedMm,
    totals.speedBridgedUnits,
    totals.odometerBridgedM,
    totals.speedFixes,
    totals.odometerCoveredMs,
    totals.odometerBroken,
    totals.speedCoveredMs,
    totals.sinceTickMm,
    totals.odometerStepMm,
    ...totals.rejected,
  ];
  for (const part of totals.parts) {
    flat.push(part.day, ...part.sums, part.hours.length);
    for (const { hour, metres } of part.hours) flat.push(hour, ...metres);
  }
  return flat;
}

/**
 * Length of `flattenTotals` without parts, the length of each part up to and including its number
 * of hours, and the length of each hour.
 */
export const flatTotalsLength = 18 + rejectionReasons.length;
export const flatPartLength = slotCount + 2;
export const flatHourLength = 4;

/** Reverses `flattenTotals`. */
export function unflattenTotals(flat: readonly number[]): Totals {
  const number = (index: number) => flat[index] ?? 0;
  const parts: Part[] = [];
  for (let at = flatTotalsLength; at < flat.length;) {
    const part: Part = { day: number(at), sums: flat.slice(at + 1, at + 1 + slotCount), hours: [] };
    const hours = number(at + 1 + slotCount);
    at += flatPartLength;
    for (let i = 0; i < hours; i++, at += flatHourLength) {
      const metres: HourPart['metres'] = [number(at + 1), number(at + 2), number(at + 3)];
      part.hours.push({ hour: number(at), metres });
    }
    parts.push(part);
  }
  return {
    lastAtMs: number(0),
    lastDigest: number(1),
    endLatE7: number(2),
    endLonE7: number(3),
    fixes: number(4),
    events: number(5),
    maxSpeedCkmh: number(6),
    gpsRestMm: number(7),
    speedRestUnits: number(8),
    gpsBridgedMm: number(9),
    speedBridgedUnits: number(10),
    odometerBridgedM: number(11),
    speedFixes: number(12),
    odometerCoveredMs: number(13),
    odometerBroken: number(14),
    speedCoveredMs: number(15),
    sinceTickMm: number(16),
    odometerStepMm: number(17),
    rejected: flat.slice(18, flatTotalsLength),
    parts,
  };
}

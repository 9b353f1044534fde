import { measureNames } from '../habits/registry.ts';

/** What a trip adds to one local day: one integer a slot. */
export interface Part {
  /** Days since 1970-01-01. */
  day: number;
  sums: number[];
}

/** Slots of `Part.sums`; the registry's measures follow from `slot.measures` on. */
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

export const slotCount = slot.measures + measureNames.length;

/** Why positions were not believed, in the order of `Totals.rejected`. */
export const rejectionReasons = ['SAME_INSTANT', 'NULL_ISLAND', 'JUMP', 'INACCURATE'] as const;

/** One millimetre in the fold's unit of integrated speed: 0.01 km/h · ms / 2 = 1/720 mm. */
const speedUnitsAMm = 720;
export const speedUnitsAM = speedUnitsAMm * 1000;
export const mmAM = 1000;

/** Everything of a trip that the events up to some event add up to. */
export interface Totals {
  lastAtMs: number;
  lastDigest: number;
  endLatE7: number;
  endLonE7: number;
  fixes: number;
  events: number;
  maxSpeedCkmh: number;
  rejected: number[];
  /** What is left over of whole metres. */
  gpsRestMm: number;
  speedRestUnits: number;
  /** Distance across silences. */
  gpsBridgedMm: number;
  speedBridgedUnits: number;
  odometerBridgedM: number;
  /** Fixes that carry a speed. */
  speedFixes: number;
  /** Time that odometer readings span; `odometerBroken` is 1 once they went back or leapt. */
  odometerCoveredMs: number;
  odometerBroken: number;
  /** In the order in which the trip came to each local date; few, since a trip is cut at 36 h. */
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
    rejected: [0, 0, 0, 0],
    gpsRestMm: 0,
    speedRestUnits: 0,
    gpsBridgedMm: 0,
    speedBridgedUnits: 0,
    odometerBridgedM: 0,
    speedFixes: 0,
    odometerCoveredMs: 0,
    odometerBroken: 0,
    parts: [],
  };
}

/** The sums of a local day, made if the trip has not been there. */
export function sumsOf(totals: Totals, day: number): number[] {
  const { parts } = totals;
  const newest = parts[parts.length - 1];
  if (newest !== undefined && newest.day === day) return newest.sums;
  const known = parts.find((part) => part.day === day);
  if (known !== undefined) return known.sums;
  const sums = new Array<number>(slotCount).fill(0);
  parts.push({ day, sums });
  return sums;
}

/** Makes `target` equal to `source` without keeping any of its objects. */
export function copyTotals(target: Totals, source: Totals): void {
  const { rejected, parts } = target;
  Object.assign(target, source);
  target.rejected = rejected;
  target.parts = parts;
  for (let i = 0; i < rejected.length; i++) rejected[i] = source.rejected[i] ?? 0;
  parts.length = Math.min(parts.length, source.parts.length);
  source.parts.forEach((part, index) => {
    const kept = parts[index];
    if (kept === undefined) parts.push({ day: part.day, sums: part.sums.slice() });
    else {
      kept.day = part.day;
      for (let i = 0; i < slotCount; i++) kept.sums[i] = part.sums[i] ?? 0;
    }
  });
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
    ...totals.rejected,
  ];
  for (const part of totals.parts) flat.push(part.day, ...part.sums);
  return flat;
}

/** How long `flattenTotals` is with no parts, and how much each part adds. */
export const flatTotalsLength = 19;
export const flatPartLength = slotCount + 1;

/** Undoes `flattenTotals`. */
export function unflattenTotals(flat: readonly number[]): Totals {
  const number = (index: number) => flat[index] ?? 0;
  const parts: Part[] = [];
  for (let from = flatTotalsLength; from < flat.length; from += flatPartLength) {
    parts.push({ day: number(from), sums: flat.slice(from + 1, from + flatPartLength) });
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
    rejected: flat.slice(15, 19),
    parts,
  };
}

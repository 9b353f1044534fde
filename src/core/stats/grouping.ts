/** What trips can be grouped by; each value is that at the trip's start. */
export type Dimension =
  | 'DAY'
  | 'WEEK'
  | 'MONTH'
  | 'HOUR_OF_DAY'
  | 'WEEKDAY'
  | 'DRIVER'
  | 'VEHICLE_ATTRIBUTE'
  | 'RATING_FACT'
  | 'TERRITORY'
  | 'TARIFF'
  | 'DISTANCE_BAND'
  | 'END_REASON';

/** One part of a group's key. */
export interface Grouping {
  readonly by: Dimension;
  /** The name of the attribute or fact; absent for other dimensions. */
  readonly name?: string;
}

/** The values of a group, in the order of the groupings; null: not known or not present. */
export type Key = readonly (string | null)[];

/** A distance band begins at 0 and at each of these, kilometres. */
export const distanceBandsKm: readonly number[] = [1, 2, 5, 10, 20, 50, 100];

/** Names of the bands by their limits in kilometres, `0-1` to `100-`. */
export const distanceBandNames: readonly string[] = [0, ...distanceBandsKm].map(
  (from, band) => `${from}-${distanceBandsKm[band] ?? ''}`,
);

/** The values of these begin with a number, by which they are sorted. */
const numeric: ReadonlySet<Dimension> = new Set(['HOUR_OF_DAY', 'WEEKDAY', 'DISTANCE_BAND']);

/** Compares groups by their keys; unknown values come last. */
export function compareGroupKeys(groupings: readonly Grouping[], a: Key, b: Key): number {
  for (const [at, { by }] of groupings.entries()) {
    const order = compareValues(by, a[at] ?? null, b[at] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(by: Dimension, a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  if (numeric.has(by)) return Number.parseInt(a, 10) - Number.parseInt(b, 10);
  return a < b ? -1 : 1;
}

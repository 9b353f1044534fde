import type { DrivingEventKind } from '../changes.ts';
import type { Key } from './grouping.ts';

/** Quantities with one value per trip, named with the unit of the answer. */
export type Quantity =
  'DISTANCE_KM' | 'DURATION_S' | 'MOVING_S' | 'IDLE_S' | 'NIGHT_KM' | 'MAX_SPEED_KMH';

/** Stored units (metres, milliseconds, 0.01 km/h) per unit of the answer. */
const perUnit: Readonly<Record<Quantity, number>> = {
  DISTANCE_KM: 1_000,
  DURATION_S: 1_000,
  MOVING_S: 1_000,
  IDLE_S: 1_000,
  NIGHT_KM: 1_000,
  MAX_SPEED_KMH: 100,
};
export const quantities = Object.keys(perUnit) as readonly Quantity[];

/** What can be measured of a group. */
export type Measure = 'TRIPS' | 'DRIVERS' | Quantity | DrivingEventKind;

/** The statistics of a measure. */
export type Statistic =
  'SUM' | 'MEAN' | 'VARIANCE' | 'MIN' | 'MAX' | 'PERCENTILE' | 'PER_100_KM' | 'PER_HOUR';

/** One number that a group has. */
export interface Figure {
  readonly of: Measure;
  readonly statistic: Statistic;
  /** Percentage of the trips at or below it, in hundredths: 9,050 is the 90.5th percentile. */
  readonly percentile?: number;
}

/** Values of single trips at certain places within a group, in stored units. */
export interface Spread {
  readonly min?: number;
  readonly max?: number;
  /** By hundredths of a percent. */
  readonly percentiles: ReadonlyMap<number, number>;
}

/** Sums over the trips of one group: integers, so the order of addition does not matter. */
export interface Cell {
  readonly key: Key;
  readonly trips: number;
  /** Distinct drivers; trips without a driver add none. */
  readonly drivers: number;
  /** The store's ids of the drivers, if there are fewer than `leastDrivers`. */
  readonly fewDrivers: readonly number[];
  readonly sums: Readonly<Record<Quantity, bigint>>;
  /** Sums of squares, if requested. */
  readonly squares: Readonly<Partial<Record<Quantity, bigint>>>;
  /** Driving events by kind, if requested. */
  readonly events: Readonly<Partial<Record<DrivingEventKind, number>>>;
  readonly spread: Readonly<Partial<Record<Quantity, Spread>>>;
}

export function isQuantity(measure: Measure): measure is Quantity {
  return measure in perUnit;
}

/**
 * A figure of a group; null if it would divide by 0 or there are no values to choose from.
 * @throws Error if it needs values that were not read
 */
export function figureOf(cell: Cell, { of, statistic, percentile }: Figure): number | null {
  if (statistic === 'PER_100_KM') {
    return divide(countIn(cell, of) * 100_000, Number(cell.sums.DISTANCE_KM));
  }
  if (statistic === 'PER_HOUR') {
    return divide(countIn(cell, of) * 3_600_000, Number(cell.sums.DURATION_S));
  }
  if (!isQuantity(of)) {
    if (statistic !== 'SUM') throw new Error(`a group has no ${statistic} of ${of}`);
    return countIn(cell, of);
  }
  const unit = perUnit[of];
  const spread = cell.spread[of];
  switch (statistic) {
    case 'SUM':
      return Number(cell.sums[of]) / unit;
    case 'MEAN':
      return divide(Number(cell.sums[of]) / unit, cell.trips);
    case 'VARIANCE':
      return varianceOf(cell, of);
    case 'MIN':
      return spread?.min === undefined ? null : spread.min / unit;
    case 'MAX':
      return spread?.max === undefined ? null : spread.max / unit;
    case 'PERCENTILE': {
      const value = percentile === undefined ? undefined : spread?.percentiles.get(percentile);
      return value === undefined ? null : value / unit;
    }
  }
}

/**
 * Rank, from 1, of the nearest-rank percentile among `values` sorted values: the least value that
 * this percentage of them do not exceed.
 * @param percentile hundredths of a percent, from 1 to 10,000
 */
export function nearestRank(percentile: number, values: number): number {
  return Math.max(1, Math.ceil((percentile * values) / 10_000));
}

/** The sample variance, with n - 1; in integers, so that no precision is lost for close values. */
function varianceOf({ trips, sums, squares }: Cell, of: Quantity): number | null {
  const square = squares[of];
  if (square === undefined) throw new Error(`the squares of ${of} were not read`);
  if (trips < 2) return null;
  const n = BigInt(trips);
  const unit = BigInt(perUnit[of]);
  const numerator = n * square - sums[of] * sums[of];
  return Number(numerator) / Number(n * (n - 1n) * unit * unit);
}

function countIn(cell: Cell, of: Measure): number {
  if (of === 'TRIPS') return cell.trips;
  if (of === 'DRIVERS') return cell.drivers;
  if (isQuantity(of)) throw new Error(`${of} is no count`);
  const count = cell.events[of];
  if (count === undefined) throw new Error('driving events were not read');
  return count;
}

function divide(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

import type { Dimension, Grouping, Key } from '../../../core/stats/grouping.ts';
import type { Quantity } from '../../../core/stats/figure.ts';

/** The trips, and the dimensions to group them by. */
export interface StatsQuestion {
  readonly groupBy: readonly Grouping[];
  /** Half-open local dates of the trips' starts. */
  readonly from?: string;
  readonly to?: string;
  readonly deviceId?: string;
  readonly driverExternalId?: string;
  /** Only trips with one of these values; all must hold. */
  readonly where: readonly (Grouping & { readonly values: readonly (string | null)[] })[];
  /** As known at this instant: closed trips in their state of that time. */
  readonly knownAtMs?: number;
}

/** Sums to read in addition to the numbers of trips and drivers and the plain sums. */
export interface SumsWanted {
  readonly squares: readonly Quantity[];
  readonly events: boolean;
}

/** Statistics that need single trips. */
export interface SpreadWanted {
  readonly extremes: readonly Quantity[];
  /** Hundredths of a percent. */
  readonly percentiles: ReadonlyMap<Quantity, readonly number[]>;
}

/** Where sums are read from: single trips, or their sums by day. */
export type StatsSource = 'ROWS' | 'ROLL_UPS';

/** Dimensions that lie in policies, which are kept as they are known now. */
const ofPolicies: ReadonlySet<Dimension> = new Set([
  'VEHICLE_ATTRIBUTE',
  'RATING_FACT',
  'TERRITORY',
  'TARIFF',
]);

export function isOfPolicies({ by }: Grouping): boolean {
  return ofPolicies.has(by);
}

export type GroupKeyColumns = Readonly<Record<`k${number}`, string | null>>;

/** The key in a row whose columns are k0, k1 and so on. */
export function toKey(row: GroupKeyColumns, { groupBy }: StatsQuestion): Key {
  return groupBy.map((_, at) => row[`k${at}`] ?? null);
}

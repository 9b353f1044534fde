import type { Cell, Quantity } from '../../core/stats/figure.ts';
import type { Grouping } from '../../core/stats/grouping.ts';
import type { QueryEstimate } from '../../store/read/stats/estimate.ts';

/** Computed figures and the estimated work. */
export interface StatsAnswer {
  readonly rows: readonly StatsGroup[];
  readonly totals: StatsGroup | null;
  readonly groups: number;
  readonly withheld: number;
  estimate(): Promise<QueryEstimate>;
}

/** A group with its dimensions. */
export interface StatsGroup {
  readonly cell: Cell;
  readonly groupBy: readonly Grouping[];
}

/** One quantity of a group. */
export interface QuantityOfCell {
  readonly cell: Cell;
  readonly of: Quantity;
}

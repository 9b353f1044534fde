import type { Cell, Spread } from './figure.ts';
import { nearestRank } from './figure.ts';
import { leastDrivers, withhold } from './withhold.ts';

/** What may be shown to callers that may see aggregates only. */
export interface Shielded {
  readonly shown: readonly Cell[];
  /** Null if the total itself covers too few drivers. */
  readonly totals: Cell | null;
  /** How many groups are withheld. */
  readonly withheld: number;
}

/**
 * Removes what would reveal single drivers or trips: small groups, groups from which these could be
 * calculated and, in the remaining groups, percentiles near the least and the greatest value.
 *
 * @param cells groups that share no trip and together are the whole
 */
export function shield(cells: readonly Cell[], total: Cell): Shielded {
  const withheld = withhold(cells);
  return {
    shown: cells.filter((_, place) => !withheld.has(place)).map(withoutExtremes),
    totals: total.drivers < leastDrivers ? null : withoutExtremes(total),
    withheld: withheld.size,
  };
}

/** Keeps only percentiles with at least `leastDrivers` trips above them and as many below. */
function withoutExtremes(cell: Cell): Cell {
  const isInner = (percentile: number) => {
    const rank = nearestRank(percentile, cell.trips);
    return rank > leastDrivers && cell.trips - rank >= leastDrivers;
  };
  const innerOf = ({ percentiles }: Spread): Spread => ({
    percentiles: new Map([...percentiles].filter(([percentile]) => isInner(percentile))),
  });
  return {
    ...cell,
    fewDrivers: [],
    spread: Object.fromEntries(
      Object.entries(cell.spread).map(([of, spread]) => [of, innerOf(spread)]),
    ),
  };
}

import type { Cell, Spread } from './figure.ts';
import { nearestRank } from './figure.ts';
import { leastDrivers, withhold } from './withhold.ts';

/** What may be shown to who sees aggregates only. */
export interface Shielded {
  readonly shown: readonly Cell[];
  /** Null where the whole tells of too few drivers itself. */
  readonly totals: Cell | null;
  /** How many groups are withheld. */
  readonly withheld: number;
}

/**
 * Takes out what would tell of single drivers or trips: small groups and what would give them away,
 * and of the rest the least and the greatest and what lies near them.
 *
 * @param cells groups that share no trip and make the whole together
 */
export function shield(cells: readonly Cell[], total: Cell): Shielded {
  const withheld = withhold(cells);
  return {
    shown: cells.filter((_, place) => !withheld.has(place)).map(withoutExtremes),
    totals: total.drivers < leastDrivers ? null : withoutExtremes(total),
    withheld: withheld.size,
  };
}

/** As many trips as a group must have drivers lie above each percentile that is left, and as many below it. */
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

import { formatFraction, formatScaled } from '../exact/fraction.ts';
import { UNIT_PLACES } from './rerate.ts';

/** Sums over some policies of a book, in units of 10^-4. */
export interface BookCell {
  readonly policies: number;
  /** Policies that the draft makes cheaper, dearer, or leaves as they are. */
  readonly winners: number;
  readonly losers: number;
  readonly before: bigint;
  readonly after: bigint;
  /** Some of the cell's drivers: enough to see whether they are few, so that memory stays flat. */
  readonly drivers: ReadonlySet<string>;
}

/** Drivers that a cell counts; no rule asks for more. */
const MOST_DRIVERS = 100;

export const emptyCell: BookCell = {
  policies: 0,
  winners: 0,
  losers: 0,
  before: 0n,
  after: 0n,
  drivers: new Set(),
};

function addDrivers(known: ReadonlySet<string>, more: Iterable<string>): ReadonlySet<string> {
  if (known.size >= MOST_DRIVERS) return known;
  const drivers = new Set(known);
  for (const driver of more) if (drivers.size < MOST_DRIVERS) drivers.add(driver);
  return drivers;
}

export function addCells(a: BookCell, b: BookCell): BookCell {
  return {
    policies: a.policies + b.policies,
    winners: a.winners + b.winners,
    losers: a.losers + b.losers,
    before: a.before + b.before,
    after: a.after + b.after,
    drivers: addDrivers(a.drivers, b.drivers),
  };
}

/** A cell with a name; the merged cell of those too small to report has none. */
export interface NamedCell<Name> {
  readonly name: Name | undefined;
  readonly cell: BookCell;
}

/**
 * Merges the cells of fewer drivers than a least number into one without a name, with the smallest of the others
 * where even they are too few: so no figure is about a few people, and none can be worked out from the
 * others and their sum. The rest stay in their order.
 */
export function joinSmallCells<Name>(
  cells: readonly NamedCell<Name>[],
  leastDrivers: number,
): NamedCell<Name>[] {
  const joined = new Set(
    cells.filter(({ name, cell }) => name === undefined || cell.drivers.size < leastDrivers),
  );
  if (joined.size === 0) return [...cells];
  const bySize = cells
    .filter((cell) => !joined.has(cell))
    .sort((a, b) => a.cell.policies - b.cell.policies);
  let others = [...joined].reduce((sum, { cell }) => addCells(sum, cell), emptyCell);
  for (const next of bySize) {
    if (others.drivers.size >= leastDrivers) break;
    joined.add(next);
    others = addCells(others, next.cell);
  }
  return [...cells.filter((cell) => !joined.has(cell)), { name: undefined, cell: others }];
}

/** A cell as reported. Decimals are strings; money is in the comparison's currency. */
export interface ShownCell {
  readonly policies: number;
  /** Absent where they would be about a few people. */
  readonly winners?: number;
  readonly losers?: number;
  readonly unchanged?: number;
  readonly before: string;
  readonly after: string;
  readonly change: string;
  /** To 2 decimals; absent where nothing was paid before. */
  readonly changePercent?: string;
}

/**
 * @param places decimals of the money
 * @param leastPolicies winners, losers and unchanged are withheld if one of them is above 0 but below this
 */
export function showCell(cell: BookCell, places: number, leastPolicies: number): ShownCell {
  const { policies, winners, losers, before, after } = cell;
  const unchanged = policies - winners - losers;
  const few = [winners, losers, unchanged].some((n) => n > 0 && n < leastPolicies);
  const drop = 10n ** BigInt(UNIT_PLACES - places);
  const money = (units: bigint): string => formatScaled(units / drop, places);
  return {
    policies,
    ...(few ? {} : { winners, losers, unchanged }),
    before: money(before),
    after: money(after),
    change: money(after - before),
    ...(before === 0n
      ? {}
      : { changePercent: formatFraction({ n: (after - before) * 100n, d: before }, 2) }),
  };
}

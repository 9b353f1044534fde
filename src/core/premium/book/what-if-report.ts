import { joinSmallCells, showCell } from './book-cells.ts';
import type { BookCell, NamedCell, ShownCell } from './book-cells.ts';
import { compareGroups } from './book-groups.ts';
import { formatScaled } from '../exact/fraction.ts';
import { UNIT_PLACES } from './rerate.ts';
import { CHANGE_PERCENT, UNCHANGED_BIN } from './what-if.ts';
import type { Mover, WhatIf, WhatIfTally } from './what-if.ts';

/** What a bin's changes lie between, per cent; an open end has none. */
interface ChangeRange {
  readonly fromPercent?: number;
  readonly toPercent?: number;
}

function rangeOf(bin: number): ChangeRange {
  if (bin === UNCHANGED_BIN) return { fromPercent: 0, toPercent: 0 };
  const fromPercent = CHANGE_PERCENT[bin - 1];
  const toPercent = CHANGE_PERCENT[bin];
  return {
    ...(fromPercent === undefined ? {} : { fromPercent }),
    ...(toPercent === undefined ? {} : { toPercent }),
  };
}

/** A policy whose premium the draft changes much, as reported. */
export interface ShownMover {
  readonly policyNumber: string;
  readonly before: string;
  readonly after: string;
}

/** What a book would cost by a draft, as reported. Money is a decimal string in `currency`. */
export interface WhatIfReport {
  readonly currency: string;
  readonly whole: ShownCell;
  /** From the greatest fall to the greatest rise; a bin without a range holds those too small to report. */
  readonly histogram: readonly (ShownCell & ChangeRange & { readonly others: boolean })[];
  readonly groups: readonly (ShownCell & { readonly value?: string; readonly others: boolean })[];
  /** The ten policies that rise and fall most; none where policies are not named. */
  readonly largestRises: readonly ShownMover[];
  readonly largestFalls: readonly ShownMover[];
  /** Why policies of the book are in none of the figures. */
  readonly unrated: readonly {
    readonly code: string;
    readonly policies: number;
    readonly example?: { readonly policyNumber: string; readonly message: string };
  }[];
}

/** The reader of a report, which decides what it may show. */
export interface ReportReader {
  /** No figure is about fewer drivers: smaller cells are merged. 0: every figure is shown. */
  readonly leastDrivers: number;
  /** Whether policies are named. */
  readonly namesPolicies: boolean;
}

/** The report of a tally. Undefined if the whole book has fewer drivers than the reader may see figures about. */
export function reportOf(
  tally: WhatIfTally,
  whatIf: WhatIf,
  { leastDrivers, namesPolicies }: ReportReader,
): WhatIfReport | undefined {
  const { whole, bins, groups, furtherGroups } = tally;
  if (whole.policies > 0 && whole.drivers.size < leastDrivers) return undefined;
  const places = [whatIf.draft, ...whatIf.current.map(({ tariff }) => tariff)].reduce(
    (most, { document }) => Math.max(most, document.rounding.places),
    0,
  );
  const show = (cell: BookCell): ShownCell => showCell(cell, places, leastDrivers);
  const money = (units: bigint): string =>
    formatScaled(units / 10n ** BigInt(UNIT_PLACES - places), places);
  const showMover = ({ policyNumber, before, after }: Mover): ShownMover => ({
    policyNumber,
    before: money(before),
    after: money(after),
  });

  const binCells = [...bins]
    .sort(([a], [b]) => a - b)
    .map(([name, cell]): NamedCell<number> => ({ name, cell }));
  const groupCells = [...groups]
    .sort(([a], [b]) => (a === undefined ? 1 : b === undefined ? -1 : compareGroups(a, b)))
    .map(([value, cell]): NamedCell<{ value?: string }> => ({
      name: value === undefined ? {} : { value },
      cell,
    }));
  if (furtherGroups.policies > 0) groupCells.push({ name: undefined, cell: furtherGroups });
  return {
    currency: whatIf.draft.document.currency,
    whole: show(whole),
    histogram: joinSmallCells(binCells, leastDrivers).map(({ name, cell }) => ({
      ...show(cell),
      ...(name === undefined ? {} : rangeOf(name)),
      others: name === undefined,
    })),
    groups: joinSmallCells(groupCells, leastDrivers).map(({ name, cell }) => ({
      ...show(cell),
      ...name,
      others: name === undefined,
    })),
    largestRises: namesPolicies ? tally.rises.map(showMover) : [],
    largestFalls: namesPolicies ? tally.falls.map(showMover) : [],
    unrated: [...tally.unrated]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, { policies, policyNumber, message }]) => ({
        code,
        policies,
        ...(namesPolicies ? { example: { policyNumber, message } } : {}),
      })),
  };
}

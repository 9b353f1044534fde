import { addCells, emptyCell, type BookCell } from './book-cells.ts';
import { driversOf, factValues, groupOf, type GroupBy } from './book-groups.ts';
import { readDate } from '../exact/calendar.ts';
import { shown, type Fault } from '../exact/fault.ts';
import { BILLING_MONTHS, daysCompared, rerate } from './rerate.ts';
import type { BookPolicy, Comparison, Rerated } from './rerate.ts';

/** What a book would cost by another tariff. */
export interface WhatIf extends Comparison {
  /** Only policies of which these facts hold on their first day compared. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly groupBy: GroupBy | undefined;
}

/** A policy that the draft moves by much, in units of 10^-4. */
export interface Mover {
  readonly policyNumber: string;
  readonly before: bigint;
  readonly after: bigint;
}

/** What is known of a book after some of its policies. Its size does not depend on their number. */
export interface WhatIfTally {
  whole: BookCell;
  /** By the number that `binOf` gives. */
  readonly bins: Map<number, BookCell>;
  /** Undefined: policies of which it is not known. */
  readonly groups: Map<string | undefined, BookCell>;
  /** Policies of groups beyond MOST_GROUPS. */
  furtherGroups: BookCell;
  /** The most moved first. */
  rises: readonly Mover[];
  falls: readonly Mover[];
  /** Policies that one of the tariffs cannot rate, by code, with the first of them as an example. */
  readonly unrated: Map<string, Unrated>;
}

interface Unrated {
  readonly policies: number;
  readonly policyNumber: string;
  readonly message: string;
}

/** Bounds of the histogram, per cent; no change is a bin of its own between them. */
export const CHANGE_PERCENT = [-50, -25, -10, -5, 0, 5, 10, 25, 50] as const;
/** Between the bin of the least falls, 4, and that of the least rises, 5. */
export const UNCHANGED_BIN = 4.5;
const MOST_GROUPS = 1_000;
const MOST_MOVERS = 10;

export function createTally(): WhatIfTally {
  return {
    whole: emptyCell,
    bins: new Map(),
    groups: new Map(),
    furtherGroups: emptyCell,
    rises: [],
    falls: [],
    unrated: new Map(),
  };
}

/** What a question asks that cannot be answered. */
export function whatIfProblems({ draft, period, current, billingMonths }: WhatIf): Fault[] {
  const problems: Fault[] = [];
  const say = (code: string, path: string, message: string): void => {
    problems.push({ code, path, message });
  };
  for (const end of ['from', 'to'] as const)
    if (readDate(period[end]) === undefined)
      say('BAD_DATE', `/${end}`, `${shown(period[end])} is not a date such as 2026-03-31`);
  if (problems.length === 0 && period.from >= period.to)
    say('EMPTY_RANGE', '/to', `${period.to} must lie after from, ${period.from}`);
  if (!BILLING_MONTHS.includes(billingMonths))
    say(
      'BAD_BILLING',
      '/billingMonths',
      `${billingMonths} is not one of ${BILLING_MONTHS.join(', ')}`,
    );
  const { currency } = draft.document;
  for (const { document } of current.map(({ tariff }) => tariff))
    if (document.currency !== currency) {
      const message = `the draft is in ${currency}, ${document.id}@${document.version} in ${document.currency}: they cannot be compared`;
      say('OTHER_CURRENCY', '/tariff', message);
    }
  return problems;
}

/** The bin of a change: the number of bounds that it has passed, away from none on either side. */
function binOf({ before, after }: Rerated): number {
  const change = (after - before) * 100n;
  if (change === 0n) return UNCHANGED_BIN;
  return CHANGE_PERCENT.filter((bound) => {
    const at = BigInt(bound) * before;
    return change > 0n ? change > at : change >= at;
  }).length;
}

function addTo<Key>(cells: Map<Key, BookCell>, key: Key, cell: BookCell): void {
  cells.set(key, addCells(cells.get(key) ?? emptyCell, cell));
}

function largest(movers: readonly Mover[], mover: Mover): readonly Mover[] {
  const size = ({ before, after }: Mover): bigint =>
    after > before ? after - before : before - after;
  return [...movers, mover]
    .sort((a, b) => {
      const [sizeA, sizeB] = [size(a), size(b)];
      if (sizeA !== sizeB) return sizeA > sizeB ? -1 : 1;
      return a.policyNumber < b.policyNumber ? -1 : 1;
    })
    .slice(0, MOST_MOVERS);
}

function addUnrated(tally: WhatIfTally, policyNumber: string, problem: Fault): void {
  const known = tally.unrated.get(problem.code);
  tally.unrated.set(
    problem.code,
    known === undefined
      ? { policies: 1, policyNumber, message: problem.message }
      : { ...known, policies: known.policies + 1 },
  );
}

/** Rates a policy by both tariffs and adds it to the tally. The report does not depend on the policies' order. */
export function tallyPolicy(tally: WhatIfTally, whatIf: WhatIf, book: BookPolicy): void {
  const { policy } = book.input;
  const compared = daysCompared(whatIf, book);
  const firstDay = compared[0]?.from;
  if (firstDay === undefined) return;
  for (const { name, value } of whatIf.facts)
    if (!factValues(policy, name, firstDay).includes(value)) return;
  const rerated = rerate(whatIf, book, compared);
  if ('problems' in rerated) {
    const [problem] = rerated.problems;
    if (problem !== undefined) addUnrated(tally, policy.number, problem);
    return;
  }
  const { before, after } = rerated;
  const cell: BookCell = {
    policies: 1,
    winners: after < before ? 1 : 0,
    losers: after > before ? 1 : 0,
    before,
    after,
    drivers: new Set(driversOf(policy, firstDay)),
  };
  tally.whole = addCells(tally.whole, cell);
  addTo(tally.bins, binOf(rerated), cell);
  if (whatIf.groupBy !== undefined) {
    const group = groupOf(whatIf.groupBy, policy, firstDay, rerated);
    if (tally.groups.has(group) || tally.groups.size < MOST_GROUPS)
      addTo(tally.groups, group, cell);
    else tally.furtherGroups = addCells(tally.furtherGroups, cell);
  }
  const mover = { policyNumber: policy.number, before, after };
  if (after > before) tally.rises = largest(tally.rises, mover);
  if (after < before) tally.falls = largest(tally.falls, mover);
}

import { exposureSince } from '../../core/premium/rating/exposure.ts';
import type { Fault } from '../../core/premium/exact/fault.ts';
import { pricedDays } from '../../core/premium/book/rerate.ts';
import type { Tariff } from '../../core/premium/tariff/tariff.ts';
import { createTally, tallyPolicy, whatIfProblems } from '../../core/premium/book/what-if.ts';
import type { WhatIf, WhatIfTally } from '../../core/premium/book/what-if.ts';
import type { Transaction } from '../transaction.ts';
import { readPolicies } from './policies.ts';
import { parseStored } from './pricing.ts';
import { readRatingInputs } from './rating.ts';
import { readTariffsInForce } from './tariffs.ts';

/** Runs one read behind the caller's row-level security; each may see a later state of the store than the one before. */
export type Run = <T>(read: (tx: Transaction) => Promise<T>) => Promise<T>;

/** Policies that are read and rated at once: enough that the cost of statements is small, few enough for memory. */
const PIECE = 50;

/** How far a book is re-rated. */
export interface WhatIfProgress {
  /** Policies of the book, and those of them that are done. */
  readonly policies: number;
  readonly done: number;
  /** Whether this is the last of them all. */
  readonly over: boolean;
  /** The tally of those that are done; one object that keeps being filled. */
  readonly tally: WhatIfTally;
}

/**
 * Completes a question about a draft by the tariffs that price the book: those in force, or one that
 * prices all of it. Or returns what is wrong with the question.
 */
export async function readWhatIf(
  tx: Transaction,
  question: Omit<WhatIf, 'current'>,
  against?: Tariff,
): Promise<WhatIf | readonly Fault[]> {
  const { draft, product, period } = question;
  const { jurisdiction } = draft.document;
  const priced = against === undefined ? [] : [{ tariff: against, from: -Infinity, to: Infinity }];
  const problems = whatIfProblems({ ...question, current: priced });
  if (problems.length > 0) return problems;
  if (against !== undefined) return { ...question, current: priced };
  const rows = await readTariffsInForce(tx, { product, jurisdiction }, period.from, period.to);
  const whatIf = { ...question, current: pricedDays(rows.map(parseStored)) };
  const mismatches = whatIfProblems(whatIf);
  return mismatches.length > 0 ? mismatches : whatIf;
}

/** Re-rates a book in pieces, in the order of the policies' numbers, yielding its progress after each. */
export async function* rerateBook(run: Run, whatIf: WhatIf): AsyncGenerator<WhatIfProgress> {
  const tally = createTally();
  const policies = await run((tx) => countBook(tx, whatIf));
  let done = 0;
  yield { policies, done, over: false, tally };
  const read = (after: string) => run((tx) => readPiece(tx, whatIf, after));
  let { last, book } = await read('');
  while (last !== undefined) {
    // PostgreSQL reads the next piece while this one is rated.
    const next = read(last);
    // If the consumer stopped iterating, this failure must not become an unhandled rejection.
    next.catch(() => undefined);
    for (const policy of book) tallyPolicy(tally, whatIf, policy);
    done += book.length;
    yield { policies, done, over: false, tally };
    ({ last, book } = await next);
  }
  yield { policies, done, over: true, tally };
}

async function countBook(tx: Transaction, whatIf: WhatIf): Promise<number> {
  const { product, period } = whatIf;
  const [row] = await tx.$queryRaw<{ policies: number }[]>`
    select count(distinct policy_id)::int as policies from policy_product
    where tenant_id = current_tenant() and product = ${product} and jurisdiction = ${whatIf.draft.document.jurisdiction}
      and from_date < ${period.to}::date and to_date > ${period.from}::date`;
  return row?.policies ?? 0;
}

/** The next policies of the book by number, with everything that both tariffs ask about them. */
async function readPiece(tx: Transaction, whatIf: WhatIf, after: string) {
  const { draft, product, period, current } = whatIf;
  const rows = await tx.$queryRaw<{ ref: number; number: string }[]>`
    select id as ref, number from policy
    where tenant_id = current_tenant() and number > ${after} and exists (select from policy_product as p
      where p.policy_id = policy.id and p.product = ${product} and p.jurisdiction = ${draft.document.jurisdiction}
        and p.from_date < ${period.to}::date and p.to_date > ${period.from}::date)
    order by number limit ${PIECE}`;
  const policies = await readPolicies(
    tx,
    rows.map(({ ref }) => ref),
  );
  const tariffs: Tariff[] = [draft, ...current.map(({ tariff }) => tariff)];
  const since = (policyStart: string): string => {
    const from = period.from > policyStart ? period.from : policyStart;
    return tariffs.reduce((earliest, tariff) => {
      const day = exposureSince(tariff, policyStart, { from, to: period.to });
      return day < earliest ? day : earliest;
    }, from);
  };
  const estimates = tariffs.some(({ silentDays }) => silentDays !== undefined);
  const { from, to } = period;
  const book = await readRatingInputs(tx, policies, from, to, since, estimates);
  return { last: rows.at(-1)?.number, book };
}

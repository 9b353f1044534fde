import { formatDay } from '../../civil.ts';
import { amountsOf } from '../rating/amounts.ts';
import { addMonths, readDate } from '../exact/calendar.ts';
import { checkInput, type CheckedInput } from '../rating/check.ts';
import type { Days } from '../kinds/kind.ts';
import type { Period, RatingInput } from '../rating/input.ts';
import type { Fault } from '../exact/fault.ts';
import type { Tariff } from '../tariff/tariff.ts';

/** Money of a comparison is counted in units of 10^-4, the finest that a tariff may round to. */
export const UNIT_PLACES = 4;

/** Lengths of a billing period in months: those that divide a policy year. */
export const BILLING_MONTHS: readonly number[] = [1, 2, 3, 4, 6, 12];

/** A product held for half-open local dates, which with its jurisdiction picks the tariff. */
interface HeldProduct extends Period {
  readonly product: string;
  readonly jurisdiction: string;
}

/** A policy of a book. `input.period` does not matter; `input.exposure` reaches as far back as both tariffs need. */
export interface BookPolicy {
  readonly input: RatingInput;
  readonly products: readonly HeldProduct[];
}

/** What a book is priced by, for half-open local dates. */
export interface PricedDays extends Days {
  readonly tariff: Tariff;
}

/** How a policy is rated twice: by what prices it, and by a draft. */
export interface Comparison {
  readonly draft: Tariff;
  /** The product whose days are compared, in the draft's jurisdiction. */
  readonly product: string;
  readonly period: Period;
  readonly current: readonly PricedDays[];
  /**
   * One of BILLING_MONTHS, counted from the policy's start. It matters for tariffs whose premiums do not
   * add over time, as with a minimum or a behaviour factor; the total of other tariffs does not depend on the periods.
   */
  readonly billingMonths: number;
}

/** A policy by both tariffs, in units of 10^-4. */
export interface Rerated {
  readonly before: bigint;
  readonly after: bigint;
  /** How many days are compared, and what was driven on them. */
  readonly days: number;
  readonly distanceM: number;
}

/**
 * The days that tariffs of one product and jurisdiction price, each up to where the next begins.
 *
 * @param tariffs in order of their starts
 */
export function pricedDays(tariffs: readonly Tariff[]): PricedDays[] {
  const starts = tariffs.map(({ document }) => readDate(document.effectiveFrom) ?? 0);
  return tariffs.map((tariff, i) => ({
    tariff,
    from: starts[i] ?? 0,
    to: starts[i + 1] ?? Infinity,
  }));
}

/** The days of both, undefined where there is none. */
function overlap(a: Days, b: Days): Days | undefined {
  const days = { from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) };
  return days.from < days.to ? days : undefined;
}

/** The billing periods of a policy that touch some days, cut to them. */
function billingPeriods(policyStart: number, days: Days, months: number): Days[] {
  const periods: Days[] = [];
  for (let index = 0; ; index++) {
    const from = addMonths(policyStart, index * months);
    if (from >= days.to) return periods;
    const part = overlap({ from, to: addMonths(policyStart, (index + 1) * months) }, days);
    if (part !== undefined) periods.push(part);
  }
}

/** The premium of some days, in units of 10^-4, or why there is none. */
function totalOf(
  tariff: Tariff,
  input: CheckedInput,
  days: Days,
  months: number,
): bigint | readonly Fault[] {
  const pieces =
    tariff.addsOverTime === true ? [days] : billingPeriods(input.policy.from, days, months);
  const unit = 10n ** BigInt(UNIT_PLACES - tariff.document.rounding.places);
  let total = 0n;
  for (const period of pieces) {
    const years = amountsOf(tariff, { ...input, period });
    if ('problems' in years) return years.problems;
    for (const year of years) total += year.total * unit;
  }
  return total;
}

/** The days of a comparison's period on which a policy is in force and holds the product, in order. */
export function daysCompared(
  { draft, product, period }: Comparison,
  { input: { policy }, products }: BookPolicy,
): Days[] {
  const term = { from: readDate(policy.startDate) ?? 0, to: readDate(policy.endDate) ?? 0 };
  const asked = { from: readDate(period.from) ?? 0, to: readDate(period.to) ?? 0 };
  const within = overlap(term, asked);
  if (within === undefined) return [];
  return products.flatMap((span) => {
    if (span.product !== product || span.jurisdiction !== draft.document.jurisdiction) return [];
    const held = { from: readDate(span.from) ?? 0, to: readDate(span.to) ?? 0 };
    return overlap(held, within) ?? [];
  });
}

/**
 * Rates one policy over some days by what prices them and by a draft.
 *
 * @param compared from `daysCompared`, one span at least
 */
export function rerate(
  comparison: Comparison,
  { input }: BookPolicy,
  compared: readonly Days[],
): Rerated | { readonly problems: readonly Fault[] } {
  const { draft, product, current, billingMonths } = comparison;
  const from = formatDay(compared[0]?.from ?? 0);
  const to = formatDay(compared.at(-1)?.to ?? 0);
  const checked = checkInput({ ...input, period: { from, to } });
  if (!('period' in checked)) return { problems: checked };

  let before = 0n;
  let after = 0n;
  let days = 0;
  let distanceM = 0;
  for (const span of compared) {
    const priced = current.flatMap(({ tariff, ...of }) => {
      const part = overlap(of, span);
      return part === undefined ? [] : [{ ...part, tariff }];
    });
    const withPrice = priced.reduce((sum, part) => sum + part.to - part.from, 0);
    if (withPrice < span.to - span.from) {
      const message = `no tariff of ${product} in ${draft.document.jurisdiction} prices all days from ${formatDay(span.from)} to ${formatDay(span.to)}`;
      return { problems: [{ code: 'NO_TARIFF', path: '/period', message }] };
    }
    for (const { tariff, ...part } of priced) {
      const total = totalOf(tariff, checked, part, billingMonths);
      if (typeof total !== 'bigint') return { problems: total };
      before += total;
    }
    const total = totalOf(draft, checked, span, billingMonths);
    if (typeof total !== 'bigint') return { problems: total };
    after += total;
    days += span.to - span.from;
    for (const { history } of checked.vehicles)
      for (const day of history)
        if (day.day >= span.from && day.day < span.to) distanceM += day.distanceM;
  }
  return { before, after, days, distanceM };
}

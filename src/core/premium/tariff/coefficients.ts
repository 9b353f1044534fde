import { fieldsOf } from '../exact/csv.ts';
import {
  formatScaled,
  fractionOf,
  multiply,
  roundHalfUp,
  type Fraction,
} from '../exact/fraction.ts';
import { exponential, readNumeral } from '../exact/logarithm.ts';
import { shown, type Fault } from '../exact/fault.ts';
import { parseTariff, type Tariff } from './tariff.ts';

/** Which variable of a model is which rating fact of a tariff. */
export interface FactorMapping {
  /** Its name in the model's formula, e.g. District. */
  readonly variable: string;
  /** The fact that the tariff's factor reads; also the factor's id. */
  readonly fact: string;
  /** The level without a coefficient (treatment contrasts), which gets the relativity 1. */
  readonly base: string;
}

/** How one line of the model's table became a number of the tariff. */
export interface MappedCoefficient {
  readonly term: string;
  readonly estimate: string;
  /** Null of the intercept. */
  readonly fact: string | null;
  readonly level: string | null;
  /** exp(estimate), six decimals. */
  readonly relativity: string;
}

export interface CoefficientOptions {
  readonly factors: readonly FactorMapping[];
  /** The draft's version; a tariff of the same id and version must not be active. */
  readonly version: string;
  /**
   * Mean amount of a claim in the tariff's currency: exp(intercept) claims a year of it become the
   * amount of the tariff's only fixed charge. Not given, the charge stays as it is.
   */
  readonly meanClaim?: string;
}

export type Drafted =
  | {
      readonly ok: true;
      readonly tariff: Tariff;
      readonly document: Readonly<Record<string, unknown>>;
      readonly mapping: readonly MappedCoefficient[];
    }
  | { readonly ok: false; readonly problems: readonly Fault[] };

const RELATIVITY_PLACES = 6;
const INTERCEPTS = new Set(['(Intercept)', 'Intercept', 'const']);
const TERM_COLUMNS = ['term', ''];
/** broom::tidy; statsmodels' summary, summary2 and params. */
const ESTIMATE_COLUMNS = ['estimate', 'coef', 'Coef.', '0'];
/** Contrasts of R's ordered factors: linear, quadratic, cubic, and so on. */
const POLYNOMIAL = /^(\.[LQC]|\^\d+)$/;

interface Term {
  readonly term: string;
  readonly estimate: string;
  readonly path: string;
}

/** Whether a file's heading is that of a table of coefficients. */
export function isCoefficientTable(heading: string): boolean {
  const names = fieldsOf(heading);
  return (
    names.some((name) => ESTIMATE_COLUMNS.includes(name)) &&
    names.some((name) => TERM_COLUMNS.includes(name))
  );
}

/**
 * Makes a draft of a base tariff and the coefficients of a log-link GLM with treatment contrasts, as R's
 * `broom::tidy` and statsmodels write them: each level's relativity is exp(coefficient), each base's 1.
 *
 * @param base a tariff document, whose factors of the mapped facts are replaced
 * @param csv the table, with a heading
 */
export function draftFromCoefficients(
  base: Readonly<Record<string, unknown>>,
  csv: string,
  options: CoefficientOptions,
): Drafted {
  const problems: Fault[] = [];
  const terms = readTerms(csv, problems);
  const mapping = terms.flatMap((term) => mapTerm(term, options.factors, problems));
  for (const { variable } of options.factors) {
    if (!mapping.some(({ fact }) => fact === factOf(variable, options.factors))) {
      const message = `no coefficient is of ${shown(variable)}; the terms are ${terms.map(({ term }) => term).join(', ')}`;
      problems.push({ code: 'NO_COEFFICIENT', path: '/factors', message });
    }
  }
  const document = withRelativities(base, mapping, options, problems);
  if (problems.length > 0) return { ok: false, problems };
  const parsed = parseTariff(document);
  return parsed.ok ? { ok: true, tariff: parsed.tariff, document, mapping } : parsed;
}

function factOf(variable: string, factors: readonly FactorMapping[]): string | undefined {
  return factors.find((factor) => factor.variable === variable)?.fact;
}

function readTerms(csv: string, problems: Fault[]): Term[] {
  const lines = csv.split(/\r?\n/);
  const names = fieldsOf(lines[0] ?? '');
  const find = (known: readonly string[]) =>
    known.map((name) => names.indexOf(name)).find((index) => index >= 0);
  const [termAt, estimateAt] = [find(TERM_COLUMNS), find(ESTIMATE_COLUMNS)];
  if (termAt === undefined || estimateAt === undefined) {
    const message = `the heading ${shown(lines[0])} needs the terms (term, or no name) and their coefficients (one of ${ESTIMATE_COLUMNS.join(', ')})`;
    problems.push({ code: 'BAD_HEADING', path: '/coefficients/1', message });
    return [];
  }
  return lines.flatMap((line, i) => {
    if (i === 0 || line.trim() === '') return [];
    const fields = fieldsOf(line);
    const path = `/coefficients/${i + 1}`;
    return [{ term: fields[termAt] ?? '', estimate: fields[estimateAt] ?? '', path }];
  });
}

function mapTerm(
  { term, estimate, path }: Term,
  factors: readonly FactorMapping[],
  problems: Fault[],
): MappedCoefficient[] {
  const value = readNumeral(estimate);
  const say = (code: string, message: string): [] => {
    problems.push({ code, path, message });
    return [];
  };
  if (value === undefined) {
    return say(
      'NOT_ESTIMATED',
      `the coefficient of ${term} is ${shown(estimate)}, which is not a number`,
    );
  }
  const relativity = formatScaled(
    roundHalfUp(exponential(value), RELATIVITY_PLACES),
    RELATIVITY_PLACES,
  );
  if (INTERCEPTS.has(term)) return [{ term, estimate, fact: null, level: null, relativity }];
  const split = splitTerm(term, factors);
  if (split === undefined) {
    const known = factors.map(({ variable }) => variable).join(', ') || 'none';
    return say(
      'UNKNOWN_TERM',
      `${shown(term)} is not a level of a variable that was named: ${known}`,
    );
  }
  const { level, factor } = split;
  if (level.includes(':')) {
    return say('INTERACTION', `${shown(term)} is an interaction, which a tariff cannot express`);
  }
  if (POLYNOMIAL.test(level)) {
    return say(
      'ORDERED_CONTRASTS',
      `${shown(term)} is a polynomial contrast of an ordered factor, no level: fit with treatment contrasts, options(contrasts = c("contr.treatment", "contr.treatment"))`,
    );
  }
  if (level === '') {
    return say(
      'NUMERIC',
      `${shown(term)} is a number's slope, and a table needs levels: cut it into bands`,
    );
  }
  if (level === factor.base) {
    return say(
      'BASE_ESTIMATED',
      `${shown(level)} was named the base of ${factor.variable}, but has a coefficient`,
    );
  }
  return [{ term, estimate, fact: factor.fact, level, relativity }];
}

/** R writes a level behind its variable, patsy in brackets; of variables that begin alike the longest is meant. */
function splitTerm(
  term: string,
  factors: readonly FactorMapping[],
): { readonly factor: FactorMapping; readonly level: string } | undefined {
  const patsy = /^(?:C\(\s*([^\s,)]+).*\)|([^[\]]+))\[T\.(.*)\]$/.exec(term);
  if (patsy) {
    const variable = patsy[1] ?? patsy[2];
    const factor = factors.find((one) => one.variable === variable);
    return factor && { factor, level: patsy[3] ?? '' };
  }
  const [factor] = factors
    .filter(({ variable }) => term.startsWith(variable))
    .sort((a, b) => b.variable.length - a.variable.length);
  return factor && { factor, level: term.slice(factor.variable.length) };
}

function withRelativities(
  base: Readonly<Record<string, unknown>>,
  mapping: readonly MappedCoefficient[],
  { factors, version, meanClaim }: CoefficientOptions,
  problems: Fault[],
): Record<string, unknown> {
  const made = factors.map(({ fact, base: level }) => ({
    kind: 'relativity/1',
    id: fact,
    fact,
    table: Object.fromEntries([
      [level, '1'],
      ...mapping.filter((one) => one.fact === fact).map((one) => [one.level, one.relativity]),
    ]) as Record<string, string>,
  }));
  const kept = listOf(base['factors']).filter(
    (one) => !factors.some(({ fact }) => fact === one['id']),
  );
  const charges =
    meanClaim === undefined
      ? base['charges']
      : withAmount(listOf(base['charges']), mapping, meanClaim, problems);
  return { ...base, version, charges, factors: [...kept, ...made] };
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}

/** The only fixed charge at what the base risk costs a year: its claims times their mean amount. */
function withAmount(
  charges: readonly Record<string, unknown>[],
  mapping: readonly MappedCoefficient[],
  meanClaim: string,
  problems: Fault[],
): Record<string, unknown>[] {
  const intercept = mapping.find(({ fact }) => fact === null);
  const frequency = intercept && readNumeral(intercept.estimate);
  const amount = /^\d{1,12}(\.\d{1,4})?$/.test(meanClaim) ? fractionOf(meanClaim) : undefined;
  const fixed = charges.filter(({ kind }) => kind === 'fixed/1');
  if (frequency === undefined || amount === undefined || fixed.length !== 1) {
    const message = `a mean claim of ${shown(meanClaim)} needs an amount such as 1500.00, an intercept, and a base tariff with one fixed charge; it has ${fixed.length}`;
    problems.push({ code: 'BAD_MEAN_CLAIM', path: '/charges', message });
    return [...charges];
  }
  return charges.map((charge) =>
    charge === fixed[0] ? { ...charge, amount: yearly(frequency, amount), per: 'YEAR' } : charge,
  );
}

function yearly(frequency: Fraction, amount: Fraction): string {
  return formatScaled(roundHalfUp(multiply(exponential(frequency), amount), 2), 2);
}

import type { Fault } from '../exact/fault.ts';

/** What the rules look at in a tariff document. */
interface RuledTariff {
  readonly jurisdiction: string;
  readonly charges: readonly { readonly kind: string }[];
  readonly factors: readonly { readonly fact: string }[];
  readonly behaviour?: unknown;
}

/** A rule of law or of a supervisor that a tariff must keep, with where it is written. */
interface JurisdictionRule {
  readonly code: string;
  readonly appliesIn: (jurisdiction: string) => boolean;
  readonly says: string;
  readonly source: string;
  /** Paths of what breaks the rule. */
  readonly broken: (tariff: RuledTariff) => string[];
}

const EU_MEMBERS: ReadonlySet<string> = new Set(
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' '),
);
const SEX_FACTS: ReadonlySet<string> = new Set(['sex', 'gender']);

const rules: readonly JurisdictionRule[] = [
  {
    code: 'US_CA_MILEAGE_ONLY',
    appliesIn: (jurisdiction) => jurisdiction === 'US-CA',
    says: 'in California a device may verify mileage only; behaviour and the time of driving may not be rated',
    // (F) lets a device verify actual mileage, the second mandatory factor; (d) lists the optional factors,
    // to which the statute keeps everything else. Neither has driving behaviour or the hour.
    source:
      'California Code of Regulations, title 10, § 2632.5(c)(2)(F) and (d); Insurance Code § 1861.02(a)',
    broken: (tariff) => [
      ...(tariff.behaviour === undefined ? [] : ['/behaviour']),
      ...tariff.charges.flatMap((c, i) => (c.kind === 'perMeasure/1' ? [`/charges/${i}`] : [])),
    ],
  },
  {
    code: 'EU_NO_SEX',
    appliesIn: (jurisdiction) => EU_MEMBERS.has(jurisdiction.slice(0, 2)),
    says: 'in the European Union sex may not make a difference in premiums',
    source:
      'Council Directive 2004/113/EC (OJ L 373, 21.12.2004, p. 37), article 5(1); article 5(2), which allowed exceptions, is invalid from 21 December 2012 on: Court of Justice, C-236/09 (Test-Achats), 1 March 2011, ECLI:EU:C:2011:100',
    broken: (tariff) =>
      tariff.factors.flatMap((f, i) =>
        SEX_FACTS.has(f.fact.toLowerCase()) ? [`/factors/${i}/fact`] : [],
      ),
  },
];

/** What a tariff may not do where it is meant to be used. */
export function jurisdictionProblems(tariff: RuledTariff): Fault[] {
  return rules
    .filter((rule) => rule.appliesIn(tariff.jurisdiction))
    .flatMap((rule) =>
      rule
        .broken(tariff)
        .map((path) => ({ code: rule.code, path, message: `${rule.says} (${rule.source})` })),
    );
}

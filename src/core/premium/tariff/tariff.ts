import * as z from 'zod';
import { readDate } from '../exact/calendar.ts';
import { canonicalJson } from '../exact/canonical.ts';
import type { Behaviour } from '../kinds/habits.ts';
import { jurisdictionProblems } from './jurisdiction.ts';
import type { AddsOverTime, Adjustment, Charge, ChargeGroup, Factor } from '../kinds/kind.ts';
import { pointer, shown, type Fault } from '../exact/fault.ts';
import {
  adjustmentSchema,
  behaviourSchema,
  bindAdjustment,
  bindBehaviour,
  bindCharge,
  bindFactor,
  bindSilentDays,
  chargeSchema,
  factorSchema,
  silentDaysSchema,
} from '../kinds/registry.ts';
import { sha256 } from '../exact/sha256.ts';
import type { SilentDays } from '../kinds/silent-days.ts';
import { id, label, textOf } from '../kinds/spec.ts';

/** A tariff as it is written down: everything that makes a premium but the facts. */
export const tariffSchema = z
  .strictObject({
    format: z.literal('odograph.tariff/1'),
    id,
    version: z.string().min(1).max(40),
    product: id,
    jurisdiction: textOf(
      /^[A-Z]{2}(-[A-Z0-9]{1,3})?$/,
      'an ISO 3166 country or subdivision, e.g. GB or US-CA',
    ),
    currency: textOf(/^[A-Z]{3}$/, 'an ISO 4217 currency, e.g. USD'),
    effectiveFrom: textOf(
      /^\d{4}-\d{2}-\d{2}$/,
      'a date, the first local one; the tariff ends where the next of its product and jurisdiction starts',
    ),
    title: label.optional(),
    rounding: z
      .strictObject({ mode: z.literal('HALF_UP'), places: z.int().min(0).max(4) })
      .describe('The one rounding: of the total, to this number of decimals, a half upwards'),
    charges: z.array(chargeSchema).min(1).max(50),
    factors: z.array(factorSchema).max(100),
    behaviour: behaviourSchema.optional(),
    silentDays: silentDaysSchema.optional(),
    adjustments: z.array(adjustmentSchema).max(50).describe('Steps on the sum, in order'),
  })
  .describe('A tariff of Odograph. Decimals are strings.');

export type TariffDocument = z.infer<typeof tariffSchema>;

/** A tariff that has passed every check, ready to rate. */
export interface Tariff {
  readonly document: TariffDocument;
  /** Canonical JSON (RFC 8785) of the document. */
  readonly canonical: string;
  /** "sha256:" and the hash of `canonical`. */
  readonly hash: string;
  readonly charges: readonly Charge[];
  readonly factors: readonly Factor[];
  readonly behaviour: Behaviour | undefined;
  /** Undefined where silent days cost nothing. */
  readonly silentDays: SilentDays | undefined;
  readonly adjustments: readonly Adjustment[];
  readonly groups: readonly ChargeGroup[];
  /** True where premiums of adjoining periods add up; else why not. */
  readonly addsOverTime: AddsOverTime;
}

type Parts = Pick<Tariff, 'charges' | 'factors' | 'behaviour'>;

function groupsOf({ charges, factors, behaviour }: Parts): ChargeGroup[] {
  const groups = new Map<string, ChargeGroup & { charges: number[] }>();
  const applies = (to: { appliesTo: readonly string[] | undefined }, id: string): boolean =>
    to.appliesTo === undefined || to.appliesTo.includes(id);
  charges.forEach(({ id: charge }, c) => {
    const own = factors.flatMap((factor, f) => (applies(factor, charge) ? [f] : []));
    const behaves = behaviour !== undefined && applies(behaviour, charge);
    const key = `${own.join()}|${behaves}`;
    const group = groups.get(key) ?? { charges: [], factors: own, behaves };
    group.charges.push(c);
    groups.set(key, group);
  });
  return [...groups.values()];
}

export type ParsedTariff =
  | { readonly ok: true; readonly tariff: Tariff }
  | { readonly ok: false; readonly problems: readonly Fault[] };

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

function schemaProblem(issue: z.core.$ZodIssue, root: unknown): Fault[] {
  const path = pointer(issue.path);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      code: 'UNKNOWN_FIELD',
      path: path + pointer([key]),
      message: `a tariff has no field ${shown(key)} here`,
    }));
  const seen = valueAt(root, issue.path);
  if (seen === undefined && issue.path.length > 0)
    return [{ code: 'MISSING', path, message: 'is missing' }];
  return [{ code: 'INVALID', path, message: `${issue.message}; seen: ${shown(seen)}` }];
}

/** Ids name lines, factors point at charges: both must be clear. */
function referenceProblems(document: TariffDocument): Fault[] {
  const problems: Fault[] = [];
  const places = new Map<string, string>();
  const claim = (name: string, path: string): void => {
    const first = places.get(name);
    if (first === undefined) places.set(name, path);
    else
      problems.push({
        code: 'DUPLICATE_ID',
        path,
        message: `${shown(name)} is already the id of ${first}`,
      });
  };
  document.charges.forEach((c, i) => claim(c.id, `/charges/${i}/id`));
  document.factors.forEach((f, i) => claim(f.id, `/factors/${i}/id`));
  if (document.behaviour !== undefined) {
    claim(document.behaviour.id, '/behaviour/id');
    document.behaviour.habits.forEach((h, i) => claim(h.id, `/behaviour/habits/${i}/id`));
  }
  document.adjustments.forEach((a, i) => claim(a.id, `/adjustments/${i}/id`));

  const charges = new Set(document.charges.map((c) => c.id));
  const point = (targets: readonly string[] | undefined, path: string): void => {
    targets?.forEach((target, i) => {
      if (!charges.has(target))
        problems.push({
          code: 'UNKNOWN_CHARGE',
          path: `${path}/appliesTo/${i}`,
          message: `${shown(target)} is not a charge; the charges are ${[...charges].join(', ')}`,
        });
    });
  };
  document.factors.forEach((f, i) => point(f.appliesTo, `/factors/${i}`));
  point(document.behaviour?.appliesTo, '/behaviour');
  if (readDate(document.effectiveFrom) === undefined)
    problems.push({
      code: 'INVALID',
      path: '/effectiveFrom',
      message: `${shown(document.effectiveFrom)} is not a date`,
    });
  return problems;
}

/** Checks a tariff document and makes it ready. A bad one is refused with every problem and its path. */
export function parseTariff(value: unknown): ParsedTariff {
  const canonical = canonicalJson(value);
  if (canonical === undefined)
    return {
      ok: false,
      problems: [{ code: 'NOT_JSON', path: '', message: 'this is not plain JSON data' }],
    };
  // What is checked is what is hashed: the canonical text itself, read again.
  const plain: unknown = JSON.parse(canonical);
  const parsed = tariffSchema.safeParse(plain);
  if (!parsed.success)
    return {
      ok: false,
      problems: parsed.error.issues.flatMap((issue) => schemaProblem(issue, plain)),
    };

  const document = parsed.data;
  const charges = document.charges.map(bindCharge);
  const factors = document.factors.map(bindFactor);
  const behaviour =
    document.behaviour === undefined ? undefined : bindBehaviour(document.behaviour);
  const adjustments = document.adjustments.map(bindAdjustment);
  const silence =
    document.silentDays === undefined ? undefined : bindSilentDays(document.silentDays);
  const problems = [
    ...referenceProblems(document),
    ...charges.flatMap((c, i) => c.check(`/charges/${i}`)),
    ...factors.flatMap((f, i) => f.check(`/factors/${i}`)),
    ...(behaviour?.check('/behaviour') ?? []),
    ...(silence?.check('/silentDays') ?? []),
    ...adjustments.flatMap((a, i) => a.check(`/adjustments/${i}`)),
    ...jurisdictionProblems(document),
  ];
  if (problems.length > 0) return { ok: false, problems };

  const optional = [behaviour, silence].filter((part) => part !== undefined);
  const all = [...charges, ...factors, ...optional, ...adjustments];
  const reasons = all.map((b) => b.addsOverTime()).filter((adds) => adds !== true);
  const parts = {
    charges: charges.map((c) => c.prepare()),
    factors: factors.map((f) => f.prepare()),
    behaviour: behaviour?.prepare(),
  };
  return {
    ok: true,
    tariff: {
      document,
      canonical,
      hash: `sha256:${sha256(canonical)}`,
      ...parts,
      groups: groupsOf(parts),
      adjustments: adjustments.map((a) => a.prepare()),
      silentDays: silence?.prepare(),
      addsOverTime: reasons.length === 0 ? true : reasons.join('; '),
    },
  };
}

/** The same from a text. */
export function parseTariffText(text: string): ParsedTariff {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unreadable';
    return { ok: false, problems: [{ code: 'NOT_JSON', path: '', message: why }] };
  }
  return parseTariff(value);
}

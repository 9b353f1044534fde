import type { Tariff } from '../../core/premium/tariff/tariff.ts';
import { parseTariffText } from '../../core/premium/tariff/tariff.ts';
import type { Transaction } from '../transaction.ts';
import type { PolicyProductRow, PolicyRow } from './policies.ts';
import type { TariffRow } from './tariffs.ts';
import { readTariffsInForce } from './tariffs.ts';

/** The tariff that prices a period of a policy, or why there is none. */
export type Pricing =
  | { readonly ok: true; readonly row: TariffRow; readonly tariff: Tariff }
  | { readonly ok: false; readonly code: 'INVALID' | 'NOT_FOUND'; readonly message: string };

/**
 * Finds the tariff of a policy for half-open local dates. If the policy's product, its jurisdiction
 * or the tariff changes within them, the refusal names the day on which to split them.
 */
export async function findPricing(
  tx: Transaction,
  policy: PolicyRow,
  products: readonly PolicyProductRow[],
  from: string,
  to: string,
): Promise<Pricing> {
  const [product, otherProduct] = products.filter((span) => span.from < to && from < span.to);
  const end = policy.cancelledOn ?? policy.endDate;
  if (end === policy.startDate) {
    return refuse(
      'INVALID',
      `The policy was cancelled from its first day, ${end}: there is nothing to price.`,
    );
  }
  if (!product || from < policy.startDate || to > end) {
    return refuse(
      'INVALID',
      `${from} to ${to} is not within the policy, ${policy.startDate} to ${end}. Give dates within it.`,
    );
  }
  if (otherProduct) {
    return refuse(
      'INVALID',
      `The policy changes on ${otherProduct.from} from ${product.product} in ${product.jurisdiction} to ${otherProduct.product} in ${otherProduct.jurisdiction}. Split the period at that day.`,
    );
  }
  const [row, next] = await readTariffsInForce(tx, product, from, to);
  if (!row || row.effectiveFrom > from) {
    return refuse(
      'NOT_FOUND',
      `No tariff of ${product.product} in ${product.jurisdiction} is in force on ${from}${
        row ? `; the first starts on ${row.effectiveFrom}` : ''
      }.`,
    );
  }
  if (next) {
    return refuse(
      'INVALID',
      `The tariff changes on ${next.effectiveFrom} from ${row.name} to ${next.name}. Split the period at that day.`,
    );
  }
  return { ok: true, row, tariff: parseStored(row) };
}

function refuse(code: 'INVALID' | 'NOT_FOUND', message: string): Pricing {
  return { ok: false, code, message };
}

/** A stored tariff, ready to rate; it was checked before it was stored. */
export function parseStored({ name, document }: TariffRow): Tariff {
  const parsed = parseTariffText(document);
  if (!parsed.ok) {
    throw new Error(`the stored tariff ${name} is not valid: ${parsed.problems[0]?.message}`);
  }
  return parsed.tariff;
}

import { exposureSince } from '../../core/premium/rating/exposure.ts';
import type { Premium } from '../../core/premium/rating/premium.ts';
import { quote } from '../../core/premium/rating/quote.ts';
import type { Transaction } from '../../store/transaction.ts';
import type { PolicyRow } from '../../store/read/policies.ts';
import { readPolicy, readPolicyParts } from '../../store/read/policies.ts';
import { findPricing } from '../../store/read/pricing.ts';
import { readRatingInputs } from '../../store/read/rating.ts';
import { withReading } from '../../store/read/transaction.ts';
import type { TariffRow } from '../../store/read/tariffs.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { Resolvers } from '../generated/schema.ts';
import { toReader } from '../identity.ts';

/** What a premium names as its cut-off before anything was read from the log. */
const NOTHING_READ = new Date(0).toISOString();

export const premiums: Resolvers = {
  Query: {
    premium: async (_, { policyNumber, from, to }, context) => {
      const policy = await context.reading.run((tx) => readPolicy(tx, policyNumber));
      return policy === null ? null : previewPremium(context, policy, from, to);
    },
  },
};

/**
 * What a policy that the asker may see costs for half-open local dates, as of now.
 * @throws GraphQLError where the period is empty, or no tariff prices all of it
 */
export async function previewPremium(
  context: Context,
  policy: PolicyRow,
  from: string,
  to: string,
) {
  if (from >= to) {
    throw createError('BAD_USER_INPUT', `to is ${to}; it must lie after from, ${from}.`);
  }
  const { rating, pricing, dataAsOfMs } = await readWhole(context, async (tx) => {
    const parts = (await readPolicyParts(tx, [policy.ref])).get(policy.ref);
    const found = await findPricing(tx, policy, parts?.products ?? [], from, to);
    const estimating = found.ok && found.tariff.silentDays ? found.tariff : undefined;
    const since = estimating && ((start: string) => exposureSince(estimating, start, { from, to }));
    const [read] = await readRatingInputs(tx, [policy], from, to, since, !!estimating);
    if (!read) throw new Error(`policy ${policy.number} has no rating input`);
    return { rating: read, pricing: found };
  });
  if (!pricing.ok) {
    throw createError(
      pricing.code === 'INVALID' ? 'BAD_USER_INPUT' : pricing.code,
      pricing.message,
    );
  }
  const cutOff = dataAsOfMs === null ? NOTHING_READ : new Date(dataAsOfMs).toISOString();
  const quoted = quote(pricing.tariff, rating.input, cutOff);
  if (!quoted.ok) {
    throw createError(
      'BAD_USER_INPUT',
      quoted.problems.map(({ path, message }) => `${path} ${message}`.trim()).join('; '),
    );
  }
  return toPremium(quoted.premium, pricing.row, dataAsOfMs);
}

/** A premium as it is shown, with the tariff that made it. */
export function toPremium(premium: Premium, tariff: TariffRow, dataCutoffMs: number | null) {
  return {
    from: premium.from,
    to: premium.to,
    currency: premium.currency,
    total: premium.total,
    lines: premium.lines.map((line) => ({
      id: line.id,
      kind: line.kind,
      label: line.label,
      vehicleExternalId: line.vehicleId ?? null,
      quantity: line.quantity ?? null,
      unit: line.unit ?? null,
      rate: line.rate ?? null,
      amount: line.amount,
      explanation: line.explanation,
    })),
    worksheet: premium.worksheet,
    tariff,
    dataCutoff: dataCutoffMs,
    inputsHash: premium.inputsHash,
  };
}

/**
 * Reads the inputs of a premium. A caller that may see a policy may see what it is priced on, including the
 * kilometres that other drivers drove with its vehicles: so the read is not restricted to one driver.
 */
async function readWhole<T extends object>(
  { identity, reading, services }: Context,
  read: (tx: Transaction) => Promise<T>,
): Promise<T & { readonly dataAsOfMs: number | null }> {
  if (identity.role !== 'DRIVER') {
    const found = await reading.run(read);
    return { ...found, dataAsOfMs: reading.dataAsOfMs() };
  }
  const reader = { ...toReader(identity), driver: null };
  const options = { snapshot: true, through: services.nestedReads };
  return withReading(services.store, reader, options, async (whole) => {
    const found = await whole.run(read);
    return { ...found, dataAsOfMs: whole.dataAsOfMs() };
  });
}

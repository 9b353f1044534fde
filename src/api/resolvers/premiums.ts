import { quote } from '../../core/premium/quote.ts';
import { readTariff as parseTariffText } from '../../core/premium/tariff.ts';
import type { Transaction } from '../../store/open.ts';
import type { PolicyRow } from '../../store/read/policies.ts';
import { readPolicy } from '../../store/read/policies.ts';
import type { PolicyRating } from '../../store/read/rating.ts';
import { readRatingInputs } from '../../store/read/rating.ts';
import { openReading } from '../../store/read/reading.ts';
import type { TariffRow } from '../../store/read/tariffs.ts';
import { readTariffsInForce } from '../../store/read/tariffs.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { Resolvers } from '../generated/schema.ts';
import { toReader } from '../identity.ts';

/** What a premium names as its cut-off before anything was read from the log. */
const NOTHING_READ = new Date(0).toISOString();

export const premiums: Resolvers = {
  Query: {
    premium: async (_, { policyNumber, from, to }, context) => {
      if (from >= to) {
        throw createError('BAD_USER_INPUT', `to is ${to}; it must lie after from, ${from}.`);
      }
      const policy = await context.reading.run((tx) => readPolicy(tx, policyNumber));
      if (policy === null) return null;
      const { rating, tariff, dataAsOfMs } = await readWhole(context, async (tx) => {
        const [read] = await readRatingInputs(tx, [policy], from, to);
        if (!read) throw new Error(`policy ${policyNumber} has no rating input`);
        return { rating: read, tariff: await pickTariff(tx, policy, read, from, to) };
      });
      const parsed = parseTariffText(tariff.document);
      if (!parsed.ok) {
        throw new Error(
          `the stored tariff ${tariff.name} is not valid: ${parsed.problems[0]?.message}`,
        );
      }
      const cutOff = dataAsOfMs === null ? NOTHING_READ : new Date(dataAsOfMs).toISOString();
      const quoted = quote(parsed.tariff, rating.input, cutOff);
      if (!quoted.ok) {
        throw createError(
          'BAD_USER_INPUT',
          quoted.problems.map(({ path, message }) => `${path} ${message}`.trim()).join('; '),
        );
      }
      const { premium } = quoted;
      return {
        from,
        to,
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
        dataCutoff: dataAsOfMs,
        inputsHash: premium.inputsHash,
      };
    },
  },
};

/**
 * Reads what a premium is made of. Whoever may see a policy may see what it is priced on, also the
 * kilometres that others drove with its vehicles: so not behind a driver's own wall.
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
  const whole = openReading(services.streams.store, reader, { snapshot: true });
  try {
    const found = await whole.run(read);
    return { ...found, dataAsOfMs: whole.dataAsOfMs() };
  } finally {
    await whole.end();
  }
}

async function pickTariff(
  tx: Transaction,
  policy: PolicyRow,
  { products }: PolicyRating,
  from: string,
  to: string,
): Promise<TariffRow> {
  const held = products.filter((span) => span.from < to && from < span.to);
  const [product, otherProduct] = held;
  if (!product) {
    throw createError(
      'BAD_USER_INPUT',
      `${from} to ${to} is not within the policy, ${policy.startDate} to ${policy.cancelledOn ?? policy.endDate}.`,
    );
  }
  if (otherProduct) {
    throw createError(
      'BAD_USER_INPUT',
      `The policy changes on ${otherProduct.from} from ${product.product} in ${product.jurisdiction} to ${otherProduct.product} in ${otherProduct.jurisdiction}: ask up to that day, then from it.`,
    );
  }
  const [tariff, next] = await readTariffsInForce(tx, product, from, to);
  if (!tariff || tariff.effectiveFrom > from) {
    throw createError(
      'NOT_FOUND',
      `No tariff of ${product.product} in ${product.jurisdiction} is in force on ${from}${
        tariff ? `; the first starts on ${tariff.effectiveFrom}` : ''
      }.`,
    );
  }
  if (next) {
    throw createError(
      'BAD_USER_INPUT',
      `The tariff changes on ${next.effectiveFrom} from ${tariff.name} to ${next.name}: ask up to that day, then from it.`,
    );
  }
  return tariff;
}

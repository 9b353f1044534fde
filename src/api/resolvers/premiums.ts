import { rateableMeasures } from '../../core/habits/summary.ts';
import { quote } from '../../core/premium/quote.ts';
import { readTariff as parseTariffText } from '../../core/premium/tariff.ts';
import type { Transaction } from '../../store/open.ts';
import { readVehicles } from '../../store/read/drivers.ts';
import { readExposure } from '../../store/read/exposure.ts';
import type { PolicyRow } from '../../store/read/policies.ts';
import { readPolicy } from '../../store/read/policies.ts';
import type { TariffRow } from '../../store/read/tariffs.ts';
import { readTariffsInForce } from '../../store/read/tariffs.ts';
import { createError } from '../errors.ts';
import type { Resolvers } from '../generated/schema.ts';

/** The longest window that a tariff may look back over for habits, days; see core/premium/habits. */
const LOOK_BACK_DAYS = 1_100;
/** What a premium names as its cut-off before anything was read from the log. */
const NOTHING_READ = new Date(0).toISOString();

export const premiums: Resolvers = {
  Query: {
    premium: async (_, { policyNumber, from, to }, { reading }) => {
      if (from >= to) {
        throw createError('BAD_USER_INPUT', `to is ${to}; it must lie after from, ${from}.`);
      }
      const policy = await reading.run((tx) => readPolicy(tx, policyNumber));
      if (policy === null) return null;
      const tariff = await reading.run((tx) => pickTariff(tx, policy, from, to));
      const parsed = parseTariffText(tariff.document);
      if (!parsed.ok) {
        throw new Error(
          `the stored tariff ${tariff.name} is not valid: ${parsed.problems[0]?.message}`,
        );
      }
      const input = await reading.run((tx) => readInput(tx, policy, from, to));
      const dataAsOfMs = reading.dataAsOfMs();
      const cutOff = dataAsOfMs === null ? NOTHING_READ : new Date(dataAsOfMs).toISOString();
      const quoted = quote(parsed.tariff, input, cutOff);
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

async function pickTariff(
  tx: Transaction,
  policy: PolicyRow,
  from: string,
  to: string,
): Promise<TariffRow> {
  const [tariff, next] = await readTariffsInForce(tx, policy, from, to);
  if (!tariff || tariff.effectiveFrom > from) {
    throw createError(
      'NOT_FOUND',
      `No tariff of ${policy.product} in ${policy.jurisdiction} is in force on ${from}${
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

/** Everything that the premium is made of beside its tariff. */
async function readInput(tx: Transaction, policy: PolicyRow, from: string, to: string) {
  const [vehicle] = await readVehicles(tx, [policy.vehicleRef]);
  if (!vehicle) throw new Error(`the vehicle of policy ${policy.number} cannot be seen`);
  const back = dayBefore(to, LOOK_BACK_DAYS);
  const since = back < policy.startDate ? back : policy.startDate;
  const days = await readExposure(tx, [policy.driverRef], since, to, policy.vehicleRef);
  const { number, startDate, endDate } = policy;
  return {
    period: { from, to },
    policy: {
      number,
      startDate,
      endDate,
      vehicles: [{ vehicleId: vehicle.externalId, from: startDate, to: endDate }],
      facts: [{ from: startDate, to: endDate, values: toFacts(policy.ratingFactors) }],
    },
    exposure: days.map((day) => ({
      vehicleId: vehicle.externalId,
      localDate: day.localDate,
      distanceM: day.distanceM,
      nightM: day.nightM,
      measures: rateableMeasures(day),
    })),
  };
}

/** What a tariff can read of the rating factors: texts and numbers. */
function toFacts(factors: unknown): Record<string, string | number> {
  const facts: Record<string, string | number> = {};
  for (const [name, value] of Object.entries((factors ?? {}) as Record<string, unknown>)) {
    if (typeof value === 'string' || typeof value === 'number') facts[name] = value;
  }
  return facts;
}

function dayBefore(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
}

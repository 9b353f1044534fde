import { parseTariff } from '../../core/premium/tariff/tariff.ts';
import { readTariff } from '../../store/read/tariffs.ts';
import { RefusedInput } from '../../store/write/once.ts';
import { activateTariff, keepDraft, retireTariff } from '../../store/write/tariffs.ts';
import type { Resolvers } from '../generated/schema.ts';
import { perform } from './perform.ts';
import { toTariffName } from './tariffs.ts';

export const tariffCommands: Resolvers = {
  Mutation: {
    createTariffDraft: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'createTariffDraft',
        input,
        (tx, tenant) => {
          const parsed = parseTariff(input.document);
          if (!parsed.ok) {
            throw new RefusedInput(
              ...parsed.problems.map((problem) => ({
                code: 'INVALID' as const,
                message: `${problem.path || 'the document'}: ${problem.message} (${problem.code})`,
                field: ['document', ...problem.path.split('/').slice(1)],
              })),
            );
          }
          return keepDraft(tx, tenant, parsed.tariff);
        },
        readTariff,
      );
      return { tariff: row, userErrors };
    },
    activateTariff: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'activateTariff',
        input,
        (tx, tenant) => activateTariff(tx, tenant, toTariffName(input.tariffId)),
        readTariff,
      );
      return { tariff: row, userErrors };
    },
    retireTariff: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'retireTariff',
        input,
        (tx, tenant) => retireTariff(tx, tenant, toTariffName(input.tariffId)),
        readTariff,
      );
      return { tariff: row, userErrors };
    },
  },
};

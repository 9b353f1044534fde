import { readTariffPage } from '../../store/read/tariffs.ts';
import type { Resolvers } from '../generated/schema.ts';
import { parseGlobalId, toGlobalId } from '../ids.ts';
import { textCursor, toConnection, toPageRequest } from '../page.ts';

const cursor = textCursor('tariffs');

/** A tariff's name from its opaque id, or from the name itself. */
export function toTariffName(id: string): string {
  const parsed = parseGlobalId(id);
  return parsed?.type === 'Tariff' ? String(parsed.key[0]) : id;
}

export const tariffs: Resolvers = {
  Query: {
    tariff: (_, { id }, { loaders }) => loaders.tariff.load(toTariffName(id)),
    tariffs: async (_, page, { reading, services: { seal } }) => {
      const request = toPageRequest(seal, cursor, page);
      const found = await reading.run((tx) => readTariffPage(tx, request));
      return toConnection(seal, cursor, (tariff) => tariff.name, found);
    },
  },
  Tariff: {
    id: (tariff) => toGlobalId('Tariff', tariff.name),
    version: (tariff) => String((JSON.parse(tariff.document) as { version: unknown }).version),
    document: (tariff) => JSON.parse(tariff.document) as unknown,
    createdAt: (tariff) => tariff.createdAt.getTime(),
  },
};

import { readDrivers } from '../../store/read/drivers.ts';
import { registerDriver } from '../../store/write/people.ts';
import type { Resolvers } from '../generated/schema.ts';
import { checkName, perform } from './perform.ts';

export const driverCommands: Resolvers = {
  Mutation: {
    registerDriver: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'registerDriver',
        input,
        (tx, tenant) => {
          checkName(input.externalId, 'externalId');
          return registerDriver(tx, tenant, {
            externalId: input.externalId,
            name: input.name ?? null,
            dateOfBirth: input.dateOfBirth ?? null,
          });
        },
        async (tx, ref) => (await readDrivers(tx, [ref]))[0],
      );
      return { driver: row, userErrors };
    },
  },
};

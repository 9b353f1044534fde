import { createError } from '../errors.ts';
import type { Resolvers } from '../generated/schema.ts';
import { parseGlobalId } from '../ids.ts';
import { MAX_PAGE } from '../limits.ts';
import type { Fetched } from './nodes.ts';
import { fetchNode } from './nodes.ts';

export const viewer: Resolvers = {
  Query: {
    viewer: (_, __, { identity }) => ({
      role: identity.role,
      tenant: identity.tenant,
      driver: null,
      expiresAt: identity.expiresAtMs,
    }),
    node: async (_, { id }, context) => (await fetchNode(context, parseGlobalId(id))) as never,
    nodes: (_, { ids }, context) => {
      if (ids.length > MAX_PAGE) {
        throw createError(
          'BAD_USER_INPUT',
          `ids holds ${ids.length} ids; at most ${MAX_PAGE} are answered at once.`,
        );
      }
      return Promise.all(
        ids.map(async (id) => (await fetchNode(context, parseGlobalId(id))) as never),
      );
    },
  },
  Viewer: {
    driver: (_, __, { identity, loaders }) =>
      identity.driver === null ? null : loaders.driverByName.load(identity.driver),
  },
  Node: {
    __resolveType: (node) => (node as unknown as Fetched).__typename as 'Trip',
  },
};

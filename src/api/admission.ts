import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { visit } from 'graphql';
import type { Price } from './cost.ts';
import { priceOperation } from './cost.ts';
import { createRefusal } from './errors.ts';
import type { Role } from '../roles.ts';
import type { Identity } from './identity.ts';
import type { Unusable } from './plain-text.ts';
import { findUnusable } from './plain-text.ts';
import { oncePerDocument } from './once-per-document.ts';
import type { Rates } from './rates.ts';
import { toPoints } from './rates.ts';

/** The highest cost of an operation: roughly the number of objects that it looks up. */
export const MAX_COST = 20_000;

/** An operation that may run, with its price. */
export interface Admitted extends Price {
  readonly writes: boolean;
}

export interface Admission {
  mayReadSchema(identity: Identity): boolean;
  /** Deducts the point of every request, before it is parsed. @throws RATE_LIMITED */
  takePoint(identity: Identity): Promise<void>;
  /** Checks an operation of a valid document. @throws FORBIDDEN, BAD_USER_INPUT, COST_LIMIT_EXCEEDED, RATE_LIMITED */
  admit(
    identity: Identity,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Readonly<Record<string, unknown>>,
  ): Promise<Admitted>;
}

/** Rates, costs and access to the schema, for every transport alike. */
export function createAdmission(
  schema: GraphQLSchema,
  { rates, introspection }: { rates: Rates; introspection: readonly Role[] },
): Admission {
  const mayReadSchema = ({ role }: Identity) => introspection.includes(role);
  return {
    mayReadSchema,
    takePoint: (identity) => rates.spend(identity, 1),
    admit: async (identity, document, operation, variables) => {
      if (!mayReadSchema(identity) && asksForSchema(document)) {
        throw createRefusal(
          'FORBIDDEN',
          `The role ${identity.role} may not read the schema of this API; see schema.graphql.`,
        );
      }
      const unusable = findUnusable(variables, '$') ?? findUnusableLiteral(document);
      if (unusable) {
        const { path, what } = unusable;
        throw createRefusal(
          'BAD_USER_INPUT',
          `${path} holds ${what}, which is not accepted: remove it.`,
        );
      }
      const price = priceOperation(schema, document, operation, variables);
      if (price.cost > MAX_COST) {
        throw createRefusal(
          'COST_LIMIT_EXCEEDED',
          `This operation costs about ${price.cost} objects; the limit is ${MAX_COST}. Ask for smaller pages or fewer nested lists.`,
        );
      }
      await rates.spend(identity, toPoints(price.cost));
      return { ...price, writes: operation.operation === 'mutation' };
    },
  };
}

/** `extensions.cost` of an answer. */
export function showCost({ cost }: Price): { readonly cost: { objects: number; limit: number } } {
  return { cost: { objects: cost, limit: MAX_COST } };
}

const asksForSchema = oncePerDocument((document) => {
  let asks = false;
  visit(document, {
    Field: ({ name }) => {
      asks ||= ['__schema', '__type', '_service'].includes(name.value);
    },
  });
  return asks;
});

const findUnusableLiteral = oncePerDocument((document) => {
  let found: Unusable | undefined;
  visit(document, {
    StringValue: ({ value, loc }) => {
      found ??= findUnusable(value, `A text at line ${loc?.startToken.line ?? 1} of the query`);
    },
  });
  return found;
});

import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { visit } from 'graphql';
import type { Price } from './cost.ts';
import { priceOperation } from './cost.ts';
import { createRefusal } from './errors.ts';
import type { Role } from './generated/schema.ts';
import type { Identity } from './identity.ts';
import type { Unusable } from './plain-text.ts';
import { findUnusable } from './plain-text.ts';
import type { Rates } from './rates.ts';
import { toPoints } from './rates.ts';

/** What one operation may cost: the objects that it makes the store look up, roughly. */
export const MAX_COST = 20_000;

/** What was found out about an operation that may run. */
export interface Admitted extends Price {
  readonly writes: boolean;
}

export interface Admission {
  /** Before anything is parsed. @throws RATE_LIMITED */
  knock(identity: Identity): Promise<void>;
  /** Of a valid document. @throws FORBIDDEN, BAD_USER_INPUT, COST_LIMIT_EXCEEDED, RATE_LIMITED */
  admit(
    identity: Identity,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Readonly<Record<string, unknown>>,
  ): Promise<Admitted>;
}

/** The doorkeeper of every transport: what is refused on the one does not slip in by another. */
export function createAdmission(
  schema: GraphQLSchema,
  { rates, introspection }: { rates: Rates; introspection: readonly Role[] },
): Admission {
  return {
    knock: (identity) => rates.spend(identity, 1),
    admit: async (identity, document, operation, variables) => {
      if (!introspection.includes(identity.role) && asksForSchema(document)) {
        throw createRefusal(
          'FORBIDDEN',
          `The schema is not shown to the role ${identity.role} here; schema.graphql has it.`,
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
          `This asks for some ${price.cost} objects; at most ${MAX_COST} are answered at once. Ask for smaller pages or fewer nested lists.`,
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

function asksForSchema(document: DocumentNode): boolean {
  let asks = false;
  visit(document, {
    Field: ({ name }) => {
      asks ||= ['__schema', '__type', '_service'].includes(name.value);
    },
  });
  return asks;
}

function findUnusableLiteral(document: DocumentNode): Unusable | undefined {
  let found: Unusable | undefined;
  visit(document, {
    StringValue: ({ value, loc }) => {
      found ??= findUnusable(value, `A text at line ${loc?.startToken.line ?? 1} of the query`);
    },
  });
  return found;
}

import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import type { DocumentNode, SelectionSetNode, ValidationContext, ValidationRule } from 'graphql';
import { GraphQLError, Kind, OperationTypeNode } from 'graphql';

export const MAX_TOKENS = 3_000;
export const MAX_BODY_BYTES = 1_000_000;
const MAX_DEPTH = 15;
const MAX_ALIASES = 50;
const MAX_DIRECTIVES = 50;

/** Page size of a list without `first` and `last`, and the highest allowed. */
export const DEFAULT_PAGE = 20;
export const MAX_PAGE = 100;
/** Objects that a federation router may request at once; it requests all that a list of another subgraph names. */
export const MAX_REPRESENTATIONS = 1_000;
/** Number of groups without `first`, and the highest allowed. */
export const GROUPS_SHOWN = { usual: 100, most: 1_000 } as const;

const reporting = {
  allowList: [],
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null, error: GraphQLError) => {
      context?.reportError(
        new GraphQLError(error.message.replace('Syntax Error: ', ''), {
          extensions: { code: 'COST_LIMIT_EXCEEDED', limited: true },
        }),
      );
    },
  ],
};

/**
 * A subscription has one field; if that may be skipped, nothing is left to subscribe to.
 * @throws GraphQLError that names the directive
 */
export function refuseConditionalSubscription(document: DocumentNode): void {
  const seen = new Set<string>();
  const look = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      const directive = selection.directives?.find(({ name: { value } }) =>
        ['skip', 'include'].includes(value),
      );
      if (directive) {
        throw new GraphQLError(
          `The field of a subscription cannot be conditional: use @${directive.name.value} only below it.`,
          {
            nodes: directive,
            extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400 } },
          },
        );
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) look(selection.selectionSet);
      if (selection.kind === Kind.FRAGMENT_SPREAD && !seen.has(selection.name.value)) {
        seen.add(selection.name.value);
        for (const part of document.definitions) {
          if (part.kind !== Kind.FRAGMENT_DEFINITION) continue;
          if (part.name.value === selection.name.value) look(part.selectionSet);
        }
      }
    }
  };
  for (const part of document.definitions) {
    if (part.kind !== Kind.OPERATION_DEFINITION) continue;
    if (part.operation === OperationTypeNode.SUBSCRIPTION) look(part.selectionSet);
  }
}

/** Validation rules of every transport. */
export const limitRules: readonly ValidationRule[] = [
  maxDepthRule({ n: MAX_DEPTH, ...reporting }),
  maxAliasesRule({ n: MAX_ALIASES, ...reporting }),
  maxDirectivesRule({ n: MAX_DIRECTIVES, ...reporting }),
];

import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import type {
  ASTVisitor,
  FieldNode,
  FragmentSpreadNode,
  InlineFragmentNode,
  ValidationContext,
  ValidationRule,
} from 'graphql';
import { GraphQLError } from 'graphql';

export const MAX_TOKENS = 3_000;
export const MAX_BODY_BYTES = 1_000_000;
const MAX_DEPTH = 15;
const MAX_ALIASES = 50;
const MAX_DIRECTIVES = 50;

/** Page size of a list that says neither `first` nor `last`, and the most that one may ask for. */
export const DEFAULT_PAGE = 20;
export const MAX_PAGE = 100;
/** Objects that a router may ask for at once; it asks for all that a list of another subgraph names. */
export const MAX_REPRESENTATIONS = 1_000;
/** Groups of figures shown if none says how many, and the most that one may ask for. */
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

/** A subscription is to one field; one that is left out leaves nothing to subscribe to. */
function alwaysSubscribedRule(context: ValidationContext): ASTVisitor {
  const look = (node: FieldNode | InlineFragmentNode | FragmentSpreadNode) => {
    if (context.getParentType() !== context.getSchema().getSubscriptionType()) return;
    const directive = node.directives?.find(({ name }) => ['skip', 'include'].includes(name.value));
    if (!directive) return;
    context.reportError(
      new GraphQLError(
        `A subscription's field is always there: @${directive.name.value} may stand below it only.`,
        { nodes: directive },
      ),
    );
  };
  return { Field: look, InlineFragment: look, FragmentSpread: look };
}

/** For sockets as for HTTP: what is refused on the one must not slip in by the other. */
export const limitRules: readonly ValidationRule[] = [
  maxDepthRule({ n: MAX_DEPTH, ...reporting }),
  maxAliasesRule({ n: MAX_ALIASES, ...reporting }),
  maxDirectivesRule({ n: MAX_DIRECTIVES, ...reporting }),
  alwaysSubscribedRule,
].map((rule) => rule);

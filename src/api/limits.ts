import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
  ValidationContext,
  ValidationRule,
} from 'graphql';
import {
  getArgumentValues,
  getNamedType,
  GraphQLError,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
} from 'graphql';
import type { GraphQLNamedType } from 'graphql';
import { createError } from './errors.ts';

export const MAX_TOKENS = 3_000;
export const MAX_BODY_BYTES = 1_000_000;
const MAX_DEPTH = 15;
const MAX_ALIASES = 50;
const MAX_DIRECTIVES = 50;
/** Objects that one request may make the store look up, roughly. */
const MAX_COST = 20_000;

/** Page size of a list that says neither `first` nor `last`, and the most that one may ask for. */
export const DEFAULT_PAGE = 20;
export const MAX_PAGE = 100;

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

/** For sockets as for HTTP: what is refused on the one must not slip in by the other. */
export const limitRules: readonly ValidationRule[] = [
  maxDepthRule({ n: MAX_DEPTH, ...reporting }),
  maxAliasesRule({ n: MAX_ALIASES, ...reporting }),
  maxDirectivesRule({ n: MAX_DIRECTIVES, ...reporting }),
].map((rule) => rule as unknown as ValidationRule);

/** What a field costs beyond the objects below it: statements or rows that the selection does not show. */
const FIELD_COST: Readonly<Record<string, number>> = {
  'Trip.path': 200,
  'Driver.habits': 10,
  'Driver.score': 20,
  'Query.premium': 100,
};
/** How many objects a list without a page size has, as a guess for the cost. */
const LIST_SIZE: Readonly<Record<string, number>> = {
  'Trip.events': 5,
  'Device.assignments': 3,
  'Device.tenancies': 2,
  'Driver.policies': 2,
};

/** @throws COST_LIMIT_EXCEEDED; the document must be valid */
export function checkCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): void {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    }
  }
  const known = new Map<string, number>();

  const costOf = (selections: SelectionSetNode, parent: GraphQLNamedType): number => {
    let sum = 0;
    for (const selection of selections.selections) {
      if (selection.kind === Kind.FIELD) {
        sum += costOfField(selection, parent);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const type = selection.typeCondition?.name.value;
        sum += costOf(selection.selectionSet, (type && schema.getType(type)) || parent);
      } else {
        sum += costOfFragment(selection.name.value);
      }
    }
    return sum;
  };
  const costOfFragment = (name: string): number => {
    const seen = known.get(name);
    if (seen !== undefined) return seen;
    const fragment = fragments.get(name);
    const type = fragment && schema.getType(fragment.typeCondition.name.value);
    const cost = fragment && type ? costOf(fragment.selectionSet, type) : 0;
    known.set(name, cost);
    return cost;
  };
  const costOfField = (node: FieldNode, parent: GraphQLNamedType): number => {
    if (!(isObjectType(parent) || isInterfaceType(parent)) || node.name.value.startsWith('__')) {
      return 0;
    }
    const field = parent.getFields()[node.name.value];
    if (!field) return 0;
    const coordinate = `${parent.name}.${field.name}`;
    const own = FIELD_COST[coordinate] ?? 0;
    const type = getNamedType(field.type);
    if (!node.selectionSet || !isCompositeType(type)) return own;
    const values = getArgumentValues(field, node, { ...variables });
    const paged = field.args.some((arg) => arg.name === 'first');
    const size = Array.isArray(values['ids'])
      ? values['ids'].length
      : paged
        ? (toSize(values['first']) ?? toSize(values['last']) ?? DEFAULT_PAGE)
        : (LIST_SIZE[coordinate] ?? 1);
    return own + (paged ? 1 : size) + size * costOf(node.selectionSet, type);
  };

  const root = schema.getRootType(operation.operation);
  const cost = root ? costOf(operation.selectionSet, root) : 0;
  if (cost > MAX_COST) {
    throw createError(
      'COST_LIMIT_EXCEEDED',
      `This asks for some ${Math.round(cost)} objects; at most ${MAX_COST} are answered at once. Ask for smaller pages or fewer nested lists.`,
    );
  }
}

function toSize(value: unknown): number | undefined {
  return typeof value === 'number' ? Math.min(Math.max(value, 0), MAX_PAGE) : undefined;
}

import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLNamedType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
} from 'graphql';
import {
  getArgumentValues,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
} from 'graphql';
import { DEFAULT_PAGE, GROUPS_SHOWN, MAX_PAGE } from './limits.ts';

/** Estimated work of an operation. */
export interface Price {
  /** Objects to look up, roughly. */
  readonly cost: number;
  /** Whether it reads so many rows that it queues at the gate (src/api/gate.ts). */
  readonly heavy: boolean;
}

/** Fields that may read a whole book of business; operations with one of them go through the gate. */
const HEAVY: ReadonlySet<string> = new Set(['Query.tripStats', 'Query.whatIf']);

/** Cost of a field in addition to the objects below it: statements or rows that its selection does not reveal. */
const FIELD_COST: Readonly<Record<string, number>> = {
  'Trip.path': 200,
  'Driver.habits': 10,
  'Driver.score': 20,
  'Driver.longDriving': 50,
  'Query.leftOutFields': 100,
  'Query.premium': 100,
  'PremiumUpdate.premium': 100,
  'Query.tripStats': 1_000,
  'Query.whatIf': 2_000,
  'Subscription.whatIfProgress': 2_000,
  'Bill.premium': 20,
  'Bill.document': 20,
  'Bill.text': 20,
  'Bill.html': 20,
  'BillAdjustment.text': 100,
  'BillAdjustment.html': 100,
};
/** Assumed length of a list without a page size, for the cost. */
const LIST_SIZE: Readonly<Record<string, number>> = {
  'Trip.events': 5,
  'Device.assignments': 3,
  'Device.tenancies': 2,
  'Device.leftOutFields': 3,
  'Driver.policies': 2,
  'Policy.bills': 12,
  'Policy.adjustments': 4,
  'Policy.creditNotes': 2,
  'Policy.disputes': 2,
  'Bill.adjustments': 4,
  'Bill.trips': 400,
};

/**
 * Estimates how many objects an operation of a valid document looks up.
 * @throws GraphQLError for an argument whose value is not of its type
 */
export function priceOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Price {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    }
  }
  const known = new Map<string, number>();
  let heavy = false;

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
    heavy ||= HEAVY.has(coordinate);
    const own = FIELD_COST[coordinate] ?? 0;
    const type = getNamedType(field.type);
    if (!node.selectionSet || !isCompositeType(type)) return own;
    const values = getArgumentValues(field, node, { ...variables });
    const paged = field.args.some((arg) => arg.name === 'first');
    const named = [values['ids'], values['representations']].find((list) => Array.isArray(list));
    const size = named
      ? named.length
      : paged
        ? sizeOfPage(coordinate, values)
        : (LIST_SIZE[coordinate] ?? 1);
    return own + (paged ? 1 : size) + size * costOf(node.selectionSet, type);
  };

  const root = schema.getRootType(operation.operation);
  const cost = root ? Math.round(costOf(operation.selectionSet, root)) : 0;
  return { cost, heavy };
}

function sizeOfPage(
  coordinate: string,
  { first, last }: Readonly<Record<string, unknown>>,
): number {
  const { usual, most } =
    coordinate === 'Query.tripStats' ? GROUPS_SHOWN : { usual: DEFAULT_PAGE, most: MAX_PAGE };
  const asked = [first, last].find((size) => typeof size === 'number') ?? usual;
  return Math.min(Math.max(asked, 0), most);
}

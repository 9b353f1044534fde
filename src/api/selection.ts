import { collectSubFields } from '@graphql-tools/utils';
import type { FieldNode, GraphQLResolveInfo, SelectionSetNode } from 'graphql';
import { isObjectType, Kind } from 'graphql';

/**
 * Fields selected below nodes of an object type, with fragments expanded and `@skip` and `@include`
 * applied. For resolvers that read only what is selected.
 */
export function selectBelow(
  info: GraphQLResolveInfo,
  type: string,
  nodes: readonly FieldNode[],
): readonly FieldNode[] {
  const { schema, fragments, variableValues } = info;
  const below = schema.getType(type);
  if (!isObjectType(below)) throw new Error(`${type} is not an object type`);
  const { fields } = collectSubFields(schema, fragments, variableValues, below, [...nodes]);
  return [...fields.values()].flat();
}

/** The fields with a given name, regardless of alias. */
export function named(nodes: readonly FieldNode[], name: string): readonly FieldNode[] {
  return nodes.filter((node) => node.name.value === name);
}

type Fragments = GraphQLResolveInfo['fragments'];

/**
 * The fields selected below nodes, by name, whatever their aliases and type conditions. Conditions are
 * ignored: what `@skip` leaves out may be read in vain, so that a document is looked at once.
 */
export function fieldsBelow(
  nodes: readonly FieldNode[],
  fragments: Fragments,
): ReadonlyMap<string, readonly FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const look = (selections: SelectionSetNode | undefined): void => {
    for (const selection of selections?.selections ?? []) {
      if (selection.kind === Kind.FIELD) {
        const found = fields.get(selection.name.value);
        if (found) found.push(selection);
        else fields.set(selection.name.value, [selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        look(selection.selectionSet);
      } else {
        look(fragments[selection.name.value]?.selectionSet);
      }
    }
  };
  for (const node of nodes) look(node.selectionSet);
  return fields;
}

/** As `fieldsBelow`, for the objects of a connection. */
export function fieldsOfItems(
  nodes: readonly FieldNode[],
  fragments: Fragments,
): ReadonlyMap<string, readonly FieldNode[]> {
  const page = fieldsBelow(nodes, fragments);
  const items = fieldsBelow(page.get('edges') ?? [], fragments).get('node') ?? [];
  return fieldsBelow([...(page.get('nodes') ?? []), ...items], fragments);
}

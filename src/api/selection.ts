import { collectSubFields } from '@graphql-tools/utils';
import type { FieldNode, GraphQLResolveInfo } from 'graphql';
import { isObjectType } from 'graphql';

/**
 * What is selected below fields of an object type: fragments opened, what `@skip` and `@include` leave
 * out left out. For a resolver that reads no more than it has to.
 */
export function selectBelow(
  info: GraphQLResolveInfo,
  type: string,
  nodes: readonly FieldNode[],
): readonly FieldNode[] {
  const { schema, fragments, variableValues } = info;
  const below = schema.getType(type);
  if (!isObjectType(below)) throw new Error(`${type} is no object type`);
  const { fields } = collectSubFields(schema, fragments, variableValues, below, [...nodes]);
  return [...fields.values()].flat();
}

/** Of fields, those of a name, whatever their aliases. */
export function named(nodes: readonly FieldNode[], name: string): readonly FieldNode[] {
  return nodes.filter((node) => node.name.value === name);
}

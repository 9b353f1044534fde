import { collectSubFields } from '@graphql-tools/utils';
import type { FieldNode, GraphQLResolveInfo } from 'graphql';
import { isObjectType } from 'graphql';

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

import type {
  GraphQLArgument,
  GraphQLInputType,
  GraphQLNamedType,
  GraphQLSchema,
  OperationDefinitionNode,
} from 'graphql';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  parse,
} from 'graphql';
import { MAX_COST } from '../../src/api/admission.ts';
import { priceOperation } from '../../src/api/cost.ts';

/** Values of arguments and input fields, by coordinate (`Query.tariff.id`) or by name. */
export type Values = Readonly<Record<string, unknown>>;

/** A value in GraphQL syntax: enums are `{ enum: NAME }`. */
function write(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if ('enum' in value) return String(value.enum);
  return `{ ${Object.entries(value)
    .map(([name, each]) => `${name}: ${write(each)}`)
    .join(', ')} }`;
}

/** A value of a type: the given one, or the smallest that the type allows. */
function valueOf(
  type: GraphQLInputType,
  name: string,
  coordinate: string,
  values: Values,
): unknown {
  const given = values[coordinate] ?? values[name];
  if (isNonNullType(type)) return valueOf(type.ofType, name, coordinate, values);
  if (isListType(type)) {
    if (Array.isArray(given)) return given;
    return [valueOf(type.ofType, name, coordinate, values)];
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(
      (field) => isRequiredInputField(field) || field.name in values,
    );
    return Object.fromEntries(
      fields.map((field) => [
        field.name,
        valueOf(field.type, field.name, `${type.name}.${field.name}`, values),
      ]),
    );
  }
  if (given !== undefined) return given;
  if (isEnumType(type)) return { enum: type.getValues()[0]?.name };
  switch (type.name) {
    case 'Int':
    case 'Float':
      return 1;
    case 'Boolean':
      return false;
    case 'DateTime':
      return `${String(values['Date'])}T00:00:00Z`;
    case 'Date':
      return values['Date'];
    case 'JSON':
      return {};
    default:
      return 'x';
  }
}

function writeArguments(
  args: readonly GraphQLArgument[],
  coordinate: string,
  values: Values,
  asked: ReadonlySet<string>,
): string {
  const chosen = args.filter(
    (arg) => isRequiredArgument(arg) || arg.name in values || asked.has(arg.name),
  );
  if (chosen.length === 0) return '';
  const written = chosen.map(
    ({ name, type }) => `${name}: ${write(valueOf(type, name, `${coordinate}.${name}`, values))}`,
  );
  return `(${written.join(', ')})`;
}

interface Branch {
  readonly type: GraphQLNamedType;
  readonly level: number;
  readonly fields: Map<string, { readonly args: string; below: Branch | 'leaf' | 'seen' }>;
}

/**
 * A root field with everything below it: each reachable type is selected with all of its fields
 * once, where it is nearest to the root; as deep as the API allows, but no deeper than `levels`.
 */
export function selectAll(
  ...[schema, root, field, values, { levels = 4, ...options } = {}]: Parameters<typeof select>
): string {
  const query = select(schema, root, field, values, { levels, ...options });
  const document = parse(query);
  const operation = document.definitions[0] as OperationDefinitionNode;
  return levels === 1 || priceOperation(schema, document, operation, {}).cost <= MAX_COST
    ? query
    : selectAll(schema, root, field, values, { levels: levels - 1, ...options });
}

function select(
  schema: GraphQLSchema,
  root: 'query' | 'mutation' | 'subscription',
  field: string,
  values: Values,
  {
    asked = new Set<string>(),
    of,
    levels = 1,
  }: { asked?: ReadonlySet<string>; of?: string; levels?: number } = {},
): string {
  const rootType = schema.getRootType(root as never);
  const rootField = rootType?.getFields()[field];
  if (!rootType || !rootField) throw new Error(`there is no ${root} ${field}`);
  const args = writeArguments(rootField.args, `${rootType.name}.${field}`, values, asked);
  const named = getNamedType(rootField.type);
  const target = isInterfaceType(named) && of !== undefined ? schema.getType(of) : named;
  if (!target) throw new Error(`there is no type ${of}`);
  const top: Branch = { type: target, level: 1, fields: new Map() };
  const seen = new Set([target.name]);
  const queue = [top];
  for (let branch = queue.shift(); branch; branch = queue.shift()) {
    if (!isObjectType(branch.type)) continue;
    for (const each of Object.values(branch.type.getFields())) {
      const type = getNamedType(each.type);
      const written = writeArguments(
        each.args,
        `${branch.type.name}.${each.name}`,
        values,
        new Set(),
      );
      if (isLeafType(type)) {
        branch.fields.set(each.name, { args: written, below: 'leaf' });
      } else if (branch.level >= levels) {
        continue;
      } else if (seen.has(type.name)) {
        branch.fields.set(each.name, { args: written, below: 'seen' });
      } else {
        seen.add(type.name);
        const below: Branch = { type, level: branch.level + 1, fields: new Map() };
        branch.fields.set(each.name, { args: written, below });
        queue.push(below);
      }
    }
  }
  const render = ({ fields }: Branch): string =>
    `{ __typename ${[...fields]
      .map(([name, { args: written, below }]) => {
        if (below === 'leaf') return name + written;
        return `${name}${written} ${below === 'seen' ? '{ __typename }' : render(below)}`;
      })
      .join(' ')} }`;
  const below = isInterfaceType(named) ? `{ ... on ${target.name} ${render(top)} }` : render(top);
  return `${root} { ${field}${args} ${below} }`;
}

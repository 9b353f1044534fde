import { readFileSync } from 'node:fs';
import type { GraphQLArgument } from 'graphql';
import { buildSchema, getNamedType, isEnumType, isInputObjectType, isObjectType } from 'graphql';
import type { Claims } from './client.ts';

/** A list of the API that is paged through, and what it is asked of. */
export interface ListCase {
  /** The list's field, as in `Driver.trips`. */
  readonly coordinate: string;
  /** What stands around the list in a query; `…` is its place. */
  readonly around: string;
  readonly claims: Claims;
  /** Values to try of filter fields, by name, in GraphQL's writing. */
  readonly filter: Readonly<Record<string, readonly string[]>>;
}

/** A list under one filter and in one order; still without a page. */
export interface ListQuestion {
  readonly name: string;
  readonly claims: Claims;
  /** @param page arguments of the page, in GraphQL's writing */
  toQuery(page: string): string;
}

interface ListField {
  readonly coordinate: string;
  readonly filterFields: readonly string[];
  /** In GraphQL's writing; one undefined where the list has but one order. */
  readonly orders: readonly (string | undefined)[];
}

/** Every connection of the schema. */
export function findLists(): readonly ListField[] {
  const schema = buildSchema(
    readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'),
  );
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => getNamedType(field.type).name.endsWith('Connection'))
        .map((field) => {
          const filter = field.args.find(({ name }) => name === 'filter');
          const filterType = filter && getNamedType(filter.type);
          return {
            coordinate: `${type.name}.${field.name}`,
            filterFields: isInputObjectType(filterType) ? Object.keys(filterType.getFields()) : [],
            orders: ordersOf(field.args.find(({ name }) => name === 'orderBy')),
          };
        }),
    );
}

/** Each value that an order can be by, up and down. */
function ordersOf(orderBy: GraphQLArgument | undefined): (string | undefined)[] {
  const type = orderBy && getNamedType(orderBy.type);
  if (!isInputObjectType(type)) return [undefined];
  return Object.values(type.getFields()).reduce<string[]>(
    (orders, { name, type: each }) => {
      const values = getNamedType(each);
      if (!isEnumType(values)) throw new Error(`${type.name}.${name} is not known to be an order`);
      return orders.flatMap((order) =>
        values.getValues().map((value) => order.replace('}', `${name}: ${value.name} }`)),
      );
    },
    ['{ }'],
  );
}

/** A case's list under each choice of its filter's fields with each of their values, and in each order. */
export function toQuestions(
  { coordinate, filterFields, orders }: ListField,
  { around, claims, filter }: ListCase,
): ListQuestion[] {
  const field = coordinate.split('.')[1] ?? '';
  const usable = filterFields.flatMap((name) =>
    filter[name] ? [[name, filter[name]] as const] : [],
  );
  return choicesOf(usable).flatMap((chosen) =>
    orders.map((order) => {
      const given = [
        ...(chosen.length === 0 ? [] : [`filter: { ${chosen.join(', ')} }`]),
        ...(order === undefined ? [] : [`orderBy: ${order}`]),
      ];
      const list = (page: string) =>
        `${field}(${[...given, page].join(', ')}) { nodes { id } pageInfo { startCursor endCursor } }`;
      return {
        name: `${claims.role} of ${claims.tenant ?? 'all'}: ${around.replace('…', `${field}(${given.join(', ')})`)}`,
        claims,
        toQuery: (page: string) => `{ ${around.replace('…', list(page))} }`,
      };
    }),
  );
}

function choicesOf(fields: readonly (readonly [string, readonly string[]])[]): string[][] {
  const [first, ...rest] = fields;
  if (first === undefined) return [[]];
  const [name, values] = first;
  const others = choicesOf(rest);
  return [
    ...others,
    ...values.flatMap((value) => others.map((choice) => [`${name}: ${value}`, ...choice])),
  ];
}

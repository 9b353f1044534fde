import { readFileSync } from 'node:fs';
import type { GraphQLArgument } from 'graphql';
import { buildSchema, getNamedType, isEnumType, isInputObjectType, isObjectType } from 'graphql';
import type { Claims } from './client.ts';

/** A paged list of the API and its parent. */
export interface ListCase {
  /** The list's field, as in `Driver.trips`. */
  readonly coordinate: string;
  /** The query around the list; `…` marks the place of the list. */
  readonly around: string;
  readonly claims: Claims;
  /** Values to try of filter fields, by name, in GraphQL syntax. */
  readonly filter: Readonly<Record<string, readonly string[]>>;
}

/** A list with one filter and order, without a page. */
export interface ListQuestion {
  readonly name: string;
  readonly claims: Claims;
  /** @param page arguments of the page, in GraphQL's writing */
  toQuery(page: string): string;
}

interface ListField {
  readonly coordinate: string;
  readonly filterFields: readonly string[];
  /** In GraphQL syntax; undefined if the list has only one order. */
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

/** Each sort field, ascending and descending. */
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

/** A case's list with each combination of filter fields and values, in each order. */
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

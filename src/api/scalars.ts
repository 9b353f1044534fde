import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql';

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const DECIMAL = /^-?\d+(\.\d+)?$/;

function refuse(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

function parseDateTime(value: unknown): number {
  const ms = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(ms)) {
    throw refuse(
      `DateTime takes an instant with a zone such as 2015-05-15T00:08:13.000Z; it was given ${JSON.stringify(value)}.`,
    );
  }
  return ms;
}

function parseDate(value: unknown): string {
  if (typeof value === 'string' && DATE.test(value)) {
    const day = new Date(`${value}T00:00:00Z`);
    if (!Number.isNaN(day.getTime()) && day.toISOString().startsWith(value)) return value;
  }
  throw refuse(
    `Date takes a calendar date such as 2015-05-15; it was given ${JSON.stringify(value)}.`,
  );
}

function parseDecimal(value: unknown): string {
  if (typeof value === 'string' && DECIMAL.test(value)) return value;
  throw refuse(`Decimal takes a string such as "1234.56"; it was given ${JSON.stringify(value)}.`);
}

function parseCursor(value: unknown): string {
  if (typeof value === 'string') return value;
  throw refuse('Cursor takes a string that a list or a stream gave.');
}

/** Inside the API an instant is Unix epoch milliseconds, everything else is a string as it stands. */
export const scalars = {
  DateTime: createScalar<number>('DateTime', parseDateTime, (value) =>
    new Date(value as number | Date).toISOString(),
  ),
  Date: createScalar('Date', parseDate, String),
  Decimal: createScalar('Decimal', parseDecimal, String),
  Cursor: createScalar('Cursor', parseCursor, String),
  JSON: new GraphQLScalarType<unknown>({
    name: 'JSON',
    serialize: (value) => value,
    parseValue: (value) => value,
    parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
  }),
};

function createScalar<T>(
  name: string,
  parse: (value: unknown) => T,
  serialize: (value: unknown) => string,
): GraphQLScalarType<T, string> {
  return new GraphQLScalarType<T, string>({
    name,
    serialize,
    parseValue: parse,
    parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : undefined),
  });
}

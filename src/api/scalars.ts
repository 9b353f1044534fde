import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql';

const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d))$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
/** What both PostgreSQL and four-digit years can say. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');
const DECIMAL = /^-?\d+(\.\d+)?$/;

function refuse(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

function parseDateTime(value: unknown): number {
  const ms = typeof value === 'string' ? instantOf(value) : undefined;
  if (ms !== undefined && ms >= FIRST_MS && ms <= LAST_MS) return ms;
  throw refuse(
    `A DateTime is an instant with a time zone, such as 2015-05-15T00:08:13.000Z, in the years 0001 to 9999; the value was ${JSON.stringify(value)}.`,
  );
}

/** Epoch milliseconds; undefined where there is no such day, time of day or offset. */
function instantOf(text: string): number | undefined {
  const [, date, hour, minute, second = '0', fraction = '', sign, hours = '0', minutes = '0'] =
    RFC_3339.exec(text) ?? [];
  if (date === undefined || !isCalendarDate(date)) return undefined;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  const timeMs = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1_000;
  const fractionMs = Number(fraction.padEnd(3, '0').slice(0, 3));
  return Date.parse(`${date}T00:00:00Z`) + timeMs + fractionMs - offsetMs;
}

function isCalendarDate(text: string): boolean {
  if (!DATE.test(text) || text.startsWith('0000')) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

function parseDate(value: unknown): string {
  if (typeof value === 'string' && isCalendarDate(value)) return value;
  throw refuse(
    `A Date is a calendar date, such as 2015-05-15, in the years 0001 to 9999; the value was ${JSON.stringify(value)}.`,
  );
}

function parseDecimal(value: unknown): string {
  if (typeof value === 'string' && DECIMAL.test(value)) return value;
  throw refuse(`A Decimal is a string, such as "1234.56"; the value was ${JSON.stringify(value)}.`);
}

function parseCursor(value: unknown): string {
  if (typeof value === 'string') return value;
  throw refuse('A Cursor is a string returned by an earlier list or subscription.');
}

/** Inside the API an instant is Unix epoch milliseconds; the other scalars are the strings themselves. */
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

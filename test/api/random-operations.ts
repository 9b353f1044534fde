import type { GraphQLArgument, GraphQLInputType, GraphQLObjectType, GraphQLSchema } from 'graphql';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
  isInterfaceType,
} from 'graphql';
import type { Random } from '../sink/streams.ts';

/** Random choices. */
export interface Dice {
  readonly one: <T>(of: readonly T[]) => T;
  /** From 0, up to a bound exclusive. */
  readonly below: (limit: number) => number;
  /** True with a chance in per cent. */
  readonly percent: (chance: number) => boolean;
}

export function createDice(random: Random): Dice {
  const below = (limit: number) => Math.floor(random() * limit);
  return {
    below,
    one: (of) => of[below(of.length)]!,
    percent: (chance) => random() * 100 < chance,
  };
}

/** A random operation of the schema with existing and invented values. */
export function drawOperation(schema: GraphQLSchema, dice: Dice, names: readonly string[]): string {
  const kind = dice.one(['query', 'query', 'query', 'query', 'mutation', 'subscription'] as const);
  const root = schema.getRootType(kind as never) as GraphQLObjectType;
  const fields = Object.keys(root.getFields());
  const count = kind === 'query' ? 1 + dice.below(3) : 1;
  const chosen = Array.from({ length: count }, (_, i) =>
    drawField(root, dice.one(fields), count > 1 ? `a${i}` : undefined),
  );
  return `${kind} ${dice.percent(30) ? 'Fuzz ' : ''}{ ${chosen.join(' ')} }`;

  function drawField(on: GraphQLObjectType, name: string, alias?: string, depth = 1): string {
    const field = on.getFields()[name]!;
    const type = getNamedType(field.type);
    const head = `${alias === undefined ? '' : `${alias}: `}${name}${drawArguments(field.args)}`;
    const skipped = dice.percent(3) ? dice.one([' @skip(if: true)', ' @include(if: false)']) : '';
    if (isLeafType(type)) return head + skipped;
    return `${head}${skipped} ${drawSelection(type.name, depth)}`;
  }

  function drawSelection(typeName: string, depth: number): string {
    const type = schema.getType(typeName);
    if (isUnionType(type) || isInterfaceType(type)) {
      const possible = dice.one(schema.getPossibleTypes(type));
      return `{ __typename ... on ${possible.name} ${drawSelection(possible.name, depth)} }`;
    }
    if (!isObjectType(type)) return '{ __typename }';
    const all = Object.values(type.getFields());
    const deep = depth < 6;
    const drawn = all
      .filter(() => dice.percent(deep ? 40 : 60))
      .filter((field) => isLeafType(getNamedType(field.type)) || (deep && dice.percent(50)))
      .map((field) => drawField(type, field.name, undefined, depth + 1));
    return `{ ${['__typename', ...drawn].join(' ')} }`;
  }

  function drawArguments(args: readonly GraphQLArgument[]): string {
    const given = args.filter((arg) => isRequiredArgument(arg) || dice.percent(40));
    if (given.length === 0) return '';
    return `(${given.map(({ name, type }) => `${name}: ${drawValue(type)}`).join(', ')})`;
  }

  function drawValue(type: GraphQLInputType, depth = 0): string {
    if (isNonNullType(type)) return drawValue(type.ofType, depth);
    if (dice.percent(4)) return 'null';
    if (isListType(type)) {
      const length = dice.percent(3) ? 200 : dice.below(4);
      return `[${Array.from({ length }, () => drawValue(type.ofType, depth)).join(', ')}]`;
    }
    if (isEnumType(type)) return dice.one(type.getValues()).name;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter(
        (field) => isNonNullType(field.type) || (depth < 4 && dice.percent(40)),
      );
      return `{ ${fields.map((f) => `${f.name}: ${drawValue(f.type, depth + 1)}`).join(', ')} }`;
    }
    switch (type.name) {
      case 'Int':
        return dice.one(['0', '1', '5', '50', '-1', '2147483647', '-2147483648']);
      case 'Float':
        return dice.one(['0', '1.5', '-0.0', '1e308', '-1e308', '1e-308']);
      case 'Boolean':
        return dice.one(['true', 'false']);
      case 'Date':
        return dice.one(DATES);
      case 'DateTime':
        return dice.one(INSTANTS);
      default:
        return JSON.stringify(dice.percent(60) ? dice.one(names) : dice.one(STRANGE));
    }
  }
}

const DATES = ['2026-01-01', '2026-02-01', '2027-01-01', '1999-02-28', '9999-12-31', '2026-02-30']
  .concat(['0000-00-00', '0000-01-01', '2015-02-29', '-4713-01-01', 'today', ''])
  .map((date) => JSON.stringify(date));
const INSTANTS = [
  ...['2026-01-10T08:00:00Z', '2026-01-20T08:00:00.123Z', '2026-12-31T23:59:60Z', '1970-01-01'],
  ...['9999-12-31T23:59:59.999Z', '+275760-09-13T00:00:00.000Z', 'infinity', 'now'],
  ...['0000-01-01T00:00:00Z', '2015-05-15T24:00:00Z', '0001-01-01T00:00:00+14:00'],
].map((instant) => JSON.stringify(instant));
const STRANGE = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  'a\udc00b',
  '\u202e\ufeff',
  '\u0085',
  "' or 1=1 --",
  '%_\\',
  '../../etc/passwd',
  '{"a":1}',
  '__proto__',
  'constructor',
  '٣',
  '💥'.repeat(50),
  'x'.repeat(5_000),
  '-1',
  '1e400',
  'NaN',
  'VHJpcDox',
];

/** The text of an operation after a random mutation. */
export function spoil(text: string, dice: Dice): string {
  const at = dice.below(text.length);
  const until = Math.min(text.length, at + 1 + dice.below(12));
  switch (dice.below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(until);
    case 1:
      return text.slice(0, until) + text.slice(at);
    case 2:
      return (
        text.slice(0, at) +
        dice.one(['{', '}', '(', ')', '"', '$', '...', ':', '!', '@', '#']) +
        text.slice(at)
      );
    case 3:
      return text.replace(/\w+/g, (word) => (dice.percent(5) ? `${word}s` : word));
    case 4:
      return text.slice(0, at);
    case 5:
      return `${'{ a '.repeat(dice.below(2_000))}${text}`;
    default:
      return text.replace(/ (\w+) /, (_, word: string) => ` ${`${word} `.repeat(60)}`);
  }
}

/** Bytes that are not an operation. */
export function drawGarbage(dice: Dice): string {
  const make = dice.one([
    () => '',
    () => '[]',
    () => 'null',
    () => '{"query":null}',
    () => '{"query":{"a":1}}',
    () => '{"query":"{ viewer { role } }","variables":[1]}',
    () => '{"query":"{ viewer { role } }","operationName":7}',
    () => '{"query":"query A { viewer { role } } query B { viewer { role } }"}',
    () => '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}',
    () => '{"extensions":{"persistedQuery":7}}',
    () => JSON.stringify([{ query: '{ viewer { role } }' }, { query: '{ viewer { role } }' }]),
    () => `${'['.repeat(5_000)}`,
    () => `{"query":"${'('.repeat(2_000)}"}`,
    () => '{"__proto__":{"query":"{ viewer { role } }"}}',
    () => '{"query":"fragment F on Query { ...F } { ...F }"}',
    () => {
      const query =
        'mutation ($d: JSON!) { createTariffDraft(input: { idempotencyKey: "deep", document: $d }) { userErrors { message } } }';
      const depth = dice.one([50, 2_000, 200_000]);
      const deep = dice.one(['[', '{"a":']).repeat(depth) + '1';
      const closed = deep + (deep.startsWith('[') ? ']' : '}').repeat(depth);
      return `{"query":${JSON.stringify(query)},"variables":{"d":${closed}}}`;
    },
    () => '{"query":"query ($a: [[Int!]!]!) { viewer { role } }","variables":{"a":[[null]]}}',
  ]);
  if (dice.percent(60)) return make();
  return Array.from({ length: dice.below(200) }, () => String.fromCharCode(dice.below(0x250))).join(
    '',
  );
}

import type { ConstDirectiveNode, DefinitionNode } from 'graphql';
import { Kind, parse, parseConstValue, print } from 'graphql';

/** Keys by which another subgraph may name an object. The first one present is used. */
export const KEYS: Readonly<Record<string, readonly string[]>> = {
  Trip: ['id'],
  DrivingEvent: ['id'],
  Driver: ['id', 'externalId'],
  Device: ['id', 'deviceId'],
  Vehicle: ['id'],
  Policy: ['id', 'number'],
  Tariff: ['id', 'name'],
  Bill: ['id', 'number'],
  BillAdjustment: ['id', 'number'],
  CreditNote: ['id', 'number'],
  Dispute: ['id'],
};
/** Types without identity that other subgraphs define in the same way. */
const SHAREABLE: readonly string[] = ['PageInfo'];
/** The lowest federation version with the features used here, so that every router of version 2 accepts it. */
const FEDERATION = 'https://specs.apollo.dev/federation/v2.0';

/** Types for a federation router, in addition to the schema that clients see (schema.graphql). */
export const federationTypes = `
  "An object named by a key: its \`__typename\` and the fields of one of its keys."
  scalar _Any
  "Every type whose objects may be named by a key."
  union _Entity = ${Object.keys(KEYS).join(' | ')}
  "This API as a part of a larger graph."
  type _Service {
    "The schema with the keys of its types, as Apollo Federation 2 wants it."
    sdl: String!
  }
  extend type Query {
    "The schema for a router to compose."
    _service: _Service!
    "Objects by their keys, in that order; null at the place of each that is not there for the asker. At most 1,000."
    _entities("The objects' keys." representations: [_Any!]!): [_Entity]!
  }
`;

/** A schema's text as a subgraph of Apollo Federation 2. */
export function toSubgraph(text: string): string {
  const { definitions } = parse(text, { noLocation: true });
  const link = `extend schema @link(url: "${FEDERATION}", import: ["@key", "@shareable"])`;
  return `${link}\n\n${definitions.map((one) => print(withDirectives(one))).join('\n\n')}\n`;
}

function withDirectives(definition: DefinitionNode): DefinitionNode {
  if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) return definition;
  const { value: name } = definition.name;
  const directives = [
    ...(KEYS[name] ?? []).map((field) => directive('key', { fields: field })),
    ...(SHAREABLE.includes(name) ? [directive('shareable', {})] : []),
  ];
  return { ...definition, directives };
}

function directive(name: string, args: Readonly<Record<string, string>>): ConstDirectiveNode {
  return {
    kind: Kind.DIRECTIVE,
    name: { kind: Kind.NAME, value: name },
    arguments: Object.entries(args).map(([arg, value]) => ({
      kind: Kind.ARGUMENT,
      name: { kind: Kind.NAME, value: arg },
      value: parseConstValue(JSON.stringify(value), { noLocation: true }),
    })),
  };
}

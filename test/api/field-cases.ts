import { readFileSync } from 'node:fs';
import {
  buildSchema,
  getNamedType,
  isCompositeType,
  isInputObjectType,
  isObjectType,
  parse,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { Claims } from './client.ts';
import { PORTFOLIO } from './portfolio.ts';

const { large } = PORTFOLIO;
const insurer: Claims = { role: 'INSURER', tenant: large };
const operator: Claims = { role: 'OPERATOR' };
const claims: Claims = { role: 'CLAIMS', tenant: large };
const driver: Claims = { role: 'DRIVER', tenant: large, driver: PORTFOLIO.driver };
const busyDriver: Claims = { role: 'DRIVER', tenant: large, driver: PORTFOLIO.busyDriver };

/** A query for fields that lead from rows to other rows. */
export interface FieldCase {
  readonly claims: Claims;
  readonly query: string;
}

const WINDOW = 'from: "2025-09-01", to: "2026-08-01"';
const TRIP = `id driver { id } vehicle { id } supersededBy { id } events { id trip { id } position { lat } }
  rejectedFixes { count } start { lat } end { lat }`;
const DRIVER = `id trips { nodes { id } } habits(${WINDOW}) { trips } longDriving(${WINDOW}) { rule } score(asOf: "2026-08-01") { value }
  policies { id }`;
const DEVICE = `id tenancies { tenant } assignments { driver { id } vehicle { id } } trips { nodes { id } }`;
const POLICY = `id products { from } drivers { driver { id } } vehicles { vehicle { id } } facts { vehicle { id } driver { id } }
  amendments { at } bills { id policy { id } creditNote { id } adjustments { id } trips { tripId } }
  adjustments { id policy { id } lines { billNumber } } creditNotes { id policy { id } } disputes { id policy { id } trip { id } leavesOut { trip { id } } }`;
const PREMIUM = `premium(policyNumber: "NUMBER", ${WINDOW}) { total tariff { id } }`;
const PATH = `path(purpose: "a claim") { at }`;
const VIEWER = `viewer { driver { id } }`;

const HOUR_MS = 3_600_000;
const STATS =
  'rows { exposure { trips } rates { count } distanceKm { percentiles { value } } } totals { exposure { trips } }';
const toId = (...key: (string | number)[]) =>
  Buffer.from(JSON.stringify(key)).toString('base64url');
const TYPES = ['Trip', 'Driver', 'Device', 'Vehicle', 'Policy', 'Bill', 'Dispute'];
const NODE = `node(id: "${toId('Trip', 1)}") { id } nodes(ids: [${TYPES.map((type) => `"${toId(type, 1)}"`).join(', ')}]) { id }`;

/** Every filter that leaves few trips, alone and with a condition that any number of trips may meet. */
function statsFilters(): string[] {
  const few = [
    'from: "2025-09-01", to: "2025-09-02"',
    `deviceId: "${PORTFOLIO.device}"`,
    `driverExternalId: "${PORTFOLIO.driver}"`,
  ];
  const choices = few.reduce<string[][]>(
    (found, one) => [...found, ...found.map((choice) => [...choice, one])],
    [[]],
  );
  return choices
    .filter((choice) => choice.length > 0)
    .flatMap((choice) => [choice, [...choice, 'where: [{ by: WEEKDAY, values: ["1"] }]']])
    .map((parts) => parts.join(', '));
}

export const FIELD_CASES: readonly FieldCase[] = [
  ...[insurer, driver, busyDriver, claims, operator].map((asker) => ({
    claims: asker,
    query: `{ ${VIEWER} trips(filter: { startedTo: "2026-06-01T00:00:00Z" }) { nodes { ${TRIP} ${PATH} } } }`,
  })),
  ...[insurer, driver].map((asker) => ({
    claims: asker,
    query: `{ drivingEvents { nodes { id position { lat } trip { id } } } }`,
  })),
  { claims: insurer, query: `{ drivers { nodes { ${DRIVER} } } }` },
  ...[insurer, driver, busyDriver].flatMap((asker) =>
    [PORTFOLIO.driver, PORTFOLIO.busyDriver].map((externalId) => ({
      claims: asker,
      query: `{ driver(externalId: "${externalId}") { ${DRIVER} } }`,
    })),
  ),
  ...[insurer, driver, operator].map((asker) => ({
    claims: asker,
    query: `{ devices { nodes { ${DEVICE} } } }`,
  })),
  ...[insurer, driver].flatMap((asker) => [
    { claims: asker, query: `{ policies(first: 2) { nodes { ${POLICY} } } }` },
    { claims: asker, query: `{ policy(number: "${PORTFOLIO.policy}") { ${POLICY} } }` },
    { claims: asker, query: `{ bill(number: "B-1-1") { id policy { id } adjustments { id } } }` },
    { claims: asker, query: `{ ${PREMIUM.replace('NUMBER', PORTFOLIO.policy)} }` },
    { claims: asker, query: `{ device(deviceId: "${PORTFOLIO.device}") { ${DEVICE} } }` },
  ]),
  { claims: insurer, query: `{ ${PREMIUM.replace('NUMBER', PORTFOLIO.busyPolicy)} }` },
  { claims: insurer, query: `{ ${NODE} }` },
  ...statsFilters().flatMap((filter) =>
    ['', `, knownAt: "${new Date(Date.now() - HOUR_MS).toISOString()}"`].map((knownAt) => ({
      claims: insurer,
      query: `{ tripStats(groupBy: { by: MONTH }, filter: { ${filter} }${knownAt}) { ${STATS} } }`,
    })),
  ),
  { claims: insurer, query: `{ tariff(id: "tariff-1@1") { id } tariffs { nodes { id } } }` },
];

/** Fields without a case, and why. */
export const WITHOUT_CASE: Readonly<Record<string, string>> = {
  'Query.whatIf': 'reads a book of policies, and is to',
  'Bill.premium': 'is in the bill’s document, which is one row',
  'Device.leftOutFields':
    'reads one row for each field and reason of one device, some dozens at most',
  'Query.leftOutFields':
    'orders all such rows by their count; only devices that send rubbish have any',
};

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));

/** Fields that lead from the root or from a row to other rows: `Driver.trips`, and filters of figures: `TripStatsFilter.from`. */
export function findFields(): string[] {
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter((type) => type.name === 'Query' || type.getInterfaces().length > 0)
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter(({ type: of }) => isCompositeType(getNamedType(of)))
        .flatMap((field) => {
          const coordinate = `${type.name}.${field.name}`;
          const filter = field.args.find(({ name }) => name === 'filter');
          const of = filter && getNamedType(filter.type);
          const asked =
            coordinate in WITHOUT_CASE || getNamedType(field.type).name.endsWith('Connection');
          return [
            coordinate,
            ...(isInputObjectType(of) && !asked
              ? Object.keys(of.getFields()).map((name) => `${of.name}.${name}`)
              : []),
          ];
        }),
    );
}

/** The same coordinates as selected by a query. */
export function fieldsOf({ query }: FieldCase): string[] {
  const found: string[] = [];
  const types = new TypeInfo(schema);
  visit(
    parse(query),
    visitWithTypeInfo(types, {
      Field: ({ name }) => void found.push(`${types.getParentType()?.name}.${name.value}`),
      ObjectField: ({ name }) =>
        void found.push(`${String(getNamedType(types.getParentInputType()))}.${name.value}`),
    }),
  );
  return found;
}

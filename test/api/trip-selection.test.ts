import { readFileSync } from 'node:fs';
import { buildSchema, getNamedType, isCompositeType, isObjectType } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import type { Claims } from './client.ts';
import { ask } from './client.ts';
import { fillDriver, fillTenant } from './world.ts';

const { api, rows } = await useApi();
const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));

beforeAll(async () => {
  await fillDriver(api, rows, 'acme', await fillTenant(api, rows, 'acme'), 'ann');
});

const CALLERS: readonly Claims[] = [
  { role: 'INSURER', tenant: 'acme' },
  { role: 'DRIVER', tenant: 'acme', driver: 'acme-ann' },
  { role: 'CLAIMS', tenant: 'acme' },
  { role: 'ACTUARY', tenant: 'acme', microdata: true },
  { role: 'OPERATOR' },
];

/** Every field of a type with something below it. */
function fieldsOf(name: string): readonly string[] {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new Error(`no type ${name}`);
  return Object.values(type.getFields()).map((field) => {
    const below = getNamedType(field.type);
    if (!isCompositeType(below)) return field.name;
    const args = field.name === 'path' ? '(purpose: "a test")' : '';
    const leaf = below.name === 'Position' || below.name === 'PathPoint' ? 'lat' : '__typename';
    return `${field.name}${args} { ${leaf} }`;
  });
}

const TRIP = fieldsOf('Trip');
const EVENT = fieldsOf('DrivingEvent');

/** Queries whose fields are read together, each with the path to the objects. */
const PLACES: Readonly<Record<string, (fields: string) => string>> = {
  'trips.nodes': (fields) => `{ trips { nodes { ${fields} } } }`,
  'trips.edges.node': (fields) =>
    `{ trips { edges { node { ...F } } } } fragment F on Trip { ${fields} }`,
  'device.trips.nodes': (fields) =>
    `{ device(deviceId: "acme-ann-device") { trips { nodes { ... on Trip { ${fields} } } } } }`,
  'driver.trips.nodes': (fields) =>
    `{ driver(externalId: "acme-ann") { trips { nodes { ${fields} } } } }`,
};

/** Objects of an answer at a path, lists flattened. */
function at(data: unknown, path: string): Record<string, unknown>[] {
  return path
    .split('.')
    .reduce<Record<string, unknown>[]>(
      (found, name) => found.flatMap((one) => (one[name] ?? []) as Record<string, unknown>[]),
      [data as Record<string, unknown>],
    );
}

async function read(claims: Claims, place: string, fields: string, below = ''): Promise<object[]> {
  const { data, errors } = await ask(api, claims, PLACES[place]!(fields));
  const surprises = errors.filter(({ extensions: { code } }) => code !== 'FORBIDDEN');
  if (surprises.length > 0) throw new Error(JSON.stringify(surprises[0]));
  return at(data, `${place}${below}`);
}

describe.each(CALLERS)('a trip of a list, for $role', (claims) => {
  it.each(Object.keys(PLACES))('has each field alone as with all others: %s', async (place) => {
    const together = await read(claims, place, TRIP.join(' '));
    for (const field of TRIP) {
      const alone = await read(claims, place, field);
      const name = /^\w+/.exec(field)![0];
      const wanted = together.map((trip) => ({ [name]: trip[name as keyof typeof trip] }));
      expect([field, alone]).toEqual([field, wanted]);
    }
  });

  it('has each field of its driving events alone as with all others', async () => {
    const together = await read(claims, 'trips.nodes', `events { ${EVENT.join(' ')} }`, '.events');
    for (const field of EVENT) {
      const alone = await read(claims, 'trips.nodes', `events { ${field} }`, '.events');
      const name = /^\w+/.exec(field)![0];
      const wanted = together.map((event) => ({ [name]: event[name as keyof typeof event] }));
      expect([field, alone]).toEqual([field, wanted]);
    }
  });
});

it('reads merged fields and conditions as one selection', async () => {
  const query = `query ($yes: Boolean!) { trips { nodes { id } } trips { nodes { events { kind } driver { name } } }
    trips { nodes { a: events { at } driver @include(if: $yes) { externalId } distanceKm @skip(if: $yes) } } }`;
  const { data, errors } = await ask(api, CALLERS[0]!, query, { yes: true });
  expect(errors).toEqual([]);
  const trip = data.trips.nodes.find(({ driver }: { driver: unknown }) => driver !== null);
  expect(trip).toEqual({
    id: expect.any(String) as string,
    events: [{ kind: 'HARSH_BRAKING' }],
    driver: { name: 'acme-ann', externalId: 'acme-ann' },
    a: [{ at: expect.any(String) as string }],
  });
});

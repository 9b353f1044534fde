import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KEYS } from '../../src/api/federation.ts';
import { useApi } from '../support/api.ts';
import type { Claims } from './client.ts';
import { ask, codesOf, startTestApi } from './client.ts';
import { fillDriver, fillTenant } from './world.ts';

const ASKERS: Readonly<Record<string, Claims>> = {
  DRIVER: { role: 'DRIVER', tenant: 'acme', driver: 'acme-ann' },
  INSURER: { role: 'INSURER', tenant: 'acme' },
  ACTUARY: { role: 'ACTUARY', tenant: 'acme' },
  MICRODATA: { role: 'ACTUARY', tenant: 'acme', microdata: true },
  CLAIMS: { role: 'CLAIMS', tenant: 'acme' },
  OPERATOR: { role: 'OPERATOR' },
};
const INSURER = ASKERS['INSURER']!;

interface Representation {
  readonly __typename: string;
  readonly [key: string]: string;
}

/** The API runs in this process: every statement of its pool goes through here. */
const statements = vi.spyOn(pg.Client.prototype, 'query');
/** Representations by id and, if the type has one, by natural key; per tenant. */
const objects = new Map<string, readonly (readonly [Representation, Representation | null])[]>();

const { api, database, rows } = await useApi();

beforeAll(async () => {
  for (const [tenant, name] of [
    ['acme', 'ann'],
    ['globex', 'guy'],
  ] as const) {
    const ref = await fillTenant(api, rows, tenant);
    // Each tenant numbers its own documents, so a number of one tenant must not exist for the other.
    if (tenant === 'globex') {
      await rows.owner.query('insert into bill_number (tenant_id, last) values ($1, 500)', [ref]);
    }
    const its = await fillDriver(api, rows, tenant, ref, name);
    const { data, errors } = await ask(
      api,
      { role: 'INSURER', tenant },
      `query ($driver: String!, $device: String!, $policy: String!) {
        driver(externalId: $driver) { __typename id externalId trips(first: 1) { nodes { __typename id vehicle { __typename id } events { __typename id } } } }
        device(deviceId: $device) { __typename id deviceId }
        tariffs(first: 1) { nodes { __typename id name } }
        policy(number: $policy) { __typename id number bills { __typename id number } adjustments { __typename id number }
          creditNotes { __typename id number } disputes { __typename id } } }`,
      { driver: its.driver, device: its.device, policy: its.policy },
    );
    expect(errors).toEqual([]);
    objects.set(tenant, listObjects(data));
  }
});
afterAll(async () => {
  statements.mockRestore();
});

function listObjects(
  value: unknown,
): readonly (readonly [Representation, Representation | null])[] {
  if (Array.isArray(value)) return value.flatMap(listObjects);
  if (typeof value !== 'object' || value === null) return [];
  const fields = value as Readonly<Record<string, string>>;
  const { __typename, id } = fields;
  const below = Object.values(value).flatMap(listObjects);
  if (__typename === undefined || id === undefined) return below;
  const other = KEYS[__typename]?.find((key) => key !== 'id');
  const named = other === undefined ? null : { __typename, [other]: fields[other] ?? '' };
  return [[{ __typename, id }, named], ...below];
}

const ENTITIES = `query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename ... on Node { id } } }`;

async function fetchEntities(claims: Claims, representations: readonly unknown[]) {
  const answer = await ask(api, claims, ENTITIES, { representations });
  return { ...answer, entities: answer.data?._entities as readonly (Representation | null)[] };
}

describe('the subgraph', () => {
  it('composes with another subgraph that adds fields to a driver and to a policy by their natural keys', async () => {
    const { data, errors } = await ask(api, INSURER, '{ _service { sdl } }');
    expect(errors).toEqual([]);
    const other = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])
      type Driver @key(fields: "externalId") { externalId: String! licence: String }
      type Policy @key(fields: "number") { number: String! brokers: BrokerConnection }
      type BrokerConnection { pageInfo: PageInfo! }
      type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: Cursor endCursor: Cursor }
      scalar Cursor
      type Query { broker: String }`;
    const compose = (sdl: string) =>
      composeServices([
        { name: 'odograph', typeDefs: parse(sdl), url: api.url },
        { name: 'brokers', typeDefs: parse(other), url: 'http://brokers.example' },
      ]);
    const { errors: faults, supergraphSdl } = compose(data._service.sdl);
    expect((faults ?? []).map(({ message }) => message)).toEqual([]);
    expect(supergraphSdl).toMatch(/type Driver[^{]*key: "externalId"/);
    // It does not compose without its keys, so this check can fail.
    const without = compose(data._service.sdl.replaceAll(/ @key\(fields: "\w+"\)/g, ''));
    expect(without.errors ?? []).not.toEqual([]);
  });

  it('is visible to the roles that may read the schema', async () => {
    const closed = await startTestApi(database, { introspection: ['OPERATOR'] });
    try {
      expect(codesOf(await ask(closed, INSURER, '{ _service { sdl } }'))).toEqual(['FORBIDDEN']);
      expect(codesOf(await ask(closed, { role: 'OPERATOR' }, '{ _service { sdl } }'))).toEqual([]);
    } finally {
      await closed.stop();
    }
  });
});

describe('objects by their keys', () => {
  it('exist for every type with a key', () => {
    const types = new Set(objects.get('acme')?.map(([{ __typename }]) => __typename));
    expect([...types].sort()).toEqual(Object.keys(KEYS).sort());
  });

  it.each(Object.keys(ASKERS))('match node for %s, by either key', async (asker) => {
    const claims = ASKERS[asker]!;
    const seen = { acme: 0, globex: 0 };
    for (const tenant of ['acme', 'globex'] as const) {
      const named = objects.get(tenant) ?? [];
      const { data } = await ask(
        api,
        claims,
        'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }',
        { ids: named.map(([{ id }]) => id) },
      );
      const byId = await fetchEntities(
        claims,
        named.map(([id]) => id),
      );
      expect([asker, byId.errors, byId.entities]).toEqual([asker, [], data.nodes]);
      const others = named.flatMap(([, other], i) => (other ? [[other, data.nodes[i]]] : []));
      const byName = await fetchEntities(
        claims,
        others.map(([other]) => other),
      );
      // Natural keys are looked up in the caller's tenant, and an operator may have none.
      const expected = others.map(([other, node]) =>
        asker === 'OPERATOR' && other.__typename !== 'Device' ? null : node,
      );
      expect([asker, byName.errors, byName.entities]).toEqual([asker, [], expected]);
      seen[tenant] = byId.entities.filter((one) => one !== null).length;
    }
    expect(seen.acme).toBeGreaterThan(0);
    if (asker !== 'OPERATOR') expect(seen.globex).toBe(0);
  });

  it('have the same access rules as elsewhere', async () => {
    const [driver] = objects.get('acme')?.find(([{ __typename }]) => __typename === 'Driver') ?? [];
    const answer = await ask(
      api,
      ASKERS['CLAIMS']!,
      'query ($all: [_Any!]!) { _entities(representations: $all) { ... on Driver { externalId score { value } } } }',
      { all: [driver] },
    );
    expect(codesOf(answer)).toEqual(['FORBIDDEN']);
    expect(answer.data._entities).toEqual([{ externalId: 'acme-ann', score: null }]);
  });

  it('take only the key from a representation, and ignore its other fields', async () => {
    const { data, errors } = await ask(
      api,
      INSURER,
      'query ($all: [_Any!]!) { _entities(representations: $all) { ... on Driver { externalId name } } }',
      { all: [{ __typename: 'Driver', externalId: 'acme-ann', name: 'forged', ref: 1 }] },
    );
    expect(errors).toEqual([]);
    expect(data._entities).toEqual([{ externalId: 'acme-ann', name: 'acme-ann' }]);
  });

  it('with invalid keys are null beside the others, with an error that gives the reason', async () => {
    const [driver] = objects.get('acme')?.find(([{ __typename }]) => __typename === 'Driver') ?? [];
    const { entities, errors } = await fetchEntities(INSURER, [
      driver,
      { __typename: 'Driver' },
      { __typename: 'PageInfo', id: 'x' },
      { __typename: 'constructor', id: 'x' },
      'nonsense',
      { __typename: 'Trip', id: driver?.['id'] },
      { __typename: 'Trip', id: 'nonsense' },
    ]);
    expect(entities).toEqual([driver, null, null, null, null, null, null]);
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual(
      [1, 2, 3, 4].map((place) => [['_entities', place], 'BAD_USER_INPUT']),
    );
    const many = await fetchEntities(
      INSURER,
      Array.from({ length: 1_001 }, () => driver),
    );
    expect(codesOf(many)).toEqual(['BAD_USER_INPUT']);
  });

  it('count towards the cost, and take the same number of statements for a hundred as for two', async () => {
    const count = async (size: number) => {
      statements.mockClear();
      await fetchEntities(
        INSURER,
        Array.from({ length: size }, (_, n) => ({ __typename: 'Driver', externalId: `d-${n}` })),
      );
      return statements.mock.calls.length;
    };
    await count(1);
    const few = await count(2);
    expect(few).toBeGreaterThan(2);
    expect(await count(100)).toBe(few);
    const costly = await ask(
      api,
      INSURER,
      'query ($all: [_Any!]!) { _entities(representations: $all) { ... on Driver { trips(first: 100) { nodes { id } } } } }',
      {
        all: Array.from({ length: 300 }, (_, n) => ({ __typename: 'Driver', externalId: `${n}` })),
      },
    );
    expect(codesOf(costly)).toEqual(['COST_LIMIT_EXCEEDED']);
  });
});

import { readFileSync } from 'node:fs';
import type { GraphQLSchema } from 'graphql';
import { buildSchema, isObjectType } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import type { Answer, Claims } from './client.ts';
import { subscribe } from '../live/sockets.ts';
import { ask } from './client.ts';
import type { Values } from './selection.ts';
import { selectAll } from './selection.ts';
import type { Belongings } from './world.ts';
import { fillDriver, fillTenant } from './world.ts';

const ASKERS: Readonly<Record<string, Claims>> = {
  DRIVER: { role: 'DRIVER', tenant: 'acme', driver: 'acme-ann' },
  INSURER: { role: 'INSURER', tenant: 'acme' },
  ACTUARY: { role: 'ACTUARY', tenant: 'acme' },
  MICRODATA: { role: 'ACTUARY', tenant: 'acme', microdata: true },
  CLAIMS: { role: 'CLAIMS', tenant: 'acme' },
  OPERATOR: { role: 'OPERATOR' },
};
const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const schema: GraphQLSchema = buildSchema(read('schema.graphql'));
/** The documented access table, compared with the API. */
const access = readAccess(read('docs/reference/access.md'));

const WHOSE = ['own', 'spare', 'colleague', 'foreign'] as const;
type Whose = (typeof WHOSE)[number];
const belongings = {} as Record<Whose, Belongings>;
/** Ids of objects by owner, then by type; shared objects are left out. */
const ids = new Map<Whose, Map<string, Set<string>>>();

// One caller opens a socket for every subscription.
const { api, rows } = await useApi({ sessionLimits: { all: 1_000, each: {} } });

beforeAll(async () => {
  const acme = await fillTenant(api, rows, 'acme');
  const globex = await fillTenant(api, rows, 'globex');
  belongings.own = await fillDriver(api, rows, 'acme', acme, 'ann');
  belongings.colleague = await fillDriver(api, rows, 'acme', acme, 'bob');
  belongings.spare = { ...belongings.own, device: 'acme-ann-spare' };
  // Each tenant numbers its own documents: a number of one tenant must not exist for the other.
  await rows.owner.query('insert into bill_number (tenant_id, last) values ($1, 500)', [globex]);
  belongings.foreign = await fillDriver(api, rows, 'globex', globex, 'guy');
  for (const whose of ['own', 'colleague', 'foreign'] as const) {
    ids.set(whose, await collectIds(belongings[whose]));
  }
  for (const whose of ['own', 'foreign'] as const) {
    const claims: Claims = { role: 'ACTUARY', tenant: belongings[whose].tenant };
    const { data } = await ask(api, claims, '{ tariffs { nodes { id } } }');
    ids.get(whose)?.set('Tariff', new Set([data.tariffs.nodes[0].id]));
  }
});

/** Field → role → condition, from the documented table. */
function readAccess(page: string): Map<string, Map<string, string>> {
  const lines = page.split('\n').filter((line) => line.startsWith('|'));
  const cells = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const [head = [], , ...body] = cells;
  return new Map(
    body.map(([field = '', ...who]) => [
      field.replaceAll('`', ''),
      new Map(who.flatMap((when, i) => (when === '' ? [] : [[head[i + 1] ?? '', when] as const]))),
    ]),
  );
}

function valuesOf(whose: Whose, more: Values = {}): Values {
  const its = belongings[whose];
  const values = {
    first: 1,
    purpose: 'claim 4711: who braked',
    Date: '2026-01-01',
    externalId: its.driver,
    driverExternalId: its.driver,
    deviceId: its.device,
    vehicleExternalId: its.vehicle,
    'Query.policy.number': its.policy,
    policyNumber: its.policy,
    'Query.bill.number': its.bill,
    billNumber: its.bill,
    'Query.tariff.id': its.tariff,
    tariffId: its.tariff,
    tripId: anId(whose, 'Trip'),
    disputeId: anId(whose, 'Dispute'),
    'Query.nodes.ids': [...(ids.get(whose)?.values() ?? [])].flatMap((of) => [...of].slice(0, 3)),
    'Query.premium.to': '2026-02-01',
    'Query.whatIf.tariff': its.tariff,
    'Query.whatIf.to': '2026-02-01',
    'Subscription.whatIfProgress.tariff': its.tariff,
    'Subscription.whatIfProgress.to': '2026-02-01',
    'Subscription.habitsUpdated.driverExternalId': its.driver,
    'PremiumUpdate.premium.to': '2026-02-01',
    'IssueBillInput.to': '2026-02-01',
    // A policy that never began has no premium to hear of.
    'CancelPolicyInput.on': '2026-12-01',
    'TripStatsGrouping.by': { enum: 'WEEKDAY' },
    idempotencyKey: Math.random().toString(),
    ...more,
  };
  if (whose !== 'spare') return values;
  const { driverExternalId: _, ...nobodys } = values;
  return nobodys;
}

function anId(whose: Whose, type: string): string {
  return [...(ids.get(whose === 'spare' ? 'own' : whose)?.get(type) ?? [])][0] ?? 'x';
}

interface Seen {
  readonly coordinate: string;
  readonly value: unknown;
}

/** Every field of every object of an answer. */
function listFields(value: unknown, found: Seen[] = []): Seen[] {
  if (Array.isArray(value)) for (const each of value) listFields(each, found);
  else if (typeof value === 'object' && value !== null && '__typename' in value) {
    for (const [name, below] of Object.entries(value)) {
      if (name === '__typename') continue;
      found.push({ coordinate: `${String(value.__typename)}.${name}`, value: below });
      listFields(below, found);
    }
  }
  return found;
}

/** Sends a query that the API must answer, completely or in part. */
async function askWhole(claims: Claims | null, query: string): Promise<Answer> {
  const answer = await ask(api, claims, query);
  if (!answer.data && !answer.errors.every(({ extensions }) => extensions.code === 'FORBIDDEN')) {
    throw new Error(`${query}: ${JSON.stringify(answer.errors)}`);
  }
  return answer;
}

/** Types that a driver reaches: their own objects; tariffs are shared. */
async function collectIds(its: Belongings): Promise<Map<string, Set<string>>> {
  const claims: Claims = { role: 'DRIVER', tenant: its.tenant, driver: its.driver };
  const found = new Map<string, Set<string>>();
  const values = { externalId: its.driver, 'Query.bill.number': its.bill, Date: '2026-01-01' };
  for (const [field, first, levels] of [
    ['trips', 100, 2],
    ['drivingEvents', 100, 2],
    ['devices', 1, 4],
    ['policies', 1, 4],
    ['bill', 1, 4],
  ] as const) {
    const query = selectAll(schema, 'query', field, { ...values, first }, { levels });
    const { data } = await askWhole(claims, query);
    for (const { coordinate, value } of listFields(data[field])) {
      const [type = '', name] = coordinate.split('.');
      if (name !== 'id' || type === 'Tariff' || type === 'PremiumLine') continue;
      found.set(type, (found.get(type) ?? new Set()).add(String(value)));
    }
  }
  if (!found.has('Trip')) throw new Error(`nothing was found of ${its.driver}`);
  return found;
}

/** Names and ids in a response that belong to others. */
function findForeign(asker: string, root: string, answer: Pick<Answer, 'data'>): string[] {
  if (asker === 'OPERATOR') return [];
  // The author of an object chooses its name.
  const echoes = root.startsWith('Mutation.');
  const text = JSON.stringify(answer.data ?? null);
  const others: Whose[] = asker === 'DRIVER' ? ['foreign', 'colleague'] : ['foreign'];
  const names = asker === 'DRIVER' ? ['globex', 'acme-bob'] : ['globex'];
  const theirs = others
    .flatMap((whose) => [...(ids.get(whose)?.values() ?? [])])
    .flatMap((of) => [...of]);
  return [...(echoes ? [] : names), ...theirs].filter((name) => text.includes(name));
}

/** Coordinate → role → whether the field was read from an object, and whether it had a value. */
const reached = new Map<string, Map<string, boolean>>();
let asked = 0;

/** Sends a query and compares every field of the response with the documented table. */
async function judge(asker: string, query: string, root: string, whose: Whose): Promise<Answer> {
  const answer = await askWhole(ASKERS[asker] ?? null, query);
  judgeAnswer(asker, query, root, whose, answer);
  return answer;
}

function judgeAnswer(
  asker: string,
  query: string,
  root: string,
  whose: Whose,
  answer: Pick<Answer, 'data' | 'errors'>,
): void {
  const told = `${asker}, ${whose}: ${query.slice(0, 300)}`;
  expect(findForeign(asker, root, answer), told).toEqual([]);
  const refused = answer.errors
    .filter(({ extensions }) => extensions.code === 'FORBIDDEN')
    .map(({ message }) => /^(\w+\.\w+) is not available to the role/.exec(message)?.[1]);
  const others = answer.errors.filter(({ extensions }) => extensions.code !== 'FORBIDDEN');
  if (whose === 'own') expect(others, told).toEqual([]);
  const [, field = ''] = root.split('.');
  const fields = [
    { coordinate: root, value: answer.data?.[field] },
    ...listFields(answer.data?.[field]),
  ];
  for (const { coordinate, value } of fields) {
    asked++;
    const who = access.get(coordinate);
    const shown = value !== null && value !== undefined;
    const when = who === undefined ? 'yes' : (who.get(asker) ?? 'never');
    if (when === 'never')
      expect([told, coordinate, value ?? null]).toEqual([told, coordinate, null]);
    if (
      when === 'never' &&
      !/^(Trip|DrivingEvent|TelemetryMessage)\.(start|end|path|position|lat|lon)$/.test(coordinate)
    ) {
      expect(refused, `${told}: ${coordinate}`).toContain(coordinate);
    }
    if (when === 'yes' || when === 'own' || when === 'purpose') {
      expect(refused, `${told}: ${coordinate}`).not.toContain(coordinate);
    }
    if (when === 'unassigned' && whose === 'own')
      expect([told, coordinate, value]).toEqual([told, coordinate, null]);
    const before = reached.get(coordinate) ?? new Map<string, boolean>();
    reached.set(coordinate, before.set(asker, (before.get(asker) ?? false) || shown));
  }
}

/** Whether a response contains no object except pages. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isEmpty);
  if (typeof value !== 'object' || value === null) return true;
  const type = '__typename' in value ? String(value.__typename) : '';
  if (type === 'PageInfo') return true;
  return (
    type.endsWith('Connection') &&
    Object.entries(value).every(([name, below]) => name === '__typename' || isEmpty(below))
  );
}

function questionsOf(field: string, whose: Whose): string[] {
  const args = schema.getQueryType()?.getFields()[field]?.args ?? [];
  const values = valuesOf(whose);
  const optional = args.some(({ name }) => name === 'filter')
    ? [new Set<string>(), new Set(['filter'])]
    : [new Set<string>()];
  if (field === 'tripStats') optional.push(new Set(['groupBy']));
  if (field === 'node' || field === 'nodes') {
    return [...(ids.get(whose) ?? [])].map(([of, [id]]) =>
      selectAll(schema, 'query', field, { ...values, 'Query.node.id': id }, { of, levels: 2 }),
    );
  }
  const isList = args.some(({ name }) => name === 'after');
  const flat = isList
    ? [selectAll(schema, 'query', field, { ...values, first: 100 }, { levels: 2 })]
    : [];
  return flat.concat(
    optional.map((chosen) => selectAll(schema, 'query', field, values, { asked: chosen })),
  );
}

describe('every field of every query', () => {
  const fields = Object.keys(schema.getQueryType()?.getFields() ?? {});

  it.each(Object.keys(ASKERS))(
    'answers %s what the page says, and nothing of anybody else',
    async (asker) => {
      for (const field of fields) {
        const mine = questionsOf(field, 'own');
        for (const query of mine) await judge(asker, query, `Query.${field}`, 'own');
        if (asker === 'OPERATOR') {
          for (const query of questionsOf(field, 'spare'))
            await judge(asker, query, `Query.${field}`, 'spare');
          continue;
        }
        const others: Whose[] = asker === 'DRIVER' ? ['foreign', 'colleague'] : ['foreign'];
        for (const whose of others) {
          for (const query of questionsOf(field, whose)) {
            if (mine.includes(query)) continue;
            const answer = await judge(asker, query, `Query.${field}`, whose);
            if (field !== 'tripStats')
              expect([asker, query, isEmpty(answer.data?.[field])]).toEqual([asker, query, true]);
          }
        }
      }
    },
  );
});

/** The rows of every table, of one tenant or of all, without the access log. */
async function hashRows(tenant?: string): Promise<Record<string, unknown>> {
  const { rows: tables } = await rows.owner.query<{ name: string }>(
    `select table_name as name from information_schema.columns where table_schema = 'public' and column_name = 'tenant_id'
       and table_name <> 'access_log' order by 1`,
  );
  const hashes: Record<string, unknown> = {};
  for (const { name } of tables) {
    const which =
      tenant === undefined
        ? ''
        : `where tenant_id = (select id from tenant where slug = '${tenant}')`;
    const { rows: found } = await rows.owner.query<{ hash: string }>(
      `select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as hash from ${name} t ${which}`,
    );
    hashes[name] = found[0]?.hash;
  }
  return hashes;
}

describe('every mutation', () => {
  const mutations = Object.keys(schema.getMutationType()?.getFields() ?? {});
  const may = (asker: string, name: string) => access.get(`Mutation.${name}`)?.has(asker) === true;
  const give = async (asker: string, name: string, whose: Whose) => {
    const query = selectAll(schema, 'mutation', name, valuesOf(whose), { levels: 2 });
    const answer = await ask(api, ASKERS[asker] ?? null, query);
    judgeAnswer(asker, query, `Mutation.${name}`, 'foreign', answer);
    return answer;
  };

  it('changes nothing for a role that the page does not allow', async () => {
    const before = await hashRows();
    for (const name of mutations) {
      for (const asker of Object.keys(ASKERS)) {
        if (!may(asker, name)) await give(asker, name, 'own');
      }
    }
    expect(await hashRows()).toEqual(before);
  });

  it('changes nothing of another tenant, with any input', async () => {
    const before = await hashRows('globex');
    for (const name of mutations) {
      for (const asker of Object.keys(ASKERS)) {
        if (asker !== 'OPERATOR' && may(asker, name)) await give(asker, name, 'foreign');
      }
    }
    expect(await hashRows('globex')).toEqual(before);
  });

  it('is carried out, or reports what is wrong, for the roles that the page allows', async () => {
    for (const name of mutations) {
      for (const asker of Object.keys(ASKERS)) {
        if (!may(asker, name)) continue;
        const answer = await give(asker, name, 'own');
        expect([name, asker, answer.errors, answer.data[name] !== null]).toEqual([
          name,
          asker,
          [],
          true,
        ]);
      }
    }
  });
});

describe('every subscription', () => {
  it('sends what the page allows, and nothing of others', async () => {
    const subscriptions = Object.keys(schema.getSubscriptionType()?.getFields() ?? {});
    // A spare device has no driver, so it cannot change habits or premiums.
    const ofPeople = new Set(['habitsUpdated', 'premiumUpdated']);
    const open = Object.entries(ASKERS).flatMap(([asker, claims]) =>
      subscriptions.flatMap((name) =>
        WHOSE.filter((whose) => whose !== 'spare' || !ofPeople.has(name)).map((whose) => {
          const { driverExternalId: _, ...values } = valuesOf(whose);
          const query = selectAll(schema, 'subscription', name, values, {
            asked: new Set(['deviceId']),
            levels: 3,
          });
          return {
            asker,
            name,
            whose,
            query,
            ear: subscribe<Record<string, unknown>>(api, claims, query),
          };
        }),
      ),
    );
    const heard = (asker: string, name: string, whose: Whose) =>
      access.get(`Subscription.${name}`)?.has(asker) === true &&
      (whose === 'own' || asker === 'OPERATOR' || (asker !== 'DRIVER' && whose !== 'foreign'));
    const missing = () =>
      open.filter(
        ({ asker, name, whose, ear }) => heard(asker, name, whose) && ear.messages.length === 0,
      );
    const devices = await rows.owner.query<{ id: number }>('select id from device order by id');
    for (let tries = 0; tries < 200 && missing().length > 0; tries++) {
      // As a batch of a sink does it: the journal names the devices in the transaction of their changes.
      await rows.owner.query(
        `with t as (update trip set revision = revision + 1, changed = pg_current_xact_id()),
           e as (update driving_event set changed = pg_current_xact_id()),
           p as (update policy set changed = pg_current_xact_id())
         insert into journal (device_ids) select array_agg(id) from device`,
      );
      for (const { id } of devices.rows) {
        const at = new Date(Date.UTC(2026, 10, 1) + tries * 1000).toISOString();
        await rows.addEvents(id, [{ at, forwardMmps2: -100 }]);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(missing().map(({ asker, name, whose }) => [asker, name, whose])).toEqual([]);
    for (const { asker, name, whose, query, ear } of open) {
      const told = [asker, name, whose];
      if (access.get(`Subscription.${name}`)?.has(asker) !== true) {
        expect([told, ear.errors]).toMatchObject([told, [{ extensions: { code: 'FORBIDDEN' } }]]);
      }
      if (!heard(asker, name, whose)) expect([told, ear.messages]).toEqual([told, []]);
      const errors = ear.errors as Answer['errors'];
      for (const data of ear.messages)
        judgeAnswer(asker, query, `Subscription.${name}`, whose, { data, errors });
      await ear.end();
    }
  });
});

/** Fields that need a book of more than two drivers are tested in test/api/what-if.test.ts. */
const OF_LARGER_BOOKS = /^WhatIf(Group|Policy|Unrated)\./;

describe('no field is forgotten', () => {
  it('was read from an object by a role that may', () => {
    const fields = Object.values(schema.getTypeMap())
      .filter(isObjectType)
      .filter(({ name }) => !name.startsWith('__'))
      .flatMap((type) => Object.keys(type.getFields()).map((name) => `${type.name}.${name}`));
    expect(asked).toBeGreaterThan(5_000);
    const forgotten = fields.filter((field) => !reached.has(field) && !OF_LARGER_BOOKS.test(field));
    expect(forgotten).toEqual([]);
  });

  it('was shown to every role that the page promises it to', () => {
    // Federation fields are tested in test/api/federation.test.ts.
    const promised = [...access]
      .filter(([field]) => !field.startsWith('Query._'))
      .flatMap(([field, who]) => [...who.keys()].map((asker) => [field, asker]));
    const unseen = promised.filter(
      ([field = '', asker = '']) => reached.get(field)?.get(asker) !== true,
    );
    // A book of fewer than ten drivers is withheld from an actuary.
    expect(unseen).toEqual([['Query.whatIf', 'ACTUARY']]);
  });
});

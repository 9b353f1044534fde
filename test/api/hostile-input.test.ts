// Texts and dates that cannot be are refused by name at every argument that the schema has, at every door.
import { connect } from 'node:net';
import fc from 'fast-check';
import type { GraphQLInputType, GraphQLSchema } from 'graphql';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isLeafType,
} from 'graphql';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSchema } from '../../src/api/schema.ts';
import type { Api } from '../../src/api/server.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Claims } from './client.ts';
import { ask, codesOf, SECRET, send, sendBySocket, signToken, startTestApi } from './client.ts';
import { openRows } from './rows.ts';
import { fillTenant } from './world.ts';

const INSURER: Claims = { role: 'INSURER', tenant: 'acme' };
const RUNS = process.env['ODOGRAPH_LONG'] === '1' ? 20_000 : 150;

const HOSTILE = ['\u0000', '\u0007', '\u001b', '\u0085', '\ud83d', '\udc00', '\u202e', '\u2066'];
const IMPOSSIBLE: Readonly<Record<string, readonly string[]>> = {
  Date: ['2015-02-29', '2015-02-30', '2015-04-31', '2015-13-01', '0000-01-01', '2015-1-1', ''],
  DateTime: [
    '2015-02-30T00:00:00Z',
    '2015-02-29T00:00:00Z',
    '2015-04-31T00:00:00+02:00',
    '2015-05-15T24:00:00Z',
    '2015-05-15T23:60:00Z',
    '2015-05-15T23:59:60Z',
    '2015-05-15T00:00:00+24:00',
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00+14:00',
    '9999-12-31T23:59:59-14:00',
    '2015-05-15',
    '',
  ],
};

/** A place in the schema that takes a text: the root field and the path into its arguments. */
interface Place {
  readonly root: 'query' | 'mutation' | 'subscription';
  readonly field: string;
  readonly path: readonly string[];
  readonly leaf: string;
}

function placesOf(schema: GraphQLSchema): Place[] {
  return (['query', 'mutation', 'subscription'] as const).flatMap((root) =>
    Object.values(schema.getRootType(root as never)!.getFields()).flatMap((field) =>
      field.args.flatMap((arg) =>
        pathsOf(arg.type, [arg.name], 0).map(({ path, leaf }) => ({
          root,
          field: field.name,
          path,
          leaf,
        })),
      ),
    ),
  );
}

function pathsOf(
  type: GraphQLInputType,
  path: readonly string[],
  depth: number,
): { path: readonly string[]; leaf: string }[] {
  if (isNonNullType(type)) return pathsOf(type.ofType, path, depth);
  if (isListType(type)) return pathsOf(type.ofType, [...path, '0'], depth);
  if (isInputObjectType(type)) {
    if (depth > 3) return [];
    return Object.values(type.getFields()).flatMap((field) =>
      pathsOf(field.type, [...path, field.name], depth + 1),
    );
  }
  return [{ path, leaf: type.name }];
}

/** The least value that a type takes, with `leaf` at the path. */
function valueWith(type: GraphQLInputType, path: readonly string[], leaf: unknown): unknown {
  if (isNonNullType(type)) return valueWith(type.ofType, path, leaf);
  if (isListType(type)) return path.length > 0 ? [valueWith(type.ofType, path.slice(1), leaf)] : [];
  if (isInputObjectType(type)) {
    const [name, ...rest] = path;
    return Object.fromEntries(
      Object.values(type.getFields())
        .filter((field) => field.name === name || isNonNullType(field.type))
        .map((field) => [
          field.name,
          field.name === name ? valueWith(field.type, rest, leaf) : valueWith(field.type, [], 'x'),
        ]),
    );
  }
  if (path.length === 0 && leaf !== 'x') return leaf;
  if (isEnumType(type)) return type.getValues()[0]!.name;
  const usual: Readonly<Record<string, unknown>> = {
    Int: 1,
    Float: 1,
    Boolean: true,
    Date: '2026-01-01',
    DateTime: '2026-01-01T00:00:00Z',
    Decimal: '1',
  };
  return usual[type.name] ?? 'x';
}

function operationOf(schema: GraphQLSchema, { root, field: name, path }: Place, leaf: unknown) {
  const field = schema.getRootType(root as never)!.getFields()[name]!;
  const args = field.args.filter((arg) => arg.name === path[0] || isNonNullType(arg.type));
  const declared = args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ');
  const given = args.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
  const selection = isLeafType(getNamedType(field.type)) ? '' : ' { __typename }';
  return {
    query: `${root} (${declared}) { ${name}(${given})${selection} }`,
    variables: Object.fromEntries(
      args.map((arg) => [
        arg.name,
        arg.name === path[0]
          ? valueWith(arg.type, path.slice(1), leaf)
          : valueWith(arg.type, [], 'x'),
      ]),
    ),
  };
}

/** Sends headers byte by byte, as no HTTP client would. @returns the status */
function sendRaw(headers: Readonly<Record<string, string>>): Promise<number> {
  const { hostname, port } = new URL(api.url);
  const body = '{"query":"{ viewer { role } }"}';
  const lines = Object.entries({
    host: hostname,
    connection: 'close',
    'content-length': body.length,
    ...headers,
  });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (part) => (answer += part.toString('latin1')));
    socket.once('error', reject);
    socket.once('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])));
    socket.write(Buffer.from(`POST /graphql HTTP/1.1\r\n${head}\r\n${body}`, 'latin1'));
  });
}

let database: TestDatabase;
let api: Api;
const schema = createSchema();
const places = placesOf(schema);

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
  const rows = await openRows(database);
  await fillTenant(api, rows, 'acme');
  await rows.close();
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

describe('a text argument', () => {
  const texts = places.filter(({ leaf }) => ['String', 'ID', 'JSON', 'Cursor'].includes(leaf));

  it(`with a character that is not accepted is refused, at each of ${texts.length} places`, async () => {
    expect(texts.length).toBeGreaterThan(80);
    const answers = await Promise.all(
      texts.flatMap((place, index) =>
        [0, 1].map(async (turn) => {
          const character = HOSTILE[(index * 2 + turn) % HOSTILE.length]!;
          const leaf =
            place.leaf === 'JSON'
              ? { a: [{ [`b${turn ? character : ''}`]: character }] }
              : `x${character}`;
          const question = operationOf(schema, place, leaf);
          const { body, status } =
            place.root === 'subscription'
              ? { ...{ body: await sendBySocket(api, INSURER, question) }, status: 400 }
              : await send(api, INSURER, question);
          const code = body.errors?.[0]?.extensions.code;
          return `${place.root} ${place.field} ${place.path.join('.')}: ${status} ${code}`;
        }),
      ),
    );
    expect(answers.filter((answer) => !answer.endsWith(': 400 BAD_USER_INPUT'))).toEqual([]);
  });

  it('names the place and the character', async () => {
    const query = 'query ($id: String!) { device(deviceId: $id) { deviceId } }';
    const { errors } = await ask(api, INSURER, query, { id: 'A\u202e' });
    expect(errors[0]!.message).toBe(
      '$.id holds the character U+202E, which is not accepted: remove it.',
    );
  });

  it('is refused as a literal of the query, too', async () => {
    const answer = await ask(api, INSURER, '{\n device(deviceId: "A\\u202e") { deviceId } }');
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    expect(answer.errors[0]!.message).toContain('line 2');
  });

  it('may hold line breaks, other scripts, joiners and pictures', async () => {
    const text = 'first line\r\n\tsecond \u200f\u05e9\u05dc\u05d5\u05dd 👩‍👩‍👧 é e\u0301 \ufffd';
    const query = 'query ($id: String!) { device(deviceId: $id) { deviceId } }';
    expect((await ask(api, INSURER, query, { id: text })).errors).toEqual([]);
  });
});

describe('a date that cannot be', () => {
  const dated = places.filter(({ leaf }) => leaf in IMPOSSIBLE);

  it(`is refused at each of ${dated.length} places`, async () => {
    expect(dated.length).toBeGreaterThan(15);
    const answers = await Promise.all(
      dated.flatMap((place) =>
        IMPOSSIBLE[place.leaf]!.map(async (value) => {
          const question = operationOf(schema, place, value);
          const body =
            place.root === 'subscription'
              ? await sendBySocket(api, INSURER, question)
              : (await send(api, INSURER, question)).body;
          return `${place.field} ${place.path.join('.')} ${value}: ${body.errors?.[0]?.extensions.code}`;
        }),
      ),
    );
    expect(answers.filter((answer) => !answer.endsWith(': BAD_USER_INPUT'))).toEqual([]);
  });

  it('is refused in an export, as it is in GraphQL', async () => {
    const token = await signToken(INSURER);
    const statuses = await Promise.all(
      IMPOSSIBLE['DateTime']!.map(async (value) => {
        const url = new URL(`/export/trips.csv?startedFrom=${encodeURIComponent(value)}`, api.url);
        return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([400]));
  });

  it('is not confused with one that can', async () => {
    const query =
      'query ($from: DateTime) { trips(filter: { startedFrom: $from }) { nodes { id } } }';
    for (const from of [
      '2016-02-29T00:00:00Z',
      '0001-01-01T00:00:00Z',
      '2015-05-15 00:08z',
      '9999-12-31T23:59:59.999999999Z',
    ]) {
      expect((await ask(api, INSURER, query, { from })).errors, from).toEqual([]);
    }
  });
});

const hostileText = fc
  .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ maxLength: 6, unit: 'binary' })), {
    maxLength: 4,
  })
  .map((parts) => parts.join(''));

describe('whatever a caller sends', () => {
  it('in a claim of a well-signed token is 200 or 401, never 500', async () => {
    const claim = fc.oneof(
      hostileText,
      fc.constantFrom<unknown>(null, 7, {}, [], true, 1e300, -1, '', 'acme'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.record({ tenant: claim, driver: claim, sub: claim, microdata: claim }),
        fc.constantFrom('DRIVER', 'INSURER', 'ACTUARY', 'OPERATOR', 'driver', ''),
        fc.constantFrom<unknown>(4e9, 8.64e12, 8.64e12 + 1, 1e300, Number.MAX_SAFE_INTEGER),
        async (claims, role, exp) => {
          const token = await new SignJWT({ ...claims, role, exp } as never)
            .setProtectedHeader({ alg: 'HS256' })
            .sign(new TextEncoder().encode(SECRET));
          const response = await fetch(api.url, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
            body: JSON.stringify({
              query: '{ viewer { role tenant driver { id } } trips { nodes { id } } }',
            }),
          });
          expect(await response.text()).not.toContain('INTERNAL_SERVER_ERROR');
          expect([200, 401]).toContain(response.status);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('as a parameter of an export is 200 or 400, never 500', async () => {
    const token = await signToken(INSURER);
    const name = fc.constantFrom('deviceId', 'driverExternalId', 'startedFrom', 'status', 'x', '');
    const value = fc.oneof(
      hostileText.map((text) => encodeURIComponent(Buffer.from(text).toString())),
      fc.constantFrom('%00', '%ED%A0%BD', '%', '%zz', '%C0%80', '%E2%80%AE'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 3 }), async (pairs) => {
        const search = pairs.map(([key, text]) => `${key}=${text}`).join('&');
        const url = `${new URL('/export/trips.csv', api.url).href}?${search}`;
        const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
        const text = await response.text();
        expect([200, 400], `${search} ${text}`).toContain(response.status);
      }),
      { numRuns: RUNS },
    );
  });

  it('in a header is answered below 500', async () => {
    const token = await signToken(INSURER);
    const byte = fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0x20, max: 0x7e }));
    const header = fc.constantFrom(
      ...['authorization', 'x-request-id', 'content-type', 'content-encoding', 'accept', 'origin'],
      ...[
        'x-forwarded-for',
        'accept-encoding',
        'apollo-require-preflight',
        'access-control-request-method',
      ],
    );
    await fc.assert(
      fc.asyncProperty(header, fc.array(byte, { maxLength: 30 }), async (name, bytes) => {
        const usual = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
        const status = await sendRaw({ ...usual, [name]: Buffer.from(bytes).toString('latin1') });
        expect(status).toBeGreaterThanOrEqual(200);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('one idempotency key', () => {
  const REGISTER =
    'mutation ($input: RegisterDriverInput!) { registerDriver(input: $input) { driver { externalId } userErrors { code } } }';
  const register = (input: Record<string, unknown>) => ask(api, INSURER, REGISTER, { input });

  it('takes null and absent, and any order, for the same input', async () => {
    const key = { idempotencyKey: 'null-or-absent' };
    const answers = [
      await register({ externalId: 'n-1', ...key }),
      await register({ ...key, name: null, externalId: 'n-1', dateOfBirth: null }),
    ];
    for (const answer of answers) {
      expect(answer.errors).toEqual([]);
      expect(answer.data.registerDriver.driver).toEqual({ externalId: 'n-1' });
    }
    expect(codesOf(await register({ externalId: 'n-1', name: 'N', ...key }))).toEqual(['CONFLICT']);
  });

  it('takes instants in other words for the same, nested nulls too', async () => {
    const ASSIGN =
      'mutation ($input: AssignDeviceInput!) { assignDevice(input: $input) { device { deviceId } userErrors { code } } }';
    const assign = (input: Record<string, unknown>) => ask(api, INSURER, ASSIGN, { input });
    const base = { deviceId: 'none', driverExternalId: 'n-1', idempotencyKey: 'instants' };
    const inputs = [
      { ...base, from: '2026-01-01T12:00:00Z', vehicle: { externalId: 'v' } },
      {
        ...base,
        from: '2026-01-01T13:00:00.000+01:00',
        to: null,
        vehicle: { externalId: 'v', attributes: null },
      },
    ];
    for (const input of inputs) expect(codesOf(await assign(input))).not.toContain('CONFLICT');
  });

  it('never takes two inputs that cannot be compared for the same', async () => {
    const key = { idempotencyKey: 'halves' };
    const first = await register({ externalId: 'f-one', name: 'One \ud83d', ...key });
    const second = await register({
      externalId: 'f-two',
      name: 'Two \udc00 quite another',
      ...key,
    });
    expect([codesOf(first), codesOf(second)]).toEqual([['BAD_USER_INPUT'], ['BAD_USER_INPUT']]);
    const found = await ask(api, INSURER, '{ driver(externalId: "f-one") { externalId } }');
    expect(found.data.driver).toBeNull();
  });
});

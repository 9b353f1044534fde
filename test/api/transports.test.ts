import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { useApi } from '../support/api.ts';
import type { Claims } from './client.ts';
import { send, sendByEventStream, sendBySocket } from './client.ts';

const INSURER: Claims = { role: 'INSURER', tenant: 'acme' };
const DRIVER: Claims = { role: 'DRIVER', tenant: 'acme', driver: 'ann' };
const LISTED = 'query Listed { viewer { role } }';

const idOf = (text: string) => createHash('sha256').update(text).digest('hex');
const withId = (sha256Hash: string, query?: string) => ({
  ...(query === undefined ? {} : { query }),
  extensions: { persistedQuery: { version: 1, sha256Hash } },
});
const deep = (levels: number) =>
  `{ ${'drivers { nodes { trips { nodes { driver { '.repeat(levels)}id${' } } } } }'.repeat(levels)} }`;

const { api: open, rows, startApi } = await useApi({ introspection: ['INSURER'] });
const listedOnly = await startApi({
  operations: { manifest: JSON.stringify({ [idOf(LISTED)]: LISTED }), listedOnly: true },
});
const limited = await startApi({ rateLimits: { INSURER: 1 } });
const tenant = await rows.addTenant('acme');
await rows.addDriver(tenant, 'ann');

type Request = Parameters<typeof send>[2];
type Body = Awaited<ReturnType<typeof sendBySocket>>;
type Send = (api: Api, claims: Claims, request: Request, signal?: AbortSignal) => Promise<Body>;

const TRANSPORTS: readonly (readonly [string, Send])[] = [
  ['HTTP', async (...request) => (await send(...request)).body],
  ['a socket', sendBySocket],
  ['an event stream', sendByEventStream],
];

/** What a request is, the API that gets it, its caller, and the code of the answer. */
const REFUSED: readonly (readonly [string, Api, Claims, Request, string])[] = [
  ['without a query', open, INSURER, { extensions: {} }, 'BAD_REQUEST'],
  ['with an unknown id', open, INSURER, withId(idOf('unknown')), 'PERSISTED_QUERY_NOT_FOUND'],
  ['with an id of another text', open, INSURER, withId(idOf('x'), LISTED), 'BAD_REQUEST'],
  [
    'not in the manifest',
    listedOnly,
    INSURER,
    { query: '{ viewer { role } }' },
    'PERSISTED_QUERY_NOT_IN_LIST',
  ],
  ['that does not parse', open, INSURER, { query: '{ viewer { role }' }, 'GRAPHQL_PARSE_FAILED'],
  [
    'with too many tokens',
    open,
    INSURER,
    { query: `{ ${'viewer { role } '.repeat(2_000)} }` },
    'GRAPHQL_PARSE_FAILED',
  ],
  [
    'with an unknown field',
    open,
    INSURER,
    { query: '{ tripz { id } }' },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ['that is too deep', open, INSURER, { query: deep(4) }, 'COST_LIMIT_EXCEEDED'],
  [
    'with too many aliases',
    open,
    INSURER,
    { query: `{ ${Array.from({ length: 60 }, (_, n) => `a${n}: viewer { role }`).join(' ')} }` },
    'COST_LIMIT_EXCEEDED',
  ],
  [
    'that costs too much',
    open,
    INSURER,
    {
      query:
        '{ trips(first: 100) { nodes { driver { trips(first: 100) { nodes { driver { id } vehicle { id } } } } } } }',
    },
    'COST_LIMIT_EXCEEDED',
  ],
  ['for a hidden schema', open, DRIVER, { query: '{ __schema { types { name } } }' }, 'FORBIDDEN'],
  [
    'with an unusable text',
    open,
    INSURER,
    { query: '{ tariff(id: "a\\u0000") { id } }' },
    'BAD_USER_INPUT',
  ],
  [
    'with an unusable variable',
    open,
    INSURER,
    { query: 'query ($id: ID!) { tariff(id: $id) { id } }', variables: { id: '\u202e' } },
    'BAD_USER_INPUT',
  ],
  [
    'of several operations without a name',
    open,
    INSURER,
    { query: 'query A { viewer { role } } query B { viewer { role } }' },
    'OPERATION_RESOLUTION_FAILURE',
  ],
  [
    'for a conditional subscription',
    open,
    INSURER,
    {
      query:
        'subscription { ...F } fragment F on Subscription { tripUpdates(deviceId: "ID-1") @skip(if: true) { cursor } }',
    },
    'GRAPHQL_VALIDATION_FAILED',
  ],
];

describe.each(TRANSPORTS)('over %s', (transport, ask) => {
  const codeOf = ({ errors }: Body) => errors?.[0]?.extensions.code;
  /** A caller with points of its own, since a budget is shared between transports. */
  const fresh = (n: number): Claims => ({ ...INSURER, sub: `${transport} ${n}` });

  it.each(REFUSED)('refuses a request %s', async (_, api, claims, request, code) => {
    const body = await ask(api, claims, request);
    expect(codeOf(body)).toBe(code);
    expect(body.data ?? null).toBeNull();
  });

  it('answers a query, by text and by id, with its cost', async () => {
    const expected = {
      data: { viewer: { role: 'INSURER' } },
      extensions: { cost: { objects: 1 } },
    };
    expect(await ask(open, INSURER, withId(idOf(LISTED), LISTED))).toMatchObject(expected);
    expect(await ask(open, INSURER, withId(idOf(LISTED)))).toMatchObject(expected);
  });

  it('refuses a request without a token', async () => {
    // A socket is closed with the reason.
    const code = await ask(open, { ...INSURER, tenant: '' }, { query: LISTED }).then(
      codeOf,
      ({ reason }: { reason: string }) => reason.split(':')[0],
    );
    expect(code).toBe('UNAUTHENTICATED');
  });

  it('takes the point before it looks at the request', async () => {
    const claims = fresh(1);
    expect(codeOf(await ask(limited, claims, withId(idOf('unknown'))))).toBe(
      'PERSISTED_QUERY_NOT_FOUND',
    );
    expect(codeOf(await ask(limited, claims, withId(idOf('unknown'))))).toBe('RATE_LIMITED');
  });

  it('suggests names of the schema only to roles that may read it', async () => {
    const messageFor = async (claims: Claims) =>
      (await ask(open, claims, { query: '{ tripz { id } }' })).errors?.[0]?.message;
    expect(await messageFor(INSURER)).toContain('Did you mean "trips"');
    expect(await messageFor(DRIVER)).toBe('Cannot query field "tripz" on type "Query".');
  });

  it('frees the place at the gate of a client that disconnected', async () => {
    const query = '{ tripStats(groupBy: { by: MONTH }) { groups } }';
    const api = await startApi();
    await rows.owner.query('begin');
    await rows.owner.query('lock table tenant in access exclusive mode');
    const first = send(api, INSURER, { query });
    const disconnect = new AbortController();
    setMaxListeners(60, disconnect.signal);
    let last: ReturnType<typeof send> | undefined;
    try {
      // One runs, fifty may wait: one of these is rejected.
      const waiting = Array.from({ length: 51 }, () =>
        ask(api, INSURER, { query }, disconnect.signal).then(codeOf, () => 'disconnected'),
      );
      expect(await Promise.race(waiting)).toBe('RATE_LIMITED');
      disconnect.abort();
      expect(new Set(await Promise.all(waiting))).toEqual(
        new Set(['RATE_LIMITED', 'disconnected']),
      );
      await expect
        .poll(async () => {
          const sent = send(api, INSURER, { query });
          const answer = await Promise.race([sent, sleep(300, 'it waits' as const)]);
          if (answer === 'it waits') last = sent;
          return answer;
        })
        .toBe('it waits');
    } finally {
      await rows.owner.query('rollback');
    }
    expect((await first).body.errors).toBeUndefined();
    expect((await last)?.body.errors).toBeUndefined();
  });
});

import { connect } from 'node:net';
import { auditServer } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { signToken, startTestApi } from './client.ts';
import { openRows } from './rows.ts';

const ORIGIN = 'https://portal.example';

let database: TestDatabase;
let api: Api;
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const rows = await openRows(database);
  await rows.addTenant('acme');
  await rows.close();
  api = await startTestApi(database, { corsOrigins: [ORIGIN], trustProxy: ['127.0.0.1'] });
  authorization = `Bearer ${await signToken({ role: 'INSURER', tenant: 'acme' })}`;
});
afterAll(async () => {
  await api.stop();
  await database.drop();
});

const post = (body: string, headers: Record<string, string> = {}) =>
  fetch(api.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization, ...headers },
    body,
  });

describe('GraphQL over HTTP', () => {
  it('passes every audit of graphql-http without an error', async () => {
    const results = await auditServer({
      url: api.url,
      // Apollo Server requires a header that triggers a CORS preflight, to prevent cross-site request forgery.
      fetchFn: (url: string, init: RequestInit = {}) => {
        const sent = init.headers as Record<string, string> | undefined;
        const headers = { authorization, 'apollo-require-preflight': 'audit', ...sent };
        return fetch(url, { ...init, headers });
      },
    });
    const failed = results.filter(({ status }) => status === 'error');
    expect(results.length).toBeGreaterThan(50);
    expect(failed.map(({ id, name }) => `${id} ${name}`)).toEqual([]);
  });

  it('refuses a batch, a body that is too large, and requests that a page can send without a CORS preflight', async () => {
    const batch = await post('[{"query":"{ viewer { role } }"},{"query":"{ viewer { role } }"}]');
    expect(batch.status).toBe(400);
    const large = await post(JSON.stringify({ query: `{ ${' '.repeat(1_100_000)} }` }));
    expect(large.status).toBe(413);
    const forged = await fetch(`${api.url}?query=%7Bviewer%7Brole%7D%7D`, {
      headers: { authorization },
    });
    expect(forged.status).toBe(400);
    const garbage = await post('{"query":');
    expect(garbage.status).toBe(400);
    for (const response of [batch, large, forged, garbage]) {
      const { errors } = (await response.json()) as { errors: { extensions: unknown }[] };
      expect(errors.map(({ extensions }) => extensions)).toEqual([
        { code: 'BAD_REQUEST', requestId: response.headers.get('x-request-id') },
      ]);
    }
  });

  it('compresses a large answer and leaves a small one uncompressed', async () => {
    const schema = JSON.stringify({ query: '{ __schema { types { name description } } }' });
    const large = await post(schema, { 'accept-encoding': 'gzip' });
    expect(large.headers.get('content-encoding')).toBe('gzip');
    expect(((await large.json()) as { data: object }).data).toHaveProperty('__schema');
    const small = await post('{"query":"{ __typename }"}', { 'accept-encoding': 'gzip' });
    expect(small.headers.get('content-encoding')).toBeNull();
  });
});

describe('a page of another origin', () => {
  const preflight = (origin: string) =>
    fetch(api.url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

  it('may send requests if its origin is listed, and can read the headers that clients need', async () => {
    const allowed = await preflight(ORIGIN);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization');
    const answer = await post('{"query":"{ __typename }"}', { origin: ORIGIN });
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/retry-after/);
    const foreign = await preflight('https://evil.example');
    expect(foreign.headers.get('access-control-allow-origin')).not.toBe('https://evil.example');
  });
});

describe('a proxy in front of the API', () => {
  it('may set the request id if it is trusted', async () => {
    const body = '{"query":"{ viewer { tenantt } }"}';
    const named = await post(body, { 'x-request-id': 'edge-0123456789' });
    expect(named.headers.get('x-request-id')).toBe('edge-0123456789');
    expect(await named.text()).toContain('"requestId":"edge-0123456789"');
    const strange = await post(body, { 'x-request-id': 'a b\tc<script>' });
    expect(strange.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    const open = await startTestApi(database);
    const response = await fetch(new URL('/health/live', open.url), {
      headers: { 'x-request-id': 'edge-0123456789' },
    });
    expect(response.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    await open.stop();
  });
});

describe('a request that arrives slowly', () => {
  it.each([
    ['head', 'POST /graphql HTTP/1.1\r\nhost: x\r\n'],
    [
      'body',
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n',
    ],
  ])('is closed with 408 when its %s does not end in time', async (_, start) => {
    const slow = await startTestApi(database, { requestTimeoutMs: 300 });
    try {
      const { hostname, port } = new URL(slow.url);
      const socket = connect(Number(port), hostname);
      let answer = '';
      socket.on('data', (part) => (answer += part.toString()));
      socket.on('error', () => undefined);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.write(start);
      const trickle = setInterval(() => socket.write('x'), 50);
      await closed;
      clearInterval(trickle);
      expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    } finally {
      await slow.stop();
    }
  });
});

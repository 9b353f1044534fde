import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { Api } from '../../src/api/server.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Claims } from './client.ts';
import { send, sendBySocket, signToken, startTestApi } from './client.ts';

const INSURER: Claims = { role: 'INSURER', tenant: 'acme' };
const LISTED = 'query Who { viewer { role } }';
const OTHER = 'query Tenant { viewer { tenant } }';

const idOf = (text: string) => createHash('sha256').update(text).digest('hex');
const byId = (sha256Hash: string) => ({
  extensions: { persistedQuery: { version: 1, sha256Hash } },
});

/** In the format of `@apollo/generate-persisted-query-manifest`. */
const MANIFEST = JSON.stringify({
  format: 'apollo-persisted-query-manifest',
  version: 1,
  operations: [{ id: idOf(LISTED), name: 'Who', type: 'query', body: LISTED }],
});

let database: TestDatabase;
let open: Api;
let closed: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  open = await startTestApi(database, { operations: { manifest: MANIFEST } });
  closed = await startTestApi(database, { operations: { manifest: MANIFEST, listedOnly: true } });
});
afterAll(async () => {
  await open.stop();
  await closed.stop();
  await database.drop();
});

/** Over HTTP, then over a socket. */
async function ask(api: Api, question: Parameters<typeof send>[2]) {
  const bodies = [
    (await send(api, INSURER, question)).body,
    await sendBySocket(api, INSURER, question),
  ];
  return bodies.map(({ data, errors }) => errors?.[0]?.extensions.code ?? data);
}

const twice = (value: unknown) => [value, value];
const WHO = { viewer: { role: 'INSURER' } };

describe('an operation of the manifest', () => {
  it('can be sent by id alone', async () => {
    expect(await ask(open, byId(idOf(LISTED)))).toEqual(twice(WHO));
    expect(await ask(closed, byId(idOf(LISTED)))).toEqual(twice(WHO));
  });
});

describe('an operation over a socket', () => {
  it('may omit its text only if it has an id', async () => {
    const socket = new WebSocket(open.wsUrl, 'graphql-transport-ws');
    const heard: { type: string; id?: string; payload?: unknown }[] = [];
    const tell = (message: object) => socket.send(JSON.stringify(message));
    socket.on('message', (data: Buffer) => {
      heard.push(JSON.parse(data.toString()));
      if (heard.length === 1) {
        tell({
          type: 'subscribe',
          id: '1',
          payload: { operationName: 'Who', ...byId(idOf(LISTED)) },
        });
      }
      if (heard.length === 3)
        tell({ type: 'subscribe', id: '2', payload: { operationName: 'Who' } });
    });
    socket.on('open', () => {
      const told = signToken(INSURER).then((token) =>
        tell({ type: 'connection_init', payload: { Authorization: `Bearer ${token}` } }),
      );
      told.catch(() => socket.close());
    });
    const code = await new Promise((resolve) => socket.on('close', resolve));
    expect(heard).toMatchObject([
      { type: 'connection_ack' },
      { type: 'next', id: '1', payload: { data: WHO } },
      { type: 'complete', id: '1' },
    ]);
    expect(code).toBe(4400);
  });
});

describe('an operation that is not in the manifest', () => {
  it('is registered by its text, and can be sent by its id from then on', async () => {
    expect(await ask(open, byId(idOf(OTHER)))).toEqual(twice('PERSISTED_QUERY_NOT_FOUND'));
    expect(await ask(open, { query: OTHER, ...byId(idOf(OTHER)) })).toEqual(
      twice({ viewer: { tenant: 'acme' } }),
    );
    expect(await ask(open, byId(idOf(OTHER)))).toEqual(twice({ viewer: { tenant: 'acme' } }));
  });

  it('is not registered under an id that does not match', async () => {
    const wrong = idOf('something else');
    expect(await ask(open, { query: OTHER, ...byId(wrong) })).toEqual(twice('BAD_REQUEST'));
    expect(await ask(open, byId(wrong))).toEqual(twice('PERSISTED_QUERY_NOT_FOUND'));
  });

  it('is refused by text and by id if the API answers only the manifest', async () => {
    const refused = twice('PERSISTED_QUERY_NOT_IN_LIST');
    expect(await ask(closed, { query: OTHER })).toEqual(refused);
    expect(await ask(closed, { query: OTHER, ...byId(idOf(OTHER)) })).toEqual(refused);
    expect(await ask(closed, byId(idOf(OTHER)))).toEqual(twice('PERSISTED_QUERY_NOT_FOUND'));
    expect(await ask(closed, { query: LISTED })).toEqual(twice(WHO));
  });
});

describe('a manifest', () => {
  it('may be in the format of relay-compiler, with any of its hashes', async () => {
    const md5 = createHash('md5').update(LISTED).digest('hex');
    const manifest = JSON.stringify({ [md5]: LISTED, [idOf(OTHER)]: OTHER });
    const api = await startTestApi(database, { operations: { manifest, listedOnly: true } });
    try {
      expect(await ask(api, byId(md5))).toEqual(twice(WHO));
      expect(await ask(api, { query: OTHER })).toEqual(twice({ viewer: { tenant: 'acme' } }));
      const refused = twice('PERSISTED_QUERY_NOT_IN_LIST');
      expect(await ask(api, { query: '{ viewer { role } }' })).toEqual(refused);
    } finally {
      await api.stop();
    }
  });

  it.each(['{"operations":[]}', '{"Who":"query Who { viewer { role } }"}', '[]', 'query'])(
    '%j is not a manifest: the API does not start, and reports why',
    async (manifest) => {
      const start = startTestApi(database, { operations: { manifest } });
      await expect(start).rejects.toThrow(
        /neither the format of @apollo\/generate-persisted-query-manifest nor that of relay-compiler/,
      );
    },
  );
});

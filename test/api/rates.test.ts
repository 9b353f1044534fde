import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { subscribe } from '../live/sockets.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Claims } from './client.ts';
import { ask, codesOf, send, sendBySocket, startTestApi } from './client.ts';
import type { Rows } from './rows.ts';
import { openRows } from './rows.ts';

const INSURER: Claims = { role: 'INSURER', tenant: 'acme' };
const ACTUARY: Claims = { role: 'ACTUARY', tenant: 'acme' };
const ONE_POINT = '{ viewer { role } }';
const EIGHTEEN_POINTS =
  '{ trips(first: 100) { nodes { driver { trips(first: 14) { nodes { id } } } } } }';

let database: TestDatabase;
let rows: Rows;
let api: Api;
const apis: Api[] = [];

const start = async (options: Parameters<typeof startTestApi>[1]) => {
  const started = await startTestApi(database, options);
  apis.push(started);
  return started;
};

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  await rows.addTenant('acme');
});
afterAll(async () => {
  for (const started of apis) await started.stop();
  await rows.close();
  await database.drop();
});

describe('the points of a role', () => {
  it('are deducted by the cost of an operation, and a refusal says when to retry', async () => {
    api = await start({ rateLimits: { INSURER: 20 } });
    const costly = await ask(api, INSURER, EIGHTEEN_POINTS);
    expect(costly.errors).toEqual([]);
    for (let n = 0; n < 2; n++) expect(codesOf(await ask(api, INSURER, ONE_POINT))).toEqual([]);
    const refused = await ask(api, INSURER, ONE_POINT);
    expect([refused.status, ...codesOf(refused)]).toEqual([429, 'RATE_LIMITED']);
    const [error] = refused.errors;
    const { retryAfterS, requestId } = error!.extensions;
    expect(retryAfterS).toBeGreaterThan(0);
    expect(retryAfterS).toBeLessThanOrEqual(60);
    expect(refused.headers.get('retry-after')).toBe(String(retryAfterS));
    expect(requestId).toBe(refused.headers.get('x-request-id'));
  });

  it('are shared between HTTP and sockets', async () => {
    const ear = subscribe(api, INSURER, ONE_POINT);
    await expect(ear.until(1)).rejects.toThrow('RATE_LIMITED');
    await ear.end();
  });

  it('are counted per caller: another subject has a full budget', async () => {
    expect(codesOf(await ask(api, { ...INSURER, sub: 'somebody else' }, ONE_POINT))).toEqual([]);
    expect(codesOf(await ask(api, { ...INSURER, tenant: 'globex' }, ONE_POINT))).toEqual([]);
  });

  it('are not counted for a role without a limit', async () => {
    for (let n = 0; n < 30; n++) expect(codesOf(await ask(api, ACTUARY, ONE_POINT))).toEqual([]);
  });
});

describe('the cost of an answer', () => {
  it('is in its extensions, over both HTTP and sockets', async () => {
    const open = await start({});
    const query = EIGHTEEN_POINTS;
    // The page, and for each of its 100 trips: the nodes, the driver, a page, and the 14 trips of that page.
    const cost = { objects: 1701, limit: 20_000 };
    expect((await send(open, INSURER, { query })).body.extensions).toEqual({ cost });
    expect((await sendBySocket(open, INSURER, { query })).extensions).toEqual({ cost });
  });
});

describe('a statement that takes too long', () => {
  it('is cancelled in PostgreSQL, and its connection is free again', async () => {
    const hasty = await start({ statementTimeoutMs: 300 });
    const { owner } = rows;
    await owner.query('begin');
    await owner.query('lock table driver in access exclusive mode');
    try {
      const answer = await ask(hasty, INSURER, '{ drivers { nodes { id } } }');
      expect(codesOf(answer)).toEqual(['TIMEOUT']);
      const { rows: busy } = await owner.query(
        `select query, state from pg_stat_activity
         where usename = 'odograph_api' and datname = current_database() and state <> 'idle'`,
      );
      expect(busy).toEqual([]);
    } finally {
      await owner.query('rollback');
    }
    expect(codesOf(await ask(hasty, INSURER, '{ drivers { nodes { id } } }'))).toEqual([]);
  });
});

describe('the schema', () => {
  it('is shown only to the roles that may read it', async () => {
    const shy = await start({ introspection: ['ACTUARY'] });
    const query = '{ __schema { queryType { name } } }';
    expect(codesOf(await ask(shy, ACTUARY, query))).toEqual([]);
    for (const text of [
      query,
      'query { ...s } fragment s on Query { __type(name: "Trip") { name } }',
    ]) {
      const refused = await ask(shy, INSURER, text);
      expect(codesOf(refused)).toEqual(['FORBIDDEN']);
      expect(refused.data).toBeUndefined();
    }
    expect(codesOf(await ask(shy, INSURER, '{ __typename }'))).toEqual([]);
  });
});

import pg from 'pg';
import WebSocket from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { subscribe } from '../live/sockets.ts';
import { useApi } from '../support/api.ts';
import { ask, codesOf, send, signToken } from './client.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;

let statements = 0;
const { query } = pg.Client.prototype;

const { api, rows } = await useApi();

beforeAll(async () => {
  // The API runs in this process: this sees every statement of its pool.
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    statements++;
    return (query as (...args: unknown[]) => unknown).apply(this, args);
  } as typeof query;
  const tenant = await rows.addTenant('acme');
  for (let n = 1; n <= 20; n++) {
    const driver = await rows.addDriver(tenant, `driver-${n}`);
    const device = await rows.addDevice(`ID-${n}`, tenant);
    const startedAt = `2015-05-01T08:${String(n).padStart(2, '0')}:00Z`;
    await rows.addTrip(tenant, device, { startedAt, endedAt: '2015-05-01T09:00:00Z', driver });
    await rows.addDrivingEvent(tenant, device, startedAt, '2015-05-01T08:30:00Z', driver);
  }
});
afterAll(async () => {
  pg.Client.prototype.query = query;
});

describe('a page of trips', () => {
  it('takes a handful of statements, for any number of drivers and events', async () => {
    const text = (
      first: number,
    ) => `{ trips(first: ${first}) { nodes { id driver { externalId habits(from: "2015-05-01", to: "2015-05-02") { trips }
      trips(first: 3) { nodes { id } } } vehicle { id } events { kind trip { id } } } pageInfo { hasNextPage } } }`;
    await ask(api, INSURER, text(1));
    statements = 0;
    const answer = await ask(api, INSURER, text(20));
    expect(answer.errors).toEqual([]);
    expect(answer.data.trips.nodes).toHaveLength(20);
    expect(answer.data.trips.nodes[0].driver.habits.trips).toBe(0);
    // Begin, walls, trips, drivers, events, their trips, exposure, drivers' trips, commit; and the isolation level.
    expect(statements).toBeLessThanOrEqual(12);
  });
});

describe('pages', () => {
  const PAGE = `query ($first: Int, $after: Cursor, $last: Int, $before: Cursor, $direction: OrderDirection!) {
    trips(orderBy: { direction: $direction }, first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { startedAt } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
  interface Connection {
    edges: { cursor: string; node: { startedAt: string } }[];
    pageInfo: {
      hasNextPage: boolean;
      hasPreviousPage: boolean;
      startCursor: string;
      endCursor: string;
    };
  }
  const page = async (variables: Record<string, unknown>): Promise<Connection> => {
    const answer = await ask(api, INSURER, PAGE, variables);
    expect(answer.errors).toEqual([]);
    return answer.data.trips;
  };
  const startsOf = ({ edges }: Connection) => edges.map((edge) => edge.node.startedAt);

  it.each(['ASC', 'DESC'])(
    'walk a list %s forwards and backwards over every row once',
    async (direction) => {
      const whole = startsOf(await page({ direction, first: 100 }));
      expect(whole).toHaveLength(20);
      expect(whole).toEqual(direction === 'ASC' ? [...whole].sort() : [...whole].sort().reverse());
      const forwards: string[] = [];
      let after: string | undefined;
      for (let more = true; more;) {
        const found: Connection = await page({ direction, first: 7, after });
        expect(found.pageInfo.hasPreviousPage).toBe(after !== undefined);
        forwards.push(...startsOf(found));
        after = found.pageInfo.endCursor;
        more = found.pageInfo.hasNextPage;
      }
      expect(forwards).toEqual(whole);
      const backwards: string[] = [];
      let before: string | undefined;
      for (let more = true; more;) {
        const found: Connection = await page({ direction, last: 7, before });
        expect(found.pageInfo.hasNextPage).toBe(before !== undefined);
        backwards.unshift(...startsOf(found));
        before = found.pageInfo.startCursor;
        more = found.pageInfo.hasPreviousPage;
      }
      expect(backwards).toEqual(whole);
    },
  );

  it('refuse sizes out of range, both sizes, and cursors of another order', async () => {
    const { pageInfo } = await page({ direction: 'ASC', first: 1 });
    for (const variables of [
      { direction: 'ASC', first: 101 },
      { direction: 'ASC', first: -1 },
      { direction: 'ASC', first: 1, last: 1 },
      { direction: 'DESC', first: 1, after: pageInfo.endCursor },
      { direction: 'ASC', first: 1, after: 'nonsense' },
    ]) {
      expect(codesOf(await ask(api, INSURER, PAGE, variables))).toEqual(['BAD_USER_INPUT']);
    }
  });
});

describe('limits', () => {
  const deep = (n: number) =>
    `${'{ driver(externalId: "driver-1") { trips { nodes { driver { '}${'trips { nodes { driver { '.repeat(n)}id${' } } }'.repeat(n)} } } } } }`;
  const REFUSED: readonly (readonly [string, string, string])[] = [
    ['too deep', deep(6), 'COST_LIMIT_EXCEEDED'],
    [
      'too many aliases',
      `{ ${Array.from({ length: 60 }, (_, n) => `a${n}: viewer { role }`).join(' ')} }`,
      'COST_LIMIT_EXCEEDED',
    ],
    [
      'too many directives',
      `{ viewer { role ${'@include(if: true) '.repeat(60)} } }`,
      'COST_LIMIT_EXCEEDED',
    ],
    [
      'too many objects',
      '{ trips(first: 100) { nodes { driver { trips(first: 100) { nodes { driver { id } vehicle { id } events { trip { id } } } } } } } }',
      'COST_LIMIT_EXCEEDED',
    ],
    ['too many tokens', `{ ${'viewer { role } '.repeat(2_000)} }`, 'GRAPHQL_PARSE_FAILED'],
    ['no such field', '{ tripz { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['asked for a text that cannot be', '{ tariff(id: "a\\u0000") { id } }', 'BAD_USER_INPUT'],
    [
      'subscribed to nothing',
      'subscription { ...F } fragment F on Subscription { telemetry(deviceId: "ID-1") @skip(if: true) { at } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'subscribed to on an ill-formed condition',
      'subscription { telemetry(deviceId: "ID-1") @skip(ifs: true) { at } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
  ];

  it.each(REFUSED)('refuse what is %s over HTTP', async (_, text, code) => {
    const answer = await ask(api, INSURER, text);
    expect(new Set(codesOf(answer))).toContain(code);
    expect(answer.data).toBeUndefined();
    expect(answer.status).toBe(400);
  });

  it('refuse over HTTP what only a stream can answer, and an invalid id', async () => {
    const stream = await ask(
      api,
      INSURER,
      'subscription { tripUpdates(deviceId: "ID-1") { cursor } }',
    );
    expect([stream.status, codesOf(stream)]).toEqual([400, ['BAD_REQUEST']]);
    const { status, body } = await send(api, INSURER, { extensions: { persistedQuery: 7 } });
    expect([status, body.errors?.[0]?.extensions.code]).toEqual([400, 'BAD_REQUEST']);
  });

  it.each(REFUSED)('refuse what is %s over a WebSocket too', async (_, text, code) => {
    const ear = subscribe(api, INSURER, text);
    await expect(ear.until(1)).rejects.toThrow(code);
    await ear.end();
  });

  it('see page sizes in variables', async () => {
    const text = `query ($n: Int) { trips(first: $n) { nodes { driver { trips(first: $n) { nodes { driver { id } vehicle { id } events { trip { id } } } } } } } }`;
    expect(codesOf(await ask(api, INSURER, text, { n: 100 }))).toEqual(['COST_LIMIT_EXCEEDED']);
    expect(codesOf(await ask(api, INSURER, text, { n: 5 }))).toEqual([]);
  });

  it('hide internal errors behind a request id', async () => {
    await rows.owner.query('alter table driver rename to driver_gone');
    try {
      const answer = await ask(api, INSURER, '{ drivers { nodes { id } } }');
      expect(codesOf(answer)).toEqual(['INTERNAL_SERVER_ERROR']);
      expect(answer.errors[0]?.message).toContain(answer.headers.get('x-request-id'));
      expect(JSON.stringify(answer)).not.toMatch(
        /driver_gone|relation|select|node_modules|prisma/i,
      );
    } finally {
      await rows.owner.query('alter table driver_gone rename to driver');
    }
  });
});

describe('HTTP', () => {
  it('says how fresh the data are', async () => {
    await rows.owner.query(
      `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 0, '2026-01-02T03:04:05Z'), ('telematics', 1, 0, '2026-01-02T03:04:06Z')`,
    );
    const answer = await ask(api, INSURER, '{ trips { nodes { id } } }');
    expect(answer.headers.get('x-odograph-data-as-of')).toBe('2026-01-02T03:04:05.000Z');
  });

  it('answers health checks, and refuses pages of other origins', async () => {
    const base = new URL('/', api.url);
    expect((await fetch(new URL('/health/live', base))).status).toBe(200);
    expect(await (await fetch(new URL('/health/ready', base))).json()).toMatchObject({
      status: 'ready',
    });
    expect((await fetch(new URL('/metrics', base))).status).toBe(404);
    const foreign = await fetch(api.url, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example' },
    });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a socket', () => {
  const closeOf = (authorization: string | undefined) =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(api.wsUrl, 'graphql-transport-ws');
      socket.on('open', () =>
        socket.send(
          JSON.stringify({ type: 'connection_init', payload: { Authorization: authorization } }),
        ),
      );
      socket.on('close', resolve);
    });

  it('is closed without a token with 4401, and with 4403 when its token expires', async () => {
    expect(await closeOf(undefined)).toBe(4401);
    expect(await closeOf('Bearer nonsense')).toBe(4401);
    expect(await closeOf(`Bearer ${await signToken(INSURER, 1)}`)).toBe(4403);
  });
});

describe('an event stream', () => {
  it('sends the same messages as a socket, and requires a token', async () => {
    const url = `${api.url}/stream`;
    const body = JSON.stringify({
      query: 'subscription { tripUpdates(deviceId: "ID-1") { cursor trip { deviceId revision } } }',
    });
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const refused = await fetch(url, { method: 'POST', headers, body });
    expect([refused.status, await refused.text()]).toEqual([
      401,
      expect.stringContaining('UNAUTHENTICATED'),
    ]);
    const abort = new AbortController();
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${await signToken(INSURER)}` },
      body,
      signal: abort.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    const poke = setInterval(() => {
      void rows.client.query(
        `with t as (update trip set revision = revision + 1, changed = pg_current_xact_id() where device_id = (select id from device where external_id = 'ID-1') returning device_id)
         insert into journal (device_ids) select array[device_id] from t`,
      );
    }, 300);
    try {
      for await (const chunk of response.body!) {
        text += Buffer.from(chunk).toString();
        if (text.includes('"deviceId":"ID-1"')) break;
      }
    } finally {
      clearInterval(poke);
      abort.abort();
    }
    expect(text).toContain('event: next');
  });
});

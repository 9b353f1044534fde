import type { DocumentNode } from 'graphql';
import { parse, print, separateOperations } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { Api } from '../../src/api/server.ts';
import type { Claims } from '../api/client.ts';
import { ask, send, signToken, startTestApi } from '../api/client.ts';
import type { Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';
import { until } from '../support/child.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { readBlocks } from '../support/documents.ts';
import type { Subscription } from './sockets.ts';
import { subscribe } from './sockets.ts';

/** Tests what docs/mobile.md says, with the operations on that page. */
const PAGE = 'docs/mobile.md';
const DRIVER: Claims = { role: 'DRIVER', tenant: 'acme', driver: 'ann' };
const operations: Record<string, DocumentNode> = separateOperations(
  parse(readBlocks(PAGE, 'graphql').join('\n')),
);
const operation = (name: string) => print(operations[name]!);

interface Message {
  readonly tripUpdates: {
    readonly cursor: string;
    readonly trip: { readonly id: string; readonly startedAt: string; readonly revision: number };
  };
}

let database: TestDatabase;
let rows: Rows;
let api: Api;
let device: number;
const trips = new Map<number, number>();

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database, { rateLimits: { DRIVER: 600 } });
  const tenant = await rows.addTenant('acme');
  const driver = await rows.addDriver(tenant, 'ann');
  device = await rows.addDevice('ID-1', tenant);
  const assignment = await rows.addAssignment(tenant, device, driver);
  for (const day of [1, 2, 3, 28]) {
    const startedAt = `2015-05-${String(day).padStart(2, '0')}T08:00:00Z`;
    const endedAt = startedAt.replace('08:00', '09:00');
    const seed = { startedAt, endedAt, driver, assignment, closed: day !== 3 };
    trips.set(day, await rows.addTrip(tenant, device, seed));
  }
});
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});

/** Corrects the trip of a day as a batch of the sink does. */
async function revise(day: number): Promise<void> {
  await rows.client.query('begin');
  await rows.client.query(
    'update trip set revision = revision + 1, changed = pg_current_xact_id(), updated_at = now() where id = $1',
    [trips.get(day)],
  );
  await rows.client.query('insert into journal (device_ids) values ($1)', [[device]]);
  await rows.client.query('commit');
  await rows.client.query('notify odograph');
}

const follow = (at: Api, after?: string): Subscription<Message> =>
  subscribe<Message>(
    at,
    DRIVER,
    operation('FollowTrips'),
    { driver: 'ann', after },
    { counts: ({ tripUpdates }) => !tripUpdates.trip.startedAt.startsWith('2015-05-28') },
  );

/** The trip of the 28th shows that the subscription has begun. */
async function begin(): Promise<Subscription<Message>> {
  const ear = follow(api);
  await ear.begun(() => revise(28));
  return ear;
}

const told = ({ messages }: Subscription<Message>) =>
  messages.map(({ tripUpdates: { trip } }) => `${trip.startedAt.slice(8, 10)} ${trip.revision}`);

/** Long enough for an unexpected message to arrive. */
const wait = () => new Promise((resolve) => setTimeout(resolve, 1_500));

describe('a phone that follows a driver', () => {
  it('receives the newest state of each changed trip after a tunnel, from any API on the store', async () => {
    const before = await begin();
    await revise(1);
    const [{ tripUpdates } = {} as Message] = await before.until(1);
    await before.end();
    await revise(2);
    await revise(2);
    await revise(1);
    const other = await startTestApi(database);
    const after = follow(other, tripUpdates.cursor);
    await after.until(2);
    await wait();
    expect(told(after)).toEqual(['02 3', '01 3']);
    await after.end();
    await other.stop();
  });

  it('misses what happened meanwhile if it begins without a cursor', async () => {
    await revise(2);
    const ear = await begin();
    await wait();
    expect(told(ear)).toEqual([]);
    await ear.end();
  });

  it('may open the second socket before it closes the first: both send the same', async () => {
    const first = await begin();
    await revise(1);
    const [{ tripUpdates } = {} as Message] = await first.until(1);
    const second = follow(api, tripUpdates.cursor);
    await revise(2);
    const [now] = await second.until(1);
    expect(now?.tripUpdates.trip).toEqual((await first.until(2))[1]?.tripUpdates.trip);
    expect(told(second)).toHaveLength(1);
    await first.end();
    await second.end();
  });

  it('receives nothing about a trip that silence ends, and sees it when it queries', async () => {
    const { data } = await ask(api, DRIVER, operation('NewestTrips'));
    const { id, status } = data.viewer.driver.trips.nodes[1];
    expect([status, data.viewer.driver.externalId]).toEqual(['OPEN', 'ann']);
    const ear = await begin();
    await rows.owner.query(
      `update device_state set arrived_at = '2015-05-03T09:00:00Z' where device_id = $1`,
      [device],
    );
    await rows.owner.query(
      `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, '2015-05-03T10:00:00Z')`,
    );
    await rows.owner.query('notify odograph');
    await wait();
    expect(told(ear)).toEqual([]);
    const now = await ask(api, DRIVER, operation('TripNow'), { id });
    expect(now.data.node).toMatchObject({ status: 'CLOSED', revision: 1 });
    await ear.end();
  });
});

it('the snippets for phones use only operations from docs/mobile.md', () => {
  const code = ['kotlin', 'swift'].flatMap((language) => readBlocks(PAGE, language)).join('\n');
  const named = [...code.matchAll(/(\w+)(?:Subscription|Query|Mutation)\(/g)].map(
    ([, name]) => name,
  );
  expect(named.filter((name) => !(name! in operations))).toEqual([]);
  expect(named).toContain('FollowTrips');
});

describe('the rate budget of a phone', () => {
  it('pays for the operations it starts, and not for the messages it receives', async () => {
    const own = await startTestApi(database, { rateLimits: { DRIVER: 6 } });
    const newest = await send(own, DRIVER, { query: operation('NewestTrips') });
    expect(newest.body.data?.viewer.driver.trips.nodes).toHaveLength(4);
    const ear = follow(own);
    await ear.begun(() => revise(28));
    for (let n = 1; n <= 10; n++) {
      await revise(1);
      await ear.until(n);
    }
    const id = newest.body.data?.viewer.driver.trips.nodes[0].id as string;
    const path = '{ node(id: $id) { ... on Trip { path { lat lon } } } }';
    const asked = { query: `query ($id: ID!) ${path}`, variables: { id } };
    // One point for the list, one for the subscription, three for the path: one of six is left.
    expect((await send(own, DRIVER, asked)).body.errors).toBeUndefined();
    expect((await send(own, DRIVER, { query: '{ viewer { role } }' })).status).toBe(200);
    expect((await send(own, DRIVER, { query: '{ viewer { role } }' })).status).toBe(429);
    await ear.end();
    await own.stop();
  });
});

describe('a socket', () => {
  /** A socket that has been acknowledged, and the messages it receives. */
  async function openSocket(at: Api, options: WebSocket.ClientOptions = {}) {
    const socket = new WebSocket(at.wsUrl, 'graphql-transport-ws', options);
    const heard: string[] = [];
    socket.on('message', (data: Buffer) =>
      heard.push((JSON.parse(data.toString()) as { type: string }).type),
    );
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    const tell = (message: object) => socket.send(JSON.stringify(message));
    await new Promise((resolve) => socket.on('open', resolve));
    const payload = { Authorization: `Bearer ${await signToken(DRIVER)}` };
    tell({ type: 'connection_init', payload });
    await until('the acknowledgement', () => heard.includes('connection_ack'));
    return { socket, heard, closed, tell };
  }

  it('answers a ping, and closes with 1012 when the API stops', async () => {
    const own = await startTestApi(database);
    const { heard, closed, tell } = await openSocket(own);
    tell({ type: 'ping' });
    await until('the answer', () => heard.includes('pong'));
    await own.stop();
    expect(await closed).toBe(1012);
  });

  if (process.env['ODOGRAPH_LONG'] === '1') {
    it('is dropped within 24 s if it answers no ping from the server, and after 10 s without connection_init', async () => {
      const pinged: number[] = [];
      const startedMs = Date.now();
      const { socket, closed } = await openSocket(api, { autoPong: false });
      socket.on('ping', () => pinged.push(Date.now() - startedMs));
      const mute = new WebSocket(api.wsUrl, 'graphql-transport-ws');
      const muteClosed = new Promise<number>((resolve) => mute.on('close', resolve));
      expect(await muteClosed).toBe(4408);
      expect(Date.now() - startedMs).toBeGreaterThan(9_000);
      expect(await closed).toBe(1006);
      expect(pinged[0]).toBeGreaterThan(10_000);
      expect(Date.now() - startedMs).toBeLessThan(30_000);
    });
  }
});

import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { GraphQLSchema } from 'graphql';
import type { Client } from 'graphql-ws';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { createSchema } from '../../src/api/schema.ts';
import type { Api } from '../../src/api/server.ts';
import { createRandom } from '../sink/streams.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Claims } from './client.ts';
import { signToken, startTestApi } from './client.ts';
import type { Dice } from './random-operations.ts';
import { createDice, drawGarbage, drawOperation, spoil } from './random-operations.ts';
import type { Rows } from './rows.ts';
import { openRows } from './rows.ts';
import { fillDriver, fillTenant } from './world.ts';

const OPERATIONS = process.env['ODOGRAPH_LONG'] === '1' ? 100_000 : 2_000;
/** Failures after which the run stops. */
const MOST_FAULTS = 10;
/** Concurrent operations. */
const AT_ONCE = 16;

const ASKERS: readonly (Claims | null)[] = [
  { role: 'DRIVER', tenant: 'acme', driver: 'acme-ann' },
  { role: 'INSURER', tenant: 'acme' },
  { role: 'ACTUARY', tenant: 'acme' },
  { role: 'ACTUARY', tenant: 'acme', microdata: true },
  { role: 'CLAIMS', tenant: 'acme' },
  { role: 'OPERATOR' },
  null,
];

/** Text that must not reach clients: a stack, a statement, a file or library of ours. */
const INSIDE = [
  /\n\s+at |\bat (async )?[\w.<>]+ \(/,
  /\.(ts|js|mjs|cjs):\d+/,
  /node_modules|file:\/\/|\/(home|root|usr|tmp|src|dist)\//,
  /\b(select|insert into|update|delete from)\b[^"]{1,200}\b(from|values|set|where)\b/i,
  /prisma|postgres|pg_|\brelation "|\bcolumn "|SQLSTATE/i,
];

let database: TestDatabase;
let rows: Rows;
let api: Api;
let schema: GraphQLSchema;
let names: string[];
const tokens = new Map<Claims | null, string | undefined>();
const sockets = new Map<Claims, Client>();

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  schema = createSchema();
  names = ['acme'];
  for (const [tenant, name] of [
    ['acme', 'ann'],
    ['globex', 'guy'],
  ] as const) {
    const ref = await fillTenant(api, rows, tenant);
    const its = await fillDriver(api, rows, tenant, ref, name);
    names.push(...Object.values(its));
  }
  for (const asker of ASKERS) {
    const token = asker === null ? undefined : await signToken(asker, 7_200);
    tokens.set(asker, token);
    if (asker === null) continue;
    sockets.set(
      asker,
      createClient({
        url: api.wsUrl,
        webSocketImpl: WebSocket,
        retryAttempts: 3,
        lazy: true,
        connectionParams: { Authorization: `Bearer ${token}` },
      }),
    );
  }
});
afterAll(async () => {
  for (const client of sockets.values()) await client.dispose();
  await api?.stop();
  await rows?.close();
  await database?.drop();
});

async function post(asker: Claims | null, body: string): Promise<string> {
  const token = tokens.get(asker);
  const response = await fetch(api.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body,
  });
  return `${response.status} ${await response.text()}`;
}

/** The first message over the caller's socket, or its close; a silent stream is abandoned. */
function askBySocket(asker: Claims, query: string): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end('nothing was said'), 250);
    const leave = sockets.get(asker)!.subscribe(
      { query },
      {
        next: (answer) => end(JSON.stringify(answer)),
        error: (error) => end(error instanceof Error ? error.message : JSON.stringify(error)),
        complete: () => end(''),
      },
    );
    const end = (said: string) => {
      clearTimeout(timer);
      resolve(said);
      setImmediate(() => leave());
    };
  });
}

/** Sends bytes on a new socket, as the first message or after connection_init. */
async function sendFrame(dice: Dice, frame: string): Promise<string> {
  const socket = new WebSocket(api.wsUrl, 'graphql-transport-ws');
  const said: string[] = [];
  socket.on('message', (data: Buffer) => said.push(data.toString()));
  socket.on('error', (error) => said.push(error.message));
  const closed = new Promise<void>((resolve) => {
    socket.on('close', (code, reason) => {
      said.push(`${code} ${reason.toString()}`);
      resolve();
    });
  });
  await new Promise((resolve) => socket.once('open', resolve));
  if (dice.percent(50)) {
    const payload = { Authorization: `Bearer ${tokens.get(ASKERS[1]!)}` };
    socket.send(JSON.stringify({ type: 'connection_init', payload }));
  }
  socket.send(frame);
  await Promise.race([closed, sleep(50)]);
  socket.terminate();
  await closed;
  return said.join('\n');
}

/** Sends one operation drawn from a seed over one of the transports. @returns what was wrong with the response */
async function askOne(seed: number): Promise<string[]> {
  const dice = createDice(createRandom(seed));
  const asker = dice.one(ASKERS);
  const kind = dice.below(10);
  const drawn = kind < 9 ? drawOperation(schema, dice, names) : drawGarbage(dice);
  const text = kind < 5 || kind === 9 ? drawn : spoil(drawn, dice);
  const way = dice.below(100);
  const ask = () => {
    if (kind === 9) return way < 10 ? sendFrame(dice, text) : post(asker, text);
    if (way < 40 && asker !== null) return askBySocket(asker, text);
    return post(asker, JSON.stringify({ query: text }));
  };
  const answer = await ask();
  const faults = answer.includes('INTERNAL_SERVER_ERROR') ? ['a surprise'] : [];
  if (/^5\d\d |^(1006|1011|4500) (?!$)/m.test(answer)) faults.push('a failure');
  for (const [, message = ''] of answer.matchAll(/"message":"((?:[^"\\]|\\.)*)"/g)) {
    const own = withoutEcho(message, text);
    faults.push(...INSIDE.filter((inside) => inside.test(own)).map(String));
  }
  return faults.map(
    (fault) =>
      `${fault}, seed ${seed}: ${JSON.stringify(asker)} asked ${text}\nand was answered ${answer}`,
  );
}

/** A message without quoted words that the operation itself contains. */
function withoutEcho(message: string, question: string): string {
  return message.replace(/\\?"([^"]*?)\\?"/g, (quoted, inner: string) =>
    question.includes(inner) ? '""' : quoted,
  );
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function usedMib(): Promise<number> {
  await sleep(1_000);
  for (let i = 0; i < 3; i++) collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

describe('any operation', () => {
  it(
    `is answered with nothing of the inside, and leaves nothing behind (${OPERATIONS} operations)`,
    async () => {
      const { seed = 1 } = fc.readConfigureGlobal() ?? {};
      let next = 0;
      const faults: string[] = [];
      const ask = async (until: number) => {
        await Promise.all(
          Array.from({ length: AT_ONCE }, async () => {
            while (next < until && faults.length < MOST_FAULTS) {
              faults.push(...(await askOne(seed + next++)));
            }
          }),
        );
      };
      await ask(OPERATIONS / 2);
      const before = await usedMib();
      await ask(OPERATIONS);
      const after = await usedMib();
      expect(faults).toEqual([]);
      expect(after - before).toBeLessThan(30);
    },
    OPERATIONS * 100,
  );
});

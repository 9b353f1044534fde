import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createClient } from 'graphql-ws';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { TestDatabase } from './support/database.ts';
import { createTestDatabase } from './support/database.ts';
import type { TestTopic } from './support/topic.ts';
import { createTestTopic } from './support/topic.ts';

const FOUNDING_LINES = [
  'ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977',
  'ID-203216 60 5-15-2015 00:08:13 -74.006683,40.731781',
];

interface RunFile {
  readonly apiUrl: string;
  readonly wsUrl: string;
  readonly tokens: Readonly<Record<'OPERATOR' | 'INSURER', string>>;
}

let database: TestDatabase;
let topic: TestTopic;
let dataDir: string;
let up: ChildProcess;
let run: RunFile;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  [database, topic] = await Promise.all([createTestDatabase(), createTestTopic()]);
  dataDir = mkdtempSync(join(tmpdir(), 'odograph-skeleton-'));
  environment = {
    ...process.env,
    KAFKA_BROKERS: topic.brokers.join(','),
    KAFKA_TOPIC: topic.topic,
    KAFKA_GROUP_ID: `${topic.topic}-odograph`,
    DATABASE_URL: database.ownerUrl,
    DATABASE_SINK_URL: database.sinkUrl,
    DATABASE_API_URL: database.apiUrl,
    ODOGRAPH_DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'warn',
  };
  up = spawn(process.execPath, ['dist/cli/odograph.js', 'up'], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const file = join(dataDir, 'run.json');
  for (const deadline = Date.now() + 120_000; !existsSync(file); await sleep(100)) {
    if (Date.now() > deadline || up.exitCode !== null)
      throw new Error('odograph up did not come up');
  }
  run = JSON.parse(readFileSync(file, 'utf8')) as RunFile;
}, 300_000);

afterAll(async () => {
  if (up?.exitCode === null) {
    up.kill('SIGTERM');
    await once(up, 'exit');
  }
  rmSync(dataDir, { recursive: true, force: true });
  await topic?.drop();
  await database?.drop();
});

describe('the first example of the README', () => {
  it('goes from odograph send through the topic to a trip, to telemetry, and to other readers of the log', async () => {
    const telemetry = nextTelemetry('ID-203217');
    await sleep(1_000);
    await promisify(execFile)(
      process.execPath,
      ['dist/cli/odograph.js', 'send', ...FOUNDING_LINES],
      {
        env: environment,
      },
    );

    expect(await telemetry).toMatchObject({
      deviceId: 'ID-203217',
      at: '2015-05-15T00:08:13.000Z',
      speedKmh: 128.75,
      lat: 40.757977,
      lon: -73.978165,
    });
    const trips = await until(async () => {
      const { data } = await ask(
        '{ trips(filter: { deviceId: "ID-203217" }) { edges { node { startedAt maxSpeedKmh distanceKm timeZone localDate start { lat lon } } } } }',
      );
      return (data as { trips: { edges: { node: unknown }[] } }).trips.edges.map(
        (edge) => edge.node,
      );
    });
    expect(trips).toEqual([
      {
        startedAt: '2015-05-15T00:08:13.000Z',
        maxSpeedKmh: 128.75,
        distanceKm: 0,
        timeZone: 'America/New_York',
        localDate: '2015-05-14',
        start: { lat: 40.757977, lon: -73.978165 },
      },
    ]);
    expect(await readAs('analytics')).toEqual([...FOUNDING_LINES].sort());
  });

  it('is refused without a token, and reads as missing for a tenant without the device', async () => {
    const query = '{ trips(filter: { deviceId: "ID-203217" }) { edges { node { id } } } }';
    const refused = await ask(query, '');
    expect(refused.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });
});

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
}

async function ask(query: string, token = run.tokens.OPERATOR): Promise<Answer> {
  const response = await fetch(run.apiUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as Answer;
}

async function nextTelemetry(deviceId: string): Promise<unknown> {
  const client = createClient({
    url: run.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${run.tokens.OPERATOR}` },
  });
  const query = `subscription { telemetry(deviceId: "${deviceId}") { cursor deviceId at speedKmh lat lon } }`;
  try {
    for await (const { data } of client.iterate<{ telemetry: unknown }>({ query })) {
      return data!.telemetry;
    }
    throw new Error('the subscription ended without a message');
  } finally {
    await client.dispose();
  }
}

/** What a consumer of that group reads from the topic, beside the sink. */
async function readAs(groupId: string): Promise<string[]> {
  const kafka = new kafkajs.Kafka({
    brokers: [...topic.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const consumer = kafka.consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topic: topic.topic, fromBeginning: true });
  const lines: string[] = [];
  await consumer.run({
    eachMessage: async ({ message }) => void lines.push(String(message.value)),
  });
  await until(async () => (lines.length >= FOUNDING_LINES.length ? lines : []));
  await consumer.disconnect();
  return lines.sort();
}

async function until<T>(find: () => Promise<readonly T[]>): Promise<readonly T[]> {
  for (const deadline = Date.now() + 30_000; ; await sleep(100)) {
    const found = await find();
    if (found.length > 0) return found;
    if (Date.now() > deadline) throw new Error('waited 30 seconds in vain');
  }
}

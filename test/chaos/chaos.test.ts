import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeJson } from '../../src/core/decode/json.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import type { Store } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import { expectOrderedPass, expectTotals } from '../sink/expect.ts';
import type { Random } from '../sink/streams.ts';
import { createRandom, createStream, scramble, uniqueInOrder } from '../sink/streams.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestTopic } from '../support/topic.ts';
import { createTestTopic } from '../support/topic.ts';
import type { Proxy } from './proxy.ts';
import { startProxy } from './proxy.ts';

// `npm run chaos -- --seed N --faults N --events N` sets these.
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const FAULTS = Number(process.env['CHAOS_FAULTS'] ?? 7);
const EVENTS = Number(process.env['CHAOS_EVENTS'] ?? 8_000);
const IS_LONG = process.env['CHAOS_FAULTS'] !== undefined;
const PARTITIONS = 12;
const SINKS = 3;

let database: TestDatabase;
let topic: TestTopic;
let store: Store;
let proxy: Proxy;
let sinkUrl: string;
const sinks: ChildProcess[] = [];
/** Processes that ended though nobody killed or stopped them. */
const deaths: string[] = [];
const ending = new Set<ChildProcess>();

beforeAll(async () => {
  [database, topic] = await Promise.all([
    createTestDatabase(),
    createTestTopic({ partitions: PARTITIONS }),
  ]);
  store = openStore({ url: database.sinkUrl, poolSize: 3 });
  const url = new URL(database.sinkUrl);
  proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  sinkUrl = url.href;
}, 300_000);

afterAll(async () => {
  for (const sink of sinks) sink.kill('SIGKILL');
  await proxy?.end();
  await store?.close();
  await topic?.drop();
  await database?.drop();
});

describe(`three sinks under ${FAULTS} faults (seed ${SEED}, ${EVENTS} events)`, () => {
  it(
    'lose nothing, store nothing twice, and end only where they are killed',
    async () => {
      const random = createRandom(SEED);
      for (let i = 0; i < SINKS; i += 1) sinks.push(startSink());
      const devices = createDevices(random);
      const publishing = publish(random, devices);
      const faults = Object.entries(FAULT);
      const pauses: string[] = [];
      for (let i = 0; i < FAULTS; i += 1) {
        await sleep(500 + random() * (IS_LONG ? 15_000 : 500));
        const [name, run] = faults[i % faults.length]!;
        const startedAtMs = Date.now();
        await run(random);
        await until('something is stored', isMoving);
        pauses.push(`${name}: ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`);
      }
      const bad = await publishing;
      await until('all is stored', isDone);
      if (IS_LONG) console.log(pauses.join('\n'));
      expect(deaths).toEqual([]);

      const expected = devices.reduce((sum, device) => sum + device.events.length, 0);
      const [row] = await store.prisma.$queryRaw<{ events: number; letters: number }[]>`
        select (select count(*)::int from event) as events, (select count(*)::int from dead_letter) as letters`;
      expect(row).toEqual({ events: expected, letters: bad });
      for (const { externalId, events } of devices) {
        await expectOrderedPass(store, externalId, events);
      }
      await expectTotals(store);
    },
    IS_LONG ? 7_200_000 : 240_000,
  );
});

/** Each returns when the fault is over; the sinks then have to move again. */
const FAULT: Readonly<Record<string, (random: Random) => Promise<void>>> = {
  async 'a sink is killed'(random) {
    const index = Math.floor(random() * sinks.length);
    await end(sinks[index]!, 'SIGKILL');
    sinks[index] = startSink();
  },
  async 'every database connection is cut'() {
    proxy.cut();
  },
  async 'a COMMIT is not answered'() {
    await loseCommit('after');
  },
  async 'a COMMIT does not arrive'() {
    await loseCommit('before');
  },
  async 'a sink is stopped and wakes up'(random) {
    const sink = sinks[Math.floor(random() * sinks.length)]!;
    sink.kill('SIGSTOP');
    await sleep(IS_LONG ? 5_000 + random() * 25_000 : 2_000);
    sink.kill('SIGCONT');
  },
  async 'the database is away'() {
    proxy.close();
    await sleep(IS_LONG ? 10_000 : 2_000);
    proxy.open();
  },
  async 'sinks come and go'() {
    const guests = Array.from({ length: IS_LONG ? 5 : 2 }, startSink);
    await sleep(IS_LONG ? 5_000 : 1_000);
    await Promise.all(guests.map((guest) => end(guest, 'SIGTERM')));
  },
};

async function loseCommit(when: 'before' | 'after'): Promise<void> {
  const before = proxy.lostCommits();
  proxy.loseNextCommit(when);
  await until('a COMMIT is lost', async () => proxy.lostCommits() > before || (await isDone()));
}

interface Device {
  readonly externalId: string;
  readonly events: readonly CanonicalEvent[];
}

function createDevices(random: Random): Device[] {
  const devices: Device[] = [];
  for (let events = 0; events < EVENTS;) {
    const stream = uniqueInOrder(createStream(random, Date.UTC(2025, devices.length % 12, 3)));
    devices.push({ externalId: `CHAOS-${devices.length}`, events: stream });
    events += stream.length;
  }
  return devices;
}

/** Scrambled lives, some records twice, aborted transactions and useless records between. @returns how many are useless */
async function publish(random: Random, devices: readonly Device[]): Promise<number> {
  const arrivals = devices.flatMap(({ externalId, events }) =>
    scramble(random, events).map((event, i, all) => ({
      place: i / all.length,
      value: encodeJson(externalId, event),
    })),
  );
  const useless = ['half a line', '{"deviceId":"\\ud800","at":1,"speedKmh":1}', '[[[['];
  const bad = Array.from({ length: 30 }, (_, i) => ({
    place: random(),
    value: useless[i % useless.length]!,
  }));
  const all = [...arrivals, ...bad].sort((a, b) => a.place - b.place);
  const client = new kafkajs.Kafka({ brokers: [...topic.brokers], logLevel: 0 });
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 });
  const aborter = client.producer({
    transactionalId: topic.topic,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await Promise.all([producer.connect(), aborter.connect()]);
  const send = (values: readonly string[]) => ({
    topic: topic.topic,
    messages: values.map((value) => ({ value, partition: Math.floor(random() * PARTITIONS) })),
  });
  const size = Math.max(50, Math.ceil(all.length / (FAULTS * 8)));
  for (let at = 0; at < all.length; at += size) {
    await producer.send(send(all.slice(at, at + size).map(({ value }) => value)));
    if (random() < 0.3) {
      const transaction = await aborter.transaction();
      await transaction.send(send(['{"deviceId":"NEVER","at":1767225600000,"speedKmh":1}']));
      await transaction.abort();
    }
    await sleep(IS_LONG ? 500 : 200);
  }
  await Promise.all([producer.disconnect(), aborter.disconnect()]);
  return bad.length;
}

function startSink(): ChildProcess {
  const sink = spawn(process.execPath, ['dist/cli/odograph.js', 'sink'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      LOG_LEVEL: 'fatal',
      KAFKA_BROKERS: topic.brokers.join(','),
      KAFKA_TOPIC: topic.topic,
      KAFKA_GROUP_ID: `${topic.topic}-group`,
      DATABASE_SINK_URL: sinkUrl,
      SINK_PORT: '0',
    },
  });
  let said = '';
  sink.stderr.on('data', (part: Buffer) => (said += part.toString()));
  sink.once('exit', (code, signal) => {
    if (!ending.has(sink)) deaths.push(`${code ?? signal}: ${said.slice(-500)}`);
  });
  return sink;
}

async function end(sink: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  ending.add(sink);
  if (sink.exitCode !== null || sink.signalCode !== null) return;
  const exited = once(sink, 'exit');
  sink.kill(signal);
  await exited;
}

async function stored(): Promise<number> {
  const rows = await store.prisma.sinkOffset.findMany({ where: { topic: topic.topic } });
  return rows.reduce((sum, row) => sum + Number(row.nextOffset), 0);
}

let seen = 0;

async function isMoving(): Promise<boolean> {
  const now = await stored();
  const isNew = now > seen;
  seen = now;
  return isNew || (await isDone());
}

let admin: kafkajs.Admin | undefined;

async function isDone(): Promise<boolean> {
  if (!admin) {
    admin = new kafkajs.Kafka({ brokers: [...topic.brokers], logLevel: 0 }).admin();
    await admin.connect();
  }
  const offsets = await admin.fetchTopicOffsets(topic.topic);
  const endOfLog = offsets.reduce((sum, { high }) => sum + Number(high), 0);
  return endOfLog > 0 && (await stored()) === endOfLog;
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const patienceMs = IS_LONG ? 600_000 : 120_000;
  for (const deadline = Date.now() + patienceMs; !(await check()); await sleep(100)) {
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs / 1000} s in vain: ${what}`);
  }
}

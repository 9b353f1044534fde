import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeJson } from '../../src/core/decode/json.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import type { KafkaClient } from '../../src/kafka.ts';
import { createKafka } from '../../src/kafka.ts';
import { createLog } from '../../src/log.ts';
import type { Store } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import { expectOrderedPass, expectTotals } from '../sink/expect.ts';
import type { Random } from '../sink/streams.ts';
import { createRandom, createStream, scramble, uniqueInOrder } from '../sink/streams.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestTopic } from '../support/topic.ts';
import { createTestTopic } from '../support/topic.ts';

const SEED = Number(process.env['FC_SEED'] ?? Date.now() % 1_000_000);
const RECORDS = process.env['ODOGRAPH_LONG'] === '1' ? 200_000 : 20_000;
const KILLS = process.env['ODOGRAPH_LONG'] === '1' ? 10 : 3;
const PARTITIONS = 3;

interface Device {
  readonly externalId: string;
  readonly events: readonly CanonicalEvent[];
}

let database: TestDatabase;
let topic: TestTopic;
let store: Store;
let kafka: KafkaClient;

beforeAll(async () => {
  [database, topic] = await Promise.all([
    createTestDatabase(),
    createTestTopic({ partitions: PARTITIONS }),
  ]);
  store = openStore({ url: database.sinkUrl, poolSize: 3 });
  kafka = createKafka(
    { brokers: topic.brokers, ssl: false, sasl: undefined },
    createLog({ level: 'silent', isTerminal: false }),
  );
}, 300_000);

afterAll(async () => {
  await kafka?.close();
  await store?.close();
  await topic?.drop();
  await database?.drop();
});

describe(`a sink that is killed in the middle of ${RECORDS} records (seed ${SEED})`, () => {
  it('has stored every event once when it is started again, and the facts of one ordered pass', async () => {
    const random = createRandom(SEED);
    const { devices, badRecords } = await publish(random);
    let sinks = [startSinkProcess(), startSinkProcess()];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = await progress();
      await until(async () => (await progress()) > before || (await isDone()), 'a sink moves');
      await sleep(random() * 400);
      const victim = sinks[kill % sinks.length]!;
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      sinks = sinks.map((sink) => (sink === victim ? startSinkProcess() : sink));
    }
    await until(isDone, 'all records are stored');
    sinks.forEach((sink) => sink.kill('SIGTERM'));
    await Promise.all(sinks.map((sink) => once(sink, 'exit')));

    const expected = devices.reduce((sum, device) => sum + device.events.length, 0);
    const [row] = await store.prisma.$queryRaw<{ events: number; letters: number }[]>`
      select (select count(*)::int from event) as events, (select count(*)::int from dead_letter) as letters`;
    expect(row).toEqual({ events: expected, letters: badRecords });
    for (const device of devices) await expectOrderedPass(store, device.externalId, device.events);
    await expectTotals(store);
  }, 1_200_000);
});

/** Many devices' scrambled lives over all partitions, some records twice, some beyond use. */
async function publish(random: Random): Promise<{ devices: Device[]; badRecords: number }> {
  const devices: Device[] = [];
  let records = 0;
  for (let i = 0; records < RECORDS; i += 1) {
    const events = uniqueInOrder(createStream(random, Date.UTC(2025, i % 12, 1 + (i % 27))));
    devices.push({ externalId: `KILL-${i}`, events });
    records += events.length;
  }
  const arrivals = devices.flatMap((device) =>
    scramble(random, device.events).map((event, i, all) => ({
      place: i / all.length,
      key: device.externalId,
      value: encodeJson(device.externalId, event),
    })),
  );
  const bad = Array.from({ length: 20 }, () => ({
    place: random(),
    key: 'bad',
    value: 'half a line',
  }));
  const all = [...arrivals, ...bad].sort((a, b) => a.place - b.place);
  for (let i = 0; i < all.length; i += 5_000) {
    const chunk = all.slice(i, i + 5_000);
    await kafka.produce(
      topic.topic,
      chunk.map(({ key, value }) => ({ key, value, partition: Math.floor(random() * PARTITIONS) })),
    );
  }
  return { devices, badRecords: bad.length };
}

function startSinkProcess(): ChildProcess {
  return spawn(process.execPath, ['dist/cli/odograph.js', 'sink'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      LOG_LEVEL: 'error',
      KAFKA_BROKERS: topic.brokers.join(','),
      KAFKA_TOPIC: topic.topic,
      KAFKA_GROUP_ID: `${topic.topic}-group`,
      DATABASE_SINK_URL: database.sinkUrl,
      SINK_PORT: '0',
    },
  });
}

async function progress(): Promise<number> {
  const rows = await store.prisma.sinkOffset.findMany({ where: { topic: topic.topic } });
  return rows.reduce((sum, row) => sum + Number(row.nextOffset), 0);
}

async function isDone(): Promise<boolean> {
  const offsets = await kafka.offsets(topic.topic);
  const end = [...offsets.values()].reduce((sum, offset) => sum + offset.end, 0);
  return (await progress()) === end;
}

async function until(check: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 600_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited ten minutes until ${what}`);
    await sleep(100);
  }
}

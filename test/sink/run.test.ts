import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newestRules } from '../../src/core/rules.ts';
import type { KafkaClient } from '../../src/kafka.ts';
import type { ProducerRecord } from '../../src/kafka-batches.ts';
import { createKafka } from '../../src/kafka.ts';
import { createLog } from '../../src/log.ts';
import type { Sink } from '../../src/sink/run.ts';
import { startSink } from '../../src/sink/run.ts';
import { createNotifier } from '../../src/store/notify.ts';
import type { Store } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import { createPartitions } from '../../src/store/ingest/partitions.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { testBrokers } from '../support/topic.ts';
import { createSinkContext, foldContext } from './context.ts';

const log = createLog({ level: 'silent', isTerminal: false });
const LINE = 'ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977';

let admin: kafkajs.Admin;
let brokers: readonly string[];
let kafka: KafkaClient;
let database: TestDatabase;
let store: Store;
let topic: string;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  brokers = await testBrokers();
  admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
});

afterAll(() => admin?.disconnect());

beforeEach(async () => {
  database = await createTestDatabase();
  store = openStore({ url: database.sinkUrl, poolSize: 3 });
  kafka = createKafka({ brokers, ssl: false, sasl: undefined }, log);
  topic = `odograph-test-run-${Math.random().toString(36).slice(2)}`;
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await kafka.close();
  await store.close();
  await database.drop();
  await admin.deleteTopics({ topics: [topic] }).catch(() => undefined);
});

describe('a sink', () => {
  it('sets aside a record of each bad kind with its bytes and a reason, and continues', async () => {
    await makeTopic();
    const bad: [value: string | Buffer | null, reason: string][] = [
      [null, 'EMPTY'],
      ['', 'EMPTY'],
      [Buffer.from([0, 0, 0, 0, 7, 1, 2, 3]), 'UNSUPPORTED_FORMAT'],
      [Buffer.from([0x7b, 0xff, 0xfe, 0x00]), 'NOT_UTF8'],
      [Buffer.from([1, 2, 3]), 'UNKNOWN_FORMAT'],
      ['ID-203217 80 5-15-2015', 'MALFORMED'],
      ['ID-203217 80 13-15-2015 00:08:13 -73.978165,40.757977', 'OUT_OF_RANGE'],
      ['{"deviceId":"a","at":"2015-05-15T00:08:13Z","lat":92,"lon":1}', 'OUT_OF_RANGE'],
      ['{"deviceId":"a","at":"2015-05-15T00:08:13Z","lat":NaN,"lon":1}', 'MALFORMED'],
      [`{"deviceId":"${'x'.repeat(1_000_000)}"}`, 'TOO_LARGE'],
      ['{"deviceId":"a","at":"1970-01-01T00:00:00Z","speedKmh":1}', 'BEFORE_2000'],
      ['{"deviceId":"a","at":"2099-01-01T00:00:00Z","speedKmh":1}', 'FUTURE'],
    ];
    await send(
      ...bad.map(([value]) => ({ key: 'bad', value, headers: { from: 'test' }, partition: 0 })),
      { key: 'ID-203217', value: LINE, partition: 0 },
    );
    await run();
    await until(async () => (await store.prisma.event.count()) === 1);
    const letters = await store.prisma.deadLetter.findMany({ orderBy: { offset: 'asc' } });
    expect(letters.map((letter) => letter.reason)).toEqual(bad.map(([, reason]) => reason));
    for (const [i, letter] of letters.entries()) {
      const value = bad[i]![0];
      const kept = letter.value === null ? null : Buffer.from(letter.value);
      expect(value === null ? kept : kept!.equals(Buffer.from(value))).toBe(
        value === null ? null : true,
      );
      expect(letter).toMatchObject({
        topic,
        partition: 0,
        offset: BigInt(i),
        headers: [{ name: 'from', value: 'test' }],
      });
      expect(letter.message.length).toBeGreaterThan(10);
    }
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'])(
    'reads a log compressed with %s',
    async (compression) => {
      await makeTopic({ 'compression.type': compression });
      const lines = Array.from({ length: 500 }, (_, i) =>
        LINE.replace(
          '00:08:13',
          `00:${10 + Math.floor(i / 60)}:${String(i % 60).padStart(2, '0')}`,
        ),
      );
      await send(...lines.map((value) => ({ key: 'ID-203217', value })));
      await run();
      await until(async () => (await store.prisma.event.count()) === lines.length);
      expect(await store.prisma.deadLetter.count()).toBe(0);
    },
  );

  it('shares the partitions with a second sink, and takes them over when that sink leaves', async () => {
    await makeTopic();
    const first = await run();
    await sendLines(100);
    await until(async () => (await store.prisma.event.count()) === 100);
    const second = await run();
    await sendLines(200);
    await until(async () => (await store.prisma.event.count()) === 200);
    await first.stop();
    await sendLines(300);
    await until(async () => (await store.prisma.event.count()) === 300);
    expect(second.status().isReady).toBe(true);
  });

  it('stores each event once beside another sink that reads the same partitions', async () => {
    await makeTopic();
    await run({ groupId: `${topic}-one` });
    await run({ groupId: `${topic}-two` });
    for (let total = 500; total <= 5_000; total += 500) {
      await sendLines(total);
      await sleep(50);
    }
    await until(async () => (await store.prisma.event.count()) === 5_000);
    expect(await store.prisma.deadLetter.count()).toBe(0);
    const moved = await store.prisma.deviceState.findMany();
    expect(moved.every((device) => device.headSec !== null)).toBe(true);
  });

  it('reads from the stored offset if the group in Kafka has a different one', async () => {
    await makeTopic();
    await sendLines(60);
    const first = await run();
    await until(async () => (await store.prisma.event.count()) === 60);
    await first.stop();
    const old = database;
    const oldStore = store;
    stops.unshift(async () => {
      await oldStore.close();
      await old.drop();
    });
    database = await createTestDatabase();
    store = openStore({ url: database.sinkUrl, poolSize: 3 });
    await run();
    await until(async () => (await store.prisma.event.count()) === 60);
  });

  it('reports how far the data goes once everything that has arrived is stored', async () => {
    await makeTopic();
    await send({ key: 'ID-203217', value: LINE });
    const sentAt = new Date();
    await run();
    const readThrough = async () => {
      const rows = await store.prisma.sinkOffset.findMany({ where: { topic } });
      return rows.length > 0 && rows.every((row) => row.readThrough && row.readThrough > sentAt);
    };
    await until(readThrough);
    expect(await store.prisma.event.count()).toBe(1);
  });

  it('stops with LOG_GAP if retention has deleted records that it had not read', async () => {
    await makeTopic();
    await sendLines(10);
    const first = await run();
    await until(async () => (await store.prisma.event.count()) === 10);
    await first.stop();
    await sendLines(30);
    const offsets = await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({
      topic,
      partitions: offsets.map(({ partition, high }) => ({ partition, offset: high })),
    });
    await sendLines(40);
    const second = await run();
    await expect(second.finished).rejects.toMatchObject({ code: 'LOG_GAP' });
  });

  it('stops with LOG_REWOUND if the topic was recreated and is shorter than what is stored', async () => {
    await makeTopic();
    await sendLines(10);
    const first = await run();
    await until(async () => (await store.prisma.event.count()) === 10);
    await first.stop();
    await admin.deleteTopics({ topics: [topic] });
    await sleep(1_000);
    await makeTopic();
    const second = await run();
    await expect(second.finished).rejects.toMatchObject({ code: 'LOG_REWOUND' });
  });

  it('stops with LOG_REPLACED if the record before its offset is a different one', async () => {
    await makeTopic();
    await sendLines(10);
    const first = await run();
    await until(async () => (await store.prisma.event.count()) === 10);
    await first.stop();
    await admin.deleteTopics({ topics: [topic] });
    await sleep(1_000);
    await makeTopic();
    await send(
      ...Array.from({ length: 60 }, (_, i) => ({ key: 'other', value: 'other', partition: i % 3 })),
    );
    const second = await run();
    await expect(second.finished).rejects.toMatchObject({ code: 'LOG_REPLACED' });
  });
});

let sentLines = 0;

/** Fills the topic up to the given number of events, spread over the partitions. */
async function sendLines(total: number): Promise<void> {
  const records: ProducerRecord[] = [];
  for (; sentLines < total; sentLines += 1) {
    const at = Date.UTC(2026, 0, 1) + sentLines * 1_000;
    const value = JSON.stringify({ deviceId: `D-${sentLines % 7}`, at, speedKmh: 50 });
    records.push({ key: null, value, partition: sentLines % 3 });
  }
  await send(...records);
}

function send(...records: ProducerRecord[]): Promise<void> {
  return kafka.produce(topic, records);
}

async function makeTopic(config: Record<string, string> = {}): Promise<void> {
  sentLines = 0;
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      {
        topic,
        numPartitions: 3,
        configEntries: Object.entries({ 'max.message.bytes': '2000000', ...config }).map(
          ([name, value]) => ({ name, value }),
        ),
      },
    ],
  });
}

async function run({ groupId = topic } = {}): Promise<Sink> {
  const { decoding } = createSinkContext(store, topic);
  const client = createKafka({ brokers, ssl: false, sasl: undefined }, log);
  const notifier = createNotifier(database.sinkUrl, () => undefined);
  const sink = startSink({
    kafka: client,
    topic,
    groupId,
    partitions: 3,
    store,
    notifier,
    decoding,
    loadRules: async () => ({ fold: foldContext, rows: newestRules.length }),
    ensurePartitions: createPartitions(store),
    log,
  });
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= sink.stop());
  stops.push(async () => {
    await stop();
    await notifier.close();
    await client.close();
  });
  return { ...sink, stop };
}

async function until(check: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 50_000; !(await check()); await sleep(100)) {
    if (Date.now() > deadline) throw new Error('waited 50 seconds in vain');
  }
}

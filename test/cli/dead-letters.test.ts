import { Buffer } from 'node:buffer';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KafkaMessage } from 'kafkajs';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { LogRecord } from '../../src/kafka.ts';
import type { RawHeader } from '../../src/kafka-headers.ts';
import { loadOffsets } from '../../src/store/ingest/offsets.ts';
import { openStore } from '../../src/store/open.ts';
import { createSinkContext, processBatch } from '../sink/context.ts';
import { runCli, until } from '../support/child.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestTopic } from '../support/topic.ts';
import { createTestTopic } from '../support/topic.ts';

// Each call starts a process that compiles on the fly.
vi.setConfig({ testTimeout: 240_000 });

let database: TestDatabase;
let topic: TestTopic;
let env: NodeJS.ProcessEnv;

const HEADERS: readonly RawHeader[] = [
  [Buffer.from('Trace'), Buffer.from('a')],
  [Buffer.from('sig'), Buffer.from([0xff, 0x00, 0xfe])],
  [Buffer.from('n'), null],
  [Buffer.from('trace'), Buffer.from('b')],
  [Buffer.from('Trace'), Buffer.from('')],
  [Buffer.from('__proto__'), Buffer.from('x')],
];

const cli = async (...args: string[]) => {
  const { code, stdout, stderr } = await runCli(['dead-letters', ...args], { env });
  return { code, stderr, lines: stdout.trim() === '' ? [] : stdout.trim().split('\n') };
};

beforeAll(async () => {
  database = await createTestDatabase();
  topic = await createTestTopic({ partitions: 2 });
  env = { DATABASE_URL: database.ownerUrl, KAFKA_BROKERS: topic.brokers.join(',') };
  const store = openStore({ url: database.sinkUrl, poolSize: 3 });
  try {
    const record = (offset: number, value: Buffer | string): LogRecord => ({
      partition: 1,
      offset,
      timestampMs: undefined,
      key: Buffer.from([0xfe, 0x00, offset]),
      value: typeof value === 'string' ? Buffer.from(value) : value,
      headers: HEADERS,
    });
    await loadOffsets(store, topic.topic, new Map([[1, 0]]));
    await processBatch(createSinkContext(store, topic.topic), [
      {
        partition: 1,
        from: 0,
        to: 3,
        records: [
          record(0, 'half a line'),
          record(1, Buffer.from([0x7b, 0xff, 0x00])),
          record(2, '{"deviceId":"a","at":"2099-01-01T00:00:00Z","speedKmh":1}'),
        ],
      },
    ]);
  } finally {
    await store.close();
  }
});

afterAll(async () => {
  await topic?.drop();
  await database?.drop();
});

describe('odograph dead-letters', () => {
  test('lists, counts and shows them, and resends each one once, byte for byte', async () => {
    const [{ lines }, filtered, counted, shown, dry] = await Promise.all([
      cli('list'),
      cli('list', '--reason', 'FUTURE', '--topic', topic.topic, '--from', '2020-01-01T00:00:00Z'),
      cli('count'),
      cli('show', topic.topic, '1', '1'),
      cli('replay', '--reason', 'MALFORMED', '--dry-run'),
    ]);
    expect(lines.map((line) => (JSON.parse(line) as { reason: string }).reason)).toEqual([
      'FUTURE',
      'NOT_UTF8',
      'MALFORMED',
    ]);
    expect(filtered.lines).toHaveLength(1);
    const counts = counted.lines.map((line) => JSON.parse(line) as object);
    expect(counts).toContainEqual(
      expect.objectContaining({ reason: 'FUTURE', kept: 1, sentAgain: 0, countedOnly: 0 }),
    );
    expect(JSON.parse(shown.lines[0]!)).toMatchObject({
      valueBase64: 'e/8A',
      keyBase64: '/gAB',
      headers: [
        { name: 'Trace', value: 'a' },
        { name: 'sig', valueBase64: '/wD+' },
        { name: 'n', value: null },
        { name: 'trace', value: 'b' },
        { name: 'Trace', value: '' },
        { name: '__proto__', value: 'x' },
      ],
    });
    const trail = await asOwner('select object from access_log');
    expect(trail).toEqual([{ object: `dead_letter ${topic.topic}/1/1` }]);

    expect(dry.lines).toHaveLength(1);
    expect(dry.stderr).toContain('1 would be sent');
    expect((await cli('replay', '--reason', 'MALFORMED')).lines).toEqual([
      'sent 1 dead letter again',
    ]);
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'odograph-')), 'fixed.json');
    writeFileSync(file, '{"deviceId":"a","at":"2026-01-01T00:00:00Z","speedKmh":1}');
    const corrected = await cli('correct', topic.topic, '1', '2', '--value-file', file);
    expect(corrected.lines[0]).toContain('sent 57 bytes');
    expect(await cli('correct', topic.topic, '1', '2', '--value-file', file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('was sent again at') as string,
    });
    expect((await cli('replay')).lines).toEqual(['sent 1 dead letter again']);
    expect((await cli('replay')).lines).toEqual(['sent 0 dead letters again']);

    const records = await readRecords(3);
    expect(records.map(({ partition, value }) => [partition, value?.toString('latin1')])).toEqual([
      [1, 'half a line'],
      [1, '{"deviceId":"a","at":"2026-01-01T00:00:00Z","speedKmh":1}'],
      [1, '{\xff\x00'],
    ]);
    expect(records.map(({ key }) => key?.toString('hex'))).toEqual(['fe0000', 'fe0002', 'fe0001']);
    // The client groups headers by name.
    const [trace, sig, n, other, last, proto] = HEADERS;
    for (const { headers } of records) {
      expect(fromKafkaHeaders(headers)).toEqual([trace, last, sig, n, other, proto]);
    }
  });
});

/** kafkajs groups headers by name. */
function fromKafkaHeaders(headers: KafkaMessage['headers']): readonly RawHeader[] {
  return Object.entries(headers ?? {}).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values])
      .filter((value): value is Buffer => value === null || Buffer.isBuffer(value))
      .map((value): RawHeader => [Buffer.from(name), value]),
  );
}

async function asOwner(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  try {
    return (await client.query<object>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The first records of the topic, read by a plain client. */
async function readRecords(count: number) {
  const consumer = new kafkajs.Kafka({
    brokers: [...topic.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).consumer({ groupId: topic.topic });
  const records: (KafkaMessage & { partition: number })[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: topic.topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ partition, message }) => {
        records.push({ partition, ...message });
        return Promise.resolve();
      },
    });
    await until('the records are in the topic', () => records.length >= count);
    return records;
  } finally {
    await consumer.disconnect();
  }
}

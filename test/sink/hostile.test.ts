import { Buffer } from 'node:buffer';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { recordTimeOf } from '../../src/core/decode/dates.ts';
import { decodeRecord } from '../../src/core/decode/record.ts';
import type { LogRecord } from '../../src/kafka.ts';
import type { RawHeader } from '../../src/kafka-headers.ts';
import { headerText } from '../../src/kafka-headers.ts';
import type { SinkContext } from '../../src/sink/context.ts';
import { createDeadLetterBudget } from '../../src/sink/dead-letter-budget.ts';
import { loadOffsets } from '../../src/store/ingest/offsets.ts';
import type { Store } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { createSinkContext, processBatch } from './context.ts';
import { createRandom } from './streams.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const SEED = Number(process.env['ODOGRAPH_SEED'] ?? 20261123);
const ROUNDS = process.env['ODOGRAPH_LONG'] === '1' ? 200 : 2;
const PER_ROUND = 500;
const TOPIC = 'hostile';

let database: TestDatabase;
let store: Store;
let sink: SinkContext;
let next: number;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore({ url: database.sinkUrl, poolSize: 3 });
  await loadOffsets(store, TOPIC, new Map([[0, 0]]));
  next = 0;
});

beforeEach(async () => {
  await store.prisma.deadLetter.deleteMany();
  sink = { ...createSinkContext(store, TOPIC), now: () => NOW };
});

afterAll(async () => {
  await store?.close();
  await database?.drop();
});

const record = (value: Buffer | string | null, extra: Partial<LogRecord> = {}): LogRecord => ({
  partition: 0,
  offset: next++,
  timestampMs: NOW,
  key: null,
  value: typeof value === 'string' ? Buffer.from(value) : value,
  headers: [],
  ...extra,
});

const write = async (records: readonly LogRecord[]) =>
  processBatch(sink, [{ partition: 0, from: records[0]!.offset, to: next, records }]);

let goods = 0;
/** A record that is an event of its own device. */
const good = () => {
  goods += 1;
  return record(
    JSON.stringify({ deviceId: `good-${goods}`, at: NOW - goods * 1000, lat: 1, lon: 2 }),
  );
};
const stored = async () =>
  (await store.prisma.event.count()) + (await store.prisma.deadLetter.count());

describe(`a store that receives hostile records (seed ${SEED})`, () => {
  it('keeps the headers of dead letters with their bytes, order, duplicates and nulls', async () => {
    const headers: RawHeader[] = [
      [Buffer.from('Trace'), Buffer.from('a')],
      [Buffer.from('trace'), Buffer.from('b')],
      [Buffer.from('sig'), Buffer.from([0xff, 0x00, 0xfe])],
      [Buffer.from('n'), null],
      [Buffer.from('content-type'), Buffer.from('text/plain')],
      [Buffer.from('__proto__'), Buffer.from('x')],
      [Buffer.from('trace'), Buffer.from('')],
      [Buffer.from([0xff]), Buffer.from('nul\u0000')],
    ];
    await write([record('half a line', { headers })]);
    expect(await store.prisma.deadLetter.findFirst()).toMatchObject({
      headers: [
        { name: 'Trace', value: 'a' },
        { name: 'trace', value: 'b' },
        { name: 'sig', valueBase64: '/wD+' },
        { name: 'n', value: null },
        { name: 'content-type', value: 'text/plain' },
        { name: '__proto__', value: 'x' },
        { name: 'trace', value: '' },
        { nameBase64: '/w==', valueBase64: 'bnVsAA==' },
      ],
    });
  });

  it('counts omitted fields by device, field and reason', async () => {
    const at = NOW - 3_600_000;
    const phone = (i: number, fields: object) =>
      record(JSON.stringify({ deviceId: 'phone', at: at + i * 1000, lat: 1, lon: 2, ...fields }));
    await write([phone(0, { speedKmh: -1 }), phone(1, { speedKmh: -3.6, headingDeg: 683.16 })]);
    const { leftOut } = await write([
      phone(2, { speedKmh: -1 }),
      phone(3, { headingDeg: '\u202eN\u0000' }),
      record(JSON.stringify({ deviceId: 'stamped', at, speedKmh: 1 }), { timestampMs: 0 }),
    ]);
    expect(leftOut).toEqual([
      { field: 'speedKmh', reason: 'UNKNOWN', count: 1 },
      { field: 'headingDeg', reason: 'WRONG_TYPE', count: 1 },
      { field: 'recordTime', reason: 'OUT_OF_RANGE', count: 1 },
    ]);
    const rows = await store.prisma.leftOutField.findMany({
      orderBy: [{ deviceId: 'asc' }, { field: 'asc' }, { reason: 'asc' }],
    });
    expect(rows.map(({ deviceId: _, ...row }) => row)).toEqual([
      {
        field: 'headingDeg',
        reason: 'OUT_OF_RANGE',
        count: 1n,
        firstAt: new Date(at + 1000),
        lastAt: new Date(at + 1000),
        lastValue: '683.16',
      },
      {
        field: 'headingDeg',
        reason: 'WRONG_TYPE',
        count: 1n,
        firstAt: new Date(at + 3000),
        lastAt: new Date(at + 3000),
        lastValue: '"\\u202eN\\u0000"',
      },
      {
        field: 'speedKmh',
        reason: 'UNKNOWN',
        count: 3n,
        firstAt: new Date(at),
        lastAt: new Date(at + 2000),
        lastValue: '-1',
      },
      {
        field: 'recordTime',
        reason: 'OUT_OF_RANGE',
        count: 1n,
        firstAt: new Date(at),
        lastAt: new Date(at),
        lastValue: '0',
      },
    ]);
  });

  it('keeps only counts and offsets of what is beyond the budget of dead letters', async () => {
    sink = {
      ...sink,
      deadLetters: createDeadLetterBudget(
        10_000,
        () => Promise.resolve({ bytes: 0, rows: 0 }),
        () => NOW,
      ),
    };
    const first = next;
    const bad = Array.from({ length: 40 }, () => record('x'.repeat(100)));
    const result = await write([...bad, good()]);
    expect(result).toMatchObject({
      events: 1,
      deadLetters: new Map([['MALFORMED', 40]]),
      deadLettersNotKept: 24,
    });
    await write([record('{"half')]);
    expect(await store.prisma.deadLetter.count()).toBe(16);
    expect(await store.prisma.deadLetterOverflow.findMany()).toMatchObject([
      {
        topic: TOPIC,
        partition: 0,
        reason: 'MALFORMED',
        hour: new Date(NOW),
        count: 25n,
        firstOffset: BigInt(first + 16),
        lastOffset: BigInt(next - 1),
        lastMessage: expect.stringContaining('cut off') as string,
      },
    ]);
  });

  it('stores a batch whose dead letters are longer than one statement may be', async () => {
    const blanks = Buffer.alloc(1_000_000, ' ');
    await write(Array.from({ length: 10 }, () => record(blanks)));
    expect(await store.prisma.deadLetter.count({ where: { reason: 'TOO_LARGE' } })).toBe(10);
  });

  it(
    `stores every good record, and a dead letter with a reason for every bad one, of ${ROUNDS * PER_ROUND}`,
    { timeout: 1_200_000 },
    async () => {
      const random = createRandom(SEED);
      for (let round = 0; round < ROUNDS; round += 1) {
        const before = await stored();
        const goodBefore = goods;
        const records: LogRecord[] = [];
        for (let i = 0; i < PER_ROUND; i += 1) {
          records.push(
            random() < 0.2 ? good() : record(hostileValue(random), hostileFrame(random)),
          );
        }
        const devices = Array.from(
          { length: goods - goodBefore },
          (_, i) => `good-${goodBefore + i + 1}`,
        );
        const { events, deadLetters } = await write(records);
        const bad = [...deadLetters.values()].reduce((sum, n) => sum + n, 0);
        const refused = records.filter(({ value, headers, timestampMs }) => {
          const contentType = headerText(headers, 'content-type')?.split(';', 1)[0]!.trim();
          const time = recordTimeOf(timestampMs, NOW).timestampMs;
          return !decodeRecord({ value, contentType, timestampMs: time }, sink.decoding).ok;
        });
        const letters = await store.prisma.deadLetter.findMany({
          where: { offset: { gte: records[0]!.offset } },
          orderBy: { offset: 'asc' },
        });
        expect(letters.map(({ offset }) => Number(offset))).toEqual(refused.map((r) => r.offset));
        for (const [i, { key, value }] of letters.entries()) {
          expect(isSame(value, refused[i]!.value) && isSame(key, refused[i]!.key)).toBe(true);
        }
        expect(await stored()).toBe(before + events + bad);
        expect(deadLetters.get('DECODER_FAILED')).toBeUndefined();
        const found = await store.prisma.device.count({
          where: { externalId: { in: devices }, deviceState: { headSec: { not: null } } },
        });
        expect(found, `good devices of round ${round}`).toBe(devices.length);
      }
      const letters = await store.prisma.deadLetter.findMany({
        select: { message: true, reason: true },
      });
      expect(letters.length).toBeGreaterThan(ROUNDS * 100);
      expect(letters.every(({ message }) => message.length > 10)).toBe(true);
    },
  );
});

function isSame(a: Uint8Array | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : b.equals(a);
}

type Random = () => number;
const pick = <T>(random: Random, items: readonly T[]): T =>
  items[Math.floor(random() * items.length)]!;

const TEXTS = [
  'a',
  '\ud83d',
  '\ude00x',
  'a\u0000b',
  '\u202eevil',
  '😀'.repeat(40),
  'x'.repeat(500),
  '',
  '\ufeff',
  '__proto__',
  'constructor',
  "'; drop table event; --",
  '\u2028',
  'é',
  'NA',
  '\\',
  '"',
];
const NUMBERS = [
  0, -0, -1, -3.6, 255, 65_535, 4_294_967_295, 1e300, -1e300, 5e-324, 9_007_199_254_740_992, 0.1,
  683.16,
];
const INSTANTS = [
  NOW,
  NOW - 1,
  NOW + 86_400_000,
  0,
  -1,
  NOW / 1000,
  NOW * 1000,
  NOW * 1e6,
  1e300,
  '2016-12-31T23:59:60Z',
  '2006-04-09T12:00:00Z',
  '2026-02-30T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '😀'.repeat(35),
];
const FIELDS = [
  'lat',
  'lon',
  'speedKmh',
  'headingDeg',
  'odometerKm',
  'ignition',
  'accelMps2',
  'accuracyM',
  'x',
];

function hostileValue(random: Random): Buffer | string | null {
  const kind = Math.floor(random() * 9);
  if (kind === 0) return null;
  if (kind === 1) return Buffer.from(Array.from({ length: random() * 80 }, () => random() * 256));
  if (kind === 2) {
    const depth = Math.floor(random() * 20_000);
    const at = pick(random, ['speedKmh', 'deviceId', 'at', 'x']);
    return `{"deviceId":"deep","at":${NOW},"${at}":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  }
  if (kind === 3)
    return Buffer.alloc(Math.floor(random() * 200_000), pick(random, [' ', '{', '0', '[']));
  if (kind === 4) {
    return `ID ${pick(random, ['80', 'NaN', '1'.repeat(60_000)])} 5-15-2015 00:08:13 ${pick(random, TEXTS)},${random() * 200}`;
  }
  const message: Record<string, unknown> = {
    deviceId: pick(random, TEXTS),
    at: pick(random, INSTANTS),
  };
  for (const field of FIELDS) if (random() < 0.5) message[field] = hostileField(random);
  const text = JSON.stringify(message);
  if (kind === 5) return text.slice(0, Math.floor(random() * text.length));
  if (kind === 6) return `${pick(random, ['\ufeff', '\n', ' ', '[', '"'])}${text}`;
  if (kind === 7)
    return text.replace(/:-?\d+/g, () => pick(random, [':NaN', ':-Infinity', ':1e999', ':0']));
  return text;
}

function hostileField(random: Random): unknown {
  const kind = Math.floor(random() * 5);
  if (kind === 0) return pick(random, NUMBERS);
  if (kind === 1) return pick(random, TEXTS);
  if (kind === 2) return pick(random, [true, false, null, 'on', 1]);
  if (kind === 3) return { forward: pick(random, NUMBERS), up: pick(random, TEXTS) };
  return random() * 200 - 100;
}

function hostileFrame(random: Random): Partial<LogRecord> {
  const bytes = () => Buffer.from(Array.from({ length: random() * 20 }, () => random() * 256));
  return {
    key: random() < 0.5 ? null : bytes(),
    timestampMs: pick(random, [
      undefined,
      NOW,
      0,
      -1,
      NOW / 1000,
      NOW * 1000,
      NOW * 1e6,
      NOW + 1e10,
    ]),
    headers: Array.from({ length: random() * 4 }, (): RawHeader => [
      pick(random, [bytes(), Buffer.from('content-type')]),
      pick(random, [null, bytes(), Buffer.from('application/json'), Buffer.from('text/plain; x')]),
    ]),
  };
}

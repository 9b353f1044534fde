import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import avro from 'avsc';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeRecord } from '../../src/core/decode/record.ts';
import { createLog } from '../../src/log.ts';
import type { Schemas } from '../../src/schemas/schemas.ts';
import { createSchemas } from '../../src/schemas/schemas.ts';
import { loadOffsets } from '../../src/store/ingest/offsets.ts';
import { openStore } from '../../src/store/open.ts';
import { NOW, settings } from '../core/decode/settings.ts';
import { createSinkContext, processBatch } from '../sink/context.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestRegistry } from './registry.ts';
import { startTestRegistry } from './registry.ts';

const log = createLog({ level: 'silent', isTerminal: false });
const read = (name: string) =>
  readFileSync(new URL(`../../schemas/${name}`, import.meta.url), 'utf8');
const AVSC = read('telematics.avsc');
const PROTO = read('telematics.proto');
const AVRO = avro.Type.forSchema(JSON.parse(AVSC) as avro.Schema);
const PROTOBUF = protobuf.parse(PROTO).root.lookupType('odograph.Telematics');
const FILES = [
  { contentTypes: ['application/avro'], encoding: 'AVRO', text: AVSC },
  { contentTypes: ['application/x-protobuf'], encoding: 'PROTOBUF', text: PROTO },
] as const;

type Message = Readonly<Record<string, unknown>>;

const toAvro = (message: Message) => AVRO.toBuffer(withNulls(message));
const withNulls = ({ accelMps2, ...message }: Message): Message => ({
  ...Object.fromEntries(FIELDS.map((name) => [name, null])),
  ...message,
  accelMps2: accelMps2 ? { forward: null, left: null, up: null, ...accelMps2 } : null,
});
const toProtobuf = (message: Message) =>
  Buffer.from(PROTOBUF.encode(PROTOBUF.fromObject(message)).finish());
const frame = (id: number, ...parts: Buffer[]) => {
  const head = Buffer.from([0, 0, 0, 0, 0]);
  head.writeUInt32BE(id, 1);
  return Buffer.concat([head, ...parts]);
};

const FIELDS =
  'lat lon speedKmh headingDeg odometerKm ignition speedLimitKmh phoneInUse accuracyM'.split(' ');
const GOOD: Message = { deviceId: 'a', at: NOW, lat: 52.52, lon: 13.405, ignition: true };

let registry: TestRegistry;
let schemas: Schemas;
let avroId: number;
let protobufId: number;

beforeAll(async () => {
  registry = await startTestRegistry();
  avroId = registry.register(AVSC);
  protobufId = registry.register(PROTO, 'PROTOBUF');
});

beforeEach(() => {
  registry.behave('answer');
  schemas = createSchemas({ registryUrl: registry.url, files: FILES, log });
});

afterAll(() => registry?.stop());

const decode = (value: Buffer, contentType?: string) =>
  decodeRecord({ value, contentType, timestampMs: NOW }, { ...settings, binary: schemas });
const decodeJson = (message: Message) => decode(Buffer.from(JSON.stringify(message)));

describe('Avro and Protobuf messages', () => {
  it('give the same events as JSON, framed or plain', async () => {
    await schemas.load([avroId, protobufId]);
    const number = fc.option(fc.double({ min: -1000, max: 1000, noNaN: true }), { nil: undefined });
    const flag = fc.option(fc.boolean(), { nil: undefined });
    const message = fc.record({
      deviceId: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
      at: fc.integer({ min: Date.parse('2015-01-01'), max: NOW }),
      lat: number,
      lon: number,
      speedKmh: number,
      headingDeg: number,
      odometerKm: number,
      ignition: flag,
      accelMps2: fc.option(fc.record({ forward: number, left: number, up: number }), {
        nil: undefined,
      }),
      speedLimitKmh: number,
      phoneInUse: flag,
      accuracyM: number,
    });
    fc.assert(
      fc.property(message, (fields) => {
        const plain = JSON.parse(JSON.stringify(fields)) as Message;
        const expected = decodeJson(plain);
        expect(decode(frame(avroId, toAvro(plain)))).toEqual(expected);
        expect(decode(toAvro(plain), 'application/avro')).toEqual(expected);
        expect(decode(frame(protobufId, Buffer.from([0]), toProtobuf(plain)))).toEqual(expected);
        expect(decode(toProtobuf(plain), 'application/x-protobuf')).toEqual(expected);
      }),
      { numRuns: process.env['ODOGRAPH_LONG'] === '1' ? 100_000 : 500 },
    );
  });

  it('are dead letters with the reason where they are cut, of an unknown schema or another one', async () => {
    const other = registry.register(
      '{"type":"record","name":"X","fields":[{"name":"n","type":"string"}]}',
    );
    const broken = registry.register('{"type":"nonsense"}');
    const referring = registry.register(AVSC, 'AVRO', { references: [{ name: 'x' }] });
    await schemas.load([avroId, protobufId, other, broken, referring, 4711]);
    const bytes = toAvro(GOOD);
    const reasonOf = (value: Buffer, contentType?: string) => {
      const decoded = decode(value, contentType);
      return decoded.ok ? 'ok' : `${decoded.reason}: ${decoded.message}`;
    };
    expect(reasonOf(frame(avroId, bytes))).toBe('ok');
    for (let length = 1; length < bytes.length + 5; length += 1) {
      expect(reasonOf(frame(avroId, bytes).subarray(0, length))).toMatch(/^MALFORMED/);
    }
    expect(reasonOf(frame(avroId, bytes, Buffer.from('more')))).toMatch(/^MALFORMED.*not Avro/);
    const proto = toProtobuf(GOOD);
    expect(reasonOf(frame(protobufId, Buffer.from([2, 0]), proto))).toBe('ok');
    expect(reasonOf(frame(protobufId, Buffer.from([2, 18]), proto))).toMatch(
      /no message with index 9/,
    );
    expect(reasonOf(frame(protobufId, Buffer.from([0]), proto.subarray(0, 10)))).toMatch(
      /^MALFORMED|^MISSING/,
    );
    expect(reasonOf(frame(other, Buffer.from([2, 0x61])))).toMatch(/^MISSING_FIELD: deviceId/);
    expect(reasonOf(frame(4711, bytes))).toMatch(
      /^UNKNOWN_SCHEMA: schema 4711: the registry does not know/,
    );
    expect(reasonOf(frame(broken, bytes))).toMatch(/^UNKNOWN_SCHEMA: .*cannot be read/);
    expect(reasonOf(frame(referring, bytes))).toMatch(/^UNKNOWN_SCHEMA: .*refers to other schemas/);
    expect(reasonOf(Buffer.concat([Buffer.from([1, 0, 0, 0, 1]), bytes]))).toMatch(
      /^UNKNOWN_FORMAT/,
    );
    expect(reasonOf(bytes.subarray(0, 4), 'application/avro')).toMatch(/^MALFORMED/);
  });

  it('may be of a schema that has evolved: fields added, timestamps in microseconds', async () => {
    const newer = {
      type: 'record',
      name: 'Telematics',
      fields: [
        { name: 'fuel', type: ['null', 'double'], default: null },
        { name: 'deviceId', type: 'string' },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
        { name: 'speedKmh', type: 'double' },
      ],
    };
    const id = registry.register(JSON.stringify(newer));
    await schemas.load([id]);
    const bytes = avro.Type.forSchema(newer as avro.Schema).toBuffer({
      fuel: 12,
      deviceId: 'a',
      at: NOW * 1000 + 999,
      speedKmh: 50,
    });
    expect(decode(frame(id, bytes))).toMatchObject({
      ok: true,
      unknownFields: 1,
      value: { event: { atMs: NOW, speedCkmh: 5_000 } },
    });
    const json = registry.register('{"type":"object"}', 'JSON');
    await schemas.load([json]);
    expect(decode(frame(json, Buffer.from(JSON.stringify(GOOD))))).toEqual(decodeJson(GOOD));
  });

  it('are asked for once for each schema', async () => {
    const before = registry.asked();
    await schemas.load([avroId, protobufId]);
    await schemas.load([avroId, protobufId]);
    expect(registry.asked() - before).toBe(2);
  });

  it.each(['refuse', 'hang'] as const)(
    'wait for a registry that is away (%s), and none is lost',
    async (how) => {
      const database = await createTestDatabase();
      const store = openStore({ url: database.sinkUrl, poolSize: 3 });
      try {
        await loadOffsets(store, 'framed', new Map([[0, 0]]));
        const context = createSinkContext(store, 'framed');
        const sink = {
          ...context,
          decoding: {
            ...context.decoding,
            binary: schemas,
            loadSchemas: schemas.load,
          },
        };
        registry.behave(how);
        const record = (value: Buffer, offset: number) => ({
          partition: 0,
          offset,
          timestampMs: undefined,
          key: null,
          value,
          headers: [],
        });
        const records = [
          record(frame(avroId, toAvro(GOOD)), 0),
          record(frame(avroId, toAvro({ ...GOOD, deviceId: 'b' })), 1),
        ];
        const writing = processBatch(sink, [{ partition: 0, from: 0, to: 2, records }]);
        const first = await Promise.race([writing, sleep(1_000, 'waiting')]);
        expect(first).toBe('waiting');
        registry.behave('answer');
        expect(await writing).toMatchObject({ events: 2, deadLetters: new Map() });
      } finally {
        await store.close();
        await database.drop();
      }
    },
    60_000,
  );

  it('stop waiting when the sink stops', async () => {
    registry.behave('refuse');
    const waiting = schemas.load([avroId]);
    schemas.close();
    await expect(waiting).rejects.toThrow('not asked any more');
  });
});

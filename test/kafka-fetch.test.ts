import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { describe, expect, it } from 'vitest';
import '../src/kafka.ts';

const require = createRequire(import.meta.url);
const load = <T>(file: string) => require(`kafkajs/src/protocol/${file}`) as T;

interface Encoded {
  readonly buffer: Buffer;
}
type Encode<T> = (content: T) => Encoded;
const encodeRecord = load<Encode<object>>('recordBatch/record/v0/index.js');
const { RecordBatch } = load<{ RecordBatch(content: object): Promise<Encoded> }>(
  'recordBatch/v0/index.js',
);
const { protocol } = load<{
  protocol(version: { version: number }): (args: object) => {
    response: { decode(raw: Buffer): Promise<Decoded> };
  };
}>('requests/fetch/index.js');

interface Decoded {
  readonly responses: readonly {
    readonly partitions: readonly { readonly messages: readonly Message[] }[];
  }[];
}
interface Message {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: string;
  readonly isControlRecord: boolean;
  readonly damage?: string;
}

interface Content {
  readonly value: Buffer | null;
  readonly key?: Buffer | null;
  readonly headers?: Record<string, Buffer>;
}

/** A record batch as a producer writes it, from an offset on. */
async function batch(baseOffset: number, contents: readonly Content[]): Promise<Buffer> {
  const { buffer } = await RecordBatch({
    compression: 0,
    firstTimestamp: 1_000,
    maxTimestamp: 1_000,
    lastOffsetDelta: contents.length - 1,
    records: contents.map(({ key = null, value, headers = {} }, offsetDelta) =>
      encodeRecord({ offsetDelta, timestampDelta: offsetDelta, key, value, headers }),
    ),
  });
  buffer.writeBigInt64BE(BigInt(baseOffset), 0);
  return buffer;
}

const HEADER_BYTES = 61;

/** The same batch with its records compressed, or with any other bytes for them. */
function withRecords(plain: Buffer, compression: number, records: Buffer): Buffer {
  const changed = Buffer.concat([plain.subarray(0, HEADER_BYTES), records]);
  changed.writeInt32BE(changed.length - 12, 8);
  changed.writeInt16BE(compression, 21);
  return changed;
}

/** Decodes a response of one partition as a consumer gets it that asked for records from an offset on. */
async function fetch(batches: readonly Buffer[], from = 0): Promise<readonly Message[]> {
  const topic = Buffer.from('t');
  const head = Buffer.alloc(4 + 2 + 4 + 4 + 2 + topic.length + 4 + 4 + 2 + 8 * 3 + 4 + 4 + 4);
  let at = 10;
  at = head.writeInt32BE(1, at);
  at = head.writeInt16BE(topic.length, at);
  at += topic.copy(head, at);
  at = head.writeInt32BE(1, at);
  at = head.writeInt32BE(0, at) + 2 + 24;
  at = head.writeInt32BE(0, at);
  at = head.writeInt32BE(-1, at);
  const records = Buffer.concat(batches);
  head.writeInt32BE(records.length, at);
  const args = {
    topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: String(from) }] }],
  };
  const { responses } = await protocol({ version: 11 })(args).response.decode(
    Buffer.concat([head, records]),
  );
  return responses[0]!.partitions[0]!.messages;
}

/** All records, fetched piece by piece as a consumer does. */
async function fetchAll(batches: readonly Buffer[], end: number): Promise<Message[]> {
  const all: Message[] = [];
  for (let from = 0; from < end;) {
    const piece = await fetch(batches, from);
    expect(piece.length).toBeGreaterThan(0);
    all.push(...piece.slice(0, 50_000));
    from = Number(all.at(-1)!.offset) + 1;
  }
  return all;
}

const bytesOf = (messages: readonly Message[]) =>
  messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);

/** Blanks that lz4 and gzip make a few bytes of. */
const blanks = (length: number): Content => ({ value: Buffer.alloc(length, ' ') });

describe('a fetch', () => {
  it('gives the records that were written, whatever they hold', async () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: null });
    const content = fc.record({ key: bytes, value: bytes });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(content, { minLength: 1, maxLength: 20 }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.constantFrom(0, 1, 3),
        fc.nat(30),
        async (lists, compression, from) => {
          const batches: Buffer[] = [];
          let next = 0;
          const expected: { offset: string; key: Buffer | null; value: Buffer | null }[] = [];
          for (const list of lists) {
            const contents = list.map(({ key, value }) => ({
              key: key && Buffer.from(key),
              value: value && Buffer.from(value),
            }));
            const plain = await batch(next, contents);
            const records = plain.subarray(HEADER_BYTES);
            if (compression === 0) batches.push(plain);
            else if (compression === 1) batches.push(withRecords(plain, 1, gzipSync(records)));
            else batches.push(withRecords(plain, 3, compressFrameSync(records)));
            contents.forEach((each, i) => expected.push({ ...each, offset: String(next + i) }));
            next += contents.length;
          }
          const messages = await fetch(batches, from);
          expect(messages.map(({ offset, key, value }) => ({ offset, key, value }))).toEqual(
            expected.filter(({ offset }) => Number(offset) >= from),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it('may hold more records in one batch than a call may have arguments', async () => {
    const value = Buffer.from('{"deviceId":"one","at":1767225600000,"speedKmh":50}');
    const plain = await batch(
      0,
      Array.from({ length: 130_000 }, () => ({ value })),
    );
    const all = await fetchAll(
      [withRecords(plain, 1, gzipSync(plain.subarray(HEADER_BYTES)))],
      130_000,
    );
    expect(all).toHaveLength(130_000);
  });

  it.each([
    ['gzip', 1, (records: Buffer) => gzipSync(records)],
    ['lz4', 3, (records: Buffer) => compressFrameSync(records)],
  ])(
    'of a bomb in %s comes in pieces, of values that are much too long their beginning',
    async (_, compression, compress) => {
      const contents = [...Array.from({ length: 3 }, () => blanks(12_000_000)), blanks(10)];
      const plain = await batch(0, contents);
      const bomb = withRecords(plain, compression, compress(plain.subarray(HEADER_BYTES)));
      const messages = await fetch([bomb]);
      expect(messages.map(({ value }) => value!.length)).toEqual([
        ...Array<number>(3).fill(65_537),
        10,
      ]);

      const many = await batch(
        0,
        Array.from({ length: 600 }, () => blanks(70_000)),
      );
      const packed = withRecords(many, compression, compress(many.subarray(HEADER_BYTES)));
      const first = await fetch([packed]);
      expect(bytesOf(first)).toBeLessThan(34 * 1024 * 1024);
      const all = await fetchAll([packed], 600);
      expect(all.map(({ offset }) => Number(offset))).toEqual([...Array(600).keys()]);
      expect(new Set(all.map(({ value }) => value!.length))).toEqual(new Set([70_000]));
    },
  );

  it('of a batch that is damaged gives one record that says so in place of its rest, and what follows', async () => {
    const good = await batch(0, [{ value: Buffer.from('good') }]);
    const next = await batch(4, [{ value: Buffer.from('next') }]);
    const three = await batch(
      1,
      [1, 2, 3].map((i) => ({ value: Buffer.from(`three ${i}`) })),
    );
    const cut = gzipSync(three.subarray(HEADER_BYTES)).subarray(0, 20);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(0, 1, 2, 3, 4, 7),
        fc.oneof(fc.constant(cut), fc.uint8Array({ maxLength: 300 })),
        async (compression, junk) => {
          const damaged = withRecords(three, compression, Buffer.from(junk));
          const messages = await fetch([good, damaged, next]);
          expect(messages[0]!.value!.toString()).toBe('good');
          expect(messages.at(-1)!.value!.toString()).toBe('next');
          const between = messages.slice(1, -1);
          const offsets = between.map(({ offset }) => Number(offset));
          expect(offsets.at(-1)).toBe(3);
          const damage = between.at(-1)!;
          if (!damage.isControlRecord && between.length < 3)
            expect(damage.damage).toContain('offset');
        },
      ),
      { numRuns: 150 },
    );
  });

  it('moves on past offsets that compaction has emptied', async () => {
    const plain = await batch(0, [{ value: Buffer.from('a') }]);
    plain.writeInt32BE(9, 23);
    const messages = await fetch([plain]);
    expect(messages.map(({ offset, isControlRecord }) => [offset, isControlRecord])).toEqual([
      ['0', false],
      ['9', true],
    ]);
    expect((await fetch([plain], 5)).map(({ offset }) => offset)).toEqual(['9']);
  });
});

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
import { decompress } from './kafka-decompress.ts';
import type { RawHeader } from './kafka-headers.ts';
import type { RawRecord } from './kafka-records.ts';
import { createRecordReader, cutRecord } from './kafka-records.ts';

/*
 * Decodes the broker's fetch responses in place of kafkajs. kafkajs decompresses whatever a batch
 * expands to, collects records with `push(...records)`, which throws beyond some 120,000 of them, and
 * fails the whole fetch, for ever, at a batch that cannot be decompressed. It has no option for any of
 * this, so its table of requests is changed; kafkajs itself is not maintained and stays at one version.
 */

/** Bytes of records that one response gives at most; the rest of it is fetched again. */
const MAX_DECODED_BYTES = 32 * 1024 * 1024;
/** What a record costs in memory beside its bytes. */
const RECORD_OVERHEAD_BYTES = 256;
/** The length of a record batch before its records, and where its fields are. */
const BATCH_HEADER_BYTES = 61;

/** What a response said of one partition. */
export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  /** The records from this offset … */
  readonly from: number;
  /** … to this one, exclusive, were given; equal where there were none. */
  readonly to: number;
  /** The offset after the last record that is acknowledged, readable or in an open transaction. */
  readonly highWatermark: number;
  /** The first offset that an open transaction withholds; equal to `highWatermark` where there is none. */
  readonly lastStableOffset: number;
  /** When the request was made, of `performance.now()`. */
  readonly requestedAt: number;
}

export type FetchObserver = (fetched: FetchedPartition) => void;

const observers = new AsyncLocalStorage<FetchObserver>();

/** Runs a consumer whose fetches the observer sees. */
export function observeFetches<T>(observer: FetchObserver, run: () => T): T {
  return observers.run(observer, run);
}

/** A record as kafkajs passes it on, with what it leaves out. */
export interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, never>;
  readonly rawHeaders: readonly RawHeader[];
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  /** Why the record cannot be read; its value is then the batch as it was, cut. */
  readonly damage?: string;
}

interface FetchArguments {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[];
  }[];
}
interface FetchExchange {
  readonly response: { decode(raw: Buffer): Promise<unknown>; parse(decoded: unknown): unknown };
}
interface FetchDefinition {
  protocol(version: { version: number }): (args: FetchArguments) => FetchExchange;
}

const require = createRequire(import.meta.url);
const definition = require('kafkajs/src/protocol/requests/fetch/index.js') as FetchDefinition;
const originalProtocol = definition.protocol.bind(definition);
/** The version that brokers since 2.3 speak; older ones keep kafkajs' decoder. */
const VERSION = 11;

definition.protocol = ({ version }) => {
  const make = originalProtocol({ version });
  if (version !== VERSION) return make;
  return (args) => {
    const exchange = make(args);
    const observer = observers.getStore();
    const requestedAt = performance.now();
    const decode = (raw: Buffer) => decodeResponse(raw, args, requestedAt, observer);
    return { ...exchange, response: { ...exchange.response, decode } };
  };
};

async function decodeResponse(
  raw: Buffer,
  args: FetchArguments,
  requestedAt: number,
  observer: FetchObserver | undefined,
) {
  let at = 0;
  const int16 = () => raw.readInt16BE((at += 2) - 2);
  const int32 = () => raw.readInt32BE((at += 4) - 4);
  const int64 = () => raw.readBigInt64BE((at += 8) - 8);
  const clientSideThrottleTime = int32();
  const errorCode = int16();
  const sessionId = int32();
  const budget = { bytes: MAX_DECODED_BYTES };
  const responses = [];
  for (let topics = int32(); topics > 0; topics -= 1) {
    const nameBytes = int16();
    const topicName = raw.toString('utf8', at, at + nameBytes);
    at += nameBytes;
    const asked = args.topics.find(({ topic }) => topic === topicName)?.partitions ?? [];
    const partitions = [];
    for (let left = int32(); left > 0; left -= 1) {
      const partition = int32();
      const partitionError = int16();
      const highWatermark = int64();
      const lastStableOffset = int64();
      const lastStartOffset = int64();
      const abortedTransactions = [];
      for (let aborted = int32(); aborted > 0; aborted -= 1) {
        abortedTransactions.push({
          producerId: int64().toString(),
          firstOffset: int64().toString(),
        });
      }
      const preferredReadReplica = int32();
      const size = Math.max(0, int32());
      const batches = raw.subarray(at, at + size);
      at += size;
      const from = Number(asked.find((p) => p.partition === partition)?.fetchOffset ?? 0);
      const messages = await decodeBatches(batches, from, budget);
      partitions.push({
        partition,
        errorCode: partitionError,
        highWatermark: highWatermark.toString(),
        lastStableOffset: lastStableOffset.toString(),
        lastStartOffset: lastStartOffset.toString(),
        abortedTransactions,
        preferredReadReplica,
        messages,
      });
      if (partitionError === 0) {
        observer?.({
          topic: topicName,
          partition,
          from,
          to: messages.length > 0 ? Number(messages.at(-1)!.offset) + 1 : from,
          highWatermark: Number(highWatermark),
          lastStableOffset: Number(lastStableOffset < 0n ? highWatermark : lastStableOffset),
          requestedAt,
        });
      }
    }
    responses.push({ topicName, partitions });
  }
  // As kafkajs does: the broker has not waited, but asks us to.
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

/**
 * Gives the records from an offset on, until the budget is spent; at least one, if there is one.
 * Where a batch ends with offsets that have no record, a control record stands for the last of them,
 * so that the reader moves on.
 */
async function decodeBatches(
  batches: Buffer,
  from: number,
  budget: { bytes: number },
): Promise<FetchedMessage[]> {
  const messages: FetchedMessage[] = [];
  for (let at = 0; at + BATCH_HEADER_BYTES <= batches.length;) {
    const end = at + 12 + batches.readInt32BE(at + 8);
    // The last batch of a response may be cut off.
    if (
      end > batches.length ||
      end < at + BATCH_HEADER_BYTES ||
      (budget.bytes <= 0 && messages.length > 0)
    )
      break;
    const batch = batches.subarray(at, end);
    at = end;
    const header = readBatchHeader(batch);
    if (header.lastOffset < from) continue;
    if (!(await decodeBatch(batch, header, from, budget, messages))) break;
    const last = messages.at(-1);
    if (!last || Number(last.offset) < header.lastOffset) {
      messages.push(toMessage(header, { offset: header.lastOffset }, true));
    }
  }
  return messages;
}

type BatchHeader = ReturnType<typeof readBatchHeader>;

function readBatchHeader(batch: Buffer) {
  const attributes = batch.readInt16BE(21);
  const baseOffset = Number(batch.readBigInt64BE(0));
  const magic = batch.readInt8(16);
  return {
    baseOffset,
    magic,
    compression: attributes & 7,
    /** With LogAppendTime every record bears the batch's last timestamp. */
    isAppendTime: (attributes & 0x08) !== 0,
    isControl: (attributes & 0x20) !== 0,
    lastOffset: magic === 2 ? baseOffset + batch.readInt32BE(23) : baseOffset,
    firstTimestamp: Number(batch.readBigInt64BE(27)),
    maxTimestamp: Number(batch.readBigInt64BE(35)),
    batchContext: {
      producerId: batch.readBigInt64BE(43).toString(),
      inTransaction: (attributes & 0x10) !== 0,
    },
    count: batch.readInt32BE(57),
  };
}

/** @returns false if the budget was spent before the batch's end */
async function decodeBatch(
  batch: Buffer,
  header: BatchHeader,
  from: number,
  budget: { bytes: number },
  messages: FetchedMessage[],
): Promise<boolean> {
  const bytes = batch.subarray(BATCH_HEADER_BYTES);
  try {
    if (header.magic !== 2)
      throw new Error(`record batches of version ${header.magic} are not read`);
    const pieces = header.compression === 0 ? [bytes] : decompress(header.compression, bytes);
    const reader = createRecordReader(pieces);
    for (let left = header.count; left > 0; left -= 1) {
      if (budget.bytes <= 0 && messages.length > 0) return false;
      const record = reader.tryNext() ?? (await reader.next());
      const offset = header.baseOffset + record.offsetDelta;
      if (offset < from) continue;
      budget.bytes -=
        (record.key?.length ?? 0) + (record.value?.length ?? 0) + RECORD_OVERHEAD_BYTES;
      messages.push(toMessage(header, { ...record, offset }, header.isControl));
    }
  } catch (error) {
    messages.push({
      ...toMessage(header, { offset: header.lastOffset, value: cutRecord(bytes) }, false),
      damage: `a record batch, offsets ${Math.max(from, header.baseOffset)} to ${header.lastOffset}, cannot be read after offset ${messages.at(-1)?.offset ?? from - 1}: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
  return true;
}

function toMessage(
  header: BatchHeader,
  record: Partial<RawRecord> & { readonly offset: number },
  isControlRecord: boolean,
): FetchedMessage {
  const created = header.firstTimestamp + (record.timestampDelta ?? 0);
  return {
    offset: String(record.offset),
    timestamp: String(header.isAppendTime ? header.maxTimestamp : created),
    key: record.key ?? null,
    value: record.value ?? null,
    headers: {},
    rawHeaders: record.headers ?? [],
    isControlRecord,
    batchContext: header.batchContext,
  };
}

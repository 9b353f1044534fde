import { afterAll, beforeAll, describe, it } from 'vitest';
import { encodeJson } from '../../src/core/decode/json.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import type { LogRecord } from '../../src/kafka.ts';
import type { SinkContext } from '../../src/sink/context.ts';
import { FencedError } from '../../src/store/ingest/commit.ts';
import { loadOffsets } from '../../src/store/ingest/offsets.ts';
import type { Store } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { createSinkContext, processBatch } from './context.ts';
import { expectOrderedPass, expectTotals } from './expect.ts';
import type { Random } from './streams.ts';
import { createRandom, createStream, scramble } from './streams.ts';

const SEED = Number(process.env['FC_SEED'] ?? Date.now() % 1_000_000);
const SEEDS = process.env['ODOGRAPH_LONG'] ? 500 : 24;
const TOPIC = 'orders';

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore({ url: database.sinkUrl, poolSize: 6 });
});

afterAll(async () => {
  await store?.close();
  await database?.drop();
});

describe(`whatever the order of arrival (seed ${SEED}, ${SEEDS} devices)`, () => {
  it(
    'the stored facts equal those of one ordered pass, byte for byte',
    async () => {
      const random = createRandom(SEED);
      const devices = Array.from({ length: SEEDS }, (_, i) => ({
        externalId: `DEV-${i}`,
        events: createStream(random, Date.UTC(2024, i % 12, 1 + (i % 27), i % 24)),
      }));
      await feed(random, devices);
      for (const device of devices)
        await expectOrderedPass(store, device.externalId, device.events);
      await expectTotals(store);
    },
    SEEDS * 12_500,
  );
});

interface Device {
  readonly externalId: string;
  readonly events: readonly CanonicalEvent[];
}

/** Sends every device's events, shuffled over three partitions, through sinks that race and forget. */
async function feed(random: Random, devices: readonly Device[]): Promise<void> {
  const partitions = [0, 1, 2];
  await loadOffsets(store, TOPIC, new Map(partitions.map((p) => [p, 0])));
  const logs = new Map<number, LogRecord[]>(partitions.map((p) => [p, []]));
  const queues = devices.map((d) => scramble(random, d.events).map((event) => ({ d, event })));
  const arrivals = queues.flatMap((queue) =>
    queue.map((arrival, i) => ({ ...arrival, place: i / queue.length + random() * 0.01 })),
  );
  for (const { d, event } of arrivals.sort((a, b) => a.place - b.place)) {
    const partition = Math.floor(random() * 3);
    const log = logs.get(partition)!;
    log.push({
      partition,
      offset: log.length,
      timestampMs: Date.now(),
      key: null,
      value: Buffer.from(encodeJson(d.externalId, event)),
      headers: [],
    });
  }
  const sinks: SinkUnderTest[] = [0, 1].map(() => ({
    context: createSinkContext(store, TOPIC),
    busy: Promise.resolve(),
  }));
  await Promise.all(partitions.map((p) => drain(random, sinks, logs.get(p)!, p)));
}

/** A sink and its batch in progress: a sink folds and writes one batch after another. */
interface SinkUnderTest {
  context: SinkContext;
  busy: Promise<void>;
}

/** Reads one partition to its end in batches of random size, by either sink; some sinks are recreated. */
async function drain(
  random: Random,
  sinks: readonly SinkUnderTest[],
  log: readonly LogRecord[],
  partition: number,
): Promise<void> {
  for (let from = 0; from < log.length;) {
    const size = 1 + Math.floor(random() * random() * 2_000);
    const records = log.slice(from, from + size);
    const sink = sinks[Math.floor(random() * sinks.length)]!;
    const isForgetful = random() < 0.05;
    const isWritten = sink.busy.then(async () => {
      if (isForgetful) sink.context = createSinkContext(store, TOPIC);
      try {
        await processBatch(sink.context, [{ partition, from, to: from + records.length, records }]);
        return true;
      } catch (error) {
        if (error instanceof FencedError && error.by === 'DEVICE') return false;
        throw error;
      }
    });
    sink.busy = isWritten.then(() => undefined);
    if (await isWritten) from += records.length;
  }
}

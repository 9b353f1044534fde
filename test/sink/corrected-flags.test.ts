import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeJson } from '../../src/core/decode/json.ts';
import { digestOf } from '../../src/core/digest.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import type { SinkContext } from '../../src/sink/context.ts';
import { loadOffsets } from '../../src/store/ingest/offsets.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { createSinkContext, processBatch } from './context.ts';

const START_MS = Date.UTC(2026, 4, 4, 8);
const DEVICE = 'BRAKER';
let database: TestDatabase;
let store: Store;
let owner: pg.Client;
let sink: SinkContext;
let offset = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore({ url: database.sinkUrl, poolSize: 2 });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  sink = createSinkContext(store, 'corrected');
  await loadOffsets(store, sink.topic, new Map([[0, 0]]));
});
afterAll(async () => {
  await owner?.end();
  await store?.close();
  await database?.drop();
});

/** A fix on a road to the north, at the given seconds after the start. */
function fix(second: number, speedKmh: number, metres: number): CanonicalEvent {
  const content = {
    atMs: START_MS + second * 1000,
    latE7: Math.round((48 + metres / 111_195) * 1e7),
    lonE7: 110_000_000,
    speedCkmh: speedKmh * 100,
  };
  return { ...content, digest: digestOf(content) };
}

/** Drives at 72 km/h for two minutes, brakes to a standstill in four seconds, and drives on. */
function drive(): CanonicalEvent[] {
  let metres = 0;
  return Array.from({ length: 240 }, (_, second) => {
    const speedKmh = second < 120 ? 72 : second < 124 ? 72 - (second - 119) * 18 : 36;
    metres += speedKmh / 3.6;
    return fix(second, speedKmh, metres);
  });
}

async function send(events: readonly CanonicalEvent[]): Promise<void> {
  const records = events.map((event, index) => ({
    partition: 0,
    offset: offset + index,
    timestampMs: Date.now(),
    key: null,
    value: Buffer.from(encodeJson(DEVICE, event)),
    headers: [],
  }));
  await processBatch(sink, [{ partition: 0, from: offset, to: offset + records.length, records }]);
  offset += records.length;
}

const read = async () =>
  (
    await owner.query<{ at: Date; kind: string; started: Date; changed: string }>(
      'select at, kind, trip_started_at as started, changed::text from driving_event order by at, kind, source',
    )
  ).rows;

describe('a driving event that a late message corrects', () => {
  it('has the newer facts, and keeps the cursor position at which subscribers received it', async () => {
    await send(drive());
    const before = await read();
    expect(before[0]).toMatchObject({ kind: 'HARSH_BRAKING', started: new Date(START_MS) });
    await send([fix(-10, 72, -200)]);
    const started = new Date(START_MS - 10_000);
    expect(await read()).toEqual(before.map((event) => ({ ...event, started })));
  });
});

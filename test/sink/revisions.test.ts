import { Buffer } from 'node:buffer';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeJson } from '../../src/core/decode/json.ts';
import { digestOf } from '../../src/core/digest.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import type { SinkContext } from '../../src/sink/context.ts';
import { loadOffsets } from '../../src/store/ingest/offsets.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { createSinkContext, processBatch } from './context.ts';

let database: TestDatabase;
let store: Store;
let owner: pg.Client;
let sink: SinkContext;
let device = '';
let offset = 0;
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore({ url: database.sinkUrl, poolSize: 2 });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await store.close();
  await database.drop();
});
beforeEach(async () => {
  count += 1;
  offset = 0;
  device = `ID-${count}`;
  sink = createSinkContext(store, `revisions-${count}`);
  await loadOffsets(store, sink.topic, new Map([[0, 0]]));
});

const EVENING = Date.UTC(2026, 5, 1, 18);
const MORNING = Date.UTC(2026, 5, 2, 6);

function eventsOf(fromMs: number, seconds: number, from = 0): CanonicalEvent[] {
  return Array.from({ length: seconds / 10 }, (_, i) => {
    const content = {
      atMs: fromMs + i * 10_000,
      latE7: 525_200_000 + (from + i) * 15_000,
      lonE7: 134_000_000,
      speedCkmh: 6_000,
    };
    return { ...content, digest: digestOf(content) };
  });
}

/** Stores events that arrive at the given instant. */
async function arrive(events: readonly CanonicalEvent[], atMs: number): Promise<void> {
  const records = events.map((event, i) => ({
    partition: 0,
    offset: offset + i,
    timestampMs: atMs,
    key: null,
    value: Buffer.from(encodeJson(device, event)),
    headers: [],
  }));
  const to = offset + events.length;
  await processBatch({ ...sink, now: () => atMs }, [{ partition: 0, from: offset, to, records }]);
  offset = to;
}

async function trips() {
  const { rows } = await owner.query(
    `select t.revision, t.end_reason as reason, (select count(*)::int from trip_revision r where r.trip_id = t.id) as kept
     from trip t join device d on d.id = t.device_id where d.external_id = $1 order by t.started_at`,
    [device],
  );
  return rows as { revision: number; reason: string | null; kept: number }[];
}

describe('a trip that silence ended', () => {
  const evening = eventsOf(EVENING, 600);
  const morning = eventsOf(MORNING, 600);

  it('keeps its revision when the first message of the next morning closes it', async () => {
    await arrive(evening, EVENING + 600_000);
    await arrive(morning.slice(0, 50), MORNING + 500_000);
    await arrive(morning.slice(50), MORNING + 600_000);
    expect(await trips()).toEqual([
      { revision: 1, reason: 'SILENCE', kept: 0 },
      { revision: 1, reason: null, kept: 0 },
    ]);
  });

  it('keeps it when a message that arrives late closes it instead of another one', async () => {
    await arrive(evening, EVENING + 600_000);
    await arrive(morning, MORNING + 600_000);
    const parked = { ...evening.at(-1)!, atMs: MORNING - 3_600_000, speedCkmh: 0 };
    await arrive([{ ...parked, digest: digestOf(parked) }], MORNING + 900_000);
    expect((await trips()).map(({ revision, kept }) => ({ revision, kept }))).toEqual([
      { revision: 1, kept: 0 },
      { revision: 1, kept: 0 },
    ]);
  });

  it('gets a new one when a late message adds to it', async () => {
    await arrive(evening.slice(0, 50), EVENING + 500_000);
    await arrive(morning, MORNING + 600_000);
    await arrive(evening.slice(50), MORNING + 900_000);
    expect(await trips()).toEqual([
      { revision: 2, reason: 'SILENCE', kept: 1 },
      { revision: 1, reason: null, kept: 0 },
    ]);
  });

  it('gets a new one when it continues after readers received its end', async () => {
    await arrive(evening.slice(0, 30), EVENING + 300_000);
    // These were sent at once, but delayed on the way for an hour.
    await arrive(evening.slice(30), EVENING + 3_600_000);
    expect(await trips()).toEqual([{ revision: 2, reason: null, kept: 1 }]);
  });
});

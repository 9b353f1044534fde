import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { advance, emptyState, encodeState, openTrip } from '../../src/core/advance.ts';
import type { TripFacts, DrivingEventFacts } from '../../src/core/changes.ts';
import { encodeJson } from '../../src/core/decode/json.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import type { LogRecord } from '../../src/kafka.ts';
import type { Bench } from '../../src/sink/batch.ts';
import { processBatch } from '../../src/sink/batch.ts';
import { FencedError } from '../../src/store/commit.ts';
import { loadOffsets } from '../../src/store/offsets.ts';
import type { Store } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import type { TripColumns } from '../../src/store/rows.ts';
import { drivingEventToColumns, keyToColumns, tripToColumns } from '../../src/store/rows.ts';
import { readSpans } from '../../src/store/spans.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { createBench, foldContext } from './bench.ts';
import type { Random } from './streams.ts';
import { createRandom, createStream, scramble, uniqueInOrder } from './streams.ts';

const SEED = Number(process.env['FC_SEED'] ?? Date.now() % 1_000_000);
const SEEDS = process.env['ODOGRAPH_LONG'] ? 500 : 24;
const TOPIC = 'orders';
const DEFAULT_TENANT = { tenantId: 1, assignmentId: null, driverId: null, vehicleId: null };

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
  it('the stored facts are those of one ordered pass, byte for byte', async () => {
    const random = createRandom(SEED);
    const devices = Array.from({ length: SEEDS }, (_, i) => ({
      externalId: `DEV-${i}`,
      events: createStream(random, Date.UTC(2024, i % 12, 1 + (i % 27), i % 24)),
    }));
    await feed(random, devices);
    for (const device of devices) await expectOrderedPass(device.externalId, device.events);
    await expectTotals();
  });
});

interface Device {
  readonly externalId: string;
  readonly events: readonly CanonicalEvent[];
}

/** Sends every device's events scrambled over three partitions, through sinks that race and forget. */
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
      headers: {},
    });
  }
  const benches = [createBench(store, TOPIC), createBench(store, TOPIC)];
  await Promise.all(partitions.map((p) => drain(random, benches, logs.get(p)!, p)));
}

/** Reads one partition to its end in batches of random size, by one sink or the other, some made anew. */
async function drain(
  random: Random,
  benches: Bench[],
  log: readonly LogRecord[],
  partition: number,
) {
  for (let from = 0; from < log.length;) {
    const size = 1 + Math.floor(random() * random() * 2_000);
    const records = log.slice(from, from + size);
    const which = Math.floor(random() * benches.length);
    if (random() < 0.05) benches[which] = createBench(store, TOPIC);
    try {
      await processBatch(benches[which]!, [{ partition, from, records }]);
    } catch (error) {
      if (error instanceof FencedError && error.by === 'DEVICE') continue;
      throw error;
    }
    from += records.length;
  }
}

async function expectOrderedPass(externalId: string, events: readonly CanonicalEvent[]) {
  const device = await store.prisma.device.findUniqueOrThrow({ where: { externalId } });
  const state = emptyState();
  const trips: TripFacts[] = [];
  const flags: DrivingEventFacts[] = [];
  const states = new Map<string, Uint8Array>();
  for (const event of uniqueInOrder(events)) {
    for (const change of advance(state, event, foldContext)) {
      if (change.type === 'tripClosed') trips.push(change.trip);
      else flags.push(change.event);
    }
    const { sec, rest } = keyToColumns(event);
    states.set(`${sec} ${rest}`, encodeState(state));
  }
  const open = openTrip(state, foldContext);
  if (open) trips.push(open);

  let span = (await readSpans(store, [{ deviceId: device.id, after: { atMs: 0, digest: 0 } }]))[0]!;
  const stored = {
    events: [...span.events],
    trips: [...span.trips],
    flags: [...span.drivingEvents],
    checkpoints: [...span.checkpoints],
  };
  while (!span.reachesHead) {
    span = (await readSpans(store, [{ deviceId: device.id, after: span.events.at(-1)! }]))[0]!;
    stored.events.push(...span.events);
    stored.trips.push(...span.trips);
    stored.flags.push(...span.drivingEvents);
    stored.checkpoints.push(...span.checkpoints);
  }
  const byStart = (a: TripColumns, b: TripColumns) => (a.started_at < b.started_at ? -1 : 1);
  expect(stored.events, `${externalId}: events`).toEqual(uniqueInOrder(events));
  expect(stored.trips.map((t) => t.columns).sort(byStart), `${externalId}: trips`).toEqual(
    trips.map((trip) => tripToColumns(device.id, trip, DEFAULT_TENANT)),
  );
  const order = (a: { at: string; kind: string; source: string }) =>
    `${a.at} ${a.kind} ${a.source}`;
  const sorted = <T extends { at: string; kind: string; source: string }>(list: T[]) =>
    list.sort((a, b) => (order(a) < order(b) ? -1 : 1));
  expect(sorted(stored.flags.map((f) => f.columns)), `${externalId}: driving events`).toEqual(
    sorted(flags.map((flag) => drivingEventToColumns(device.id, flag, DEFAULT_TENANT))),
  );
  for (const { key, state: bytes } of stored.checkpoints) {
    const { sec, rest } = keyToColumns(key);
    expect(
      Buffer.from(bytes).equals(states.get(`${sec} ${rest}`)!),
      `${externalId}: checkpoint`,
    ).toBe(true);
  }
  const head = await store.prisma.deviceState.findUniqueOrThrow({ where: { deviceId: device.id } });
  expect(Buffer.from(head.state!).equals(encodeState(state)), `${externalId}: head`).toBe(true);
  await expectHandles(device.id, stored.trips);
}

async function expectHandles(deviceId: number, trips: readonly { id: number; anchor: unknown }[]) {
  expect(new Set(trips.map((trip) => trip.id)).size).toBe(trips.length);
  const handles = await store.prisma.tripHandle.findMany({ where: { deviceId } });
  for (const trip of trips) {
    const handle = handles.find((h) => Number(h.id) === trip.id);
    expect(handle, `handle ${trip.id}`).toBeDefined();
    expect({ sec: handle!.anchorSec, rest: handle!.anchorRest }).toEqual(
      keyToColumns(trip.anchor as never),
    );
  }
  const revisions = await store.prisma.tripRevision.findMany({ where: { deviceId } });
  for (const revision of revisions) {
    expect(
      handles.some((h) => h.id === revision.tripId),
      `revision of ${revision.tripId}`,
    ).toBe(true);
  }
}

/** Roll-ups are the sums of the day parts of closed trips. */
async function expectTotals(): Promise<void> {
  const wrong = await store.prisma.$queryRawUnsafe<unknown[]>(`
    with parts as (
      select t.device_id, (day->>'localDate')::date as local_date, sum((day->>'distanceM')::bigint)::bigint as distance_m,
        sum((day->>'durationMs')::bigint)::bigint as duration_ms, sum((day->>'idleMs')::bigint)::bigint as idle_ms,
        sum(((day->>'localDate')::date = t.local_date)::int)::int as trips
      from trip t, jsonb_array_elements(t.days) as day where t.decided_sec is not null group by 1, 2)
    select to_jsonb(p) as parts, to_jsonb(d) as total from parts p full join daily_total d using (device_id, local_date)
    where (p.distance_m, p.duration_ms, p.idle_ms, p.trips) is distinct from (d.distance_m, d.duration_ms, d.idle_ms, d.trips)
      and not (p.device_id is null and d.trips = 0 and d.distance_m = 0 and d.duration_ms = 0)`);
  expect(wrong).toEqual([]);
}

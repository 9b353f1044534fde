import pg from 'pg';
import { encodeJson } from '../../src/core/decode/json.ts';
import { digestOf } from '../../src/core/digest.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { assemble, countTrips } from '../../src/sink/assemble.ts';
import type { SinkContext } from '../../src/sink/context.ts';
import type { CachedDevice } from '../../src/sink/cache.ts';
import { createStretch, foldNext } from '../../src/sink/stretch.ts';
import { commit } from '../../src/store/ingest/commit.ts';
import { emptyState } from '../../src/core/advance.ts';
import { loadDevices } from '../../src/store/ingest/devices.ts';
import { loadOffsets } from '../../src/store/ingest/offsets.ts';
import { openStore } from '../../src/store/open.ts';
import { EVENT_COLUMNS } from '../../src/store/rows.ts';
import { createSinkContext, processBatch } from './context.ts';

/** What a device does while its car is parked. */
export const PARKING = ['falls silent', 'reports while parked'] as const;
export type Parking = (typeof PARKING)[number];

/** A life that is the same every day: five drives of 40 minutes at one second, UTC. */
const DRIVE_HOURS = [6, 9, 12, 15, 18];
const DRIVE_S = 2_400;
const DAY_MS = 86_400_000;
const FIRST_DAY_MS = Date.UTC(2021, 0, 4);
const EVENTS_A_DAY = {
  'falls silent': DRIVE_HOURS.length * DRIVE_S,
  'reports while parked':
    DRIVE_HOURS.length * DRIVE_S + (86_400 - DRIVE_HOURS.length * DRIVE_S) / 60,
};

/** The whole days that hold at least so many events. */
function daysOf(parking: Parking, events: number): number {
  return Math.ceil(events / EVENTS_A_DAY[parking]);
}

function* live(parking: Parking, day: number): Generator<CanonicalEvent> {
  const dayMs = FIRST_DAY_MS + day * DAY_MS;
  let parkedFromS = 0;
  for (const [drive, hour] of DRIVE_HOURS.entries()) {
    const startS = hour * 3_600;
    if (parking === 'reports while parked') yield* park(dayMs, parkedFromS, startS, drive);
    for (let s = 0; s < DRIVE_S; s += 1) yield driven(dayMs + (startS + s) * 1000, drive, s);
    parkedFromS = startS + DRIVE_S;
  }
  if (parking === 'reports while parked')
    yield* park(dayMs, parkedFromS, 86_400, DRIVE_HOURS.length);
}

/** A fix a minute from where it stands: where the next drive begins. */
function* park(dayMs: number, fromS: number, untilS: number, nextDrive: number) {
  const { latE7 = 0, lonE7 = 0 } = driven(0, nextDrive, 0);
  for (let s = fromS; s < untilS; s += 60) {
    yield toEvent({ atMs: dayMs + s * 1000, latE7, lonE7, speedCkmh: 0 });
  }
}

/** To and fro on one meridian at 54 km/h. */
function driven(atMs: number, drive: number, s: number): CanonicalEvent {
  const step = drive % 2 === 0 ? s : DRIVE_S - s;
  return toEvent({
    atMs,
    latE7: 412_600_000 + step * 1_349,
    lonE7: -959_800_000,
    speedCkmh: 5_400,
  });
}

function toEvent(content: Omit<CanonicalEvent, 'digest'>): CanonicalEvent {
  return { ...content, digest: digestOf(content) };
}

const BATCH_EVENTS = 50_000;

/**
 * Stores a life of at least so many events as the sink would have, but for the log, and but for the
 * way of the events of all days after the first: PostgreSQL copies those of the first.
 */
export async function storeLife(
  sink: SinkContext,
  externalId: string,
  parking: Parking,
  events: number,
) {
  const [row] = await loadDevices(sink.store, [externalId]);
  const days = daysOf(parking, events);
  let device: CachedDevice = { ...row!, state: emptyState() };
  const write = async (inserted: readonly CanonicalEvent[], isFirst: boolean) => {
    const forward = createStretch(device.state, device.sinceCheckpoint);
    for (const event of inserted) foldNext(forward, event, sink.rules.fold);
    const fold = { device, refolds: [], forward, inserted, late: 0, duplicates: 0 };
    await sink.ids.reserve(countTrips(fold));
    const { batch, moved } = assemble(sink, [], { kept: [], overflow: [] }, [], [fold]);
    await sink.ensurePartitions(batch.secs);
    const { commit: whole } = batch;
    await commit(sink.store, isFirst ? whole : { ...whole, events: { ...whole.events, rows: 0 } });
    device = moved[0]!;
  };
  const first = [...live(parking, 0)];
  await write(first, true);
  let batch: CanonicalEvent[] = [];
  for (let day = 1; day < days; day += 1) {
    for (const event of live(parking, day)) batch.push(event);
    if (batch.length < BATCH_EVENTS && day + 1 < days) continue;
    await write(batch, false);
    batch = [];
  }
  const values = EVENT_COLUMNS.join(', ');
  await sink.store.prisma.$executeRawUnsafe(
    `insert into event (device_id, sec, rest, ${values})
     select device_id, sec + day * 86400, rest, ${values} from generate_series(1, $2::int) as day,
       (select * from event where device_id = $1::int order by sec, rest) as first`,
    device.id,
    days - 1,
  );
  return first.length * days;
}

/** Late events, each told from the middle of the life. */
export const LATE = [
  'in a drive',
  'while parked',
  'prolonging a drive',
  'before all others',
] as const;
export type Late = (typeof LATE)[number];

export function lateEvent(parking: Parking, events: number, late: Late): CanonicalEvent {
  if (late === 'before all others') return driven(FIRST_DAY_MS - 3_600_000, 0, 0);
  const dayMs = FIRST_DAY_MS + Math.floor(daysOf(parking, events) / 2) * DAY_MS;
  // The first drive begins at 6:00 and ends at 6:40; the second begins at 9:00.
  const atMs = (hours: number, minutes: number) => dayMs + (hours * 60 + minutes) * 60_000 + 500;
  if (late === 'in a drive') return driven(atMs(9, 20), 1, 1_200);
  if (late === 'while parked') return { ...driven(atMs(8, 0), 1, 0), ...still(atMs(8, 0)) };
  // Within two minutes of the end of a drive, and moving: the trip goes on to there.
  return driven(atMs(6, 41), 0, DRIVE_S + 60);
}

function still(atMs: number): CanonicalEvent {
  const { latE7 = 0, lonE7 = 0 } = driven(atMs, 1, 0);
  return toEvent({ atMs, latE7, lonE7, speedCkmh: 0 });
}

/** What one late event cost. */
export interface RepairCost {
  /** Rows that PostgreSQL's scans gave, of all tables. */
  readonly read: number;
  /** Rows put in, changed or taken out, of all tables. */
  readonly written: number;
  readonly ms: number;
}

/**
 * Sends one late event through a sink that has just started, and counts rows by PostgreSQL's own
 * statistics, which a connection hands over when it ends.
 */
export async function measureLateEvent(
  urls: { readonly sinkUrl: string; readonly ownerUrl: string },
  topic: string,
  externalId: string,
  event: CanonicalEvent,
): Promise<RepairCost> {
  const owner = new pg.Client({ connectionString: urls.ownerUrl });
  await owner.connect();
  const count = async () => {
    await owner.query('select pg_stat_clear_snapshot()');
    const { rows } = await owner.query<{ read: string; written: string }>(`
      select (select sum(seq_tup_read) from pg_stat_user_tables)
           + (select sum(idx_tup_read) from pg_stat_user_indexes) as read,
        (select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables) as written`);
    return { read: Number(rows[0]!.read), written: Number(rows[0]!.written) };
  };
  const offsets = openStore({ url: urls.sinkUrl, poolSize: 1 });
  const from = (await loadOffsets(offsets, topic, new Map([[0, 0]]))).get(0)!.nextOffset;
  await offsets.close();
  const before = await count();
  const store = openStore({ url: urls.sinkUrl, poolSize: 1 });
  const sink = createSinkContext(store, topic);
  const record = {
    partition: 0,
    offset: from,
    timestampMs: Date.now(),
    key: null,
    value: Buffer.from(encodeJson(externalId, event)),
    headers: [],
  };
  const startedAtMs = performance.now();
  const { late } = await processBatch(sink, [
    { partition: 0, from, to: from + 1, records: [record] },
  ]);
  const ms = performance.now() - startedAtMs;
  await store.close();
  if (late !== 1) throw new Error(`${externalId} took ${late} late events, not one`);
  const after = await settled(count, before);
  await owner.end();
  return { read: after.read - before.read, written: after.written - before.written, ms };
}

type Count = { readonly read: number; readonly written: number };

/** A connection that ends hands its figures over a moment later. */
async function settled(count: () => Promise<Count>, before: Count): Promise<Count> {
  let last = before;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    const now = await count();
    if (now.written > before.written && now.read === last.read && now.written === last.written)
      return now;
    last = now;
  }
}

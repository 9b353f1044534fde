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
import { createRandom, scramble } from './streams.ts';

let database: TestDatabase;
let store: Store;
let owner: pg.Client;
let sink: SinkContext;
let device: string;
let topic = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore({ url: database.sinkUrl, poolSize: 2 });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner?.end();
  await store?.close();
  await database?.drop();
});
beforeEach(async () => {
  topic += 1;
  device = `DAY-${topic}`;
  sink = createSinkContext(store, `days-${topic}`);
  await loadOffsets(store, sink.topic, new Map([[0, 0]]));
});

let offset = 0;
beforeEach(() => (offset = 0));

/** Sends each event as its own record, in pieces, in the given order. */
async function send(events: readonly CanonicalEvent[]): Promise<void> {
  for (let i = 0; i < events.length; i += 100) {
    const records = events.slice(i, i + 100).map((event, index) => ({
      partition: 0,
      offset: offset + index,
      timestampMs: Date.now(),
      key: null,
      value: Buffer.from(encodeJson(device, event)),
      headers: [],
    }));
    await processBatch(sink, [
      { partition: 0, from: offset, to: offset + records.length, records },
    ]);
    offset += records.length;
  }
}

/** Metres in a degree of longitude at 41.68° N, and in a degree of latitude. */
const LON_M = 83_045;
const LAT_M = 111_195;

/** One kilometre a minute: a fix every 10 s at 60 km/h, from a place towards the west or north. */
function drive(
  fromMs: number,
  minutes: number,
  lat: number,
  lon: number,
  heading: 'west' | 'north',
): CanonicalEvent[] {
  return Array.from({ length: minutes * 6 + 1 }, (_, i) => {
    const metres = (i * 1000) / 6;
    const content = {
      atMs: fromMs + i * 10_000,
      latE7: Math.round((lat + (heading === 'north' ? metres / LAT_M : 0)) * 1e7),
      lonE7: Math.round((lon - (heading === 'west' ? metres / LON_M : 0)) * 1e7),
      speedCkmh: 6_000,
    };
    return { ...content, digest: digestOf(content) };
  });
}

/** A standing fix long after the last event: it ends the trip. */
function parkAfter(events: readonly CanonicalEvent[]): CanonicalEvent {
  const { digest: _, ...last } = events.at(-1)!;
  const content = { ...last, atMs: last.atMs + 3_600_000, speedCkmh: 0 };
  return { ...content, digest: digestOf(content) };
}

interface StoredDay {
  readonly localDate: string;
  readonly distanceM: number;
  readonly durationMs: number;
  readonly nightM: number;
}

async function storedTrips() {
  const { rows } = await owner.query<{
    local_date: string;
    time_zone: string;
    distance_m: number;
    night_m: number;
    days: StoredDay[];
  }>(
    `select t.local_date::text, t.time_zone, t.distance_m, t.night_m, t.days
     from trip t join device d on d.id = t.device_id where d.external_id = $1 order by t.started_at`,
    [device],
  );
  return rows;
}

/** The roll-ups of the device: by local date, and by month. */
async function rollUps() {
  const { rows } = await owner.query<{ days: unknown; months: unknown }>(
    `with t as (select t.* from daily_total t join device d on d.id = t.device_id where d.external_id = $1)
     select (select json_agg(json_build_array(local_date, distance_m, trips) order by local_date) from t) as days,
       (select json_agg(m order by m->>0) from (select json_build_array(to_char(local_date, 'YYYY-MM'), sum(distance_m), sum(trips)) as m
          from t group by to_char(local_date, 'YYYY-MM')) as months) as months`,
    [device],
  );
  return rows[0]!;
}

const minuteMs = 60_000;
const part = (localDate: string, minutes: number, nightMinutes = minutes) => ({
  localDate,
  distanceM: minutes * 1000,
  durationMs: minutes * minuteMs,
  nightM: nightMinutes * 1000,
});
const partsOf = (days: readonly StoredDay[]) =>
  days.map(({ localDate, distanceM, durationMs, nightM }) => ({
    localDate,
    distanceM,
    durationMs,
    nightM,
  }));

describe('local days in PostgreSQL, whatever the order of arrival', () => {
  it('split a trip over midnight on the night when the clocks go forward, and add up to its month', async () => {
    // New York, 9 March 2024, 23:40 EST. At 02:00 the clocks go to 03:00 EDT, so 04:00 comes after 3 h 20 min.
    const events = drive(Date.UTC(2024, 2, 10, 4, 40), 220, 41, -74.5, 'north');
    await send(scramble(createRandom(1), [...events, parkAfter(events)]));
    const [trip, ...others] = await storedTrips();
    expect(others).toEqual([]);
    expect(trip).toMatchObject({ local_date: '2024-03-09', time_zone: 'America/New_York' });
    expect(trip).toMatchObject({ distance_m: 220_000, night_m: 200_000 });
    expect(partsOf(trip!.days)).toEqual([part('2024-03-09', 20), part('2024-03-10', 200, 180)]);
    expect(await rollUps()).toEqual({
      days: [
        ['2024-03-09', 20_000, 1],
        ['2024-03-10', 200_000, 0],
      ],
      months: [['2024-03', 220_000, 1]],
    });
  });

  it('count an hour that occurs twice on its one date on the night when the clocks go back', async () => {
    // Berlin, 26 October 2024, 23:30 CEST. 02:00 to 03:00 occurs twice, so the night lasts 5.5 h longer.
    const events = drive(Date.UTC(2024, 9, 26, 21, 30), 360, 50, 11, 'north');
    await send(scramble(createRandom(2), [...events, parkAfter(events)]));
    const [trip] = await storedTrips();
    expect(partsOf(trip!.days)).toEqual([part('2024-10-26', 30), part('2024-10-27', 330, 300)]);
  });

  it('follow the zone of the road: across a border a date ends twice, also at the turn of a month', async () => {
    // Indiana: Eastern time east of 86.52° W, Central time west of it. It is 00:10 Eastern on 1 June 2024 at
    // 86.2° W. At the border, 27 minutes away, it is 23:37 on 31 May, so midnight comes once more.
    const events = drive(Date.UTC(2024, 5, 1, 4, 10), 60, 41.68, -86.2, 'west');
    await send(scramble(createRandom(3), [...events, parkAfter(events)]));
    const [trip] = await storedTrips();
    expect(trip).toMatchObject({
      local_date: '2024-06-01',
      time_zone: 'America/Indiana/Indianapolis',
      distance_m: 60_000,
    });
    const [may, june] = partsOf(trip!.days);
    expect([may!.localDate, june!.localDate]).toEqual(['2024-05-31', '2024-06-01']);
    // In Central time until 05:00 UTC. The map decides how far away the border is.
    expect(may!.durationMs / minuteMs).toBeGreaterThan(20);
    expect(may!.durationMs / minuteMs).toBeLessThan(27);
    expect(june!.durationMs + may!.durationMs).toBe(60 * minuteMs);
    expect(Math.abs(may!.distanceM - may!.durationMs / 60)).toBeLessThanOrEqual(1);
    expect(may!.distanceM + june!.distanceM).toBe(60_000);
    expect(await rollUps()).toEqual({
      days: [
        ['2024-05-31', may!.distanceM, 0],
        ['2024-06-01', june!.distanceM, 1],
      ],
      months: [
        ['2024-05', may!.distanceM, 0],
        ['2024-06', june!.distanceM, 1],
      ],
    });
  });
});

describe('attribution in PostgreSQL', () => {
  it('is by the start: a late event that starts a trip earlier gives it to the driver who had the device then', async () => {
    const startMs = Date.UTC(2024, 5, 3, 12);
    const changeMs = startMs - minuteMs;
    const later = drive(startMs, 30, 41, -74.5, 'north');
    await send(later.slice(0, 1));
    // Ann had the device until a minute before the first known start of the trip, then Bob.
    const people = await owner.query<{ id: number; name: string }>(
      `with v as (insert into driver (tenant_id, external_id, name) select id, n, n from tenant, unnest(array['ann', 'bob']) as n
         where slug = 'default' returning id, tenant_id, name)
       insert into assignment (device_id, tenant_id, driver_id, from_at, to_at)
       select d.id, v.tenant_id, v.id, case name when 'ann' then '2000-01-01' else $2::timestamptz end,
         case name when 'ann' then $2::timestamptz else '9999-12-31' end from v, device d where d.external_id = $1
       returning driver_id as id, (select name from v where v.id = driver_id) as name`,
      [device, new Date(changeMs)],
    );
    const nameOf = (id: number | null) => people.rows.find((row) => row.id === id)?.name;
    sink = createSinkContext(store, sink.topic);
    await send([...later.slice(1), parkAfter(later)]);
    const facts = async () => {
      const { rows } = await owner.query<{
        id: string;
        driver_id: number;
        revision: number;
        distance_m: number;
      }>(
        `select t.id::text, t.driver_id, t.revision, t.distance_m from trip t join device d on d.id = t.device_id
         where d.external_id = $1`,
        [device],
      );
      const totals = await owner.query<{ driver_id: number; m: number; trips: number }>(
        `select t.driver_id, sum(t.distance_m)::int as m, sum(t.trips)::int as trips from daily_total t join device d on d.id = t.device_id
         where d.external_id = $1 group by 1 having sum(t.trips) <> 0 or sum(t.distance_m) <> 0`,
        [device],
      );
      return {
        trips: rows.map(({ driver_id, ...trip }) => ({ ...trip, driver: nameOf(driver_id) })),
        totals: totals.rows.map(({ driver_id, ...total }) => ({
          ...total,
          driver: nameOf(driver_id),
        })),
      };
    };
    const before = await facts();
    expect(before.trips).toMatchObject([{ driver: 'bob', revision: 1, distance_m: 30_000 }]);
    expect(before.totals).toEqual([{ driver: 'bob', m: 30_000, trips: 1 }]);

    await send(drive(startMs - 2 * minuteMs, 2, 41 - 2_000 / LAT_M, -74.5, 'north').slice(0, -1));
    const after = await facts();
    expect(after.trips).toEqual([
      { id: before.trips[0]!.id, driver: 'ann', revision: 2, distance_m: 32_000 },
    ]);
    expect(after.totals).toEqual([{ driver: 'ann', m: 32_000, trips: 1 }]);
    const { rows } = await owner.query<{ driver_id: number; m: number }>(
      `select r.driver_id, (r.facts->>'distance_m')::int as m from trip_revision r where r.trip_id = $1::bigint`,
      [before.trips[0]!.id],
    );
    expect(rows.map(({ driver_id, m }) => ({ driver: nameOf(driver_id), m }))).toEqual([
      { driver: 'bob', m: 30_000 },
    ]);
  });
});

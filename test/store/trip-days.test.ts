import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flaggingMetrics } from '../../src/core/habits/registry.ts';
import { quantities } from '../../src/core/stats/figure.ts';
import type { Grouping } from '../../src/core/stats/grouping.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import { withReading } from '../../src/store/read/transaction.ts';
import type { StatsQuestion, StatsSource } from '../../src/store/read/stats/question.ts';
import { sourceOf } from '../../src/store/read/stats/source.ts';
import { readSums } from '../../src/store/read/stats/sums.ts';
import { openRows, type Rows } from '../api/rows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const LONG = process.env['ODOGRAPH_LONG'] === '1';
const DEVICES = 4;

let database: TestDatabase;
let rows: Rows;
let store: Store;
let acme: number;
const trips: number[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  store = openStore({ url: database.apiUrl, poolSize: 2 });
  acme = await rows.addTenant('acme');
  const globex = await rows.addTenant('globex');
  for (let index = 1; index <= DEVICES; index++) {
    const device = await rows.addDevice(`ID-${index}`, acme);
    const driver = await rows.addDriver(acme, `D-${index}`);
    const vehicle = await rows.addVehicle(acme, `V-${index}`);
    const policy = await rows.addPolicy(acme, `P-${index}`, driver, vehicle);
    await rows.owner.query(
      `insert into policy_fact (tenant_id, policy_id, name, value, from_date, to_date) values
         ($1, $2, 'territory', '"north"', '2015-01-01', '2015-05-03'), ($1, $2, 'territory', to_jsonb($2::int), '2015-05-03', '2016-01-01')`,
      [acme, policy],
    );
    for (let n = 0; n < 15; n++) {
      const startedAt = new Date(Date.UTC(2015, 4, 1 + (n % 5), 3 + n, index)).toISOString();
      const endedAt = new Date(Date.parse(startedAt) + 600_000).toISOString();
      const id = await rows.addTrip(n % 7 === 0 ? globex : acme, device, { startedAt, endedAt });
      trips.push(id);
    }
  }
});
afterAll(async () => {
  await store.close();
  await rows.close();
  await database.drop();
});

interface Move {
  readonly ids: readonly number[];
  readonly driver: number | null;
  readonly vehicle: number | null;
  /** Hours from UTC of the place of the start. */
  readonly offsetH: number;
  readonly distanceM: number;
  readonly lastsMs: number;
  readonly closed: boolean;
  readonly braking: number;
}

const anyMove = (): fc.Arbitrary<Move> =>
  fc.record({
    ids: fc.subarray(trips, { minLength: 1, maxLength: 8 }),
    driver: fc.option(fc.integer({ min: 1, max: DEVICES })),
    vehicle: fc.option(fc.integer({ min: 1, max: DEVICES })),
    offsetH: fc.integer({ min: -12, max: 14 }),
    distanceM: fc.integer({ min: 0, max: 2_147_483_647 }),
    lastsMs: fc.integer({ min: 0, max: 90_000_000 }),
    closed: fc.boolean(),
    braking: fc.integer({ min: 0, max: 9 }),
  });

/** As a batch does it: rows are changed, a few taken away, and some put back by an insert that finds them there. */
async function apply(move: Move): Promise<void> {
  await rows.client.query(
    `update trip set driver_id = $2, vehicle_id = $3, local_date = ((started_at at time zone 'UTC') + $4 * interval '1 hour')::date, distance_m = $5,
       ended_at = started_at + $6 * interval '1 millisecond', decided_sec = $7, idle_ms = $8,
       days = jsonb_build_array(jsonb_build_object('measures', jsonb_build_object('harshBrakingGps.count', $9::int, 'phone.count', 1)))
     where id = any($1)`,
    [
      move.ids,
      move.driver,
      move.vehicle,
      move.offsetH,
      move.distanceM,
      move.lastsMs,
      move.closed ? 1 : null,
      move.lastsMs,
      move.braking,
    ],
  );
  await rows.client.query(
    `with gone as (delete from trip where id = $1 returning *) insert into trip_revision
       select id, revision, device_id, tenant_id, driver_id, updated_at, now(), true, to_jsonb(gone), changed from gone on conflict do nothing`,
    [move.ids[0]],
  );
  await rows.client.query(
    `insert into trip select r.* from trip_revision v, jsonb_populate_record(null::trip, v.facts) as r where v.trip_id = $1
     on conflict (device_id, started_at) do update set distance_m = excluded.distance_m + 1`,
    [move.ids.at(-1)],
  );
}

const DIMENSIONS: readonly Grouping[] = [
  { by: 'DAY' },
  { by: 'WEEK' },
  { by: 'MONTH' },
  { by: 'WEEKDAY' },
  { by: 'DRIVER' },
  { by: 'VEHICLE_ATTRIBUTE', name: 'fuel' },
  { by: 'TERRITORY' },
  { by: 'TARIFF' },
];

const anyQuestion: fc.Arbitrary<StatsQuestion> = fc.record(
  {
    groupBy: fc.subarray([...DIMENSIONS], { maxLength: 3 }),
    where: fc.constantFrom([], [{ by: 'TERRITORY' as const, values: ['north', null] }]),
    from: fc.constantFrom('2015-05-02', '2015-05-04'),
    to: fc.constantFrom('2015-05-05', '2015-05-08'),
    deviceId: fc.constant('ID-2'),
    driverExternalId: fc.constant('D-3'),
  },
  { requiredKeys: ['groupBy', 'where'] },
);

async function sumsFrom(source: StatsSource, question: StatsQuestion) {
  const reader = { operator: false, tenant: 'acme', driver: null };
  const sums = await withReading(store, reader, { snapshot: true }, (reading) =>
    reading.run((tx) => readSums(tx, question, { squares: quantities, events: true }, source)),
  );
  if (!sums) throw new Error('too many groups');
  const cells = [...sums.cells].sort((a, b) => (String(a.key) < String(b.key) ? -1 : 1));
  return { cells, total: sums.total };
}

describe('sums by day', () => {
  it('equal the sums of the rows exactly, whatever was changed, deleted and restored', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMove(), { minLength: 1, maxLength: 3 }),
        fc.array(anyQuestion, { minLength: 4, maxLength: 4 }),
        async (moves, questions) => {
          for (const move of moves) await apply(move);
          for (const question of questions) {
            const ofOne = 'deviceId' in question || 'driverExternalId' in question;
            expect(sourceOf(question)).toBe(ofOne ? 'ROWS' : 'ROLL_UPS');
            const ofDays = await sumsFrom('ROLL_UPS', question);
            expect(ofDays).toEqual(await sumsFrom('ROWS', question));
            if (question.groupBy.length === 0) expect(ofDays.cells).toEqual([]);
          }
        },
      ),
      { numRuns: LONG ? 1_000 : 12 },
    );
    const { rows: empty } = await rows.owner.query('select * from trip_day where trips <= 0');
    expect(empty).toEqual([]);
    const all = await sumsFrom('ROLL_UPS', { groupBy: [], where: [] });
    expect(all.total.trips).toBeGreaterThan(10);
    expect(all.total.events.PHONE_USE).toBeGreaterThan(0);
  });

  it('are not used for questions that need single trips', () => {
    for (const by of ['HOUR_OF_DAY', 'DISTANCE_BAND', 'END_REASON'] as const) {
      expect(sourceOf({ groupBy: [{ by }], where: [] })).toBe('ROWS');
      expect(sourceOf({ groupBy: [], where: [{ by, values: [null] }] })).toBe('ROWS');
    }
    expect(sourceOf({ groupBy: [], where: [], knownAtMs: 0 })).toBe('ROWS');
  });

  it.each(flaggingMetrics.map(({ kind, measure }) => [measure, kind] as const))(
    'count %s as %s, of a trip by the source that saw most',
    async (measure, kind) => {
      const days = [{ measures: { [measure]: 2 } }, { measures: { [measure]: 1, 'other.ms': 7 } }];
      const flags = await rows.one<Record<string, string>>(
        'select * from trip_flags($1::jsonb)',
        JSON.stringify(days),
      );
      const counts = Object.entries(flags).filter(([, count]) => Number(count) > 0);
      expect(counts).toEqual([[kind.toLowerCase(), '3']]);
    },
  );
});

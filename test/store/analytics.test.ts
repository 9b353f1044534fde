import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAnalyst, openAnalyst } from '../../src/store/setup/analysts.ts';
import { makeFolder, runCli } from '../support/child.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';

const VIEWS = ['trip', 'driver_month', 'claim', 'bill_line', 'exposure'];

let database: TestDatabase;
let rows: Rows;
let slug: string;
const refs = { tenant: 0, other: 0, ann: 0, bob: 0, car: 0, van: 0, policy: 0, parked: 0 };

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  slug = `acme-${process.pid}`;
  refs.tenant = await rows.addTenant(slug);
  refs.other = await rows.addTenant('other');
  refs.ann = await rows.addDriver(refs.tenant, 'ann');
  refs.bob = await rows.addDriver(refs.tenant, 'bob');
  refs.car = await rows.addVehicle(refs.tenant, 'car');
  refs.van = await rows.addVehicle(refs.tenant, 'van');
  const parkedCar = await rows.addVehicle(refs.tenant, 'parked car');
  refs.policy = await rows.addPolicy(refs.tenant, 'P-1', refs.ann, refs.car);
  refs.parked = await rows.addPolicy(refs.tenant, 'P-2', refs.bob, parkedCar);
  const foreign = await rows.addDriver(refs.other, 'eve');
  const foreignCar = await rows.addVehicle(refs.other, 'car');
  await rows.addPolicy(refs.other, 'P-1', foreign, foreignCar);
  const owner = rows.owner;
  // Bob is named from April on, and the car moves from the suburb to the city in July.
  await owner.query(
    `insert into policy_driver (tenant_id, policy_id, driver_id, from_date, to_date) values ($1, $2, $3, '2015-04-01', '2016-01-01')`,
    [refs.tenant, refs.policy, refs.bob],
  );
  await owner.query(
    `insert into policy_fact (tenant_id, policy_id, name, value, from_date, to_date)
     values ($1, $2, 'territory', '"suburb"', '2015-01-01', '2015-07-01'), ($1, $2, 'territory', '"city"', '2015-07-01', '2016-01-01')`,
    [refs.tenant, refs.policy],
  );
  await owner.query(
    `insert into policy_fact (tenant_id, policy_id, driver_id, name, value, from_date, to_date)
     values ($1, $2, $3, 'age', '30', '2015-01-01', '2016-01-01'), ($1, $2, $4, 'age', '19', '2015-04-01', '2016-01-01')`,
    [refs.tenant, refs.policy, refs.ann, refs.bob],
  );
  await owner.query(
    `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, '2015-10-01T12:00:00Z')`,
  );
  await drive(refs.tenant, refs.ann, refs.car, '2015-02-01', 100);
  await drive(refs.tenant, refs.bob, refs.car, '2015-05-01', 40);
  await drive(refs.tenant, refs.ann, refs.car, '2015-08-01', 10);
  await drive(refs.tenant, null, refs.car, '2015-08-02', 7);
  await drive(refs.other, foreign, foreignCar, '2015-02-01', 999);
});
afterAll(async () => {
  await closeAnalyst(database.ownerUrl, slug);
  await rows.owner.query(`drop role if exists "odograph_analyst_${slug.replaceAll('-', '_')}"`);
  await rows.close();
  await database.drop();
});

async function drive(
  tenant: number,
  driver: number | null,
  vehicle: number,
  day: string,
  km: number,
) {
  const device = await rows.addDevice(`device ${day} ${driver}`, tenant);
  const assignment =
    driver === null ? 0 : await rows.addAssignment(tenant, device, driver, { vehicle });
  await rows.addTrip(tenant, device, {
    startedAt: `${day}T08:00:00Z`,
    endedAt: `${day}T09:00:00Z`,
    distanceM: km * 1000,
    vehicle,
    ...(driver === null ? {} : { driver, assignment }),
  });
  await rows.owner.query(
    `insert into daily_total (device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, trips, distance_m,
       duration_ms, moving_ms, idle_ms, night_m, measures)
     values ($1, $2, $3, $4, $5, $6, 1, $7, 3600000, 3600000, 0, 0, '{"harshBrakingGps.count": 2}')`,
    [device, tenant, assignment, day, driver, vehicle, km * 1000],
  );
}

async function asAnalyst<T extends pg.QueryResultRow>(statement: string): Promise<T[]> {
  const analyst = await openAnalyst(database.ownerUrl, slug);
  const client = new pg.Client({ connectionString: analyst?.url });
  await client.connect();
  try {
    return (await client.query<T>(statement)).rows;
  } finally {
    await client.end();
  }
}

function importClaims(lines: readonly string[]) {
  const file = join(makeFolder(), 'claims.csv');
  const heading = 'claimNumber,policyNumber,occurredOn,amount,currency,vehicleId,driverId';
  writeFileSync(file, [heading, ...lines, ''].join('\n'));
  return runCli(['import', file, '--tenant', slug], { env: { DATABASE_URL: database.ownerUrl } });
}

describe('claims', () => {
  it('are imported once by their number, updated, and refused by line with a reason', async () => {
    const good = [
      'C-1,P-1,2015-02-03,1200.50,EUR,car,ann',
      'C-2,P-1,2015-08-03,300,EUR,,',
      'C-3,P-1,2015-05-03,80.00,EUR,car,bob',
    ];
    const first = await importClaims(good);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toBe('3 claims added, 0 updated, 0 unchanged, 0 refused\n');
    const second = await importClaims([
      good[0]!,
      'C-2,P-1,2015-08-03,350,EUR,,',
      'C-4,P-9,2015-08-03,1,EUR,,',
      'C-5,P-1,2016-08-03,1,EUR,,',
      'C-8,P-1,2015-08-03,1,EUR,van,',
      'C-9,P-1,2015-08-03,1,EUR,,nobody',
    ]);
    expect(second.code).toBe(1);
    expect(second.stdout).toBe('0 claims added, 1 updated, 1 unchanged, 4 refused\n');
    const codes = [...second.stderr.matchAll(/line (\d+): .* \[(\w+)\]/g)].map(
      (m) => `${m[1]} ${m[2]}`,
    );
    expect(codes).toEqual([
      '4 UNKNOWN_POLICY',
      '5 NOT_COVERED',
      '6 UNKNOWN_VEHICLE',
      '7 UNKNOWN_DRIVER',
    ]);
  });

  it('are not stored, not even the readable ones, of a file with a line that cannot be read', async () => {
    const before = await rows.one('select count(*) as claims from claim');
    const bad = await importClaims(['C-6,P-1,2015-08-03,5,EUR,,', 'C-7,P-1,2015-02-30,1,EUR,,']);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain(
      'line 3, column occurredOn: "2015-02-30" is a day that does not exist [BAD_DATE]',
    );
    expect(bad.stderr).toContain('Nothing was stored.');
    expect(await rows.one('select count(*) as claims from claim')).toEqual(before);
  });

  it('and recoveries come net, and amounts of different currencies are not added', async () => {
    const sums = `select claims, claim_amount::text as amount, claim_currency as currency, recovered_amount::text as recovered, claim_amounts as amounts
      from exposure where claim_amounts <> '{}' and from_date <= '2015-08-03' and '2015-08-03' < to_date`;
    await importClaims(['R-1,P-1,2015-08-03,-50,EUR,,']);
    expect(await asAnalyst(sums)).toEqual([
      { claims: 1, amount: '300', currency: 'EUR', recovered: '50', amounts: { EUR: 300 } },
    ]);
    await importClaims(['C-10,P-1,2015-08-03,20.5,CHF,,']);
    expect(await asAnalyst(sums)).toEqual([
      {
        claims: 2,
        amount: null,
        currency: null,
        recovered: null,
        amounts: { EUR: 300, CHF: 20.5 },
      },
    ]);
    await rows.owner.query(`delete from claim where number in ('R-1', 'C-10')`);
  });
});

describe('analytics.exposure', () => {
  it('has a row for each policy, vehicle, driver and span of constant facts, with days that add up and each claim once', async () => {
    const found = await asAnalyst(
      `select policy_id, driver_id, from_date::text as "from", to_date::text as "to", facts, days::float8 as days,
         distance_km::float8 as km, trips, claims, claim_amount::float8 as amount
       from exposure order by policy_id, from_date, driver_id`,
    );
    const row = (
      driver: number | null,
      from: string,
      to: string,
      facts: object,
      days: number,
      km: number,
      claims = 0,
      amount = 0,
    ) => ({
      policy_id: refs.policy,
      driver_id: driver,
      from,
      to,
      facts,
      days,
      km,
      trips: km > 0 ? 1 : 0,
      claims,
      amount,
    });
    expect(found.slice(0, -1)).toEqual([
      row(
        refs.ann,
        '2015-01-01',
        '2015-04-01',
        { territory: 'suburb', age: 30 },
        90,
        100,
        1,
        1200.5,
      ),
      row(refs.ann, '2015-04-01', '2015-07-01', { territory: 'suburb', age: 30 }, 45.5, 0),
      row(refs.bob, '2015-04-01', '2015-07-01', { territory: 'suburb', age: 19 }, 45.5, 40, 1, 80),
      row(refs.ann, '2015-07-01', '2015-10-01', { territory: 'city', age: 30 }, 46, 10, 1, 350),
      row(refs.bob, '2015-07-01', '2015-10-01', { territory: 'city', age: 19 }, 46, 0),
      row(null, '2015-07-01', '2015-10-01', { territory: 'city' }, 0, 7),
    ]);
    expect(found.at(-1)).toMatchObject({ policy_id: refs.parked, days: 273, km: 0, claims: 0 });
  });

  it('agrees with the trips and the months of drivers', async () => {
    const [sums] = await asAnalyst(
      `select (select sum(distance_km)::float8 from trip) as trips, (select sum(distance_km)::float8 from exposure) as exposure,
         (select sum(distance_km)::float8 from driver_month) as months, (select sum(harsh_braking)::int from driver_month) as braking,
         (select count(*)::int from trip where facts ->> 'territory' = 'city') as city`,
    );
    expect(sums).toEqual({ trips: 157, exposure: 157, months: 150, braking: 6, city: 2 });
  });
});

describe('an actuary’s login', () => {
  it('sees only rows of its tenant, whatever it sets, and can read and write nothing else', async () => {
    const counts = async (before: string) => {
      const analyst = await openAnalyst(database.ownerUrl, slug);
      const client = new pg.Client({ connectionString: analyst?.url });
      await client.connect();
      await client.query(before);
      const found: Record<string, unknown> = {};
      for (const view of VIEWS) {
        const { rows: counted } = await client.query<{ n: number }>(
          `select count(*)::int as n from ${view}`,
        );
        found[view] = counted[0]?.n;
      }
      await client.end();
      return found;
    };
    const own = await counts('select 1');
    expect(own).toEqual({ trip: 4, driver_month: 3, claim: 3, bill_line: 0, exposure: 7 });
    expect(await counts(`set odograph.tenant = '${refs.other}'`)).toEqual(own);
    expect(
      await counts(`set odograph.driver = '1'; set default_transaction_read_only = off`),
    ).toEqual(own);

    for (const table of [
      'trip',
      'driver',
      'event',
      'policy',
      'claim',
      'analyst',
      'tenant',
      'access_log',
      'bill',
    ]) {
      await expect(asAnalyst(`select * from public.${table}`), table).rejects.toThrow(
        /permission denied/,
      );
    }
    for (const statement of [
      'set role odograph_analytics',
      'set role odograph_api',
      `set session authorization odograph_api`,
      'begin read write; delete from analytics.trip',
      'begin read write; create table public.mine (i int)',
      'begin read write; create view analytics.mine as select 1',
      `begin read write; update public.analyst set tenant_id = ${refs.other}`,
    ]) {
      await expect(asAnalyst(statement), statement).rejects.toThrow(
        /permission denied|cannot delete|must be/,
      );
    }
  });

  it('learns nothing about other rows from the side effects of a condition', async () => {
    const leak = `select * from trip where 1 / (case when distance_km = 999 then 0 else 1 end) = 1`;
    await expect(asAnalyst(leak)).resolves.toHaveLength(4);
  });

  it('shows no name, number or position of a person', async () => {
    const columns = await asAnalyst<{ name: string }>(
      `select attname as name from pg_attribute where attrelid in ('analytics.trip'::regclass, 'analytics.exposure'::regclass,
         'analytics.driver_month'::regclass, 'analytics.claim'::regclass) and attnum > 0`,
    );
    expect(columns.map(({ name }) => name).join(' ')).not.toMatch(
      /lat|lon|name|external|number|device|birth/,
    );
  });

  it('is useless once it is revoked, and an unknown tenant gets none', async () => {
    const analyst = await openAnalyst(database.ownerUrl, slug);
    expect(await closeAnalyst(database.ownerUrl, slug)).toBe(true);
    expect(await closeAnalyst(database.ownerUrl, slug)).toBe(false);
    const client = new pg.Client({ connectionString: analyst?.url });
    await expect(client.connect()).rejects.toThrow(/not permitted to log in|authentication failed/);
    expect(await openAnalyst(database.ownerUrl, 'nobody')).toBeNull();
  });
});

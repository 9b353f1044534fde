/**
 * A whole book re-rated by a draft, from the store: how long it takes, and whether memory stays flat.
 *
 *   npm run bench:what-if -- [--policies 10000]
 *
 * Policies have a car each, a year of daily roll-ups, and are rated by two tariffs with ten factors; the
 * draft also has a minimum by month, so that it is rated in twelve periods. PostgreSQL is the embedded one.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { parseTariff, type Tariff } from '../src/core/premium/tariff/tariff.ts';
import { reportOf } from '../src/core/premium/book/what-if-report.ts';
import { startPostgres } from '../src/local/postgres.ts';
import { migrate } from '../src/store/setup/migrate.ts';
import { openStore } from '../src/store/open.ts';
import { readWhatIf, rerateBook, type Run } from '../src/store/read/book.ts';
import { withReading } from '../src/store/read/transaction.ts';

const { values: args } = parseArgs({ options: { policies: { type: 'string', default: '10000' } } });
const POLICIES = Number(args.policies);
const FACTORS = 10;
const EVERYTHING = { leastDrivers: 0, namesPolicies: true };

function tariffOf(version: string, rate: string, more: readonly object[]): Tariff {
  const parsed = parseTariff({
    format: 'odograph.tariff/1',
    id: 'bench',
    version,
    product: 'payd',
    jurisdiction: 'US-NY',
    currency: 'USD',
    effectiveFrom: '2025-01-01',
    rounding: { mode: 'HALF_UP', places: 2 },
    charges: [
      { kind: 'fixed/1', id: 'fixed', amount: '360.00', per: 'YEAR' },
      { kind: 'perKm/1', id: 'km', unit: 'mi', rate, dailyCap: 250, yearlyCap: 10_000 },
    ],
    factors: Array.from({ length: FACTORS }, (_, f) => ({
      kind: 'relativity/1',
      id: `f${f}`,
      fact: `f${f}`,
      table: Object.fromEntries(
        Array.from({ length: 20 }, (_, v) => [`v${v}`, `${(700 + 37 * v + 11 * f) / 1000}`]),
      ),
    })),
    adjustments: [...more, { kind: 'tax/1', id: 'tax', label: 'Tax', rate: '0.04' }],
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.tariff;
}

/** A book of policies with a year of days each, written by plain SQL. */
async function fill(client: pg.Client, current: Tariff): Promise<void> {
  await client.query(`insert into tenant (id, slug) overriding system value values (7, 'bench')`);
  const make = (sql: string) => client.query(sql, [POLICIES]);
  await make(`insert into driver (id, tenant_id, external_id, name) overriding system value
    select i, 7, 'driver-' || i, 'driver-' || i from generate_series(1, $1::int) as i`);
  await make(`insert into vehicle (id, tenant_id, external_id) overriding system value
    select i, 7, 'car-' || i from generate_series(1, $1::int) as i`);
  await make(`insert into device (id, external_id) overriding system value
    select i, 'device-' || i from generate_series(1, $1::int) as i`);
  await make(`insert into policy (id, tenant_id, number, time_zone, start_date, end_date) overriding system value
    select i, 7, 'P-' || lpad(i::text, 7, '0'), 'America/New_York', '2025-01-01', '2026-01-01' from generate_series(1, $1::int) as i`);
  const span = `'2025-01-01', '2026-01-01' from generate_series(1, $1::int) as i`;
  await make(`insert into policy_product (tenant_id, policy_id, product, jurisdiction, from_date, to_date)
    select 7, i, 'payd', 'US-NY', ${span}`);
  await make(
    `insert into policy_driver (tenant_id, policy_id, driver_id, from_date, to_date) select 7, i, i, ${span}`,
  );
  await make(
    `insert into policy_vehicle (tenant_id, policy_id, vehicle_id, from_date, to_date) select 7, i, i, ${span}`,
  );
  for (let f = 0; f < FACTORS; f++)
    await make(`insert into policy_fact (tenant_id, policy_id, name, value, from_date, to_date)
      select 7, i, 'f${f}', to_jsonb('v' || (i * ${7 + f} % 20)), ${span}`);
  await client.query(
    `insert into tariff (tenant_id, id, product, jurisdiction, effective_from, status, document, hash)
     values (7, 'bench@1', 'payd', 'US-NY', '2025-01-01', 'ACTIVE', $1, $2)`,
    [current.canonical, current.hash],
  );
  await make(`insert into daily_total (device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, trips, distance_m,
      duration_ms, moving_ms, idle_ms, night_m, measures)
    select i, 7, i, '2025-01-01'::date + d, i, i, 2, (i * 7919 + d * 104729) % 90000, 3600000, 3000000, 600000, 0,
      jsonb_build_object('harshBrakingGps', (i + d) % 3, 'speeding.ms', 0, 'limitKnown.ms', 3000000)
    from generate_series(1, $1::int) as i, generate_series(0, 364) as d`);
  await client.query('analyze');
}

const megabytes = (bytes: number): number => Math.round(bytes / 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'odograph-bench-what-if-'));
const postgres = await startPostgres({ dataDir: folder, port: 0 });
try {
  const apiLogin = new URL(postgres.ownerUrl);
  apiLogin.username = 'odograph_api';
  apiLogin.password = randomBytes(12).toString('hex');
  await migrate({ url: postgres.ownerUrl, logins: { apiUrl: apiLogin.href } });
  const owner = new pg.Client(postgres.ownerUrl);
  await owner.connect();
  const current = tariffOf('1', '0.032', []);
  await fill(owner, current);
  await owner.end();

  const store = openStore({ url: apiLogin.href, poolSize: 1 });
  const reader = { operator: false, tenant: 'bench', driver: null };
  const run: Run = (read) =>
    withReading(store, reader, { snapshot: true }, (reading) => reading.run(read));
  const draft = tariffOf('2', '0.035', [{ kind: 'minimum/1', id: 'least', amount: '30.00' }]);
  const whatIf = await run((tx) =>
    readWhatIf(tx, {
      draft,
      product: 'payd',
      period: { from: '2025-01-01', to: '2026-01-01' },
      billingMonths: 1,
      facts: [],
      groupBy: { kind: 'ATTRIBUTE', name: 'DISTANCE' },
    }),
  );
  if (!('draft' in whatIf)) throw new Error(JSON.stringify(whatIf));
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  const seconds = (): number => Number(process.hrtime.bigint() - start) / 1e9;
  let told = 0;
  for await (const { policies, done, tally } of rerateBook(run, whatIf)) {
    if (done < told && done < policies) continue;
    told += POLICIES / 10;
    const { heapUsed, rss } = process.memoryUsage();
    console.log(
      `${done} of ${policies} policies, ${seconds().toFixed(1)} s, heap ${megabytes(heapUsed)} MB, resident ${megabytes(rss)} MB`,
    );
    if (done === policies) console.log(JSON.stringify(reportOf(tally, whatIf, EVERYTHING)?.whole));
  }
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${POLICIES} policies over a year of days: ${seconds().toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of them our processor time`,
  );
  await store.close();
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Grouped figures over a large table, through the whole API, beside the same sums written by hand:
 *
 *   npm run bench:stats -- [--trips 1000000] [--rounds 5] [--data DIR] [--plans]
 *
 * It starts a PostgreSQL of its own. With --data the filled database is kept and used again; --plans
 * prints PostgreSQL's plan of each question's sums.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SignJWT } from 'jose';
import pg from 'pg';
import pino from 'pino';
import { startApi } from '../src/api/server.ts';
import { startPostgres } from '../src/local/postgres.ts';
import { migrate } from '../src/store/setup/migrate.ts';
import { fillTrips } from './fill-trips.ts';

const { values: args } = parseArgs({
  options: {
    trips: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    data: { type: 'string' },
    plans: { type: 'boolean', default: false },
  },
});
const TRIPS = Number(args.trips);
const ROUNDS = Number(args.rounds);
const SECRET = 'a secret that only this run knows, long enough';

/** The monthly figure as somebody writes it who needs nothing else. */
const BY_HAND = `select date_trunc('month', local_date) as month, count(*), sum(distance_m), sum(moving_ms), count(distinct driver_id)
  from trip where tenant_id = 1 group by 1`;

const SHOWN = `rows { key { value } exposure { trips drivers distanceKm drivingHours } distanceKm { mean } } totals { exposure { trips } }`;
const QUESTIONS: Readonly<Record<string, string>> = {
  'by month': `{ tripStats(groupBy: { by: MONTH }) { ${SHOWN} } }`,
  'by month and fuel': `{ tripStats(groupBy: [{ by: MONTH }, { by: VEHICLE_ATTRIBUTE, name: "fuel" }]) { ${SHOWN} } }`,
  'by month and territory, with rates and variance': `{ tripStats(groupBy: [{ by: MONTH }, { by: TERRITORY }]) {
    rows { key { value } exposure { distanceKm } distanceKm { variance } rates { kind per100Km } } totals { exposure { trips } } } }`,
  'by driver, the 50 with most braking': `{ tripStats(groupBy: { by: DRIVER }, orderBy: { of: HARSH_BRAKING, statistic: PER_100_KM }, first: 50) {
    rows { key { value } rates { kind per100Km } } } }`,
  'by hour of day': `{ tripStats(groupBy: { by: HOUR_OF_DAY }) { ${SHOWN} } }`,
  'percentiles by month': `{ tripStats(groupBy: { by: MONTH }) { rows { key { value } distanceKm { min max percentiles { value } } } } }`,
  'one month by day': `{ tripStats(groupBy: { by: DAY }, filter: { from: "2025-06-01", to: "2025-07-01" }) { ${SHOWN} } }`,
};

const dataDir = resolve(args.data ?? mkdtempSync(join(tmpdir(), 'odograph-bench-stats-')));
mkdirSync(dataDir, { recursive: true });
const filled = existsSync(join(dataDir, 'postgres'));
const postgres = await startPostgres({ dataDir, port: 0 });
const login = (name: string) => {
  const url = new URL(postgres.ownerUrl);
  url.username = name;
  url.password = 'p';
  return url.href;
};
const owner = new pg.Client(postgres.ownerUrl);
try {
  const logins = { sinkUrl: login('odograph_sink'), apiUrl: login('odograph_api') };
  await migrate({ url: postgres.ownerUrl, logins });
  await owner.connect();
  if (!filled) await fillTrips(owner, TRIPS);
  const api = await startApi({
    host: '127.0.0.1',
    port: 0,
    storeUrl: logins.apiUrl,
    auth: { jwtSecret: SECRET },
    corsOrigins: [],
    log: pino({ level: 'fatal' }),
  });
  const token = await new SignJWT({ role: 'INSURER', tenant: 'default' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));
  const ask = async (query: string) => {
    const response = await fetch(api.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query }),
    });
    const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  const byHand: number[] = [];
  const times = new Map<string, number[]>(Object.keys(QUESTIONS).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    const hand = await timeOf(() => owner.query(BY_HAND));
    // The first round warms everything up and is not told.
    if (round > 0) byHand.push(hand);
    for (const [name, query] of Object.entries(QUESTIONS)) {
      const ms = await timeOf(() => ask(query));
      if (round > 0) times.get(name)?.push(ms);
    }
  }
  const reference = medianOf(byHand);
  console.log(`${TRIPS} trips, median of ${ROUNDS} rounds`);
  console.log(`by month, by hand over the rows: ${reference.toFixed(0)} ms`);
  for (const [name, all] of times) {
    const ms = medianOf(all);
    console.log(`${name}: ${ms.toFixed(0)} ms, ${(ms / reference).toFixed(2)} of it`);
  }
  await api.stop();
} finally {
  await owner.end();
  await postgres.stop();
  if (args.data === undefined) rmSync(dataDir, { recursive: true, force: true });
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

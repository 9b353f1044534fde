/**
 * What the API answers in a second, beside other GraphQL servers over the same PostgreSQL:
 *
 *   npm run bench:query -- [--baselines DIR] [--trips 100000] [--rounds 3] [--seconds 3] [--connections 16] [--data DIR]
 *
 * DIR, or ODOGRAPH_BASELINES, holds servers/, queries/ and sql/schema.sql of PostGraphile and of Mercurius with jit;
 * without it Odograph is measured alone. All of them run on one Node.js, ask one database, which this starts, with ten
 * connections each, and take turns in every round. Odograph asks behind its walls, tokens checked and cost counted;
 * the others have none. With --data the filled database is kept and used again.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SignJWT } from 'jose';
import pg from 'pg';
import { claimPort } from '../src/local/port.ts';
import { startPostgres } from '../src/local/postgres.ts';
import { migrate } from '../src/store/migrate.ts';
import { fillDriving } from './fill-driving.ts';
import { fillTrips } from './fill-trips.ts';
import { measureLoad, medianOf, post, type Load, type Target } from './load.ts';
import { fillRivals, prepareRivals, untilSaid } from './rivals.ts';

const { values: args } = parseArgs({
  options: {
    baselines: { type: 'string', default: process.env['ODOGRAPH_BASELINES'] ?? '' },
    work: { type: 'string', default: join(tmpdir(), 'odograph-bench-query') },
    trips: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '16' },
    shapes: { type: 'string', default: 'q1,q2,q3,q4' },
    data: { type: 'string' },
    'node-option': { type: 'string', multiple: true, default: [] },
  },
});
const SECRET = 'a secret that only this run knows, long enough';
const OURS = 'Odograph';
const WINDOW = { from: '2025-06-01', to: '2025-07-01' };

/** One question in everybody's words. */
interface Shape {
  readonly title: string;
  /** Ours; the others' stand in their folder. */
  readonly query: string;
  /** How ours and theirs name the driver at a place in the order of drivers. */
  readonly ours: (place: number, cursors: readonly string[]) => object;
  readonly theirs: (place: number) => object;
}

const SHAPES: Readonly<Record<string, Shape>> = {
  q1: {
    title: 'a page of 20 trips with driver and events',
    query: `query Q1($driver: String!) {
      trips(filter: { driverExternalId: $driver }, first: 20) {
        nodes {
          id startedAt endedAt distanceKm durationS maxSpeedKmh movingS fixes bridgedKm nightKm idleS
          driver { name }
          events { kind at speedBeforeKmh speedAfterKmh peakMps2 }
        }
        pageInfo { hasNextPage endCursor }
      }
    }`,
    ours: (place) => ({ driver: `D-${place}` }),
    theirs: (place) => ({ driver: place, n: 20 }),
  },
  q2: {
    title: 'a driver with the habits of 30 days',
    query: `query Q2($driver: String!) {
      driver(externalId: $driver) {
        id externalId name
        habits(from: "${WINDOW.from}", to: "${WINDOW.to}") {
          trips distanceKm drivingHours nightShare idleShare speedingShare
          rates { kind count per100Km low high }
        }
      }
    }`,
    ours: (place) => ({ driver: `D-${place}` }),
    theirs: (place) => ({ driver: place, since: WINDOW.from }),
  },
  q3: {
    title: '50 drivers with the 5 newest trips of each',
    query: `query Q3($after: Cursor) {
      drivers(first: 50, after: $after) {
        nodes { id externalId name trips(first: 5) { nodes { id startedAt distanceKm maxSpeedKmh idleS } } }
      }
    }`,
    ours: (place, cursors) => ({ after: cursors[place % Math.max(1, cursors.length - 50)] }),
    theirs: (place) => ({ after: place, n: 50 }),
  },
  q4: {
    title: 'kilometres and trips by month and group, over all',
    query: `query Q4 {
      tripStats(groupBy: [{ by: MONTH }, { by: VEHICLE_ATTRIBUTE, name: "fuel" }]) {
        rows { key { value } exposure { trips distanceKm } rates { per100Km } }
      }
    }`,
    ours: () => ({}),
    theirs: () => ({}),
  },
};

const dataDir = resolve(args.data ?? mkdtempSync(join(tmpdir(), 'odograph-bench-query-data-')));
mkdirSync(dataDir, { recursive: true });
const filled = existsSync(join(dataDir, 'postgres'));
const rivals =
  args.baselines === '' ? undefined : prepareRivals(resolve(args.baselines), resolve(args.work));
const postgres = await startPostgres({ dataDir, port: 0 });
const login = (name: string): string => {
  const url = new URL(postgres.ownerUrl);
  url.username = name;
  url.password = 'p';
  return url.href;
};
const owner = new pg.Client(postgres.ownerUrl);
let api: ChildProcess | undefined;
try {
  const apiUrl = login('odograph_api');
  await migrate({
    url: postgres.ownerUrl,
    logins: { sinkUrl: login('odograph_sink'), apiUrl },
  });
  await owner.connect();
  if (!filled) {
    await fillTrips(owner, Number(args.trips));
    await fillDriving(owner);
  }
  if (rivals) await fillRivals(owner, resolve(args.baselines));
  const port = await claimPort(0, { what: 'the API' });
  api = spawn(
    rivals?.node ?? process.execPath,
    [...args['node-option'], 'dist/cli/odograph.js', 'api'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        NODE_ENV: 'production',
        LOG_LEVEL: 'error',
        DATABASE_API_URL: apiUrl,
        AUTH_JWT_SECRET: SECRET,
        RATE_LIMITS: 'none',
        PORT: String(port),
      },
    },
  );
  await untilSaid(api, 'answers on');
  const token = await new SignJWT({ role: 'INSURER', tenant: 'default' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));
  const ours: Target = {
    name: OURS,
    url: `http://127.0.0.1:${port}/graphql`,
    pid: api.pid!,
    headers: { authorization: `Bearer ${token}` },
  };
  const targets = [ours, ...((await rivals?.start(postgres.ownerUrl)) ?? [])];
  const drivers = await countDrivers();
  const cursors = await readCursors(ours);
  const bodiesOf = (target: Target, name: string, shape: Shape): string[] =>
    Array.from({ length: 500 }, (_, i) => {
      // A stride that shares no factor with their number meets every driver before it meets one again.
      const place = 1 + ((i * 7919) % Math.max(1, drivers - (name === 'q3' ? 50 : 0)));
      const query = target.name === OURS ? shape.query : (rivals?.queryOf(target.name, name) ?? '');
      const variables = target.name === OURS ? shape.ours(place, cursors) : shape.theirs(place);
      return JSON.stringify({ query, operationName: name.toUpperCase(), variables });
    });
  console.log(`${args.trips} trips of ${drivers} drivers, ${args.connections} connections`);
  for (const name of args.shapes.split(',')) {
    const shape = SHAPES[name];
    if (!shape) throw new Error(`no shape ${name}: ${Object.keys(SHAPES).join(', ')}`);
    const runs = new Map<string, Load[]>(targets.map((target) => [target.name, []]));
    const bodies = new Map(targets.map((target) => [target, bodiesOf(target, name, shape)]));
    const connections = Number(args.connections);
    for (const [target, texts] of bodies)
      await measureLoad(target, texts, { connections, seconds: 2 });
    for (let round = 0; round < Number(args.rounds); round++) {
      for (const [target, texts] of round % 2 === 0 ? bodies : [...bodies].reverse()) {
        const load = await measureLoad(target, texts, {
          connections,
          seconds: Number(args.seconds),
        });
        runs.get(target.name)?.push(load);
      }
    }
    printTable(`${name}: ${shape.title}`, runs);
  }
} finally {
  api?.kill('SIGTERM');
  rivals?.stop();
  await owner.end();
  await postgres.stop();
  if (args.data === undefined) rmSync(dataDir, { recursive: true, force: true });
}

async function countDrivers(): Promise<number> {
  const { rows } = await owner.query<{ n: number }>('select count(*)::int as n from driver');
  return rows[0]?.n ?? 0;
}

/** The cursor of each driver, in the order of the list. */
async function readCursors(target: Target): Promise<string[]> {
  const cursors: string[] = [];
  const query = `query ($after: Cursor) { drivers(first: 100, after: $after) { edges { cursor } pageInfo { hasNextPage } } }`;
  for (let more = true; more;) {
    const body = JSON.stringify({ query, variables: { after: cursors.at(-1) } });
    const text = await post(undefined, target.url, target.headers, body);
    const answer = JSON.parse(text) as {
      data: { drivers: { edges: { cursor: string }[]; pageInfo: { hasNextPage: boolean } } };
    };
    cursors.push(...answer.data.drivers.edges.map(({ cursor }) => cursor));
    more = answer.data.drivers.pageInfo.hasNextPage;
  }
  return cursors;
}

/** Medians of the rounds; the ratio is Odograph's answers a second by those of the row. */
function printTable(title: string, runs: ReadonlyMap<string, readonly Load[]>): void {
  const of = (loads: readonly Load[], key: Exclude<keyof Load, 'timesMs'>): number =>
    medianOf(loads.map((load) => load[key]));
  const own = of(runs.get(OURS) ?? [], 'perSecond');
  console.log(
    `\n${title}\n| | req/s | p50 ms | p99 ms | server CPU ms/req | bytes | Odograph by it |\n|---|---:|---:|---:|---:|---:|---:|`,
  );
  for (const [name, loads] of runs) {
    const figure = (key: Exclude<keyof Load, 'timesMs'>, digits: number) =>
      of(loads, key).toFixed(digits);
    console.log(
      `| ${name} | ${figure('perSecond', 0)} | ${figure('p50Ms', 1)} | ${figure('p99Ms', 1)} | ${figure('serverCpuMs', 2)} | ${figure('bytes', 0)} | ${(own / of(loads, 'perSecond')).toFixed(2)} |`,
    );
  }
}

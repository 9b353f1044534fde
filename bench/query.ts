/**
 * What the API answers in a second, beside other GraphQL servers over the same PostgreSQL:
 *
 *   npm run bench:query -- [--baselines DIR] [--trips 100000] [--rounds 3] [--seconds 3] [--connections 1,16,64] [--data DIR]
 *
 * DIR, or ODOGRAPH_BASELINES, holds servers/, queries/ and sql/schema.sql of PostGraphile and of Mercurius with jit;
 * without it Odograph is measured alone. All of them run on one Node.js, ask one database, which this starts, with ten
 * connections each, and take turns in every round. Odograph checks tokens, counts costs and reads behind row-level
 * security; the others do not, except that PostGraphile is also measured with settings for row-level security in a
 * transaction around each request. With --data the filled database is kept and used again.
 */
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createTree } from './cpu.ts';
import { fillDriving } from './fill-driving.ts';
import { fillTrips } from './fill-trips.ts';
import { measureLoad, medianOf, type Load, type Target } from './load.ts';
import { fillRivals, prepareRivals } from './rivals.ts';
import type { ServedApi } from './served.ts';
import { authorize, openFilledStore } from './served.ts';
import type { Shape } from './shapes.ts';
import { readCursors, SHAPES } from './shapes.ts';

const { values: args } = parseArgs({
  options: {
    baselines: { type: 'string', default: process.env['ODOGRAPH_BASELINES'] ?? '' },
    work: { type: 'string', default: join(tmpdir(), 'odograph-bench-query') },
    trips: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '1,16,64' },
    shapes: { type: 'string', default: 'q1,q2,q3,q4' },
    data: { type: 'string' },
    'node-option': { type: 'string', multiple: true, default: [] },
  },
});
const OURS = 'Odograph';
const rivals =
  args.baselines === '' ? undefined : prepareRivals(resolve(args.baselines), resolve(args.work));
const store = await openFilledStore(args.data, async (owner) => {
  await fillTrips(owner, Number(args.trips));
  await fillDriving(owner);
});
let api: ServedApi | undefined;
try {
  if (rivals) await fillRivals(store.owner, resolve(args.baselines));
  api = await store.serve({
    ...(rivals && { node: rivals.node }),
    nodeOptions: args['node-option'],
  });
  const ours: Target = {
    name: OURS,
    url: api.url,
    pid: api.pid,
    headers: await authorize({ role: 'INSURER' }),
  };
  const targets = [ours, ...((await rivals?.start(store.ownerUrl)) ?? [])];
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
  console.log(`${args.trips} trips of ${drivers} drivers`);
  const databasePid = await findDatabase();
  for (const name of args.shapes.split(',')) {
    const shape = SHAPES[name];
    if (!shape) throw new Error(`no shape ${name}: ${Object.keys(SHAPES).join(', ')}`);
    const bodies = new Map(targets.map((target) => [target, bodiesOf(target, name, shape)]));
    for (const connections of args.connections.split(',').map(Number)) {
      const runs = new Map<string, Load[]>(targets.map((target) => [target.name, []]));
      for (const [target, texts] of bodies)
        await measureLoad(target, texts, { connections, seconds: 1 });
      for (let round = 0; round < Number(args.rounds); round++) {
        for (const [target, texts] of round % 2 === 0 ? bodies : [...bodies].reverse()) {
          const seconds = Number(args.seconds);
          const load = await measureLoad(target, texts, { connections, seconds, databasePid });
          runs.get(target.name)?.push(load);
        }
      }
      printTable(`${name}: ${shape.title}, ${connections} connections`, runs);
    }
  }
} finally {
  await api?.stop();
  rivals?.stop();
  await store.stop();
}

/** The process that started PostgreSQL's backends. */
async function findDatabase(): Promise<number> {
  const { rows } = await store.owner.query<{ pid: number }>('select pg_backend_pid() as pid');
  return createTree(rows[0]!.pid).parent();
}

async function countDrivers(): Promise<number> {
  const { rows } = await store.owner.query<{ n: number }>('select count(*)::int as n from driver');
  return rows[0]?.n ?? 0;
}

/** Medians of the rounds; the ratio is Odograph's answers a second by those of the row. */
function printTable(title: string, runs: ReadonlyMap<string, readonly Load[]>): void {
  const of = (loads: readonly Load[], key: Exclude<keyof Load, 'timesMs'>): number =>
    medianOf(loads.map((load) => load[key]));
  const own = of(runs.get(OURS) ?? [], 'perSecond');
  console.log(
    `\n${title}\n| | req/s | p50 ms | p99 ms | server CPU ms/req | PostgreSQL CPU ms/req | bytes | Odograph by it |\n|---|---:|---:|---:|---:|---:|---:|---:|`,
  );
  for (const [name, loads] of runs) {
    const figure = (key: Exclude<keyof Load, 'timesMs'>, digits: number) =>
      of(loads, key).toFixed(digits);
    console.log(
      `| ${name} | ${figure('perSecond', 0)} | ${figure('p50Ms', 1)} | ${figure('p99Ms', 1)} | ${figure('serverCpuMs', 2)} | ${figure('databaseCpuMs', 2)} | ${figure('bytes', 0)} | ${(own / of(loads, 'perSecond')).toFixed(2)} |`,
    );
  }
}

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { claimPort } from '../src/local/port.ts';
import type { Target } from './load.ts';

/** Other GraphQL servers over PostgreSQL, from a folder that has them, with the Node.js that they came with. */
export interface Rivals {
  readonly node: string;
  /** The text of each server's query `q1` … `q4`. */
  queryOf(rival: string, name: string): string;
  start(databaseUrl: string): Promise<readonly Target[]>;
  stop(): void;
}

interface Recipe {
  readonly script: string;
  readonly queries: string;
  readonly env?: Readonly<Record<string, string>>;
}

const RECIPES: Readonly<Record<string, Recipe>> = {
  PostGraphile: { script: 'servers/postgraphile.mjs', queries: 'postgraphile' },
  // A transaction with settings for row-level security around each request, as Odograph's.
  'PostGraphile with pgSettings': {
    script: 'servers/postgraphile.mjs',
    queries: 'postgraphile',
    env: {
      PG_SETTINGS: JSON.stringify({
        'odograph.tenant': '1',
        'odograph.driver': '',
        statement_timeout: '10000',
      }),
    },
  },
  'Mercurius, jit': {
    script: 'servers/mercurius.mjs',
    queries: 'sdl',
    env: { LOADERS: 'dataloader' },
  },
};

/** Copies the folder and installs what it names, unless that was done before. */
export function prepareRivals(folder: string, work: string): Rivals {
  const app = join(work, 'app');
  const node = join(app, 'node_modules/node/bin/node');
  if (!existsSync(node)) {
    mkdirSync(app, { recursive: true });
    cpSync(folder, app, { recursive: true });
    const { status } = spawnSync('npm', ['install', '--omit=dev', '--no-audit', '--no-fund'], {
      cwd: app,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) throw new Error(`npm install in ${app} ended with ${status}`);
  }
  const children: ChildProcess[] = [];
  return {
    node,
    queryOf: (rival, name) =>
      readFileSync(
        join(app, 'queries', RECIPES[rival]?.queries ?? '', `${name}.graphql`),
        'utf8',
      ).replaceAll(/\s+/g, ' '),
    start: (databaseUrl) =>
      Promise.all(
        Object.entries(RECIPES).map(async ([name, { script, env }]) => {
          const port = await claimPort(0, { what: name });
          const child = spawn(node, [join(app, script)], {
            env: {
              ...process.env,
              NODE_ENV: 'production',
              DATABASE_URL: databaseUrl,
              PORT: String(port),
              ...env,
            },
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          children.push(child);
          await untilSaid(child, 'ready');
          return { name, url: `http://127.0.0.1:${port}/graphql`, pid: child.pid!, headers: {} };
        }),
      ),
    stop: () => children.forEach((child) => child.kill('SIGTERM')),
  };
}

/** Resolves once a process has written a word to its output. @throws where it ends before */
export function untilSaid(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout?.on('data', (text: Buffer) => {
      said += text.toString();
      if (said.includes(word)) resolve();
    });
    child.on('exit', (code) =>
      reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`)),
    );
  });
}

/** The rivals' own tables, in their schema `bench`, with the same trips, events and days as ours. */
export async function fillRivals(owner: pg.Client, folder: string): Promise<void> {
  const schema = readFileSync(join(folder, 'sql/schema.sql'), 'utf8')
    // Their tables and indexes without their data.
    .split(/;\s*(?:--.*)?\n/)
    .filter((statement) => !/^\s*(?:--.*\n)*\s*insert into/m.test(statement))
    .join(';\n');
  await owner.query(schema);
  for (const sql of [
    `insert into driver select id, coalesce(name, external_id), coalesce((select v.attributes ->> 'fuel' from public.vehicle v where v.id = d.id), ''),
       '2000-01-01' from public.driver d`,
    `insert into device select id, id, external_id from public.device`,
    `insert into trip select id, driver_id, device_id, started_at, ended_at, distance_m / 1000.0, 960, max_speed_ckmh / 100.0, 1, 1, 1,
       night_m / 1000.0, idle_ms / 1000 from public.trip`,
    `insert into driving_event select row_number() over (), t.id, e.kind, e.at, 0, 0, e.peak_mmps2 / 1000.0
       from public.driving_event e join public.trip t on t.device_id = e.device_id and t.started_at = e.trip_started_at`,
    `insert into device_day select device_id, local_date, trips, distance_m / 1000.0, duration_ms / 1000, 100, trips, trips, trips,
       night_m / 1000.0, idle_ms / 1000 from public.daily_total`,
    'reset search_path; reset timezone; reset max_parallel_workers_per_gather',
    'vacuum analyze',
  ]) {
    await owner.query(sql);
  }
}

/**
 * From topic to committed trips, beside software that only stores rows:
 *
 *   npm run bench:sink -- [--rounds 3] [--rivals 'C-connect-plain-2tasks|F-server-copy-binary'] --baselines DIR
 *
 * The baselines are a folder with a `run.sh` that starts a broker and a PostgreSQL of its own and fills
 * the topics: 1,000,000 JSON events of 2,000 devices at one second, 4 partitions. Each round runs the
 * sink into an empty database on the same PostgreSQL, then the rivals, so that a drift of the machine
 * affects all of them. CPU seconds come from /proc (Linux).
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrate } from '../src/store/setup/migrate.ts';
import { createTree } from './cpu.ts';
import { measureWriteStage } from './write-stage.ts';

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    rivals: {
      type: 'string',
      default: 'C-connect-plain-2tasks|D-go-staging-json|F-server-copy-binary',
    },
    baselines: { type: 'string', default: '' },
    work: { type: 'string', default: join(tmpdir(), 'odograph-bench-ingest') },
  },
});
const TOPIC = 'telematics-json';
const EVENTS = 1_000_000;
const LIMIT_MS = 180_000;

if (!existsSync(join(args.baselines, 'run.sh'))) {
  console.error('Give the folder of the baselines, which has a run.sh, with --baselines DIR.');
  process.exit(2);
}
const environment = {
  ...process.env,
  WORK: args.work,
  REPEAT: '1',
  PYTHON: '0',
  RESULTS: join(args.work, 'results.jsonl'),
  KAFKA_PORT: '19592',
  PGPORT: '55592',
};
const brokers = `127.0.0.1:${environment.KAFKA_PORT}`;
const adminUrl = `postgresql://postgres:postgres@127.0.0.1:${environment.PGPORT}/postgres`;

function baseline(...step: string[]): void {
  const { status } = spawnSync('bash', [join(args.baselines, 'run.sh'), ...step], {
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error(`the baselines' step ${step.join(' ')} failed`);
}

interface Figures {
  readonly name: string;
  /** Events a second from the start of the process, and from the first committed rows on. */
  readonly total: number;
  readonly steady: number;
  readonly clientCpuS: number;
  readonly postgresCpuS: number;
}

async function measureSink(): Promise<Figures> {
  const database = `odograph_bench_${randomBytes(4).toString('hex')}`;
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query(`create database ${database}`);
  const password = randomBytes(12).toString('hex');
  const at = (login: string) => `postgresql://${login}@127.0.0.1:${environment.PGPORT}/${database}`;
  const sinkUrl = at(`odograph_sink:${password}`);
  const ownerUrl = at('postgres:postgres');
  await migrate({ url: ownerUrl, logins: { sinkUrl } });
  const owner = new pg.Client(ownerUrl);
  await owner.connect();
  await owner.query('checkpoint');
  const [backend] = (await owner.query<{ pid: number }>('select pg_backend_pid() as pid')).rows;
  const postgres = createTree(createTree(backend!.pid).parent());
  const before = postgres.cpuSeconds();
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, ['dist/cli/odograph.js', 'sink'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      LOG_LEVEL: 'error',
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC: TOPIC,
      KAFKA_GROUP_ID: `odograph-bench-${Date.now()}`,
      DATABASE_SINK_URL: sinkUrl,
      SINK_PORT: '0',
    },
  });
  const stored = async () => {
    const { rows } = await owner.query<{ n: string }>(
      'select coalesce(sum(next_offset), 0) as n from sink_offset',
    );
    return Number(rows[0]!.n);
  };
  let first: { atMs: number; events: number } | undefined;
  let events = 0;
  while (events < EVENTS && performance.now() - startedAtMs < LIMIT_MS && child.exitCode === null) {
    await sleep(20);
    events = await stored();
    if (!first && events > 0) first = { atMs: performance.now(), events };
  }
  const endedAtMs = performance.now();
  const clientCpuS = createTree(child.pid!).cpuSeconds();
  const postgresCpuS = postgres.cpuSeconds() - before;
  const count = await owner.query<{ events: string; trips: string }>(
    'select (select count(*) from event) as events, (select count(*) from trip) as trips',
  );
  child.kill('SIGTERM');
  await new Promise((done) => child.once('exit', done));
  await owner.end();
  await admin.query(`drop database ${database} with (force)`);
  await admin.end();
  if (Number(count.rows[0]!.events) !== EVENTS) {
    throw new Error(`${count.rows[0]!.events} of ${EVENTS} events were stored`);
  }
  console.log(`odograph: ${count.rows[0]!.trips} trips of ${count.rows[0]!.events} events`);
  return {
    name: 'odograph sink, committed trips',
    total: (EVENTS / (endedAtMs - startedAtMs)) * 1000,
    steady: ((EVENTS - first!.events) / (endedAtMs - first!.atMs)) * 1000,
    clientCpuS,
    postgresCpuS,
  };
}

function readRivals(): Figures[] {
  if (!existsSync(environment.RESULTS)) return [];
  return readFileSync(environment.RESULTS, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number | string | boolean>)
    .filter((row) => row['ok'])
    .map((row) => ({
      name: String(row['name']),
      total: Number(row['total']),
      steady: Number(row['steady']),
      clientCpuS: Number(row['cpu_client']),
      postgresCpuS: Number(row['cpu_pg']),
    }));
}

function printTable(figures: readonly Figures[]): void {
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  console.log(
    '\n| | events/s from start | events/s steady | client CPU s/M | PostgreSQL CPU s/M | runs |',
  );
  console.log('|---|---|---|---|---|---|');
  for (const name of new Set(figures.map((f) => f.name))) {
    const runs = figures.filter((f) => f.name === name);
    const of = (key: Exclude<keyof Figures, 'name'>, digits: number) =>
      median(runs.map((run) => run[key])).toFixed(digits);
    console.log(
      `| ${name} | ${of('total', 0)} | ${of('steady', 0)} | ${of('clientCpuS', 1)} | ${of('postgresCpuS', 1)} | ${runs.length} |`,
    );
  }
}

process.on('exit', () => baseline('down'));
baseline('setup');
baseline('up');
try {
  baseline('load');
} catch {
  // A broker that has just started may refuse the first question for its groups.
  baseline('load');
}
const own: Figures[] = [];
const stages: Figures[] = [];
for (let round = 0; round < Number(args.rounds); round += 1) {
  own.push(await measureSink());
  stages.push(...(await measureWriteStage(adminUrl)));
  baseline('bench', args.rivals);
}
printTable([...own, ...readRivals(), ...stages]);

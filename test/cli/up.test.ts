import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXAMPLES } from '../../src/api/console-examples.ts';
import { fetchJars } from '../../src/local/jars.ts';
import { isAlive } from '../../src/local/process.ts';
import {
  makeFolder,
  plainEnv,
  runCli,
  type Started,
  startScript,
  until,
  untilGone,
} from '../support/child.ts';
import { jars } from '../support/jars.ts';

const folder = makeFolder();
const env = { ODOGRAPH_DATA_DIR: folder, PORT: '0', KAFKA_LOCAL_PORT: '0' };
const runFile = join(folder, 'run.json');
const START_MS = 180_000;

interface Facts {
  apiUrl: string;
  wsUrl: string;
  kafkaBrokers: string[];
  databaseUrl: string;
  pid: number;
  tokens: Record<string, string>;
}

const running: Started[] = [];

beforeAll(async () => {
  await fetchJars(jars, process.env, console.log);
  mkdirSync(join(folder, 'kafka'));
  symlinkSync(jars, join(folder, 'kafka/lib'));
});

afterAll(async () => {
  for (const { process: child, exited } of running) {
    child.kill('SIGKILL');
    await exited;
  }
  rmSync(folder, { recursive: true, force: true });
});

async function startUp(): Promise<{ up: Started; facts: Facts }> {
  const cwd = makeFolder();
  const up = startScript('src/cli/odograph.ts', ['up', '--no-fleet'], { env: plainEnv(env), cwd });
  running.push(up);
  let code: number | null | undefined;
  void up.exited.then((exited) => (code = exited));
  await until(
    'odograph is up',
    () => {
      if (code !== undefined) throw new Error(`it ended with ${code}: ${up.stderr()}`);
      return up.stdout().includes('Ctrl-C stops it');
    },
    START_MS,
  );
  return { up, facts: JSON.parse(readFileSync(runFile, 'utf8')) as Facts };
}

async function askTrips({ apiUrl, tokens }: Facts): Promise<unknown> {
  const query = '{ trips(first: 5) { edges { node { deviceId startedAt maxSpeedKmh } } } }';
  const response = await fetch(apiUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${tokens['INSURER']}`,
    },
    body: JSON.stringify({ query }),
  });
  const { data } = (await response.json()) as { data: { trips: { edges: { node: object }[] } } };
  return data.trips.edges.map(({ node }) => node);
}

/** The process and all its descendants. */
function pidsOf({ pid }: Facts): number[] {
  const read = (file: string) => readFileSync(join(folder, file), 'utf8').split(' ').map(Number);
  return [pid, ...read('kafka/broker.pid'), ...read('postgres/postgres.pid')];
}

const FOUNDING_TRIP = {
  deviceId: 'ID-203217',
  startedAt: '2015-05-15T00:08:13.000Z',
  maxSpeedKmh: 128.75,
};

test('up: the example line becomes a trip that survives a stop and a kill, and no process is left running', async () => {
  const first = await startUp();
  const { facts } = first;
  const pids = pidsOf(facts);
  expect(statSync(runFile).mode & 0o777).toBe(0o600);
  expect(facts.pid).toBe(first.up.pid);
  expect(facts.wsUrl).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/graphql$/);
  expect(Object.keys(facts.tokens).sort()).toEqual([
    'ACTUARY',
    'CLAIMS',
    'DRIVER',
    'INSURER',
    'OPERATOR',
  ]);
  const driver = EXAMPLES.find(({ name }) => name === 'Live trip')?.variables;
  expect(decodeJwt(facts.tokens['DRIVER']!)['driver']).toBe(driver?.['driverExternalId']);
  const said = first.up.stdout();
  expect(said).toContain(`curl -s ${facts.apiUrl}`);
  expect(said).toContain(facts.tokens['INSURER']);
  const line = /npx odograph send '(.+)'/.exec(said)?.[1];
  expect(line).toBe('ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977');

  const second = await runCli(['up'], { env });
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`in use by process ${facts.pid}`);
  expect(existsSync(runFile)).toBe(true);

  const sent = await runCli(['send'], { env, input: `${line}\nrubbish\n` });
  expect(sent).toMatchObject({ code: 0, stdout: 'sent 2 lines to telematics\n' });
  await until('the trip is there', async () => ((await askTrips(facts)) as object[]).length > 0);
  expect(await askTrips(facts)).toEqual([FOUNDING_TRIP]);

  const ready = await fetch(new URL('/health/ready', facts.apiUrl));
  expect(ready.status).toBe(200);
  const metrics = await (await fetch(new URL('/metrics', facts.apiUrl))).text();
  expect(metrics).toContain('odograph_events_total 1');
  expect(metrics).toContain('odograph_ready{role="sink"} 1');

  const listed = await runCli(['dead-letters'], { env });
  expect(listed.code).toBe(0);
  const letter = JSON.parse(listed.stdout) as Record<string, unknown>;
  expect(letter).toMatchObject({ topic: 'telematics', key: 'rubbish', bytes: 7 });
  expect(letter).not.toHaveProperty('value');
  const place = [letter['topic'], letter['partition'], letter['offset']].map(String);
  const shown = await runCli(['dead-letters', 'show', ...place], { env });
  expect(JSON.parse(shown.stdout)).toMatchObject({ value: 'rubbish', reason: letter['reason'] });

  const doctor = await runCli(['doctor'], { env });
  expect(doctor.stdout).toContain("✓ telematics is stamped by the broker's clock");
  expect(doctor.stdout).toMatch(/✓ all \d+ migrations are applied/);
  expect(doctor.stdout).toContain('✓ no transaction holds up subscription updates');
  expect(doctor.code).toBe(0);

  first.up.process.kill('SIGTERM');
  expect(await first.up.exited).toBe(0);
  expect(existsSync(runFile)).toBe(false);
  expect(pids.filter(isAlive)).toEqual([]);

  const third = await startUp();
  expect(await askTrips(third.facts)).toEqual([FOUNDING_TRIP]);
  const left = pidsOf(third.facts);
  third.up.process.kill('SIGKILL');
  for (const pid of left) await untilGone(pid);
}, 600_000);

test('up: a port in use is reported before anything is started', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const dataDir = makeFolder();
  const up = await runCli(['up'], { env: { ODOGRAPH_DATA_DIR: dataDir, PORT: String(port) } });
  expect(up.code).toBe(1);
  expect(up.stderr).toContain(`Port ${port} on 127.0.0.1, needed for the API, is taken`);
  expect(existsSync(join(dataDir, 'up.lock'))).toBe(false);
  server.close();
});

test('up: without Java and Docker, the error lists three ways to a broker', async () => {
  const dataDir = makeFolder();
  // A PATH with only the programs that look up PostgreSQL's user and switch to it.
  const bin = makeFolder();
  chmodSync(bin, 0o755);
  for (const name of ['id', 'setpriv']) {
    const place = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    if (place) symlinkSync(place, join(bin, name));
  }
  const up = await runCli(['up'], {
    env: {
      ODOGRAPH_DATA_DIR: dataDir,
      PORT: '0',
      KAFKA_LOCAL_PORT: '0',
      PATH: bin,
      JAVA_HOME: '',
    },
  });
  expect(up.code).toBe(1);
  for (const way of ['KAFKA_BROKERS', 'Java 17 and Maven', 'Docker']) {
    expect(up.stderr).toContain(way);
  }
});

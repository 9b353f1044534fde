import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Problem } from '../problem.ts';
import { isAlive } from './process.ts';

/** Creates the data folder if it is missing. @throws Problem DATA_DIR */
export function ensureFolder(dataDir: string): string {
  const folder = resolve(dataDir);
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch (error) {
    throw new Problem(
      'DATA_DIR',
      `The data folder ${folder} cannot be created: ${(error as Error).message}`,
      'Set ODOGRAPH_DATA_DIR to a folder with write access.',
      error,
    );
  }
}

/**
 * Locks the data folder for this process. A stale lock left by a crash is replaced.
 * @returns a function that releases the lock.
 * @throws Problem DATA_DIR_BUSY with the id of the process that holds it.
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'up.lock');
  const mine = `${process.pid} ${startOf(process.pid)}`;
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, mine);
  try {
    for (;;) {
      try {
        linkSync(draft, file); // atomic
        return () => rmSync(file, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      clearStale(folder, file);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

function clearStale(folder: string, file: string): void {
  const held = readText(file);
  if (held === undefined) return;
  const pid = Number(held.split(' ')[0]);
  if (pid !== process.pid && isAlive(pid) && held === `${pid} ${startOf(pid)}`) {
    throw new Problem(
      'DATA_DIR_BUSY',
      `The data folder ${folder} is in use by process ${pid}.`,
      `Stop it (\`kill ${pid}\`), or set ODOGRAPH_DATA_DIR to another folder; ${join(folder, 'run.json')} lists its addresses.`,
    );
  }
  // Two starts may find the same stale lock: check that the file moved away is the one that was read.
  const taken = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, taken);
  } catch {
    return;
  }
  if (readText(taken) !== held) {
    try {
      linkSync(taken, file);
    } catch {
      // Another process has locked it since; it runs the same check.
    }
  }
  rmSync(taken, { force: true });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Start time of a process in the system's format: process ids are reused, so the id alone is not enough. */
function startOf(pid: number): string {
  try {
    // Field 22, counted behind the name, which may hold anything: proc(5).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[19] ?? '';
  } catch {
    const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout?.trim() ?? '';
  }
}

/** The key for tokens of this machine; created on first use. */
export function readLocalKey(dataDir: string): string {
  const file = join(ensureFolder(dataDir), 'auth.key');
  const draft = `${file}.${process.pid}`;
  const known = readText(file);
  if (known) return known;
  writeFileSync(draft, randomBytes(32).toString('base64url'), { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(file, 'utf8');
}

/** What `up` writes to run.json for scripts and for the other commands. */
export interface RunFacts {
  readonly apiUrl: string;
  readonly wsUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly databaseUrl: string;
  readonly pid: number;
  readonly tokens: Readonly<Record<string, string>>;
}

const runFile = (dataDir: string) => join(resolve(dataDir), 'run.json');

/** @returns a function that removes the file. */
export function writeRunFacts(dataDir: string, facts: RunFacts): () => void {
  const file = runFile(dataDir);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(facts, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
  return () => rmSync(file, { force: true });
}

/** The run.json of the process that is running on this data folder, if there is one. */
export function readRunFacts(dataDir: string): RunFacts | undefined {
  const text = readText(runFile(dataDir));
  if (text === undefined) return undefined;
  const facts = JSON.parse(text) as RunFacts;
  return isAlive(facts.pid) ? facts : undefined;
}

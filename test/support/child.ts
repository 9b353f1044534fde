import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAlive } from '../../src/local/process.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const typescript = ['--import', join(root, 'scripts/typescript.js')];

/** A new temporary folder. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'odograph-test-'));
}

/** The environment without settings of the developer's machine. */
export function plainEnv(settings: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(KAFKA|DATABASE|AUTH|ODOGRAPH|TEXT)_|^(PORT|SINK_PORT|HOST|CORS_ORIGINS|LOG_LEVEL|NODE_OPTIONS)$/.test(
        name,
      ),
  );
  return { ...Object.fromEntries(kept), ...settings };
}

export interface Started {
  readonly process: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves with the exit code; null where a signal ended it. */
  readonly exited: Promise<number | null>;
}

/** Runs a TypeScript file of the repository in a process of its own. */
export function startScript(
  file: string,
  args: readonly string[],
  { env = plainEnv(), cwd = root }: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Started {
  const child = spawn(process.execPath, [...typescript, join(root, file), ...args], { env, cwd });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
  return {
    process: child,
    pid: child.pid!,
    stdout: () => stdout,
    stderr: () => stderr,
    exited: new Promise((resolve) => child.once('close', (code) => resolve(code))),
  };
}

/** Runs `odograph` with arguments until it ends. */
export async function runCli(
  args: readonly string[],
  { env = {}, input = '' }: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  // Outside the repository, which may contain a .env.
  const cwd = makeFolder();
  const started = startScript('src/cli/odograph.ts', args, { env: plainEnv(env), cwd });
  started.process.stdin?.end(input);
  const code = await started.exited;
  return { code, stdout: started.stdout(), stderr: started.stderr() };
}

/** Waits until a condition holds. @throws naming the condition */
export async function until(
  what: string,
  holds: () => unknown,
  patienceMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs / 1000} s in vain: ${what}`);
    await sleep(50);
  }
}

/** Waits until a process has ended. */
export function untilGone(pid: number): Promise<void> {
  return until(`process ${pid} ends`, () => !isAlive(pid));
}

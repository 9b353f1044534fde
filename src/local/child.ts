import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownEnvironment } from '../config.ts';
import { describeProcess, isAlive } from './process.ts';

/**
 * A small process between this one and the server. It reads a pipe from this process and stops the server
 * when the pipe closes, even if this process was killed. It is text so that src/ and dist/ run the same code.
 */
const KEEPER = `
const { spawn } = require('node:child_process');
const { writeFileSync, rmSync } = require('node:fs');
const { command, args, env, cwd, ids, stopSignal, killAfterMs, pidFile } = JSON.parse(process.argv[1]);
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env, cwd, ...ids });
child.on('error', (error) => { console.error(error.message); process.exitCode = 127; process.stdin.destroy(); });
if (child.pid) writeFileSync(pidFile, child.pid + ' ' + process.pid);
let asked = false;
const stop = () => {
  if (asked) return;
  asked = true;
  child.kill(stopSignal);
  setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref();
};
child.on('exit', (code, signal) => {
  rmSync(pidFile, { force: true });
  process.exit(signal ? 128 : code);
});
process.stdin.on('close', stop).on('error', stop).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
`;

export interface ChildSpec {
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Run as another user. */
  ids?: { uid: number; gid: number } | undefined;
  /** The signal for an orderly shutdown. */
  stopSignal: 'SIGINT' | 'SIGTERM';
  killAfterMs: number;
  pidFile: string;
  /** File that its output is appended to. */
  logFile: string;
}

export interface Child {
  /** Resolves when the server has ended, whether it was stopped or not. */
  readonly exited: Promise<number | null>;
  hasExited(): boolean;
  /** Stops the server and waits until it has ended. */
  stop(): Promise<void>;
}

/** Starts a server that ends when this process ends, in whatever way. */
export function startChild(spec: ChildSpec): Child {
  const log = openSync(spec.logFile, 'a');
  const { command, args, env, cwd, ids, stopSignal, killAfterMs, pidFile } = spec;
  const plan = {
    command,
    args,
    env: env ?? ownEnvironment(),
    cwd,
    ids,
    stopSignal,
    killAfterMs,
    pidFile,
  };
  // A process group of its own: Ctrl-C in the terminal reaches only this process, which stops servers last.
  const keeper = spawn(process.execPath, ['-e', KEEPER, JSON.stringify(plan)], {
    stdio: ['pipe', log, log],
    detached: true,
  });
  closeSync(log);
  let ended = false;
  const exited = new Promise<number | null>((resolve) => {
    keeper.once('error', () => resolve(127));
    keeper.once('exit', (code) => resolve(code));
  }).then((code) => {
    ended = true;
    return code;
  });
  keeper.stdin?.on('error', () => {}); // the keeper ended first
  return {
    exited,
    hasExited: () => ended,
    stop: async () => {
      keeper.stdin?.end();
      await exited;
    },
  };
}

/**
 * Waits for a server that an earlier process started here and may have left behind; stops it if its keeper
 * is gone.
 * @param mark a text in its command line, so that another process with a reused id is left alone.
 * @returns the process id if the server does not end in time.
 */
export async function settleOrphan(
  pidFile: string,
  mark: string,
  patienceMs = 30_000,
): Promise<number | undefined> {
  const [pid, keeperPid] = readPids(pidFile);
  if (pid === undefined || !describeProcess(pid).includes(mark)) {
    rmSync(pidFile, { force: true });
    return undefined;
  }
  const deadline = Date.now() + patienceMs;
  let asked = false;
  while (isAlive(pid)) {
    if (!asked && (keeperPid === undefined || !isAlive(keeperPid))) {
      process.kill(pid, 'SIGTERM');
      asked = true;
    }
    if (Date.now() > deadline) return pid;
    await sleep(50);
  }
  rmSync(pidFile, { force: true });
  return undefined;
}

function readPids(pidFile: string): number[] {
  try {
    return readFileSync(pidFile, 'utf8')
      .split(/\s+/)
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return [];
  }
}

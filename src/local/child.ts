import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownEnvironment } from '../config.ts';
import { describeProcess, isAlive } from './process.ts';

/**
 * Stands between us and the server: holds our pipe, and when it closes, even because we were killed,
 * ends the server. Runs as text so that it is the same from src/ and from dist/.
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
  /** Run as somebody else. */
  ids?: { uid: number; gid: number } | undefined;
  /** What asks the server to end in order. */
  stopSignal: 'SIGINT' | 'SIGTERM';
  killAfterMs: number;
  pidFile: string;
  /** Where its output is appended. */
  logFile: string;
}

export interface Child {
  /** Resolves when the server has ended, asked or not. */
  readonly exited: Promise<number | null>;
  hasExited(): boolean;
  /** Asks it to end, waits until it has. */
  stop(): Promise<void>;
}

/** Starts a server that ends when this process ends, however this process ends. */
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
  // Its own process group: a Ctrl-C in the terminal is for us, and we stop the servers last.
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
  keeper.stdin?.on('error', () => {}); // it ended before we asked
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
 * Waits for the server that an earlier, perhaps killed, process started here; ends it if its keeper is gone.
 * @param mark a text that its command line contains, so that a reused process id is left alone.
 * @returns the id of the process that would not end, if so.
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

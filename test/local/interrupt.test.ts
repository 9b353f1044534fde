// npm starts the product through a shell and forwards signals to its child only: nothing may be left running.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAlive } from '../../src/local/process.ts';
import { makeFolder, plainEnv, until, untilGone } from '../support/child.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = makeFolder();
  // Runs until it is interrupted, as the product does, and is started as the product is.
  fs.writeFileSync(
    path.join(folder, 'run.ts'),
    `import { writeFileSync } from 'node:fs';
import { onInterrupt } from ${JSON.stringify(path.join(root, 'src/local/interrupt.ts'))};
let interrupts = 0;
onInterrupt(() => {
  interrupts += 1;
  setTimeout(() => { writeFileSync('stopped', String(interrupts)); process.exit(0); }, 300);
});
setInterval(() => undefined, 1000);
writeFileSync('pid', String(process.pid));`,
  );
  const hook = path.join(root, 'scripts/typescript.js');
  const start = `exec node --import ${hook} run.ts`;
  fs.writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ type: 'module', scripts: { start } }),
  );
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test('npm start replaces its shell, so that signals reach the product', () => {
  const { scripts } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts['start']).toMatch(/^exec node /);
});

describe('a process that npm started', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('stops when npm gets %s', async (signal) => {
    for (const name of ['pid', 'stopped']) fs.rmSync(path.join(folder, name), { force: true });
    const npm = spawn('npm', ['start'], { cwd: folder, env: plainEnv(), stdio: 'ignore' });
    const ended = new Promise((resolve) => npm.once('exit', resolve));
    const pidFile = path.join(folder, 'pid');
    await until(
      'the process to start',
      () => fs.existsSync(pidFile) && fs.readFileSync(pidFile, 'utf8'),
    );
    const pid = Number(fs.readFileSync(pidFile, 'utf8'));
    expect(isAlive(pid)).toBe(true);
    npm.kill(signal);
    await untilGone(pid);
    await ended;
    expect(fs.readFileSync(path.join(folder, 'stopped'), 'utf8')).toBe('1');
  });

  test('is interrupted once by a Ctrl-C, which npm forwards a second time', async () => {
    for (const name of ['pid', 'stopped']) fs.rmSync(path.join(folder, name), { force: true });
    const npm = spawn('npm', ['start'], {
      cwd: folder,
      env: plainEnv(),
      stdio: 'ignore',
      detached: true,
    });
    const pidFile = path.join(folder, 'pid');
    await until(
      'the process to start',
      () => fs.existsSync(pidFile) && fs.readFileSync(pidFile, 'utf8'),
    );
    const pid = Number(fs.readFileSync(pidFile, 'utf8'));
    process.kill(-npm.pid!, 'SIGINT'); // as a terminal does: the whole group
    await untilGone(pid);
    expect(fs.readFileSync(path.join(folder, 'stopped'), 'utf8')).toBe('1');
  });
});

// The package as the image installs it: packed, unpacked into an empty folder, read-only, run as a user without rights.
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder, plainEnv, until } from './support/child.ts';
import type { TestDatabase } from './support/database.ts';
import { createTestDatabase } from './support/database.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** `node` in the image; here any user that owns nothing. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

let folder: string;
let app: string;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  folder = makeFolder();
  fs.chmodSync(folder, 0o755);
  const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  const file = packed.stdout.trim().split('\n').at(-1)!;
  spawnSync('tar', ['-xzf', path.join(folder, file), '-C', folder]);
  app = path.join(folder, 'package');
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(app, 'node_modules'));
  spawnSync('chmod', ['-R', 'a+rX,a-w', app]);
});
afterAll(async () => {
  spawnSync('chmod', ['-R', 'u+w', folder]);
  fs.rmSync(folder, { recursive: true, force: true });
  await database?.drop();
});

function start(args: readonly string[]) {
  const env = plainEnv({
    DATABASE_URL: database.ownerUrl,
    DATABASE_SINK_URL: database.sinkUrl,
    DATABASE_API_URL: database.apiUrl,
    AUTH_JWT_SECRET: 'a secret that only this test knows, long enough',
    ODOGRAPH_DATA_DIR: '/nowhere/that/can/be/written',
    PORT: '0',
    HOME: '/',
  });
  const command = path.join(app, 'dist/cli/odograph.js');
  const child = spawn(process.execPath, [command, ...args], { cwd: app, env, ...NOBODY });
  let output = '';
  child.stdout.on('data', (part: Buffer) => (output += part.toString()));
  child.stderr.on('data', (part: Buffer) => (output += part.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, exited, output: () => output };
}

test('the package migrates and serves from a read-only folder as a user without rights', async () => {
  const help = start(['--help']);
  expect(await help.exited, help.output()).toBe(0);
  const migrated = start(['migrate']);
  expect(await migrated.exited, migrated.output()).toBe(0);
  expect(migrated.output()).toContain('is up to date');

  const api = start(['api']);
  try {
    await until('the API to start', () => /API is at|Error/.test(api.output()));
    const url = /API is at (\S+)/.exec(api.output())?.[1];
    expect(url, api.output()).toBeDefined();
    expect((await fetch(new URL('/health/ready', url))).status).toBe(200);
    const healthy = spawnSync(process.execPath, [
      path.join(root, 'scripts/healthy.js'),
      new URL('/health/ready', url).href,
    ]);
    expect(healthy.status).toBe(0);
  } finally {
    api.child.kill('SIGTERM');
  }
  expect(await api.exited).toBe(0);
});

test('the image copies what the package contains', () => {
  const { files } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    files: string[];
  };
  const dockerfile = fs.readFileSync(path.join(root, 'Dockerfile'), 'utf8');
  // The local broker is not part of the image.
  const needed = files.map((file) => file.split('/')[0]!).filter((name) => name !== 'src');
  expect(needed.filter((name) => !dockerfile.includes(`/app/${name}`))).toEqual([]);
});

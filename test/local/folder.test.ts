import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder, readLocalKey, readRunFacts, writeRunFacts } from '../../src/local/folder.ts';
import { makeFolder } from '../support/child.ts';

let folder: string;
beforeEach(() => (folder = makeFolder()));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lockFile = () => join(folder, 'up.lock');
const FACTS = {
  apiUrl: 'http://127.0.0.1:1/graphql',
  wsUrl: 'ws://127.0.0.1:1/graphql',
  kafkaBrokers: ['127.0.0.1:2'],
  databaseUrl: 'postgresql://postgres:p@127.0.0.1:3/odograph',
  tokens: {},
};

test('one process at a time locks a folder, and releases it', () => {
  const unlock = lockFolder(folder);
  expect(existsSync(lockFile())).toBe(true);
  unlock();
  lockFolder(folder)();
  expect(existsSync(lockFile())).toBe(false);
});

test('the lock of a running process is respected and names that process', () => {
  const { ppid } = process;
  lockFolder(folder);
  // The lock as the parent would have written it: its id and start time.
  const { stdout } = spawnSync('sh', ['-c', `sed 's/.*) //' /proc/${ppid}/stat | cut -d' ' -f20`]);
  writeFileSync(lockFile(), `${ppid} ${stdout.toString().trim()}`);
  expect(() => lockFolder(folder)).toThrow(`is in use by process ${ppid}`);
});

test('a stale lock is replaced, also when another process has its id now', () => {
  const { pid } = spawnSync('true');
  for (const left of [`${pid} 1`, `${process.ppid} 1`, `${process.pid} 1`, '']) {
    writeFileSync(lockFile(), left);
    lockFolder(folder)();
  }
});

test('the local key stays the same and other users cannot read it', () => {
  const key = readLocalKey(folder);
  expect(key).toHaveLength(43);
  expect(readLocalKey(folder)).toBe(key);
  expect(statSync(join(folder, 'auth.key')).mode & 0o777).toBe(0o600);
});

test('run.json is read unless its process has ended', () => {
  const remove = writeRunFacts(folder, { ...FACTS, pid: process.pid });
  expect(statSync(join(folder, 'run.json')).mode & 0o777).toBe(0o600);
  expect(readRunFacts(folder)).toEqual({ ...FACTS, pid: process.pid });
  remove();
  expect(readRunFacts(folder)).toBeUndefined();
  writeRunFacts(folder, { ...FACTS, pid: spawnSync('true').pid });
  expect(readRunFacts(folder)).toBeUndefined();
});

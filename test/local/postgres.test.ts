import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { startPostgres } from '../../src/local/postgres.ts';
import { makeFolder, startScript, until, untilGone } from '../support/child.ts';

const dataDir = makeFolder();
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

async function ask(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('data and password survive a stop, and other users cannot read the password', async () => {
  const first = await startPostgres({ dataDir, port: 0 });
  await ask(first.ownerUrl, 'create table kept as select 1 as n');
  await first.stop();

  const second = await startPostgres({ dataDir, port: 0, settings: { work_mem: '5MB' } });
  expect(await ask(second.ownerUrl, 'select n from kept')).toEqual([{ n: 1 }]);
  expect(await ask(second.ownerUrl, 'show work_mem')).toEqual([{ work_mem: '5MB' }]);
  expect(new URL(second.ownerUrl).password).toBe(new URL(first.ownerUrl).password);
  expect(new URL(second.ownerUrl).hostname).toBe('127.0.0.1');
  expect(statSync(join(dataDir, 'postgres/password')).mode & 0o777).toBe(0o600);

  const wrong = new URL(second.ownerUrl);
  wrong.password = 'guess';
  await expect(ask(wrong.href, 'select 1')).rejects.toThrow(/password/);
  await second.stop();
});

test('the server ends when its parent is killed, and the next start finds what was committed', async () => {
  const holder = startScript('test/local/hold.ts', ['postgres', dataDir]);
  await until(holder.stderr() || 'PostgreSQL answers', () => holder.stdout().includes('\n'));
  const { ownerUrl } = JSON.parse(holder.stdout()) as { ownerUrl: string };
  await ask(ownerUrl, 'create table committed as select 2 as n');
  const [pid, keeper] = readFileSync(join(dataDir, 'postgres/postgres.pid'), 'utf8').split(' ');

  holder.process.kill('SIGKILL');
  // Starts while the previous server is still shutting down.
  const next = await startPostgres({ dataDir, port: 0 });
  await untilGone(Number(pid));
  await untilGone(Number(keeper));
  expect(await ask(next.ownerUrl, 'select n from committed')).toEqual([{ n: 2 }]);
  await next.stop();
});

test('files of another major version are refused with a way out', async () => {
  const versionFile = join(dataDir, 'postgres/data/PG_VERSION');
  const written = readFileSync(versionFile, 'utf8');
  writeFileSync(versionFile, '15\n');
  await expect(startPostgres({ dataDir, port: 0 })).rejects.toMatchObject({
    code: 'POSTGRES_VERSION',
    message: expect.stringMatching(/PostgreSQL 15; the embedded server is 18/) as string,
    hint: expect.stringContaining('pg_dump') as string,
  });
  writeFileSync(versionFile, written);
});

test('a server that does not start reports the reason and its log', async () => {
  const settings = { shared_buffers: 'plenty' };
  await expect(startPostgres({ dataDir, port: 0, settings })).rejects.toMatchObject({
    code: 'POSTGRES_FAILED',
    message: expect.stringContaining('shared_buffers') as string,
    hint: expect.stringContaining('postgres.log') as string,
  });
});

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startBroker } from '../../src/local/broker.ts';
import { askClusterId } from '../../src/local/probe.ts';
import { makeFolder, startScript, until, untilGone } from '../support/child.ts';
import { jars } from '../support/jars.ts';

const dataDir = makeFolder();
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const ask = (broker: string) => askClusterId('127.0.0.1', Number(broker.split(':')[1]), 2_000);

test('the broker ends when its parent is killed, and the next start is the same cluster', async () => {
  const holder = startScript('test/local/hold.ts', ['broker', dataDir, jars]);
  await until('the broker answers', () => holder.stdout().includes('\n'), 120_000);
  const { brokers } = JSON.parse(holder.stdout()) as { brokers: string[] };
  const clusterId = await ask(brokers[0]!);
  expect(clusterId).toMatch(/^k[\w-]{21}$/);
  const port = Number(brokers[0]!.split(':')[1]);
  const pids = readFileSync(join(dataDir, 'kafka/broker.pid'), 'utf8').split(' ').map(Number);

  holder.process.kill('SIGKILL');
  // Immediately and on the same port, while the previous broker is still shutting down.
  const next = await startBroker({ dataDir, port, libDir: jars, patienceMs: 120_000 });
  for (const pid of pids) await untilGone(pid);
  expect(next.brokers).toEqual(brokers);
  expect(await ask(next.brokers[0]!)).toBe(clusterId);
  await expect(startBroker({ dataDir: makeFolder(), port, libDir: jars })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringContaining(`Port ${port} `) as string,
    hint: expect.stringContaining('KAFKA_LOCAL_PORT') as string,
  });
  await next.stop();
  expect(await ask(brokers[0]!)).toBeUndefined();
  expect(readFileSync(join(dataDir, 'kafka/broker.log'), 'utf8')).toContain('Kafka Server started');
}, 300_000);

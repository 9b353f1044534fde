import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fetchJars } from '../../src/local/jars.ts';
import { findJava } from '../../src/local/java.ts';
import { claimPort } from '../../src/local/port.ts';
import { askClusterId } from '../../src/local/probe.ts';
import { makeFolder } from '../support/child.ts';

const folder = makeFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A PATH with one program, made from this script, and sh. */
function pathWith(program: string, script: string): NodeJS.ProcessEnv {
  const bin = join(folder, `bin-${Math.random()}`);
  mkdirSync(bin);
  writeFileSync(join(bin, program), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, program), 0o755);
  return { PATH: bin };
}

test('without Java the error says how to install it, or to set KAFKA_BROKERS', () => {
  expect(() => findJava({ PATH: folder })).toThrow('No Java found');
  try {
    findJava({ PATH: folder });
  } catch (error) {
    expect(error).toMatchObject({
      code: 'NO_JAVA',
      hint: expect.stringMatching(/apt install[\s\S]*KAFKA_BROKERS/) as string,
    });
  }
});

test('an old Java is reported as old, not as missing', () => {
  const say = (version: string) => pathWith('java', `echo 'openjdk version "${version}"' >&2`);
  expect(() => findJava(say('1.8.0_402'))).toThrow('Java 1.8.0_402 is too old');
  expect(() => findJava(say('11.0.2'))).toThrow('Java 11.0.2 is too old');
  expect(findJava(say('17.0.15')).version).toBe('17.0.15');
  expect(findJava(say('25')).version).toBe('25');
});

test('JAVA_HOME has priority over PATH', () => {
  const home = join(folder, 'jdk');
  mkdirSync(join(home, 'bin'), { recursive: true });
  const java = join(home, 'bin', 'java');
  writeFileSync(java, `#!/bin/sh\necho 'openjdk version "21.0.1"' >&2\n`);
  chmodSync(java, 0o755);
  expect(findJava({ JAVA_HOME: home, PATH: folder }).command).toBe(java);
});

test('without Maven the error says so, and no incomplete folder is left', async () => {
  const jars = join(folder, 'jars');
  await expect(fetchJars(jars, { PATH: folder }, () => undefined)).rejects.toMatchObject({
    code: 'NO_MAVEN',
    hint: expect.stringContaining('apt install maven') as string,
  });
});

test('a failure of Maven is quoted', async () => {
  const env = pathWith(
    'mvn',
    'echo "[ERROR] Could not transfer artifact: no route to host"; exit 1',
  );
  await expect(fetchJars(join(folder, 'jars'), env, () => undefined)).rejects.toMatchObject({
    code: 'BROKER_DOWNLOAD',
    message: expect.stringContaining('no route to host') as string,
  });
});

test('jars are downloaded once, with progress', async () => {
  const jars = join(folder, 'some-jars');
  const line = 'Downloaded from central: https://repo/x/kafka-clients-4.4.0.jar (10 MB at 1 MB/s)';
  const env = pathWith('mvn', `echo '[INFO] ${line}'`);
  const reports: [message: string, isDetail: boolean][] = [];
  const progress = (message: string, isDetail = false) => reports.push([message, isDetail]);
  await fetchJars(jars, { ...env, PATH: `${env['PATH']}${delimiter}/bin` }, progress);
  expect(reports.slice(1)).toEqual([
    ['downloaded 1: kafka-clients-4.4.0.jar (10 MB at 1 MB/s)', true],
    ['downloaded Apache Kafka: 1 new jars', false],
  ]);
  await fetchJars(jars, { PATH: folder }, progress);
  expect(reports).toHaveLength(3);
});

test('a port in use is reported with the setting that changes it; 0 is any free port', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await expect(claimPort(port, { what: 'the API', setting: 'PORT' })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringMatching(new RegExp(`Port ${port} .*the API.*taken`)) as string,
    hint: expect.stringContaining('Set PORT') as string,
  });
  // The listener there is not a broker.
  expect(await askClusterId('127.0.0.1', port, 200)).toBeUndefined();
  server.close();
  expect(await claimPort(0, { what: 'a test' })).toBeGreaterThan(0);
});

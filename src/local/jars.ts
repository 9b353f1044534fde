import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Problem } from '../problem.ts';

/** The same place seen from src/local and from dist/local. */
export const brokerAssets = fileURLToPath(new URL('../../src/local/broker/', import.meta.url));

/** How much of it has come: for a person who waits. */
export type Progress = (message: string) => void;

/**
 * Puts the broker's jars into a folder, by Maven, once; its own cache (~/.m2) is used.
 * @throws Problem NO_MAVEN, BROKER_DOWNLOAD
 */
export async function fetchJars(
  folder: string,
  env: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<void> {
  const pom = join(brokerAssets, 'pom.xml');
  const wanted = createHash('sha256').update(readFileSync(pom)).digest('hex');
  const markFile = join(folder, '.complete');
  if (existsSync(markFile) && readFileSync(markFile, 'utf8') === wanted) return;

  progress('fetching Apache Kafka (45 jars, 45 MB, once)');
  const fresh = `${folder}.${process.pid}`; // half a folder is never taken for a whole one
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  try {
    await runMaven(pom, fresh, env, progress);
    writeFileSync(join(fresh, '.complete'), wanted);
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function runMaven(
  pom: string,
  folder: string,
  env: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<void> {
  const maven = spawn(
    process.platform === 'win32' ? 'mvn.cmd' : 'mvn',
    [
      '-B',
      '-f',
      pom,
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${folder}`,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, MAVEN_OPTS: env['MAVEN_OPTS'] ?? '-Xmx256m' },
    },
  );
  const said: string[] = [];
  let downloaded = 0;
  const listen = (line: string) => {
    said.push(line);
    if (said.length > 400) said.shift();
    const jar = /Downloaded from \S+ \S+\/(\S+\.jar) (\(.*\))/.exec(line.replace(': ', ' '));
    if (jar) progress(`fetched ${++downloaded}: ${jar[1]} ${jar[2]}`);
  };
  createInterface(maven.stdout).on('line', listen);
  createInterface(maven.stderr).on('line', listen);
  return new Promise((resolve, reject) => {
    maven.once('error', (error) => {
      reject(
        new Problem(
          'NO_MAVEN',
          'No Maven found (`mvn`); it fetches the jars of the local broker.',
          'Install it (Debian and Ubuntu: `apt install maven`; macOS: `brew install maven`), or set KAFKA_BROKERS to brokers that run already.',
          error,
        ),
      );
    });
    maven.once('close', (code) => {
      if (code === 0) return resolve();
      const why = said.find((line) => line.includes('ERROR'))?.replace(/^.*?ERROR\]?\s*/, '');
      reject(
        new Problem(
          'BROKER_DOWNLOAD',
          `Maven could not fetch the broker's jars: ${why ?? `it ended with ${code}`}`,
          'Is there a network, a proxy or a mirror that ~/.m2/settings.xml should name, space on the disk? Otherwise set KAFKA_BROKERS to brokers that run already.',
        ),
      );
    });
  });
}

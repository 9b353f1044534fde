import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Problem } from '../problem.ts';

/** The same folder, whether this file runs from src/local or dist/local. */
export const brokerAssets = fileURLToPath(new URL('../../src/local/broker/', import.meta.url));

/** Receives progress messages; details are for a terminal only, where one replaces the other. */
export type Progress = (message: string, isDetail?: boolean) => void;

/**
 * Downloads the broker's jars into a folder with Maven, once; Maven's cache (~/.m2) is used.
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

  progress('downloading Apache Kafka (45 jars, 45 MB, once)');
  const fresh = `${folder}.${process.pid}`; // moved into place when complete
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
  const output: string[] = [];
  let downloaded = 0;
  const readLine = (line: string) => {
    output.push(line);
    if (output.length > 400) output.shift();
    const jar = /Downloaded from \S+ \S+\/(\S+\.jar) (\(.*\))/.exec(line.replace(': ', ' '));
    if (jar) progress(`downloaded ${++downloaded}: ${jar[1]} ${jar[2]}`, true);
  };
  createInterface(maven.stdout).on('line', readLine);
  createInterface(maven.stderr).on('line', readLine);
  return new Promise((resolve, reject) => {
    maven.once('error', (error) => {
      reject(
        new Problem(
          'NO_MAVEN',
          'Maven (`mvn`) not found; it downloads the jars of the local broker.',
          'Install it (Debian and Ubuntu: `apt install maven`; macOS: `brew install maven`), or set KAFKA_BROKERS to existing brokers.',
          error,
        ),
      );
    });
    maven.once('close', (code) => {
      if (code === 0) {
        progress(`downloaded Apache Kafka: ${downloaded} new jars`);
        return resolve();
      }
      const why = output.find((line) => line.includes('ERROR'))?.replace(/^.*?ERROR\]?\s*/, '');
      reject(
        new Problem(
          'BROKER_DOWNLOAD',
          `Maven could not download the broker's jars: ${why ?? `it ended with ${code}`}`,
          'Check the network, a proxy or mirror in ~/.m2/settings.xml, and free disk space. Or set KAFKA_BROKERS to existing brokers.',
        ),
      );
    });
  });
}

import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ownEnvironment } from '../config.ts';
import { Problem } from '../problem.ts';
import type { Broker } from './broker.ts';
import { brokerAssets } from './jars.ts';
import { claimPort } from './port.ts';

const composeFile = join(brokerAssets, 'docker-compose.yml');

/** Whether this machine can run broker/docker-compose.yml. */
export function hasDocker(): boolean {
  return spawnSync('docker', ['compose', 'version']).status === 0;
}

/**
 * Starts the service `kafka` of broker/docker-compose.yml and waits until it is healthy. The container is
 * stopped when this process stops, but not removed.
 * @throws Problem PORT_TAKEN, BROKER_FAILED
 */
export async function startDockerBroker(
  port: number,
  progress: (message: string) => void,
): Promise<Broker> {
  const claimed = await claimPort(port, { what: 'the broker', setting: 'KAFKA_LOCAL_PORT' });
  progress('starting a broker with docker compose');
  const compose = (...args: string[]) =>
    new Promise<void>((resolve, reject) => {
      const env = { ...ownEnvironment(), KAFKA_LOCAL_PORT: String(claimed) };
      const docker = spawn('docker', ['compose', '-f', composeFile, ...args], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env,
      });
      let output = '';
      docker.stderr.on('data', (part: Buffer) => (output += part.toString()));
      docker.once('error', reject);
      docker.once('close', (code) => (code === 0 ? resolve() : reject(new Error(output.trim()))));
    });
  try {
    await compose('up', '-d', '--wait', 'kafka');
  } catch (error) {
    throw new Problem(
      'BROKER_FAILED',
      `docker compose did not start the broker: ${(error as Error).message}`,
      'Install Java 17 and Maven for a broker without Docker, or set KAFKA_BROKERS to existing brokers.',
      error,
    );
  }
  return {
    brokers: [`127.0.0.1:${claimed}`],
    exited: new Promise(() => {}),
    stop: () => compose('stop', 'kafka'),
  };
}

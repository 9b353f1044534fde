import type { Config } from '../config.ts';
import { Problem } from '../problem.ts';
import { startBroker } from './broker.ts';
import { hasDocker, startDockerBroker } from './docker.ts';
import type { Progress } from './jars.ts';
import { startPostgres } from './postgres.ts';

/** A broker and a database, configured or started here; each promise resolves when the server answers. */
export interface Surroundings {
  readonly isBrokerOurs: boolean;
  readonly brokers: Promise<readonly string[]>;
  readonly ownerUrl: Promise<string>;
  /** Rejects when a server started here has ended by itself. */
  readonly lost: Promise<never>;
  /** Stops the servers started here, including those that are still starting. */
  stop(): Promise<void>;
}

/** A server started here. */
interface Server {
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

/** Codes that mean a broker cannot run from jars on this machine. */
const NO_JARS = new Set(['NO_JAVA', 'OLD_JAVA', 'NO_MAVEN', 'BROKER_DOWNLOAD']);

/** Starts the broker and the database that are not configured, in parallel. The promises reject with a Problem. */
export function startSurroundings(config: Config, report: Progress): Surroundings {
  const { kafkaBrokers, databaseUrl, odographDataDir: dataDir } = config;
  const isBrokerOurs = kafkaBrokers.length === 0;
  const broker = isBrokerOurs ? startOwnBroker(config, report) : undefined;
  const postgres = databaseUrl === undefined ? startPostgres({ dataDir, port: 0 }) : undefined;
  let stopping = false;
  const lost = new Promise<never>((_, reject) => {
    const watch = async (what: string, starting: Promise<Server> | undefined) => {
      if (!starting) return;
      await (
        await starting
      ).exited;
      if (stopping) return;
      const hint = `Its log is in ${dataDir}.`;
      reject(new Problem('SERVER_LOST', `The local ${what} has ended by itself.`, hint));
    };
    // A failed start is reported by the promises below.
    watch('broker', broker).catch(() => undefined);
    watch('database', postgres).catch(() => undefined);
  });
  const brokers = broker?.then((started) => started.brokers) ?? Promise.resolve(kafkaBrokers);
  const ownerUrl = postgres?.then((started) => started.ownerUrl) ?? Promise.resolve(databaseUrl!);
  for (const promise of [lost, brokers, ownerUrl]) promise.catch(() => undefined);
  return {
    isBrokerOurs,
    brokers,
    ownerUrl,
    lost,
    stop: async () => {
      stopping = true;
      await Promise.all(
        [broker, postgres].map(async (starting) => {
          const server = await starting?.catch(() => undefined);
          await server?.stop();
        }),
      );
    },
  };
}

async function startOwnBroker(config: Config, report: Progress) {
  const { odographDataDir: dataDir, kafkaLocalPort: port } = config;
  try {
    return await startBroker({ dataDir, port, progress: report });
  } catch (error) {
    if (!(error instanceof Problem) || !NO_JARS.has(error.code)) throw error;
    if (hasDocker()) return startDockerBroker(port, report);
    throw new Problem(
      error.code,
      error.message,
      [
        'Three ways to a broker:',
        '  KAFKA_BROKERS=host:port   existing brokers',
        '  Java 17 and Maven         a local one (Debian and Ubuntu: `apt install openjdk-17-jre-headless maven`; macOS: `brew install openjdk maven`)',
        '  Docker with compose       a local one in a container',
      ].join('\n'),
      error,
    );
  }
}

/** A database URL without its password, for messages. */
export function hidePassword(url: string): string {
  const shown = new URL(url);
  if (shown.password) shown.password = '***';
  return shown.href;
}

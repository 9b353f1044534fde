import type { Config } from '../config.ts';
import { Problem } from '../problem.ts';
import { startBroker } from './broker.ts';
import { hasDocker, startDockerBroker } from './docker.ts';
import { startPostgres } from './postgres.ts';

/** A broker and a database to work with, somebody's own or started here. */
export interface Surroundings {
  readonly brokers: readonly string[];
  readonly isBrokerOurs: boolean;
  readonly ownerUrl: string;
  /** Rejects when a server that we started has ended unasked. */
  readonly lost: Promise<never>;
  stop(): Promise<void>;
}

type Tell = (message: string) => void;

/** What of our own was started. */
interface Started {
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

/** Codes of a broker that cannot be run from jars here. */
const NO_JARS = new Set(['NO_JAVA', 'OLD_JAVA', 'NO_MAVEN', 'BROKER_DOWNLOAD']);

/**
 * Finds or starts what a run needs, both at the same time.
 * @param afterDatabase runs as soon as the database answers.
 * @throws Problem of what failed; nothing is left running then.
 */
export async function startSurroundings(
  config: Config,
  tell: Tell,
  afterDatabase: (ownerUrl: string) => Promise<void>,
): Promise<Surroundings> {
  const started: { what: string; server: Started }[] = [];
  let stopping = false;
  const stop = async () => {
    stopping = true;
    await Promise.all(started.map(({ server }) => server.stop()));
  };

  const findBrokers = async () => {
    if (config.kafkaBrokers.length > 0) return config.kafkaBrokers;
    const broker = await startOwnBroker(config, tell);
    started.push({ what: 'broker', server: broker });
    tell(`broker:     ${broker.brokers.join(',')}`);
    return broker.brokers;
  };
  const findDatabase = async () => {
    let ownerUrl = config.databaseUrl;
    if (ownerUrl === undefined) {
      const postgres = await startPostgres({ dataDir: config.odographDataDir, port: 0 });
      started.push({ what: 'database', server: postgres });
      ({ ownerUrl } = postgres);
    }
    await afterDatabase(ownerUrl);
    tell(`PostgreSQL: ${hidePassword(ownerUrl)}`);
    return ownerUrl;
  };

  const [brokers, database] = await Promise.allSettled([findBrokers(), findDatabase()]);
  if (brokers.status === 'rejected' || database.status === 'rejected') {
    await stop();
    throw brokers.status === 'rejected'
      ? brokers.reason
      : (database as PromiseRejectedResult).reason;
  }
  const lost = new Promise<never>((_, reject) => {
    for (const { what, server } of started) {
      void server.exited.then(() => {
        if (stopping) return;
        const hint = `Its log is in ${config.odographDataDir}.`;
        reject(new Problem('SERVER_LOST', `The local ${what} has ended by itself.`, hint));
      });
    }
  });
  lost.catch(() => undefined);
  return {
    brokers: brokers.value,
    isBrokerOurs: config.kafkaBrokers.length === 0,
    ownerUrl: database.value,
    lost,
    stop,
  };
}

async function startOwnBroker(config: Config, tell: Tell) {
  const { odographDataDir: dataDir, kafkaLocalPort: port } = config;
  try {
    return await startBroker({ dataDir, port, progress: tell });
  } catch (error) {
    if (!(error instanceof Problem) || !NO_JARS.has(error.code)) throw error;
    if (hasDocker()) return startDockerBroker(port, tell);
    throw new Problem(
      error.code,
      error.message,
      [
        'Three ways to a broker:',
        '  KAFKA_BROKERS=host:port   brokers that run already',
        '  Java 17 and Maven         a local one (Debian and Ubuntu: `apt install openjdk-17-jre-headless maven`; macOS: `brew install openjdk maven`)',
        '  Docker with compose       a local one in a container',
      ].join('\n'),
      error,
    );
  }
}

/** A database's URL fit to be shown. */
export function hidePassword(url: string): string {
  const shown = new URL(url);
  if (shown.password) shown.password = '***';
  return shown.href;
}

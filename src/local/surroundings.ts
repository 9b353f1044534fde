import type { Config } from '../config.ts';
import { Problem } from '../problem.ts';
import { startBroker } from './broker.ts';
import { hasDocker, startDockerBroker } from './docker.ts';
import { startPostgres } from './postgres.ts';

/** A broker and a database to work with, somebody's own or started here; each as soon as it answers. */
export interface Surroundings {
  readonly isBrokerOurs: boolean;
  readonly brokers: Promise<readonly string[]>;
  readonly ownerUrl: Promise<string>;
  /** Rejects when a server that we started has ended unasked. */
  readonly lost: Promise<never>;
  /** Ends what was started; what is starting still, as soon as it has. */
  stop(): Promise<void>;
}

type Tell = (message: string) => void;

/** A server of our own. */
interface Server {
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

/** Codes of a broker that cannot be run from jars here. */
const NO_JARS = new Set(['NO_JAVA', 'OLD_JAVA', 'NO_MAVEN', 'BROKER_DOWNLOAD']);

/** Finds or starts what a run needs, both at the same time. The promises reject with a Problem. */
export function startSurroundings(config: Config, tell: Tell): Surroundings {
  const { kafkaBrokers, databaseUrl, odographDataDir: dataDir } = config;
  const isBrokerOurs = kafkaBrokers.length === 0;
  const broker = isBrokerOurs ? startOwnBroker(config, tell) : undefined;
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
    // That it did not start is told by the promises below.
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

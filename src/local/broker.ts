import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownEnvironment } from '../config.ts';
import { Problem } from '../problem.ts';
import { settleOrphan, startChild } from './child.ts';
import { brokerAssets, fetchJars, type Progress } from './jars.ts';
import { findJava } from './java.ts';
import { claimPort } from './port.ts';
import { askClusterId } from './probe.ts';

export interface Broker {
  /** host:port, in the form of KAFKA_BROKERS. */
  readonly brokers: string[];
  /** Resolves when the broker has ended, whether it was stopped or not. */
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

export interface BrokerOptions {
  /** All files are in its subfolder `kafka`. */
  dataDir: string;
  /** 0: any free port. */
  port: number;
  /** Folder of the jars; `<dataDir>/kafka/lib` unless given. */
  libDir?: string;
  /** The environment for Java and Maven. */
  env?: NodeJS.ProcessEnv;
  progress?: Progress;
  /** Additional listeners such as SASL_SSL://127.0.0.1:9093, named after their protocol. */
  listeners?: readonly string[];
  /** Additional settings of the server, by name. */
  settings?: Readonly<Record<string, string>>;
  /** How long the broker may take to answer. */
  patienceMs?: number;
}

/**
 * Starts Apache Kafka, one node, on loopback, and waits until it answers.
 * @throws Problem NO_JAVA, OLD_JAVA, NO_MAVEN, BROKER_DOWNLOAD, PORT_TAKEN, BROKER_FAILED
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { port, env = ownEnvironment(), progress = () => {}, patienceMs = 60_000 } = options;
  const home = resolve(options.dataDir, 'kafka');
  const libDir = resolve(options.libDir ?? join(home, 'lib'));
  const { command: java } = findJava(env);
  mkdirSync(home, { recursive: true });
  await fetchJars(libDir, env, progress);

  const pidFile = join(home, 'broker.pid');
  const logFile = join(home, 'broker.log');
  const propertiesFile = join(home, 'server.properties');
  const orphan = await settleOrphan(pidFile, propertiesFile);
  if (orphan !== undefined) {
    throw new Problem(
      'BROKER_FAILED',
      `Another broker, process ${orphan}, is still using ${home}.`,
      `Stop it (\`kill ${orphan}\`) and start again.`,
    );
  }
  const clientPort = await claimPort(port, {
    what: 'the local broker',
    setting: 'KAFKA_LOCAL_PORT',
  });
  const controllerPort = await claimPort(0, { what: "the broker's controller" });
  const { listeners = [], settings = {} } = options;
  const ports = { clientPort, controllerPort };
  writeFileSync(propertiesFile, writeProperties(home, ports, listeners, settings));

  const classPath = join(libDir, '*');
  const jvm = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const logging = [
    `-Dlog4j2.configurationFile=${join(brokerAssets, 'log4j2.properties')}`,
    `-Dodograph.broker.log=${logFile}`,
  ];
  const clusterId = formatOnce(
    home,
    java,
    [...jvm, ...logging, '-cp', classPath],
    propertiesFile,
    env,
  );
  progress('starting the broker');
  rmSync(join(home, 'broker.out'), { force: true });
  const child = startChild({
    command: java,
    args: [...jvm, ...logging, '-cp', classPath, 'kafka.Kafka', propertiesFile],
    env,
    cwd: home,
    stopSignal: 'SIGTERM',
    killAfterMs: 20_000,
    pidFile,
    logFile: join(home, 'broker.out'),
  });
  const deadline = Date.now() + patienceMs;
  while ((await askClusterId('127.0.0.1', clientPort, 1_000)) !== clusterId) {
    const late = Date.now() > deadline;
    if (late || child.hasExited()) {
      await child.stop();
      const what = late ? `did not answer within ${patienceMs / 1000} s` : 'ended while it started';
      throw new Problem(
        'BROKER_FAILED',
        `The local broker ${what}: ${readReason(home)}`,
        `Its log is ${logFile}. If you no longer need the folder, delete it: ${home}.`,
      );
    }
    await sleep(100);
  }
  return { brokers: [`127.0.0.1:${clientPort}`], exited: child.exited, stop: () => child.stop() };
}

/** Formats the log folder on the first start. @returns the cluster id. */
function formatOnce(
  home: string,
  java: string,
  javaArgs: string[],
  propertiesFile: string,
  env: NodeJS.ProcessEnv,
): string {
  const metaFile = join(home, 'data', 'meta.properties');
  const known = existsSync(metaFile) && /^cluster\.id=(.+)$/m.exec(readFileSync(metaFile, 'utf8'));
  if (known && known[1]) return known[1];
  rmSync(join(home, 'data'), { recursive: true, force: true }); // left by an interrupted format
  // As Kafka's own random ids do, avoid a leading dash, which tools would parse as an option.
  const id = `k${randomBytes(16).toString('base64url').slice(1)}`;
  const tool = [
    'kafka.tools.StorageTool',
    'format',
    '--standalone',
    '-t',
    id,
    '-c',
    propertiesFile,
  ];
  const { status, stderr, stdout, error } = spawnSync(java, [...javaArgs, ...tool], {
    encoding: 'utf8',
    env,
  });
  if (status !== 0) {
    throw new Problem(
      'BROKER_FAILED',
      `The broker's folder ${home} could not be formatted: ${(error?.message ?? (stderr || stdout)).trim()}`,
      'Check free disk space and write access to the folder.',
    );
  }
  return id;
}

function writeProperties(
  home: string,
  { clientPort, controllerPort }: { clientPort: number; controllerPort: number },
  more: readonly string[],
  settings: Readonly<Record<string, string>>,
): string {
  const client = `PLAINTEXT://127.0.0.1:${clientPort}`;
  const controller = `CONTROLLER://127.0.0.1:${controllerPort}`;
  return `# Rewritten at each start.
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
listeners=${[client, controller, ...more].join(',')}
advertised.listeners=${[client, controller, ...more].join(',')}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
log.dirs=${join(home, 'data').replaceAll('\\', '/')}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.recovery.threads.per.data.dir=2
# After a crash the broker can rejoin only after its old session has timed out.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
${Object.entries(settings)
  .map(([name, value]) => `${name}=${value}\n`)
  .join('')}`;
}

/** The last error in the broker's log. */
function readReason(home: string): string {
  const read = (name: string) =>
    existsSync(join(home, name))
      ? readFileSync(join(home, name), 'utf8').trimEnd().split('\n')
      : [];
  const complaint = read('broker.log')
    .filter((line) => / (ERROR|FATAL) /.test(line))
    .at(-1);
  return complaint ?? read('broker.out').at(-1) ?? 'there is no output';
}

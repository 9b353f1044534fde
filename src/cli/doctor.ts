import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import type pg from 'pg';
import type { Config } from '../config.ts';
import { ownEnvironment } from '../config.ts';
import { readRunFacts } from '../local/folder.ts';
import { findJava } from '../local/java.ts';
import { hasDocker } from '../local/docker.ts';
import { hidePassword } from '../local/surroundings.ts';
import type { Logger } from '../log.ts';
import type { Problem } from '../problem.ts';
import { findBrokers, findDatabase, openSession } from './session.ts';

/** fine: as it should be; note: worth knowing; bad: something does not work. */
interface Finding {
  readonly state: 'fine' | 'note' | 'bad';
  readonly text: string;
}

const fine = (text: string): Finding => ({ state: 'fine', text });
const note = (text: string): Finding => ({ state: 'note', text });
const bad = (text: string): Finding => ({ state: 'bad', text });

/** A transaction this old holds up what subscribers are told, and vacuum. */
const LONG_TRANSACTION_S = 60;

export function defineDoctor(program: Command): void {
  program
    .command('doctor')
    .description(
      'Check Java, broker, topic, database and long transactions, and report what is wrong.',
    )
    .addHelpText(
      'after',
      '\nExits with 1 if something does not work.\n\nExample:\n  odograph doctor',
    )
    .action(async () => {
      const { config, log, print } = openSession();
      const mark = { fine: '✓', note: '·', bad: '✗' };
      let isWell = true;
      for (const look of [lookAtTools, lookAtBroker, lookAtDatabase]) {
        for (const { state, text } of await look(config, log)) {
          print(`${mark[state]} ${text}`);
          if (state === 'bad') isWell = false;
        }
      }
      process.exitCode = isWell ? 0 : 1;
    });
}

function lookAtTools(config: Config): Promise<readonly Finding[]> {
  const findings: Finding[] = [fine(`Node ${process.versions.node}`)];
  const facts = readRunFacts(config.odographDataDir);
  findings.push(
    facts
      ? fine(`process ${facts.pid} is running on ${config.odographDataDir}: ${facts.apiUrl}`)
      : note(`nothing is running on the data folder ${config.odographDataDir}`),
  );
  if (config.kafkaBrokers.length > 0) return Promise.resolve(findings);
  const tools: Finding[] = [];
  try {
    tools.push(fine(`Java ${findJava(ownEnvironment()).version}`));
  } catch (error) {
    tools.push(bad((error as Error).message));
  }
  const maven = spawnSync('mvn', ['-v'], { encoding: 'utf8' });
  const version = /Maven ([\d.]+)/.exec(maven.stdout ?? '')?.[1];
  tools.push(version === undefined ? bad('no Maven (mvn)') : fine(`Maven ${version}`));
  // Docker replaces the jars.
  const docker = hasDocker();
  if (docker) tools.push(fine('Docker with compose'));
  return Promise.resolve([
    ...findings,
    ...tools.map((tool) => (docker && tool.state === 'bad' ? note(tool.text) : tool)),
  ]);
}

function refusedAsNull(error: unknown): null {
  if (String((error as { type?: unknown }).type).endsWith('_AUTHORIZATION_FAILED')) return null;
  throw error;
}

async function lookAtBroker(config: Config, log: Logger): Promise<readonly Finding[]> {
  let brokers: readonly string[];
  try {
    brokers = findBrokers(config);
  } catch (error) {
    return [note((error as Problem).message)];
  }
  const [{ createKafka }, { missingRight }, { kafkaSettings }] = await Promise.all([
    import('../kafka.ts'),
    import('../kafka-rights.ts'),
    import('../kafka-settings.ts'),
  ]);
  const quiet = log.child({}, { level: 'silent' });
  const kafka = createKafka({ ...kafkaSettings(config, brokers) }, quiet);
  const topic = config.kafkaTopic;
  const inTime = AbortSignal.timeout(10_000);
  const late = new Promise<never>((_, reject) =>
    inTime.addEventListener('abort', () => reject(new Error('no answer within 10 s'))),
  );
  late.catch(() => undefined);
  try {
    const offsets = await Promise.race([kafka.offsets(topic), late]);
    await Promise.race([kafka.committed(config.kafkaGroupId, topic), late]);
    const type = await Promise.race([kafka.timestampType(topic), late]).catch(refusedAsNull);
    const records = [...offsets.values()].reduce(
      (sum, { earliest, end }) => sum + end - earliest,
      0,
    );
    return [
      fine(`Kafka ${brokers.join(',')}: ${topic}, ${offsets.size} partitions, ${records} records`),
      fine(`the login may use the topic ${topic} and the group ${config.kafkaGroupId}`),
      type === null
        ? note(
            `whose clock stamps ${topic} is not visible to this login (DESCRIBE_CONFIGS on the topic, which nothing else needs)`,
          )
        : type === 'LogAppendTime'
          ? fine(`${topic} is stamped by the broker's clock`)
          : note(
              `${topic} is stamped by its producers (${type}): set message.timestamp.type=LogAppendTime, or freshness depends on their clocks`,
            ),
    ];
  } catch (error) {
    const { message, type } = error as { message: string; type?: string };
    const right = missingRight(error, topic, config.kafkaGroupId);
    if (right !== undefined) return [bad(`Kafka ${brokers.join(',')}: the login lacks ${right}`)];
    return type === 'UNKNOWN_TOPIC_OR_PARTITION'
      ? [
          note(
            `Kafka ${brokers.join(',')} answers; there is no topic ${topic} yet: a sink makes it`,
          ),
        ]
      : [bad(`Kafka ${brokers.join(',')}: ${message}`)];
  } finally {
    void kafka.close().catch(() => undefined);
  }
}

async function lookAtDatabase(config: Config): Promise<readonly Finding[]> {
  let url: string;
  try {
    url = findDatabase(config);
  } catch (error) {
    return [note((error as Problem).message)];
  }
  const { withOwner } = await import('../store/session.ts');
  try {
    return await withOwner(url, async (client) => {
      client.on('error', () => {}); // reported by the query that fails
      const version = await client.query<{ v: string }>(
        `select current_setting('server_version') as v`,
      );
      return [
        fine(`PostgreSQL ${version.rows[0]?.v}: ${hidePassword(url)}`),
        await lookAtMigrations(client),
        ...(await lookAtHorizon(client)),
      ];
    });
  } catch (error) {
    return [bad(`PostgreSQL ${hidePassword(url)}: ${(error as Error).message}`)];
  }
}

async function lookAtMigrations(client: pg.ClientBase): Promise<Finding> {
  const { findMissingMigrations } = await import('../store/setup/diagnose.ts');
  const { all, missing } = await findMissingMigrations(client);
  return missing.length === 0
    ? fine(`all ${all.length} migrations are applied`)
    : bad(`${missing.length} migrations are not applied (${missing.join(', ')}): odograph migrate`);
}

/** Transactions that delay subscription updates. */
async function lookAtHorizon(client: pg.ClientBase): Promise<readonly Finding[]> {
  const { findHorizonHolders } = await import('../store/setup/diagnose.ts');
  const { holders, seesOthers } = await findHorizonHolders(client, LONG_TRANSACTION_S);
  if (holders.length > 0) {
    return holders.map(({ holder, ageS }) =>
      bad(`${holder} has held up subscription updates for ${ageS} s`),
    );
  }
  return [
    seesOthers
      ? fine('no transaction holds up subscription updates')
      : note(
          "transactions of other logins cannot be seen: grant pg_read_all_stats to the owner's login",
        ),
  ];
}

import type { Config } from '../config.ts';
import { ownEnvironment, readConfig } from '../config.ts';
import { readRunFacts } from '../local/folder.ts';
import type { Logger } from '../log.ts';
import { createLog } from '../log.ts';
import { Problem } from '../problem.ts';

/** What every command needs: settings, a log and output. */
export interface Session {
  readonly config: Config;
  readonly log: Logger;
  /** Results, on standard output. */
  print(line: string): void;
  /** Progress, on standard error; a detail only in a terminal. */
  report(line: string, isDetail?: boolean): void;
}

/** @throws Problem BAD_SETTINGS */
export function openSession(): Session {
  const config = readConfig(ownEnvironment());
  return {
    config,
    log: createLog({ level: config.logLevel, isTerminal: process.stderr.isTTY }),
    print: (line) => void process.stdout.write(`${line}\n`),
    report: (line, isDetail = false) => {
      if (!isDetail || process.stderr.isTTY) process.stderr.write(`${line}\n`);
    },
  };
}

/** KAFKA_BROKERS, or the brokers of the `odograph up` that runs on the same data folder. */
export function findBrokers(config: Config): readonly string[] {
  if (config.kafkaBrokers.length > 0) return config.kafkaBrokers;
  const facts = readRunFacts(config.odographDataDir);
  if (facts) return facts.kafkaBrokers;
  throw new Problem(
    'NO_KAFKA',
    `No brokers: KAFKA_BROKERS is not set, and nothing is running on the data folder ${config.odographDataDir}.`,
    'Start `odograph up` first, or set KAFKA_BROKERS.',
  );
}

/** DATABASE_URL, or the owner's login of the `odograph up` that runs on the same data folder. */
export function findDatabase(config: Config): string {
  const url = config.databaseUrl ?? readRunFacts(config.odographDataDir)?.databaseUrl;
  if (url !== undefined) return url;
  throw new Problem(
    'NO_DATABASE',
    `No database: DATABASE_URL is not set, and nothing is running on the data folder ${config.odographDataDir}.`,
    'Start `odograph up` first, or set DATABASE_URL.',
  );
}

import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { readRunFacts } from '../local/folder.ts';
import { signToken } from '../local/token.ts';
import type { DefectLevel, DefectRates } from '../sim/defects.ts';
import { defectRates } from '../sim/defects.ts';
import { findBrokers, openSession } from './session.ts';

interface SimulateOptions {
  readonly cars: number;
  readonly seed: number;
  readonly days: number;
  readonly live?: boolean;
  readonly rate?: number;
  readonly defects: DefectLevel;
  readonly register: boolean;
}

export function defineSimulate(program: Command): void {
  program
    .command('simulate')
    .description('Publish a simulated fleet: the last days at once, then optionally live.')
    .option('--cars <n>', 'number of cars', readCount(1, 100_000), 20)
    .option('--seed <n>', 'the same seed gives the same fleet', readCount(0, 999_999_999), 1)
    .option('--days <n>', 'days of history, published at once', readCount(0, 3_660), 7)
    .option('--live', 'continue in real time until Ctrl-C')
    .option('--rate <n>', 'limit on historical messages per second', readCount(1, 10_000_000))
    .addOption(
      new Option('--defects <level>', 'how often messages are repeated, late or wrong')
        .choices(Object.keys(defectRates))
        .default('usual'),
    )
    .option('--no-register', 'do not register its drivers, devices and policies with the API')
    .addHelpText(
      'after',
      `
${describeDefects()}

Examples:
  odograph simulate --cars 100 --days 30
  odograph simulate --cars 5 --days 0 --live --defects heavy`,
    )
    .action(async (options: SimulateOptions) => {
      const { config, log, print, report } = openSession();
      const brokers = findBrokers(config);
      const facts = readRunFacts(config.odographDataDir);
      const apiUrl = facts?.apiUrl ?? `http://${config.host}:${config.port}/graphql`;
      const sign = (role: 'OPERATOR' | 'INSURER' | 'ACTUARY') =>
        signToken(config, { role, ttlS: 3_600, ...(role !== 'OPERATOR' && { tenant: 'default' }) });
      const api = options.register
        ? {
            url: apiUrl,
            tokens: {
              OPERATOR: await sign('OPERATOR'),
              INSURER: await sign('INSURER'),
              ACTUARY: await sign('ACTUARY'),
            },
          }
        : undefined;
      const { publishFleet } = await import('./fleet.ts');
      const fleet = publishFleet(config, log, brokers, {
        seed: options.seed,
        cars: options.cars,
        api,
        historyDays: options.days,
        live: options.live ?? false,
        defects: options.defects,
        perSecond: options.rate,
        batch: BATCH,
        onProgress: createProgress(report),
      });
      process.once('SIGINT', () => void fleet.stop()).once('SIGTERM', () => void fleet.stop());
      print(`published ${await fleet.historyPublished} messages of ${options.days} days`);
      if (options.live) print('driving live until Ctrl-C');
      await fleet.finished;
    });
}

/** Messages in one request to the broker. */
const BATCH = 5_000;
const LINE_EVERY_MS = 100;
const PLAIN_EVERY_MS = 5_000;

/** Prints progress: one line that is overwritten in a terminal, a line every few seconds in a pipe. */
function createProgress(report: (line: string) => void) {
  const { isTTY } = process.stderr;
  const startedAtMs = Date.now();
  let reportedAtMs = startedAtMs;
  let ended = false;
  return ({ published, share }: { published: number; share: number }) => {
    const nowMs = Date.now();
    if (ended) return;
    ended = share === 1;
    if (!ended && nowMs - reportedAtMs < (isTTY ? LINE_EVERY_MS : PLAIN_EVERY_MS)) return;
    reportedAtMs = nowMs;
    const perSecond = Math.round((published / Math.max(1, nowMs - startedAtMs)) * 1000);
    const line = `${Math.floor(share * 100)} %, ${published} messages, ${perSecond} per second`;
    if (!isTTY) report(line);
    else process.stderr.write(`\r${line}\u001b[K${ended ? '\n' : ''}`);
  };
}

function describeDefects(): string {
  const meanings: Readonly<Record<keyof DefectRates, string>> = {
    twice: 'sent twice, share of messages',
    reordered: 'overtaken by later ones, share of messages',
    jumped: 'position 2 to 200 km off, share of messages',
    zeroed: 'position 0,0, share of messages',
    unreadable: 'cut off (become dead letters), share of messages',
    tunnelsPerHour: 'silent for 20 s to 3 min, then a burst, per hour',
    outagesPerDay: 'silent for 10 min to 6 h, then a burst, per day',
  };
  const levels = Object.keys(defectRates) as DefectLevel[];
  const row = (meaning: string, cells: readonly (string | number)[]) =>
    `  ${meaning.padEnd(56)}${cells.map((cell) => String(cell).padStart(8)).join('')}`;
  return [
    row('Defects:', levels),
    ...(Object.keys(meanings) as (keyof DefectRates)[]).map((name) =>
      row(
        meanings[name],
        levels.map((level) => defectRates[level][name]),
      ),
    ),
  ].join('\n');
}

function readCount(least: number, most: number): (written: string) => number {
  return (written) => {
    const count = /^\d{1,9}$/.test(written) ? Number(written) : NaN;
    if (count >= least && count <= most) return count;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
}

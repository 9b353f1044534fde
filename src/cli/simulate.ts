import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { readRunFacts } from '../local/folder.ts';
import { signToken } from '../local/token.ts';
import { findBrokers, openSession } from './session.ts';

interface SimulateOptions {
  readonly cars: number;
  readonly seed: number;
  readonly days: number;
  readonly live?: boolean;
  readonly rate?: number;
  readonly defects: 'none' | 'usual' | 'heavy';
  readonly register: boolean;
}

export function defineSimulate(program: Command): void {
  program
    .command('simulate')
    .description('Publish a believable fleet: the last days at once, then, if asked, live.')
    .option('--cars <n>', 'how many cars', readCount, 20)
    .option('--seed <n>', 'the same seed drives the same fleet', readCount, 1)
    .option('--days <n>', 'days before now, published at once', readCount, 7)
    .option('--live', 'go on as time passes, until Ctrl-C')
    .option('--rate <n>', 'at most so many messages a second of those days', readCount)
    .addOption(
      new Option('--defects <level>', 'how often messages come twice, late or wrong')
        .choices(['none', 'usual', 'heavy'])
        .default('usual'),
    )
    .option('--no-register', 'do not make its drivers, devices and policies known to the API')
    .addHelpText(
      'after',
      `
Examples:
  odograph simulate --cars 100 --days 30
  odograph simulate --cars 5 --days 0 --live --defects heavy`,
    )
    .action(async (options: SimulateOptions) => {
      const { config, log, print, tell } = openSession();
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
        onProgress: createProgress(tell),
      });
      process.once('SIGINT', () => void fleet.stop()).once('SIGTERM', () => void fleet.stop());
      print(`published ${await fleet.historyPublished} messages of ${options.days} days`);
      if (options.live) print('driving on, until Ctrl-C');
      await fleet.finished;
    });
}

/** Says how far it is, at most every second. */
function createProgress(tell: (line: string) => void) {
  let toldAtMs = Date.now();
  return ({ published, share }: { published: number; share: number }) => {
    if (share === 1 || Date.now() - toldAtMs < 1_000) return;
    toldAtMs = Date.now();
    tell(`${Math.round(share * 100)} %, ${published} messages`);
  };
}

function readCount(written: string): number {
  if (!/^\d{1,9}$/.test(written)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(written);
}

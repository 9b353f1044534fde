import { Command, InvalidArgumentError, Option } from 'commander';
import type { DefectLevel, DefectRates } from '../sim/defects.ts';
import { defectRates } from '../sim/defects.ts';
import type { FleetTokens } from '../sim/register.ts';
import type { Producer } from '../sim/publish.ts';
import type { FleetProgress } from '../sim/start.ts';
import { startFleet } from '../sim/start.ts';
import { loadZones } from '../zones.ts';

/** What a simulation talks to. */
export interface SimulateConnection {
  readonly producer: Producer;
  /** Present where it was asked for. */
  readonly api?: { readonly url: string; readonly tokens: FleetTokens } | undefined;
  readonly close: () => Promise<void>;
}

/** Opens the log and, for a fleet that registers itself, finds the API with tokens for it. */
export type ConnectSimulation = (wants: { readonly api: boolean }) => Promise<SimulateConnection>;

interface SimulateOptions {
  readonly cars: number;
  readonly seed: number;
  readonly days?: number;
  readonly live: boolean;
  readonly until?: number;
  readonly rate?: number;
  readonly defects: DefectLevel;
  readonly register: boolean;
}

const BATCH = 2_000;
const LINE_EVERY_MS = 100;
const PLAIN_EVERY_MS = 5_000;
const MOST_CARS = 100_000;

/** `odograph simulate`: a seeded fleet publishes a span of days, goes on live, or both. */
export function createSimulateCommand(connect: ConnectSimulation): Command {
  return new Command('simulate')
    .description('publish a simulated fleet: the same seed drives the same ways')
    .option('--cars <count>', 'cars in the fleet', wholeNumber(1, MOST_CARS), 100)
    .option(
      '--seed <number>',
      'chooses the fleet and all its ways',
      wholeNumber(0, 2 ** 32 - 1),
      42,
    )
    .option(
      '--days <count>',
      'days of history at once (default: 7; with --live 0)',
      wholeNumber(0, 3660),
    )
    .option('--live', 'go on as time passes, until Ctrl-C', false)
    .option(
      '--until <instant>',
      'end of the history, e.g. 2026-03-02T00:00:00Z (default: now)',
      instant,
    )
    .option(
      '--rate <number>',
      'at most so many messages a second of history',
      wholeNumber(1, 10_000_000),
    )
    .addOption(
      new Option('--defects <level>', 'how much goes wrong on the way')
        .choices(Object.keys(defectRates))
        .default('usual'),
    )
    .option('--no-register', 'leave drivers, devices, tariffs and policies alone')
    .addHelpText('after', `\nDefects:\n${describeDefects()}`)
    .action(async (options: SimulateOptions, command: Command) => {
      if (options.live && options.until !== undefined) {
        command.error('error: --until and --live exclude each other', { exitCode: 2 });
      }
      await simulate(options, connect);
    });
}

async function simulate(options: SimulateOptions, connect: ConnectSimulation): Promise<void> {
  const connection = await connect({ api: options.register });
  const { until } = options;
  const report = createReporter(process.stdout, Date.now);
  const fleet = startFleet({
    seed: options.seed,
    cars: options.cars,
    producer: connection.producer,
    zones: loadZones(),
    api: options.register ? connection.api : undefined,
    now: until === undefined ? Date.now : () => until,
    historyDays: options.days ?? (options.live ? 0 : 7),
    live: options.live,
    defects: options.defects,
    batch: BATCH,
    perSecond: options.rate,
    onProgress: report.show,
  });
  const stop = () => void fleet.stop().catch(() => undefined);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await fleet.finished;
    report.end();
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await connection.close();
  }
}

/** One line that is written over in a terminal, a plain line each few seconds in a pipe. */
function createReporter(out: NodeJS.WriteStream, now: () => number) {
  const startedMs = now();
  let shownMs = -Infinity;
  let last: FleetProgress | undefined;
  const write = ({ published, share }: FleetProgress) => {
    const seconds = Math.max(0.001, (now() - startedMs) / 1000);
    const text = `${published} messages, ${Math.round(published / seconds)} a second, ${Math.floor(share * 100)} % of the history`;
    out.write(out.isTTY ? `\r${text}\u001b[K` : `${text}\n`);
  };
  return {
    show: (progress: FleetProgress) => {
      last = progress;
      if (now() - shownMs < (out.isTTY ? LINE_EVERY_MS : PLAIN_EVERY_MS)) return;
      shownMs = now();
      write(progress);
    },
    end: () => {
      write(last ?? { published: 0, share: 1 });
      if (out.isTTY) out.write('\n');
    },
  };
}

function describeDefects(): string {
  const labels: Readonly<Record<keyof DefectRates, string>> = {
    twice: 'sent twice, share of messages',
    reordered: 'overtaken by later ones, share of messages',
    jumped: 'position 2 to 200 km off, share of messages',
    zeroed: 'position 0,0, share of messages',
    unreadable: 'cut off (dead letters), share of messages',
    tunnelsPerHour: 'no way through for 20 s to 3 min, then a burst, times an hour',
    outagesPerDay: 'no way through for 10 min to 6 h, then a burst, times a day',
  };
  const levels = Object.keys(defectRates) as DefectLevel[];
  const row = (label: string, cells: readonly string[]) =>
    `  ${label.padEnd(64)}${cells.map((cell) => cell.padStart(8)).join('')}`;
  return [
    row('', levels),
    ...(Object.keys(labels) as (keyof DefectRates)[]).map((name) =>
      row(
        labels[name],
        levels.map((level) => String(defectRates[level][name])),
      ),
    ),
  ].join('\n');
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function instant(text: string): number {
  const value = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(value)) return value;
  throw new InvalidArgumentError('It must be an instant with a zone, e.g. 2026-03-02T00:00:00Z.');
}

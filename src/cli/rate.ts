import { readFileSync, writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { billStatement } from '../core/premium/bills/bill-statement.ts';
import { statementHtml } from '../core/premium/bills/html.ts';
import type { Period } from '../core/premium/rating/input.ts';
import { rateTrips } from '../core/premium/rating/rate.ts';
import { statementText } from '../core/premium/bills/text.ts';
import { Problem } from '../problem.ts';

interface RateCommandOptions {
  readonly tariff: string;
  readonly trips: string;
  readonly policyStart?: string;
  readonly from?: string;
  readonly to?: string;
  readonly fact: Readonly<Record<string, string | number>>;
  readonly silent?: readonly Period[];
  readonly json?: boolean;
  readonly html?: string;
}

/** Adds one `name=value` to the facts; whole numbers are numbers. */
function readFact(
  text: string,
  facts: Readonly<Record<string, string | number>>,
): Record<string, string | number> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected name=value, e.g. territory=city.');
  const value = text.slice(at + 1);
  return { ...facts, [text.slice(0, at)]: /^-?\d{1,15}$/.test(value) ? Number(value) : value };
}

/** Adds FROM..TO, local dates of which the second is not included. */
function readSilent(text: string, periods: readonly Period[] = []): readonly Period[] {
  const [, from, to] = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(text) ?? [];
  if (from === undefined || to === undefined)
    throw new InvalidArgumentError('Expected from..to, e.g. 2026-03-05..2026-03-12.');
  return [...periods, { from, to }];
}

export function defineRate(program: Command): void {
  program
    .command('rate')
    .description('Rate a file of trips by a tariff document, without a database.')
    .requiredOption('--tariff <file>', 'tariff document, JSON')
    .requiredOption(
      '--trips <file>',
      'CSV with localDate and distanceKm (or distanceM, distanceMi); vehicleId, nightKm and counts such as harshBraking may follow',
    )
    .option(
      '--policy-start <date>',
      'first day of the policy; else --from or the first trip’s month',
    )
    .option('--from <date>', 'first day of the period; else the start of the policy')
    .option('--to <date>', 'day after the period; else the day after the last trip')
    .option(
      '--fact <name=value>',
      'a rating fact, e.g. territory=city; may be repeated',
      readFact,
      {},
    )
    .option(
      '--silent <from..to>',
      'days on which the device sent nothing, to not included; may be repeated, for a tariff with silentDays',
      readSilent,
    )
    .option('--html <file>', 'also write it as a self-contained HTML page to print')
    .option('--json', 'the whole premium with its worksheet as JSON')
    .addHelpText(
      'after',
      `
Example:
  odograph rate --tariff examples/tariffs/payd-demo.json --trips examples/tariffs/march.csv --to 2026-04-01`,
    )
    .action((options: RateCommandOptions) => {
      const { policyStart, from, to, silent } = options;
      const quoted = rateTrips(
        readFileSync(options.tariff, 'utf8'),
        readFileSync(options.trips, 'utf8'),
        {
          facts: options.fact,
          ...(policyStart === undefined ? {} : { policyStart }),
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
          ...(silent === undefined ? {} : { silent }),
        },
        'the end of the file',
      );
      if (!quoted.ok)
        throw new Problem(
          'NOT_RATED',
          `These files give no premium (${options.tariff}, ${options.trips}):`,
          quoted.problems.map((p) => `  ${p.path || '/'}: ${p.message} [${p.code}]`).join('\n'),
        );
      const { premium, inputs } = quoted;
      const statement = billStatement({ premium, inputs });
      if (options.html !== undefined) writeFileSync(options.html, statementHtml(statement));
      process.stdout.write(
        options.json ? `${JSON.stringify(premium, null, 2)}\n` : statementText(statement),
      );
    });
}

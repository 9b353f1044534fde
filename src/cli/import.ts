import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { DecimalSign } from '../core/claim-fields.ts';
import type { FactorMapping, MappedCoefficient } from '../core/premium/tariff/coefficients.ts';
import { draftFromCoefficients, isCoefficientTable } from '../core/premium/tariff/coefficients.ts';
import { Problem } from '../problem.ts';
import { importClaims, isClaimTable, readTextFile } from './claims.ts';
import type { Encoding } from './claims-file.ts';
import { ENCODINGS, SEPARATORS } from './claims-file.ts';

interface ImportOptions {
  readonly tenant: string;
  readonly encoding?: Encoding;
  readonly separator?: string;
  readonly decimal?: DecimalSign;
  readonly tariff?: string;
  readonly factor: readonly FactorMapping[];
  readonly draftVersion?: string;
  readonly meanClaim?: string;
}

function readFactor(text: string, before: readonly FactorMapping[]): FactorMapping[] {
  const parts = /^([^=]+)=([^:]+):(.+)$/.exec(text);
  if (!parts) {
    throw new InvalidArgumentError('Expected Variable=fact:base, e.g. District=territory:1.');
  }
  const [, variable = '', fact = '', base = ''] = parts;
  return [...before, { variable, fact, base }];
}

export function defineImport(program: Command): void {
  program
    .command('import')
    .description(
      'Import claims, or turn the coefficients of a model into a tariff draft; the heading of the file decides which.',
    )
    .argument('<file>', 'CSV with a heading')
    .option('--tenant <slug>', 'claims: the tenant that owns the policies', 'default')
    .addOption(
      new Option('--encoding <name>', 'claims: of a file that is neither UTF-8 nor UTF-16').choices(
        ENCODINGS,
      ),
    )
    .addOption(
      new Option(
        '--separator <name>',
        'claims: between fields, if the heading does not show it',
      ).choices(Object.values(SEPARATORS)),
    )
    .addOption(
      new Option(
        '--decimal <sign>',
        'claims: before the decimals, if amounts such as 1.234 do not show it',
      ).choices(['.', ',']),
    )
    .option('--tariff <file>', 'coefficients: the tariff document that they go into')
    .option(
      '--factor <Variable=fact:base>',
      'coefficients: a variable of the model, the rating fact it is, its base level; may be repeated',
      readFactor,
      [],
    )
    .option('--draft-version <text>', 'coefficients: version of the draft')
    .option(
      '--mean-claim <amount>',
      'coefficients: mean amount of a claim; with the intercept it makes the base premium',
    )
    .addHelpText(
      'after',
      `
Claims have the columns claimNumber, policyNumber, occurredOn, amount, currency and may have vehicleId and
driverId. A claim that was imported before is updated; a negative amount is a recovery. Coefficients are what R's broom::tidy and
statsmodels write, of a model with a log link and treatment contrasts; the draft goes to standard output.

Examples:
  odograph import claims.csv
  odograph import examples/glm/coefficients-r.csv --tariff examples/glm/base.json --draft-version 2 \\
    --factor District=territory:1 --factor 'Group=vehicleGroup:<1l' --factor 'Age=ageBand:<25' > draft.json`,
    )
    .action(async (file: string, options: ImportOptions) => {
      const text = readTextFile(file, options.encoding);
      if (options.separator !== undefined || isClaimTable(text)) {
        const named = Object.entries(SEPARATORS).find(([, name]) => name === options.separator);
        const { separator: _, ...rest } = options;
        return importClaims(file, text, { ...rest, ...(named && { separator: named[0] }) });
      }
      const [heading = ''] = text.split(/\r?\n/, 1);
      if (isCoefficientTable(heading)) return importCoefficients(file, options);
      throw new Problem(
        'UNKNOWN_TABLE',
        `The heading of ${file} is neither that of claims nor that of coefficients, with commas, semicolons or tabs between its fields: ${heading.slice(0, 200)}`,
        'Claims have claimNumber, policyNumber, occurredOn, amount and currency; coefficients have term and estimate (R) or a coef column (Python).',
      );
    });
}

function importCoefficients(file: string, options: ImportOptions): void {
  const { tariff, draftVersion, factor, meanClaim } = options;
  if (tariff === undefined || draftVersion === undefined || factor.length === 0) {
    throw new Problem(
      'BAD_ARGUMENTS',
      `${file} holds coefficients: a tariff and a mapping of their variables are needed to make a draft.`,
      'Give --tariff, --draft-version, and a --factor for each variable of the model.',
    );
  }
  const base = JSON.parse(readFileSync(tariff, 'utf8')) as Record<string, unknown>;
  const drafted = draftFromCoefficients(base, readFileSync(file, 'utf8'), {
    factors: factor,
    version: draftVersion,
    ...(meanClaim === undefined ? {} : { meanClaim }),
  });
  if (!drafted.ok) {
    throw new Problem(
      'NO_DRAFT',
      `No draft can be made from ${tariff} and ${file}:`,
      drafted.problems.map((p) => `  ${p.path || '/'}: ${p.message} [${p.code}]`).join('\n'),
    );
  }
  process.stderr.write(`${showMapping(drafted.mapping, factor)}\n`);
  process.stdout.write(`${JSON.stringify(drafted.document, null, 2)}\n`);
}

/** Each term of the model with what it became. */
function showMapping(
  mapping: readonly MappedCoefficient[],
  factors: readonly FactorMapping[],
): string {
  const rows = [
    ['term', 'coefficient', 'becomes', 'relativity'],
    ...mapping.map(({ term, estimate, fact, level, relativity }) => [
      term,
      estimate,
      fact === null ? 'base: claims a unit of exposure' : `${fact} ${level}`,
      relativity,
    ]),
    ...factors.map(({ variable, fact, base }) => [
      `${variable} ${base}`,
      '',
      `${fact} ${base}`,
      '1',
    ]),
  ];
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

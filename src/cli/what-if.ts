import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  BOOK_ATTRIBUTES,
  type BookAttribute,
  type GroupBy,
} from '../core/premium/book/book-groups.ts';
import { parseTariffText, type Tariff } from '../core/premium/tariff/tariff.ts';
import { reportOf } from '../core/premium/book/what-if-report.ts';
import { whatIfText } from '../core/premium/book/what-if-text.ts';
import { deriveLogins } from '../local/logins.ts';
import { Problem } from '../problem.ts';
import { openStore } from '../store/open.ts';
import { readWhatIf, rerateBook, type Run } from '../store/read/book.ts';
import { withReading } from '../store/read/transaction.ts';
import { findDatabase, openSession } from './session.ts';

interface WhatIfOptions {
  readonly tariff: string;
  readonly from: string;
  readonly to: string;
  readonly tenant: string;
  readonly product?: string;
  readonly fact: readonly { readonly name: string; readonly value: string }[];
  readonly byFact?: string;
  readonly by?: Lowercase<BookAttribute>;
  readonly against?: string;
  readonly billingMonths: number;
  readonly json?: boolean;
}

/** Whoever reads the database by hand may know everything in it. */
const EVERYTHING = { leastDrivers: 0, namesPolicies: true };

export function defineWhatIf(program: Command): void {
  program
    .command('what-if')
    .description(
      'Rate a book of policies by a tariff draft and compare it with the tariffs in force.',
    )
    .requiredOption('--tariff <file>', 'the draft: a tariff document, JSON')
    .requiredOption('--from <date>', 'first local date of the period')
    .requiredOption('--to <date>', 'local date after the period')
    .option('--tenant <tenant>', 'the tenant that has the book', 'default')
    .option(
      '--product <product>',
      'the product whose policies are rated; by default that of the draft',
    )
    .option(
      '--fact <name=value>',
      'only policies of which this rating fact holds; may be repeated',
      readFact,
      [],
    )
    .option('--by-fact <name>', 'groups by the value of a rating fact')
    .addOption(
      new Option('--by <attribute>', 'groups by what every policy has')
        .choices(BOOK_ATTRIBUTES.map((name) => name.toLowerCase()))
        .conflicts('byFact'),
    )
    .option('--against <file>', 'compare with this tariff document, not with those in force')
    .option('--billing-months <n>', 'months of a billing period: 1, 2, 3, 4, 6 or 12', Number, 1)
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
Reads the database of DATABASE_API_URL (or DATABASE_URL), policy by policy, and changes nothing.

Example:
  odograph what-if --tariff draft.json --from 2026-01-01 --to 2027-01-01 --by distance`,
    )
    .action(tellWhatIf);
}

/** Adds one `name=value` to those that must hold. */
function readFact(text: string, facts: WhatIfOptions['fact']): WhatIfOptions['fact'] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected name=value, e.g. territory=city.');
  return [...facts, { name: text.slice(0, at), value: text.slice(at + 1) }];
}

function readDocument(file: string): Tariff {
  const parsed = parseTariffText(readFileSync(file, 'utf8'));
  if (parsed.ok) return parsed.tariff;
  throw refuse(`${file} is not a valid tariff:`, parsed.problems);
}

function refuse(
  message: string,
  problems: readonly { readonly path: string; readonly message: string; readonly code: string }[],
): Problem {
  const texts = problems.map((p) => `  ${p.path || '/'}: ${p.message} [${p.code}]`);
  return new Problem('NOT_RATED', message, texts.join('\n'));
}

function groupByOf({ by, byFact }: WhatIfOptions): GroupBy | undefined {
  if (byFact !== undefined) return { kind: 'FACT', name: byFact };
  const attribute = BOOK_ATTRIBUTES.find((name) => name.toLowerCase() === by);
  return attribute === undefined ? undefined : { kind: 'ATTRIBUTE', name: attribute };
}

async function tellWhatIf(options: WhatIfOptions): Promise<void> {
  const { config, print, report } = openSession();
  const draft = readDocument(options.tariff);
  const against = options.against === undefined ? undefined : readDocument(options.against);
  const url = config.databaseApiUrl ?? deriveLogins(config, findDatabase(config)).apiUrl;
  const store = openStore({ url, poolSize: 1 });
  const reader = { operator: false, tenant: options.tenant, driver: null };
  const run: Run = (read) =>
    withReading(store, reader, { snapshot: true }, (reading) => reading.run(read));
  try {
    const question = {
      draft,
      product: options.product ?? draft.document.product,
      period: { from: options.from, to: options.to },
      billingMonths: options.billingMonths,
      facts: options.fact,
      groupBy: groupByOf(options),
    };
    const whatIf = await run((tx) => readWhatIf(tx, question, against));
    if (!('draft' in whatIf)) throw refuse('The question cannot be answered:', whatIf);
    let tenth = 0;
    for await (const { policies, done, over, tally } of rerateBook(run, whatIf)) {
      if (policies === 0) throw nobodyHolds(whatIf.product, draft, options.tenant);
      if (!over && Math.floor((done * 10) / policies) > tenth) {
        tenth = Math.floor((done * 10) / policies);
        report(`${done} of ${policies} policies`);
      }
      if (!over) continue;
      const answer = reportOf(tally, whatIf, EVERYTHING);
      if (answer === undefined) throw new Error('the report for all policies is missing');
      print(options.json ? JSON.stringify(answer, null, 2) : whatIfText(answer));
    }
  } finally {
    await store.close();
  }
}

function nobodyHolds(product: string, { document }: Tariff, tenant: string): Problem {
  return new Problem(
    'NO_POLICIES',
    `No policy of the tenant ${tenant} holds the product ${product} in ${document.jurisdiction} in this period.`,
    'Name another --tenant, --product or period; the jurisdiction is the draft’s.',
  );
}

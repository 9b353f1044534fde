import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { statementHtml } from '../core/premium/bills/html.ts';
import { issuedStatement, type IssuedDocument } from '../core/premium/bills/issued-statement.ts';
import type { Statement } from '../core/premium/bills/statement.ts';
import { statementText } from '../core/premium/bills/text.ts';
import { deriveLogins } from '../local/logins.ts';
import { Problem } from '../problem.ts';
import { openStore } from '../store/open.ts';
import type { Transaction } from '../store/transaction.ts';
import { readBill, readBillDocuments, readBillsOfPolicies } from '../store/read/bills.ts';
import { withReading } from '../store/read/transaction.ts';
import { findDatabase, openSession } from './session.ts';

interface BillOptions {
  readonly tenant: string;
  readonly html?: string;
  readonly json?: boolean;
}

export function defineBill(program: Command): void {
  program
    .command('bill')
    .description('Show an issued bill, adjustment or credit note as its customer reads it.')
    .argument('<number>', 'its number, e.g. B-000007')
    .option('--tenant <tenant>', 'the tenant that issued it', 'default')
    .option('--html <file>', 'also write it as a self-contained HTML page to print')
    .option('--json', 'the document as it was issued, byte by byte')
    .addHelpText(
      'after',
      `
Reads the database of DATABASE_API_URL (or DATABASE_URL), and changes nothing.

Examples:
  odograph bill B-000007 --html bill.html
  odograph bill B-000007 --json | sha256sum`,
    )
    .action(showBill);
}

async function showBill(number: string, options: BillOptions): Promise<void> {
  const { config } = openSession();
  const url = config.databaseApiUrl ?? deriveLogins(config, findDatabase(config)).apiUrl;
  const store = openStore({ url, poolSize: 1 });
  const reader = { operator: false, tenant: options.tenant, driver: null };
  try {
    const found = await withReading(store, reader, { snapshot: true }, (reading) =>
      reading.run((tx) => readIssued(tx, number)),
    );
    if (found === undefined) {
      throw new Problem(
        'NOT_FOUND',
        `The tenant ${options.tenant} has issued nothing with the number ${number}.`,
        'Numbers look like B-000007; name another --tenant where it is another one’s.',
      );
    }
    if (options.html !== undefined) writeFileSync(options.html, statementHtml(found.statement));
    process.stdout.write(options.json ? found.document : statementText(found.statement));
  } finally {
    await store.close();
  }
}

/** A document as it was issued, and its statement for the customer. */
async function readIssued(
  tx: Transaction,
  number: string,
): Promise<{ readonly document: string; readonly statement: Statement } | undefined> {
  const row = await readBill(tx, number);
  if (row === null) return undefined;
  const upToIt = (await readBillsOfPolicies(tx, [row.policyRef])).filter((r) => r.ref <= row.ref);
  const wanted = row.kind === 'ADJUSTMENT' ? upToIt : [row];
  const documents = await readBillDocuments(
    tx,
    wanted.map(({ ref }) => ref),
  );
  const document = documents.find(({ ref }) => ref === row.ref)?.document;
  if (document === undefined) throw new Error(`the document of ${number} is missing`);
  const others = documents
    .filter(({ ref }) => ref !== row.ref)
    .sort((a, b) => a.ref - b.ref)
    .map((other) => JSON.parse(other.document) as IssuedDocument);
  return { document, statement: issuedStatement(JSON.parse(document) as IssuedDocument, others) };
}

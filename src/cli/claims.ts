import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Problem } from '../problem.ts';
import type { ClaimLine } from '../store/write/claims.ts';
import { openClaims } from '../store/write/claims.ts';
import { findDatabase, openSession } from './session.ts';

const BATCH = 1_000;

/** Takes a file of claims into the store, a thousand lines at a time; lines that cannot be taken are named. */
export async function importClaims(file: string, tenant: string): Promise<void> {
  const { config, print, report } = openSession();
  const claims = await openClaims(findDatabase(config), tenant);
  if (claims === 'UNKNOWN_TENANT') {
    throw new Problem(
      'UNKNOWN_TENANT',
      `There is no tenant ${tenant}.`,
      'Name the one whose policies the claims are of, with --tenant.',
    );
  }
  const sums = { added: 0, changed: 0, unchanged: 0, refused: 0 };
  const keep = async (batch: readonly ClaimLine[]) => {
    const kept = await claims.keep(batch);
    sums.added += kept.added;
    sums.changed += kept.changed;
    sums.unchanged += kept.unchanged;
    sums.refused += kept.refused.length;
    for (const { line, code, message } of kept.refused) {
      report(`${file}, line ${line}: ${message} [${code}]`);
    }
  };
  try {
    let number = 0;
    let batch: ClaimLine[] = [];
    for await (const text of createInterface({
      input: createReadStream(file),
      crlfDelay: Infinity,
    })) {
      number++;
      if (number === 1) claims.readHeading(text);
      else if (text.trim() !== '') batch.push({ line: number, text });
      if (batch.length === BATCH) {
        await keep(batch);
        batch = [];
        if (process.stderr.isTTY) process.stderr.write(`\r${number} lines`);
      }
    }
    await keep(batch);
    if (process.stderr.isTTY && number > BATCH) process.stderr.write('\r');
  } finally {
    await claims.close();
  }
  print(
    `${sums.added} claims added, ${sums.changed} brought up to date, ${sums.unchanged} as they were, ${sums.refused} refused`,
  );
  if (sums.refused > 0) {
    throw new Problem(
      'CLAIMS_REFUSED',
      `${sums.refused} lines of ${file} were not imported; all others were.`,
      'Fix the lines above and import the file again; claims already imported are recognised by number.',
    );
  }
}

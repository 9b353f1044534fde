import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import pg from 'pg';
import { Problem } from '../problem.ts';
import { findDatabase, openSession } from './session.ts';

interface Row {
  readonly key: Buffer | null;
  readonly value?: Buffer | null;
  readonly [column: string]: unknown;
}

export function defineDeadLetters(program: Command): void {
  const command = program
    .command('dead-letters')
    .description('Records that could not be used, with the reason; one JSON object per line.')
    .addHelpText(
      'after',
      `
Examples:
  odograph dead-letters list --limit 20
  odograph dead-letters list --reason MALFORMED | jq -r .message
  odograph dead-letters show telematics 0 4711`,
    );
  command
    .command('list', { isDefault: true })
    .description('Newest first, without the bytes.')
    .option('--reason <code>', 'only dead letters with this reason')
    .option('--limit <n>', 'how many at most', readNumber, 100)
    .addHelpText('after', '\nExample:\n  odograph dead-letters list --limit 20')
    .action(async ({ reason, limit }: { reason?: string; limit: number }) => {
      const { config, print } = openSession();
      await asOwner(findDatabase(config), async (client) => {
        const { rows } = await client.query<Row>(
          `select topic, partition, "offset"::float8 as "offset", at, reason, message, key, headers,
             length(value) as bytes
           from dead_letter where $1::text is null or reason = $1 order by at desc, "offset" desc limit $2`,
          [reason ?? null, limit],
        );
        for (const row of rows) print(JSON.stringify(toPlain(row)));
      });
    });
  command
    .command('show')
    .description('One dead letter with its bytes; the look is written to the access log.')
    .argument('<topic>')
    .argument('<partition>', '', readNumber)
    .argument('<offset>', '', readNumber)
    .addHelpText('after', '\nExample:\n  odograph dead-letters show telematics 0 4711')
    .action(async (topic: string, partition: number, offset: number) => {
      const { config, print } = openSession();
      await asOwner(findDatabase(config), async (client) => {
        await client.query(
          `insert into access_log (role, subject, purpose, object, request_id) values ('OPERATOR', $1, 'dead-letters show', $2, $3)`,
          [userInfo().username, `dead_letter ${topic}/${partition}/${offset}`, randomUUID()],
        );
        const { rows } = await client.query<Row>(
          `select topic, partition, "offset"::float8 as "offset", at, reason, message, key, headers, value
           from dead_letter where (topic, partition, "offset") = ($1, $2, $3)`,
          [topic, partition, offset],
        );
        if (!rows[0]) {
          throw new Problem(
            'NOT_FOUND',
            `There is no dead letter at ${topic}, partition ${partition}, offset ${offset}.`,
            '`odograph dead-letters list` prints the existing ones.',
          );
        }
        print(JSON.stringify(toPlain(rows[0])));
      });
    });
}

async function asOwner(url: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}

/** Bytes as text where they are text, else as base64 under a name that says so. */
function toPlain({ key, value, ...row }: Row): Record<string, unknown> {
  return {
    ...row,
    ...describeBytes('key', key),
    ...(value === undefined ? {} : describeBytes('value', value)),
  };
}

function describeBytes(name: string, bytes: Buffer | null): Record<string, string | null> {
  if (bytes === null) return { [name]: null };
  try {
    return { [name]: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { [`${name}Base64`]: bytes.toString('base64') };
  }
}

function readNumber(written: string): number {
  if (!/^\d{1,15}$/.test(written)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(written);
}

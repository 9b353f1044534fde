import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type pg from 'pg';
import type { ProducerRecord } from '../kafka.ts';
import { Problem } from '../problem.ts';
import type {
  DeadLetterFilter,
  DeadLetterPlace,
  DeadLetterRow,
  StoredHeader,
} from '../store/read/dead-letters.ts';
import {
  countDeadLetters,
  listDeadLetters,
  listOverflow,
  markSentAgain,
  readDeadLetter,
  takeDeadLetters,
} from '../store/read/dead-letters.ts';
import { withOwner } from '../store/session.ts';
import { findBrokers, findDatabase, openSession } from './session.ts';

/** Dead letters in one transaction and one request to the broker. */
const BATCH = 200;

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
  odograph dead-letters count
  odograph dead-letters show telematics 0 4711
  odograph dead-letters replay --reason FUTURE --dry-run`,
    );
  withFilter(command.command('list', { isDefault: true }))
    .description('Newest first, without the bytes.')
    .option('--limit <n>', 'how many at most', readNumber, 100)
    .option('--not-kept', 'instead, the offsets of records beyond DEAD_LETTER_MB')
    .addHelpText('after', '\nExample:\n  odograph dead-letters list --limit 20')
    .action(
      async ({
        limit,
        notKept,
        ...filter
      }: DeadLetterFilter & { limit: number; notKept?: boolean }) => {
        const { config, print } = openSession();
        await withOwner(findDatabase(config), async (client) => {
          if (notKept) {
            for (const row of await listOverflow(client, limit)) print(JSON.stringify(row));
          } else {
            for (const row of await listDeadLetters(client, filter, limit)) {
              print(JSON.stringify(toPlain(row)));
            }
          }
        });
      },
    );
  command
    .command('count')
    .description('How many there are, by topic and reason; also those that were only counted.')
    .addHelpText('after', '\nExample:\n  odograph dead-letters count')
    .action(async () => {
      const { config, print } = openSession();
      await withOwner(findDatabase(config), async (client) => {
        for (const row of await countDeadLetters(client)) print(JSON.stringify(row));
      });
    });
  withPlace(command.command('show'))
    .description('One dead letter with its bytes; the look is written to the access log.')
    .addHelpText('after', '\nExample:\n  odograph dead-letters show telematics 0 4711')
    .action(async (topic: string, partition: number, offset: number) => {
      const { config, print } = openSession();
      await withOwner(findDatabase(config), async (client) => {
        print(JSON.stringify(toPlain(await find(client, { topic, partition, offset }))));
      });
    });
  defineSending(command);
}

function defineSending(command: Command): void {
  withFilter(command.command('replay'))
    .description(
      'Sends dead letters again, byte for byte, to the topic and partition that they came from, and marks them; those already sent are left out.',
    )
    .option('--limit <n>', 'how many at most', readNumber, Infinity)
    .option('--dry-run', 'print what would be sent')
    .addHelpText('after', '\nExample:\n  odograph dead-letters replay --reason FUTURE --dry-run')
    .action(
      async ({
        limit,
        dryRun,
        ...filter
      }: DeadLetterFilter & { limit: number; dryRun?: boolean }) => {
        const { config, print, report } = openSession();
        await withOwner(findDatabase(config), async (client) => {
          if (dryRun) {
            const rows = await listDeadLetters(client, filter, Math.min(limit, 1_000_000));
            const unsent = rows.filter((row) => row.sentAgainAt === null);
            for (const row of unsent) print(JSON.stringify(toPlain(row)));
            report(`${unsent.length} would be sent`);
            return;
          }
          const producer = await openProducer();
          let sent = 0;
          try {
            for (let more = true; more && sent < limit;) {
              const size = Math.min(BATCH, limit - sent);
              const taken = await takeDeadLetters(client, filter, size, producer.send);
              sent += taken;
              more = taken === size;
            }
          } finally {
            await producer.close();
          }
          print(`sent ${sent} ${sent === 1 ? 'dead letter' : 'dead letters'} again`);
        });
      },
    );
  withPlace(command.command('correct'))
    .description(
      'Sends one dead letter again with a corrected value, and the same key and headers, and marks it.',
    )
    .requiredOption('--value-file <path>', 'file with the corrected value; - is standard input')
    .addHelpText(
      'after',
      '\nExample:\n  odograph dead-letters correct telematics 0 4711 --value-file fixed.json',
    )
    .action(
      async (
        topic: string,
        partition: number,
        offset: number,
        { valueFile }: { valueFile: string },
      ) => {
        const { config, print } = openSession();
        const value = readFileSync(valueFile === '-' ? 0 : valueFile);
        await withOwner(findDatabase(config), async (client) => {
          const letter = await find(client, { topic, partition, offset });
          if (letter.sentAgainAt !== null) {
            throw new Problem(
              'ALREADY_SENT',
              `This dead letter was sent again at ${letter.sentAgainAt.toISOString()}.`,
              'Publish another version with `odograph send`.',
            );
          }
          const producer = await openProducer();
          try {
            await producer.send([{ ...letter, value }]);
            await markSentAgain(client, letter);
          } finally {
            await producer.close();
          }
          print(`sent ${value.length} bytes to ${topic}, partition ${partition}`);
        });
      },
    );
}

function withFilter(command: Command): Command {
  return command
    .option('--topic <name>', 'only dead letters of this topic')
    .option('--reason <code>', 'only dead letters with this reason')
    .option('--key <key>', 'only dead letters of this record key, usually the device id')
    .option('--from <instant>', 'only dead letters from this instant on, ISO 8601', readInstant)
    .option('--to <instant>', 'only dead letters before this instant, ISO 8601', readInstant);
}

function withPlace(command: Command): Command {
  return command
    .argument('<topic>')
    .argument('<partition>', '', readNumber)
    .argument('<offset>', '', readNumber);
}

/** @throws Problem NOT_FOUND */
async function find(client: pg.Client, place: DeadLetterPlace): Promise<DeadLetterRow> {
  const reader = { subject: userInfo().username, requestId: randomUUID() };
  const letter = await readDeadLetter(client, place, reader);
  if (letter) return letter;
  throw new Problem(
    'NOT_FOUND',
    `There is no dead letter at ${place.topic}, partition ${place.partition}, offset ${place.offset}.`,
    '`odograph dead-letters list` prints the existing ones.',
  );
}

async function openProducer() {
  const { config, log } = openSession();
  const [{ createKafka }, { kafkaSettings }] = await Promise.all([
    import('../kafka.ts'),
    import('../kafka-settings.ts'),
  ]);
  const kafka = createKafka(kafkaSettings(config, findBrokers(config)), log);
  return {
    /** Sends letters to the topics that they came from, in order. */
    send: async (letters: readonly DeadLetterRow[]) => {
      for (const topic of new Set(letters.map((letter) => letter.topic))) {
        const ofTopic = letters.filter((letter) => letter.topic === topic);
        await kafka.produce(topic, ofTopic.map(toRecord));
      }
    },
    close: () => kafka.close(),
  };
}

function toRecord({ key, value, headers, partition }: DeadLetterRow): ProducerRecord {
  return {
    key,
    value: value ?? null,
    partition,
    headers: headers.map((header) => [toBytes(header, 'name')!, toBytes(header, 'value')] as const),
  };
}

function toBytes(header: StoredHeader, part: 'name' | 'value'): Buffer | null {
  const base64 = header[`${part}Base64`];
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  const text = header[part];
  return text === undefined || text === null ? null : Buffer.from(text);
}

/** Bytes as text where they are text, else as base64 under a name that says so. */
function toPlain({ key, value, ...row }: DeadLetterRow): Record<string, unknown> {
  return {
    ...row,
    ...describeBytes('key', key),
    ...(value === undefined ? {} : describeBytes('value', value)),
  };
}

function describeBytes(name: string, bytes: Buffer | null): Record<string, string | null> {
  if (bytes === null) return { [name]: null };
  try {
    return {
      [name]: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    };
  } catch {
    return { [`${name}Base64`]: bytes.toString('base64') };
  }
}

function readNumber(written: string): number {
  if (!/^\d{1,15}$/.test(written)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(written);
}

function readInstant(written: string): string {
  const ms = Date.parse(written);
  if (Number.isNaN(ms)) {
    throw new InvalidArgumentError('It must be an instant like 2026-11-23T08:00:00Z.');
  }
  return new Date(ms).toISOString();
}

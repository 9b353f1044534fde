import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { findBrokers, openSession } from './session.ts';

/** Lines in one request to the broker. */
const BATCH = 1_000;

export function defineSend(program: Command): void {
  program
    .command('send')
    .description('Publish lines unchanged, keyed by device.')
    .argument(
      '[lines...]',
      'text lines or JSON objects; read from standard input if none are given',
    )
    .addHelpText(
      'after',
      `
Examples:
  odograph send 'ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977'
  odograph send '{"deviceId":"ID-203217","at":"2015-05-15T00:08:23Z","lat":40.7581,"lon":-73.9780,"speedKmh":60}'
  odograph send < trip.txt`,
    )
    .action(async (given: string[]) => {
      const { config, log, print } = openSession();
      const brokers = findBrokers(config);
      const [{ createKafka, PARTITIONS }, { kafkaSettings }] = await Promise.all([
        import('../kafka.ts'),
        import('../kafka-settings.ts'),
      ]);
      const kafka = createKafka(kafkaSettings(config, brokers), log);
      let sent = 0;
      try {
        await kafka.ensureTopic(config.kafkaTopic, PARTITIONS);
        // Only now: lines that readline emits before the loop below listens would be lost.
        const lines = given.length > 0 ? given : createInterface({ input: process.stdin });
        let batch: { key: string | null; value: string }[] = [];
        const flush = async () => {
          if (batch.length > 0) await kafka.produce(config.kafkaTopic, batch);
          sent += batch.length;
          batch = [];
        };
        for await (const line of lines) {
          if (line.trim() === '') continue;
          batch.push({ key: deviceOf(line), value: line });
          if (batch.length === BATCH) await flush();
        }
        await flush();
      } finally {
        await kafka.close();
      }
      print(`sent ${sent} ${sent === 1 ? 'line' : 'lines'} to ${config.kafkaTopic}`);
    });
}

/** The message key, which keeps a device's order: `deviceId` of a JSON object, else the first word. */
export function deviceOf(line: string): string | null {
  if (!line.trimStart().startsWith('{')) return line.trim().split(/\s+/, 1)[0] ?? null;
  try {
    const { deviceId } = JSON.parse(line) as { deviceId?: unknown };
    return typeof deviceId === 'string' && deviceId !== '' ? deviceId : null;
  } catch {
    return null; // the sink stores it as a dead letter with the reason
  }
}

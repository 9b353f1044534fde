import { describe, expect, it } from 'vitest';
import { createKafka } from '../../src/kafka.ts';
import { createLog } from '../../src/log.ts';
import type { Producer } from '../../src/sim/publish.ts';
import { startFleet } from '../../src/sim/start.ts';
import { loadZones } from '../../src/zones.ts';
import { createTestTopic } from '../support/topic.ts';

const zones = loadZones();
const NOON_MS = Date.parse('2026-03-02T12:00:00Z');

interface Sent {
  readonly key: string;
  readonly value: string;
}

function createCollector(): { readonly sent: Sent[]; readonly producer: Producer } {
  const sent: Sent[] = [];
  return {
    sent,
    producer: {
      send: (records) => {
        sent.push(...records.map(({ key, value }) => ({ key, value })));
        return Promise.resolve();
      },
    },
  };
}

const run = { seed: 11, cars: 5, zones, historyDays: 1, defects: 'usual' } as const;

describe('a fleet that publishes', () => {
  it('ends with its history, keyed by device, and publishes the same again', async () => {
    const first = createCollector();
    const second = createCollector();
    for (const { producer } of [first, second]) {
      const fleet = startFleet({ ...run, producer, now: () => NOON_MS, live: false });
      await fleet.finished;
      expect(await fleet.historyPublished).toBeGreaterThan(1_000);
    }
    expect(second.sent).toEqual(first.sent);
    for (const { key, value } of first.sent) {
      if (!value.includes(key)) throw new Error(`${key} does not key ${value}`);
    }
  });

  it('continues live without a gap, and stops on request', async () => {
    const whole = createCollector();
    await startFleet({ ...run, producer: whole.producer, now: () => NOON_MS, live: false })
      .finished;

    const live = createCollector();
    let clockMs = NOON_MS - 3_600_000;
    const fleet = startFleet({
      ...run,
      historyDays: 1 - 1 / 24,
      producer: live.producer,
      now: () => clockMs,
      live: true,
    });
    const history = await fleet.historyPublished;
    expect(live.sent.length).toBe(history);
    clockMs = NOON_MS;
    while (live.sent.length < whole.sent.length) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await fleet.stop();
    expect(live.sent).toEqual(whole.sent);
  });

  it('reports the error when the log refuses', async () => {
    const producer: Producer = { send: () => Promise.reject(new Error('the broker is gone')) };
    const fleet = startFleet({ ...run, producer, now: () => NOON_MS, live: true });
    await expect(fleet.finished).rejects.toThrow('the broker is gone');
    await expect(fleet.historyPublished).rejects.toThrow('the broker is gone');
  });

  it('appends each of its messages to a real log', async () => {
    const { brokers, topic, drop } = await createTestTopic({ partitions: 3 });
    const kafka = createKafka(
      { brokers, ssl: false },
      createLog({ level: 'silent', isTerminal: false }),
    );
    try {
      const fleet = startFleet({
        ...run,
        producer: { send: (records) => kafka.produce(topic, records) },
        now: () => NOON_MS,
        live: false,
      });
      const published = await fleet.historyPublished;
      const ends = [...(await kafka.offsets(topic)).values()].map(({ end }) => end);
      expect(ends.reduce((sum, end) => sum + end, 0)).toBe(published);
    } finally {
      await kafka.close();
      await drop();
    }
  });
});

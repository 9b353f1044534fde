import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createKafka } from '../../src/kafka.ts';
import { createLog } from '../../src/log.ts';
import { createPlaces } from '../../src/sink/places.ts';
import { createTakeOver } from '../../src/sink/take-over.ts';
import { createTrouble } from '../../src/sink/trouble.ts';
import type { Reading } from './reading.ts';
import { startReading } from './reading.ts';

const log = createLog({ level: 'silent', isTerminal: false });
let reading: Reading;

afterEach(() => reading.end());

describe('taking over', () => {
  it('ends with the newest assignment, whether a rebalance or a lost race is slower', async () => {
    reading = await startReading({ partitions: 3 });
    const kafka = createKafka({ brokers: reading.brokers, ssl: false, sasl: undefined }, log);
    const delays = [300, 0, 150, 0];
    const places = createPlaces();
    const seeks: number[] = [];
    const takeOver = createTakeOver({
      kafka: {
        offsets: async (topic) => {
          await sleep(delays.shift() ?? 0);
          return kafka.offsets(topic);
        },
      },
      store: reading.store,
      topic: reading.topic,
      places,
      trouble: createTrouble(log),
      settled: async () => undefined,
      seek: (partition) => seeks.push(partition),
    });
    await takeOver.assign([0, 1, 2]);
    // A fence begins on the old assignment, and the group agrees on a new one meanwhile.
    const fence = takeOver.again();
    await sleep(20);
    const rebalance = takeOver.assign([2]);
    await Promise.all([fence, rebalance]);
    expect(places.partitions()).toEqual([2]);
    seeks.length = 0;
    await Promise.all([takeOver.assign([0, 1]), takeOver.again(), takeOver.again()]);
    expect(places.partitions()).toEqual([0, 1]);
    expect(new Set(seeks)).toEqual(new Set([0, 1]));
    await kafka.close();
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Reading } from './reading.ts';
import { startReading, until } from './reading.ts';

let reading: Reading;

afterEach(() => reading.end());

describe('a sink that is behind', () => {
  it('survives a rebalance while its queue is full', async () => {
    reading = await startReading({ partitions: 2 });
    const padding = 'x'.repeat(60_000);
    const padded = (i: number) => ({
      key: null,
      value: `{"deviceId":"padded","at":${Date.UTC(2026, 0, 1) + i * 1_000},"speedKmh":50,"note":"${padding}"}`,
      partition: i % 2,
    });
    const first = await reading.run();
    await until('it reads', () => first.status().partitions.length === 2);
    // Nothing can be written while another session holds the rows.
    await reading.ask('begin');
    await reading.ask('select * from sink_offset for update');
    for (let i = 0; i < 900; i += 20) {
      await reading.send(...Array.from({ length: 20 }, (_, k) => padded(i + k)));
    }
    await until('the queue is full', () => first.status().queuedBytes >= 32 * 1024 * 1024);
    const second = await reading.run();
    await sleep(4_000);
    await reading.ask('rollback');
    await until('all is stored', async () => (await reading.events()) === 900);
    const ended = await Promise.race([first.finished, second.finished, sleep(100, 'both live')]);
    expect(ended).toBe('both live');
    expect(second.status().partitions).toHaveLength(1);
  });
});

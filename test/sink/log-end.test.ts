import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createTopic } from '../support/topic.ts';
import type { Reading } from './reading.ts';
import { message, messages, startReading, until } from './reading.ts';

let reading: Reading;

afterEach(async () => {
  vi.restoreAllMocks();
  await reading.end();
});

/** Writes messages in a transaction that is still open. */
async function openTransaction(
  deviceId: string,
  count: number,
): Promise<{ commit(): Promise<void>; abort(): Promise<void> }> {
  const producer = reading.client.producer({
    transactionalId: `${reading.topic}-${Math.random()}`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: reading.topic, messages: messages(deviceId, count) });
  return {
    async commit() {
      await transaction.commit();
      await producer.disconnect();
    },
    async abort() {
      await transaction.abort();
      await producer.disconnect();
    },
  };
}

describe('how far the log is read', () => {
  it('moves past the control records at the end of a partition, also after a restart', async () => {
    reading = await startReading({ partitions: 2 });
    const first = await reading.run();
    await (await openTransaction('committed', 10)).commit();
    await (await openTransaction('aborted', 10)).abort();
    const endedAt = new Date();
    const isReadThrough = async () => (await reading.readThrough())! > endedAt;
    await until('the log is read through', isReadThrough);
    expect(await reading.events()).toBe(10);
    expect(first.status().isReady).toBe(true);
    const [row] = await reading.ask<{ next_offset: string }>(
      'select next_offset from sink_offset where partition = 0',
    );
    expect(Number(row!.next_offset)).toBe(22);
    await first.stop();
    const restartedAt = new Date();
    const second = await reading.run();
    await until(
      'it is read through again',
      async () => (await reading.readThrough())! > restartedAt,
    );
    expect(second.status().partitions).toMatchObject([{ lagRecords: 0 }, { lagRecords: 0 }]);
  });

  it('stops before records that an open transaction withholds, reports it, and moves on when it ends', async () => {
    reading = await startReading({ partitions: 2 });
    const sink = await reading.run();
    const transaction = await openTransaction('withheld', 1);
    const sentAt = new Date();
    await reading.send(...messages('behind', 20), ...messages('beside', 20, { partition: 1 }));
    await until('the other partition is read', async () => (await reading.events()) === 20);
    await sleep(3_000);
    expect(((await reading.readThrough()) ?? new Date(0)) <= sentAt).toBe(true);
    const status = sink.status();
    expect(status.isReady).toBe(true);
    expect(status.partitions.find(({ partition }) => partition === 0)).toMatchObject({
      lagRecords: 0,
      withheldRecords: 21,
    });
    await transaction.abort();
    await until('all is read', async () => (await reading.events()) === 40);
    const allReadAt = new Date();
    await until('it goes on', async () => (await reading.readThrough())! > allReadAt);
  });

  it('is that of the current topic, once no sink reads the old one', async () => {
    reading = await startReading();
    const other = `${reading.topic}-b`;
    await createTopic(reading.admin, other, 1);
    await reading.send(...messages('old', 5));
    const first = await reading.run();
    await until('the old topic is read', async () => (await reading.events()) === 5);
    await first.stop();
    await reading.ask(`update sink_offset set held_at = now() - interval '1 hour'`);
    const startedAt = new Date();
    await reading.run({ topic: other });
    await until('it goes on', async () => (await reading.readThrough())! > startedAt);
    const rows = await reading.ask<{ topic: string; retired: boolean }>(
      'select topic, retired_at is not null as retired from sink_offset order by topic',
    );
    expect(rows).toEqual([
      { topic: reading.topic, retired: true },
      { topic: other, retired: false },
    ]);
    await reading.admin.deleteTopics({ topics: [other] });
  });

  it('does not pass unread records in added partitions, which are read within 20 s', async () => {
    reading = await startReading();
    await reading.run();
    await reading.send(...messages('first', 5));
    await until('the first is read', async () => (await reading.readThrough()) !== null);
    await reading.admin.createPartitions({
      topicPartitions: [{ topic: reading.topic, count: 4 }],
    });
    await sleep(300);
    const producer = reading.client.producer();
    await producer.connect();
    await producer.send({
      topic: reading.topic,
      messages: [1, 2, 3].flatMap((partition) => messages(`added ${partition}`, 50, { partition })),
    });
    await producer.disconnect();
    const sentAt = new Date();
    for (let events = 0; events < 155; events = await reading.events()) {
      if ((await reading.readThrough())! > sentAt) expect(await reading.events()).toBe(155);
      expect(Date.now() - sentAt.getTime()).toBeLessThan(20_000);
      await sleep(50);
    }
    await until('it goes on', async () => (await reading.readThrough())! > sentAt);
  });

  it('is measured by the database’s clock, not by the sink’s, and so is a device’s last message', async () => {
    reading = await startReading();
    const sink = await reading.run();
    await until('it reads', async () => sink.status().partitions.length > 0);
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    await reading.send({ key: null, value: message('clock', 0) });
    await until('it is stored', async () => (await reading.events()) === 1, 3_650_000);
    const [row] = await reading.ask<{ late: number }>(
      'select abs(extract(epoch from clock_timestamp() - arrived_at))::float as late from device_state',
    );
    expect(row!.late).toBeLessThan(20);
  });
});

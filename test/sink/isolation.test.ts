import { afterEach, describe, expect, it } from 'vitest';
import type { Reading } from './reading.ts';
import { message, messages, startReading, until } from './reading.ts';

let reading: Reading;

afterEach(() => reading.end());

describe('a record that makes its batch fail each time', () => {
  it('is found, set aside with its bytes, and does not delay the others', async () => {
    reading = await startReading({ partitions: 2 });
    await reading.ask(`create function refuse_poison() returns trigger language plpgsql as $$
      begin if new.external_id = 'poison' then raise exception 'not this one' using errcode = '22023'; end if; return new; end $$`);
    await reading.ask(
      'create trigger refuse_poison before insert on device for each row execute function refuse_poison()',
    );
    const good = (device: string, partition: number) => messages(device, 40, { partition });
    await reading.send(
      ...good('before', 0),
      { key: 'k', value: message('poison', 1), partition: 0 },
      ...good('between', 0),
      ...good('after', 1),
      { key: 'k', value: message('poison', 2), partition: 1 },
    );
    const sink = await reading.run();
    await until('the others are stored', async () => (await reading.events()) === 120);
    await until('it is at the end', () =>
      sink.status().partitions.every((p) => p.lagRecords === 0),
    );
    const letters = await reading.ask<{ reason: string; value: Buffer; message: string }>(
      'select reason, value, message from dead_letter order by partition, "offset"',
    );
    expect(letters.map(({ reason, value }) => [reason, value.toString()])).toEqual([
      ['NOT_STORED', message('poison', 1)],
      ['NOT_STORED', message('poison', 2)],
    ]);
    expect(letters[0]!.message).toContain('not this one');
    const devices = await reading.ask<{ external_id: string }>(
      'select external_id from device order by 1',
    );
    expect(devices.map((row) => row.external_id)).toEqual(['after', 'before', 'between']);
  });

  it('is not blamed for a connection that is lost repeatedly', async () => {
    reading = await startReading();
    const sink = await reading.run();
    const count = 3_000;
    const sending = (async () => {
      for (let from = 0; from < count; from += 100) {
        await reading.send(...messages('driver', 100, { from }));
      }
    })();
    for (let kill = 0; kill < 20; kill += 1) {
      await reading.ask(
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'odograph_sink' and datname = current_database()`,
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await sending;
    await until('all is stored', async () => {
      const [row] = await reading.ask<{ n: number }>('select count(*)::int as n from event');
      return row!.n === count;
    });
    const [letters] = await reading.ask<{ n: number }>(
      'select count(*)::int as n from dead_letter',
    );
    expect(letters!.n).toBe(0);
    const ended = sink.finished.then(() => 'ended');
    expect(await Promise.race([ended, Promise.resolve('lives')])).toBe('lives');
  });
});

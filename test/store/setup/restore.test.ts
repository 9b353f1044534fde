import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../src/local/postgres.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { startTestApi } from '../../api/client.ts';
import { openRows } from '../../api/rows.ts';
import { fillDriver, fillTenant } from '../../api/world.ts';
import { LOGINS, withLogin } from '../../support/cluster.ts';
import { makeFolder } from '../../support/child.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Bills, an adjustment, a credit note, an active and a retired tariff, a policy, and trips. */
async function fill(urls: Pick<TestDatabase, 'ownerUrl' | 'sinkUrl' | 'apiUrl'>): Promise<void> {
  const rows = await openRows({ ...urls, drop: async () => undefined });
  const api = await startTestApi(urls);
  try {
    const tenant = await fillTenant(api, rows, 'acme');
    await fillDriver(api, rows, 'acme', tenant, 'ann');
    await rows.owner.query(
      `insert into tariff (id, tenant_id, product, jurisdiction, effective_from, status, document, hash)
       select 'retired@1', tenant_id, product, jurisdiction, effective_from - 1, 'RETIRED', document, hash from tariff`,
    );
  } finally {
    await api.stop();
    await rows.close();
  }
}

const TABLES = ['bill', 'driving_event', 'policy', 'tariff', 'trip', 'trip_day', 'trip_revision'];

/** All that the tables hold but for the marks of what changed. */
async function contentOf(url: string): Promise<Record<string, unknown>> {
  return withClient(url, async (client) => {
    const content: Record<string, unknown> = {};
    for (const table of TABLES) {
      const { rows } = await client.query(
        `select to_jsonb(t) - 'changed' as row from ${table} t order by (to_jsonb(t) - 'changed')::text`,
      );
      expect(rows.length, table).toBeGreaterThan(table === 'trip_revision' ? -1 : 0);
      content[table] = rows;
    }
    return content;
  });
}

async function readEpoch(url: string): Promise<string> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ epoch: string }>('select epoch from store_epoch');
    return rows[0]!.epoch;
  });
}

/** Rows and wake-ups of transactions that this instance has not reached. */
async function countNotReached(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ count: number }>(
      `select sum(n)::int as count from (${TABLES.filter((table) => table !== 'trip_day')
        .map(
          (table) =>
            `select count(*) as n from ${table} where changed >= pg_snapshot_xmax(pg_current_snapshot())`,
        )
        .join(' union all ')} union all
         select count(*) from journal where xid >= pg_snapshot_xmax(pg_current_snapshot())) as counts`,
    );
    return rows[0]!.count;
  });
}

describe('a store with bills, tariffs, policies and trips', () => {
  it('that was restored from a dump goes on: ids of the old instance are gone, the facts are the same', async () => {
    const database = await createTestDatabase();
    try {
      const { ownerUrl } = database;
      await migrate({ url: ownerUrl, logins: database });
      await fill(database);
      // A dump keeps the marks, and the new instance counts transactions from the beginning.
      await withClient(ownerUrl, async (client) => {
        await client.query(`set session_replication_role = replica`);
        for (const table of TABLES.filter((name) => name !== 'trip_day')) {
          await client.query(`update ${table} set changed = '987654321'`);
        }
        await client.query(`update journal set xid = '987654321'`);
        await client.query(
          `insert into journal (xid, device_ids) select '987654321', '{1}' from generate_series(1, 12000)`,
        );
        await client.query(`update store_epoch set identity = '1/00000001/1/1'`);
      });
      const [content, epoch] = [await contentOf(ownerUrl), await readEpoch(ownerUrl)];
      expect(await countNotReached(ownerUrl)).toBeGreaterThan(12_000);

      expect(await migrate({ url: ownerUrl, logins: database })).toEqual({
        applied: [],
        renewed: true,
      });

      expect(await countNotReached(ownerUrl)).toBe(0);
      expect(await contentOf(ownerUrl)).toEqual(content);
      expect(await readEpoch(ownerUrl)).not.toBe(epoch);
      expect(await migrate({ url: ownerUrl })).toEqual({ applied: [], renewed: false });
      await withClient(ownerUrl, async (client) => {
        await expect(client.query(`update bill set total = 0`)).rejects.toThrow(/never changed/);
        await expect(client.query(`update tariff set document = '{}'`)).rejects.toThrow(
          /only its retirement/,
        );
        await expect(
          client.query(`update tariff set status = 'ACTIVE' where status = 'RETIRED'`),
        ).rejects.toThrow(/only its retirement/);
      });
    } finally {
      await database.drop();
    }
  });

  it('keeps its epoch where an earlier version wrote its identity', async () => {
    const database = await createTestDatabase();
    try {
      const { ownerUrl } = database;
      await migrate({ url: ownerUrl, logins: database });
      const epoch = await readEpoch(ownerUrl);
      await withClient(ownerUrl, (client) =>
        client.query(`update store_epoch set identity = regexp_replace(identity, '/[^/]*$', '')`),
      );
      expect(await migrate({ url: ownerUrl })).toEqual({ applied: [], renewed: false });
      expect(await readEpoch(ownerUrl)).toBe(epoch);
      // A dump restored over the old tables: same cluster, same database, other tables.
      await withClient(ownerUrl, (client) =>
        client.query(`create table copy (like store_epoch including all); insert into copy select * from store_epoch;
          drop table store_epoch; alter table copy rename to store_epoch`),
      );
      expect(await migrate({ url: ownerUrl })).toEqual({ applied: [], renewed: true });
    } finally {
      await database.drop();
    }
  });

  it('that is a promoted copy of a cluster goes on after `odograph migrate`', async () => {
    const [first, second] = [makeFolder(), makeFolder()];
    folders.push(first, second);
    const settings = { fsync: 'off', shared_buffers: '16MB' };
    const original = await startPostgres({ dataDir: first, port: 0, settings });
    const urlsOf = (ownerUrl: string) => ({
      ownerUrl,
      sinkUrl: withLogin(ownerUrl, LOGINS.sink),
      apiUrl: withLogin(ownerUrl, LOGINS.api),
    });
    await migrate({ url: original.ownerUrl, logins: urlsOf(original.ownerUrl) });
    await fill(urlsOf(original.ownerUrl));
    const content = await contentOf(original.ownerUrl);
    await original.stop();

    execFileSync('cp', ['-a', join(first, 'postgres'), second]);
    const signal = join(second, 'postgres/data/recovery.signal');
    writeFileSync(signal, '');
    const promoted = await startPostgres({
      dataDir: second,
      port: 0,
      settings: { ...settings, restore_command: 'false' },
    });
    try {
      const { ownerUrl } = promoted;
      // It answers while it still recovers; then it goes on under the next timeline.
      await withClient(ownerUrl, async (client) => {
        const isRecovering = 'select pg_is_in_recovery() as "isRecovering"';
        while ((await client.query(isRecovering)).rows[0].isRecovering) await sleep(50);
      });
      expect(await migrate({ url: ownerUrl, logins: urlsOf(ownerUrl) })).toEqual({
        applied: [],
        renewed: true,
      });
      expect(await contentOf(ownerUrl)).toEqual(content);
      expect(await migrate({ url: ownerUrl })).toEqual({ applied: [], renewed: false });
    } finally {
      await promoted.stop();
    }
  });
});

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAnalyst, openAnalyst } from '../../../src/store/setup/analysts.ts';
import { findHorizonHolders, findMissingMigrations } from '../../../src/store/setup/diagnose.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { withLogin } from '../../support/cluster.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let first: TestDatabase;
let second: TestDatabase;
const plain = { user: `odograph_test_owner_${process.pid}`, password: 'p' };

beforeAll(async () => {
  [first, second] = [await createTestDatabase(), await createTestDatabase({ empty: true })];
});
afterAll(async () => {
  await ask(first.ownerUrl, `drop owned by ${plain.user}; drop role if exists ${plain.user}`).catch(
    () => undefined,
  );
  await first.drop();
  await second.drop();
});

async function ask<T extends object>(url: string, text: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text, values)).rows;
  } finally {
    await client.end();
  }
}

describe('a second store in the cluster', () => {
  it('does not change the passwords that the first one set', async () => {
    await migrate({ url: first.ownerUrl, logins: first });
    const other = (url: string) => {
      const changed = new URL(url);
      changed.password = 'another';
      return changed.href;
    };
    await expect(
      migrate({
        url: second.ownerUrl,
        logins: { sinkUrl: other(second.sinkUrl), apiUrl: other(second.apiUrl) },
      }),
    ).rejects.toMatchObject({ code: 'LOGIN_IN_USE' });
    expect(await ask(first.sinkUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    await migrate({ url: second.ownerUrl, logins: second });
    expect(await ask(second.apiUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe("analysts' logins", () => {
  const long = 'a-tenant-with-a-name-that-is-longer-than-forty-six-characters';
  const slugs = [`${long}-one`, `${long}-two`, 'north-sea', 'north_sea'];

  it('are each of one tenant, however long or alike the names, in each store of the cluster', async () => {
    const urls: string[] = [];
    for (const { ownerUrl } of [first, second]) {
      for (const slug of slugs) {
        await ask(ownerUrl, 'insert into tenant (slug) values ($1)', [slug]);
        urls.push((await openAnalyst(ownerUrl, slug))!.url);
      }
    }
    expect(new Set(urls.map((url) => new URL(url).username)).size).toBe(urls.length);
    for (const url of urls)
      expect(await ask(url, 'select count(*)::int as n from trip')).toEqual([{ n: 0 }]);
    // Opened again, a tenant keeps its login, and only that one is closed.
    const again = await openAnalyst(first.ownerUrl, slugs[0]!);
    expect(again?.login).toBe(new URL(urls[0]!).username);
    expect(await closeAnalyst(first.ownerUrl, slugs[0]!)).toBe(true);
    expect(await closeAnalyst(first.ownerUrl, slugs[0]!)).toBe(false);
    await expect(ask(again!.url, 'select 1')).rejects.toThrow();
    expect(await ask(urls[1]!, 'select 1 as one')).toEqual([{ one: 1 }]);
    for (const { ownerUrl } of [first, second]) {
      for (const slug of slugs) await closeAnalyst(ownerUrl, slug);
    }
  });

  it('create no temporary table, and do not stay idle in a transaction', async () => {
    await ask(first.ownerUrl, `insert into tenant (slug) values ('temporary')`);
    const { url } = (await openAnalyst(first.ownerUrl, 'temporary'))!;
    await expect(ask(url, 'begin read write; create temp table t (id int)')).rejects.toThrow(
      /permission denied to create temporary tables/,
    );
    const [settings] = await ask(
      url,
      `select current_setting('idle_in_transaction_session_timeout') as idle, current_setting('statement_timeout') as statement`,
    );
    expect(settings).toEqual({ idle: '1min', statement: '5min' });
    await closeAnalyst(first.ownerUrl, 'temporary');
  });
});

describe('what doctor looks at', () => {
  it('is who wrote and is still open, not who reads, and what an owner may not see is said', async () => {
    await ask(
      first.ownerUrl,
      `create role ${plain.user} login password '${plain.password}'; grant select on _prisma_migrations to ${plain.user}`,
    );
    const [reader, writer, owner, weak] = [
      new pg.Client(first.apiUrl),
      new pg.Client(first.ownerUrl),
      new pg.Client(first.ownerUrl),
      new pg.Client(withLogin(first.ownerUrl, plain)),
    ];
    for (const client of [reader, writer, owner, weak]) await client.connect();
    try {
      await reader.query('begin isolation level repeatable read; select 1 from trip');
      expect(await findHorizonHolders(owner, -1)).toEqual({ holders: [], seesOthers: true });
      await writer.query('begin; select pg_current_xact_id()');
      const { holders } = await findHorizonHolders(owner, -1);
      expect(holders.map(({ holder }) => holder)).toEqual([
        expect.stringContaining('idle in transaction'),
      ]);
      expect(await findHorizonHolders(weak, -1)).toEqual({ holders: [], seesOthers: false });
      expect((await findMissingMigrations(weak)).missing).toEqual([]);
    } finally {
      for (const client of [reader, writer, owner, weak]) await client.end();
    }
  });
});

import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { migrate } from '../../src/store/setup/migrate.ts';
import { readMigrations, useSchemaEngine } from '../../src/store/setup/schema-engine.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const NAME = /_rules_begin$/;
const DAY_MS = 86_400_000;

const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const database of databases) await database.drop();
});

async function ask<T extends object>(url: string, text: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}

/** A store as the release before the rules' beginning left it. */
async function openOlderStore(): Promise<string> {
  const database = await createTestDatabase({ empty: true });
  databases.push(database);
  const list = readMigrations();
  const end = list.migrationDirectories.findIndex(({ path }) => NAME.test(path));
  await useSchemaEngine(database.ownerUrl, (engine) =>
    engine.applyMigrations({
      migrationsList: {
        ...list,
        migrationDirectories: list.migrationDirectories.slice(0, end),
      },
      filters: { externalTables: [], externalEnums: [] },
    }),
  );
  return database.ownerUrl;
}

/** The rules after migrating, and the database's instant just before. */
async function rulesAfterMigrating(url: string) {
  const [now] = await ask<{ ms: number }>(
    url,
    'select (extract(epoch from now()) * 1000)::float8 as ms',
  );
  const { applied } = await migrate({ url });
  const rules = await ask<{ ms: number; version: string }>(
    url,
    'select (extract(epoch from effective_from) * 1000)::float8 as ms, version from rules order by 1',
  );
  return { applied, rules, nowMs: now!.ms };
}

const readInto = `insert into sink_offset (topic, partition, next_offset) values ('telematics', 0, 7)`;

describe('the rules of a new store', () => {
  test('are version 3 from the first event on if no sink has written to it', async () => {
    const { applied, rules } = await rulesAfterMigrating(await openOlderStore());
    expect(applied[0]).toMatch(NAME);
    expect(rules).toEqual([{ ms: 0, version: '3' }]);
  });

  test('stay version 1 for events that an older release stored, and become version 2 later than any of them', async () => {
    const url = await openOlderStore();
    await ask(url, readInto);
    const { rules, nowMs } = await rulesAfterMigrating(url);
    expect(rules.map(({ version }) => version)).toEqual(['1', '2']);
    expect(rules[0]!.ms).toBe(0);
    const fromMs = rules[1]!.ms;
    expect(fromMs % DAY_MS).toBe(0);
    // An event may be a day ahead of the clock of the sink.
    expect(fromMs - nowMs).toBeGreaterThan(2 * DAY_MS);
    expect(fromMs - nowMs).toBeLessThanOrEqual(3 * DAY_MS);
  });

  test.each([
    ['before any event', ''],
    ['with events', readInto],
  ])('are those that somebody gave it %s, and nothing is added', async (_, also) => {
    const url = await openOlderStore();
    await ask(url, `insert into rules values ('2020-01-01T00:00:00Z', '1'); ${also}`);
    const { rules } = await rulesAfterMigrating(url);
    expect(rules).toEqual([{ ms: Date.UTC(2020, 0, 1), version: '1' }]);
  });

  test('are not added again after a sink has read, or by a later start', async () => {
    const url = await openOlderStore();
    const first = await rulesAfterMigrating(url);
    await ask(url, readInto);
    const second = await rulesAfterMigrating(url);
    expect(second.applied).toEqual([]);
    expect(second.rules).toEqual(first.rules);
  });
});

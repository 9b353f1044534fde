import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../../src/store/setup/migrate.ts';
import {
  readDatamodel,
  readMigrations,
  useSchemaEngine,
} from '../../../src/store/setup/schema-engine.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { withLogin } from '../../support/cluster.ts';

async function ask<T extends object>(url: string, text: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text, values)).rows;
  } finally {
    await client.end();
  }
}

const every = readMigrations().migrationDirectories.map(({ path }) => path);
const databases: TestDatabase[] = [];
async function open(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const database = await createTestDatabase(options);
  databases.push(database);
  return database;
}
afterAll(async () => {
  for (const database of databases) await database.drop();
});

describe('migrating an empty database', () => {
  test('applies each migration once if six callers start at once', async () => {
    const { ownerUrl } = await open({ empty: true });
    const results = await Promise.all(Array.from({ length: 6 }, () => migrate({ url: ownerUrl })));
    expect(results.flatMap(({ applied }) => applied)).toEqual(every);
    expect(results.map(({ renewed }) => renewed)).not.toContain(true);
  });

  test("leaves the same rows in Prisma's own table as `prisma migrate`", async () => {
    const { ownerUrl } = await open({ empty: true });
    await migrate({ url: ownerUrl });
    const rows = await ask(
      ownerUrl,
      `select migration_name as name, finished_at is not null as finished, rolled_back_at, length(checksum) as checksum
       from _prisma_migrations order by migration_name`,
    );
    expect(rows).toEqual(
      every.map((name) => ({ name, finished: true, rolled_back_at: null, checksum: 64 })),
    );
  });

  test('works for an owner that is not a superuser, who holds the event table only through a role', async () => {
    const { ownerUrl } = await open({ empty: true });
    const { pathname } = new URL(ownerUrl);
    const plain = { user: `odograph_test_plain_${process.pid}`, password: 'p' };
    await ask(
      ownerUrl,
      `create role ${plain.user} login createrole password '${plain.password}';
       grant odograph_sink, odograph_api, odograph_operator, odograph_analytics to ${plain.user} with admin option, inherit false, set false;
       alter database "${pathname.slice(1)}" owner to ${plain.user}`,
    );
    try {
      await migrate({ url: withLogin(ownerUrl, plain) });
      const rows = await ask(
        ownerUrl,
        `select relname as table, pg_get_userbyid(relowner) as owner from pg_class where relnamespace = 'public'::regnamespace and relname in ('event', 'trip') order by 1`,
      );
      expect(rows).toEqual([
        { table: 'event', owner: 'odograph_sink' },
        { table: 'trip', owner: plain.user },
      ]);
    } finally {
      await ask(
        ownerUrl,
        `reassign owned by ${plain.user} to current_user; drop owned by ${plain.user}; drop role ${plain.user}`,
      );
    }
  });

  test('a migration that fails leaves nothing behind and reports the message of the database', async () => {
    const { ownerUrl } = await open({ empty: true });
    await ask(ownerUrl, 'create function current_tenant() returns int language sql return 1');
    await expect(migrate({ url: ownerUrl })).rejects.toThrow(/"current_tenant" already exists/);
    expect(await ask(ownerUrl, `select to_regclass('tenant') as tenant`)).toEqual([
      { tenant: null },
    ]);
  });
});

describe('the roles', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });

  test('the sink and the API log in with the passwords of their URLs', async () => {
    for (const [url, user] of [
      [database.sinkUrl, 'odograph_sink'],
      [database.apiUrl, 'odograph_api'],
    ] as const) {
      expect(await ask(url, 'select current_user::text as user')).toEqual([{ user }]);
    }
  });

  test('the API has no operator rights until it asks for them in a transaction', async () => {
    await expect(ask(database.apiUrl, 'select * from dead_letter')).rejects.toThrow(
      /permission denied/,
    );
    await ask(
      database.apiUrl,
      'begin; set local role odograph_operator; select * from dead_letter; commit',
    );
  });

  test('neither the sink nor the API is a superuser, bypasses row-level security or owns a table that has it', async () => {
    const [row] = await ask(
      database.ownerUrl,
      `select (select count(*)::int from pg_roles where rolname like 'odograph\\_%' and rolname !~ 'test' and (rolsuper or rolbypassrls)) as mighty,
              (select array_agg(relname::text) from pg_class where relkind in ('r', 'p') and pg_get_userbyid(relowner) in ('odograph_sink', 'odograph_api')) as owned`,
    );
    expect(row).toEqual({ mighty: 0, owned: ['event'] });
  });

  test('a URL with another user name is refused with the right one', async () => {
    const sinkUrl = withLogin(database.ownerUrl, { user: 'somebody', password: 'p' });
    await expect(migrate({ url: database.ownerUrl, logins: { sinkUrl } })).rejects.toThrow(
      'DATABASE_SINK_URL connects as "somebody", but must connect as odograph_sink',
    );
  });
});

describe('after a restore', () => {
  test('every row that a cursor could have seen counts as changed now, and the epoch is new', async () => {
    const { ownerUrl } = await open();
    await ask(
      ownerUrl,
      `insert into trip_revision (trip_id, revision, device_id, tenant_id, known_from, known_to, withdrawn, facts, changed)
         values (1, 1, 1, 1, now(), now(), false, '{}', '987654321');
       insert into journal (xid, device_ids) values ('987654321', '{1}')`,
    );
    const [before] = await ask<{ epoch: string }>(ownerUrl, 'select epoch from store_epoch');
    // A clone of the template is, to the epoch, what a restored database is: another database's oid.
    expect(await migrate({ url: ownerUrl })).toEqual({ applied: [], renewed: true });

    const [after] = await ask<{ epoch: string }>(ownerUrl, 'select epoch from store_epoch');
    expect(after?.epoch).not.toBe(before?.epoch);
    expect(
      await ask(
        ownerUrl,
        `select (select bool_and(changed < pg_snapshot_xmax(pg_current_snapshot())) from trip_revision) as past,
                (select count(*)::int from journal) as journal`,
      ),
    ).toEqual([{ past: true, journal: 0 }]);

    expect(await migrate({ url: ownerUrl })).toEqual({ applied: [], renewed: false });
    const [kept] = await ask<{ epoch: string }>(ownerUrl, 'select epoch from store_epoch');
    expect(kept).toEqual(after);
  });
});

describe('drift', () => {
  const diffFrom = async (url: string) =>
    useSchemaEngine(url, (engine) =>
      engine.diff({
        from: {
          tag: 'schemaDatasource',
          files: [{ path: 'schema.prisma', content: readDatamodel() }],
          configDir: 'prisma',
        },
        to: {
          tag: 'schemaDatamodel',
          files: [{ path: 'schema.prisma', content: readDatamodel() }],
        },
        script: true,
        exitCode: true,
        filters: { externalTables: [], externalEnums: [] },
      }),
    );

  test('schema.prisma matches the schema that the migrations create', async () => {
    const { ownerUrl } = await open();
    expect(await diffFrom(ownerUrl)).toEqual({ exitCode: 0, stdout: expect.anything() });
  });

  test('a column that is missing in schema.prisma is reported', async () => {
    const { ownerUrl } = await open();
    await ask(ownerUrl, 'alter table driver add column shoe_size int');
    const { exitCode, stdout } = await diffFrom(ownerUrl);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('shoe_size');
  });
});

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';

/** Tables of which nobody owns a row. The API may read them, and what is in them is nobody's secret. */
const OF_NOBODY = ['journal', 'rules', 'sink_offset', 'store_epoch', 'tenant'];

/** Of which a driver reads every row of his tenant: what prices him, and which orders were carried out. */
const SHARED = ['idempotency_key', 'tariff'];

/**
 * Whose rows are made in every table. Each row has its owner's number in every integer column that the
 * column's name does not give to somebody else, so a row shows whose it is whatever its table.
 */
const OWN = { tenant: 101, other: 101 };
const COLLEAGUE = { tenant: 101, other: 102 };
const FOREIGN = { tenant: 103, other: 103 };

interface Column {
  readonly name: string;
  readonly type: string;
  readonly generated: boolean;
  /** Whether the API's login may set it in a row that is there. */
  readonly settable: boolean;
}

let database: TestDatabase;
let owner: pg.Client;
let api: pg.Client;
let tables: Map<string, readonly Column[]>;

/** Every table of the schema, also one that is made tomorrow; a partition is seen through its parent. */
async function readTables(): Promise<Map<string, readonly Column[]>> {
  const { rows } = await owner.query<{ table: string; columns: Column[] }>(
    `select c.relname as table, json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, null),
         'generated', a.attgenerated <> '', 'settable', a.attidentity = '' and has_column_privilege('odograph_api', c.oid, a.attnum, 'update')) order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname <> '_prisma_migrations'
     group by c.relname order by c.relname`,
  );
  return new Map(rows.map(({ table, columns }) => [table, columns]));
}

function valueOf({ name, type }: Column, { tenant, other }: typeof OWN): string {
  const mine = String(name === 'tenant_id' ? tenant : other);
  const isEnd = name.startsWith('to_');
  if (type === 'integer' || type === 'bigint' || type === 'smallint' || type === 'numeric')
    return mine;
  if (type.startsWith('timestamp') || type === 'date') {
    return isEnd ? `'9999-12-31'` : name.startsWith('from_') ? `'1970-01-01'` : `'2015-05-15'`;
  }
  if (type === 'boolean') return 'false';
  if (type === 'jsonb' || type === 'json') return `'{}'`;
  if (type === 'xid8') return `'3'`;
  if (type.endsWith('[]')) return `array[${mine}]::${type}`;
  if (type === 'bytea') return `'\\x00'`;
  return `'${mine}'`;
}

async function fill(table: string, columns: readonly Column[], whose: typeof OWN): Promise<void> {
  const written = columns.filter(({ generated }) => !generated);
  const row = table === 'tenant' ? { ...whose, other: whose.tenant } : whose;
  await owner.query(
    `insert into ${table} (${written.map(({ name }) => `"${name}"`).join(', ')}) overriding system value
     values (${written.map((column) => valueOf(column, row)).join(', ')}) on conflict do nothing`,
  );
}

beforeAll(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  api = new pg.Client({ connectionString: database.apiUrl });
  await owner.connect();
  await api.connect();
  await owner.query('create table event_all partition of event default');
  // What rows mean is for other tests: here only whose they are.
  await owner.query(`set session_replication_role = replica`);
  const { rows } = await owner.query<{ drop: string }>(
    `select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop from pg_constraint
     where contype in ('c', 'x') and connamespace = 'public'::regnamespace and conparentid = 0 and conislocal`,
  );
  for (const { drop } of rows) await owner.query(drop);
  tables = await readTables();
  for (const [table, columns] of tables) {
    for (const whose of [OWN, COLLEAGUE, FOREIGN]) await fill(table, columns, whose);
  }
});
afterAll(async () => {
  await owner.end();
  await api.end();
  await database.drop();
});

/** What a statement of the API gives under these walls; the error's code where it is refused. */
async function behindWalls(
  walls: { readonly tenant?: number; readonly driver?: number },
  statement: string,
): Promise<{ rows: Record<string, unknown>[]; count: number } | { refused: string }> {
  await api.query('begin');
  try {
    for (const [name, value] of Object.entries(walls)) {
      await api.query(`select set_config('odograph.${name}', $1, true)`, [String(value)]);
    }
    const { rows, rowCount } = await api.query<Record<string, unknown>>(statement);
    return { rows, count: rowCount ?? 0 };
  } catch (error) {
    return { refused: (error as { code: string }).code };
  } finally {
    await api.query('rollback');
  }
}

const NOT_GRANTED = { refused: '42501' };
const guarded = () => [...tables].filter(([table]) => !OF_NOBODY.includes(table));
const has = (columns: readonly Column[], name: string) =>
  columns.some((column) => column.name === name);

/** By a column that says whose a row is, how many rows are not the asker's. */
function countForeign(rows: readonly Record<string, unknown>[], column: string, mine: number) {
  return rows.filter((row) => Number(row[column]) !== mine).length;
}

describe('the login of the API', () => {
  it('is subject to row-level security in every table with rows of a tenant', async () => {
    const { rows } = await owner.query<{ table: string }>(
      `select relname as table from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
         and not relispartition and not relrowsecurity and has_table_privilege('odograph_api', oid, 'select')
       order by 1`,
    );
    expect(rows.map(({ table }) => table)).toEqual(OF_NOBODY);
  });

  it('reads nothing without a tenant', async () => {
    for (const [table] of guarded()) {
      const seen = await behindWalls({}, `select * from ${table}`);
      expect([table, 'refused' in seen ? seen : seen.count]).toEqual([
        table,
        'refused' in seen ? NOT_GRANTED : 0,
      ]);
    }
  });

  it('reads its tenant’s rows and no row of another tenant, in every table', async () => {
    let read = 0;
    for (const [table, columns] of guarded()) {
      const seen = await behindWalls({ tenant: OWN.tenant }, `select * from ${table}`);
      if ('refused' in seen) {
        expect([table, seen]).toEqual([table, NOT_GRANTED]);
        continue;
      }
      read++;
      expect([table, seen.count > 0]).toEqual([table, true]);
      const foreign = seen.rows.filter((row) =>
        Object.values(row).map(Number).includes(FOREIGN.other),
      );
      expect([table, foreign]).toEqual([table, []]);
      if (has(columns, 'tenant_id')) {
        expect([table, countForeign(seen.rows, 'tenant_id', OWN.tenant)]).toEqual([table, 0]);
      }
    }
    expect(read).toBeGreaterThan(15);
  });

  it('reads for a driver no row of a colleague, except what drivers of a tenant share', async () => {
    const walls = { tenant: OWN.tenant, driver: OWN.other };
    const shared: string[] = [];
    for (const [table] of guarded()) {
      const seen = await behindWalls(walls, `select * from ${table}`);
      if ('refused' in seen) continue;
      if (seen.rows.some((row) => Object.values(row).map(Number).includes(COLLEAGUE.other)))
        shared.push(table);
    }
    expect(shared).toEqual(SHARED);
  });

  it('changes and deletes no row of another tenant', async () => {
    for (const [table, columns] of guarded()) {
      const theirs = `where to_jsonb(${table})::text like '%${FOREIGN.other}%'`;
      const settable = columns.find((column) => column.settable)?.name;
      for (const statement of [
        `delete from ${table} ${theirs}`,
        ...(settable ? [`update ${table} set "${settable}" = "${settable}" ${theirs}`] : []),
      ]) {
        const done = await behindWalls({ tenant: OWN.tenant }, statement);
        expect([statement, 'refused' in done ? done : done.count]).toEqual([
          statement,
          'refused' in done ? NOT_GRANTED : 0,
        ]);
      }
    }
  });

  it('writes no row for another tenant', async () => {
    for (const [table, columns] of guarded()) {
      if (!has(columns, 'tenant_id') || table === 'access_log') continue;
      const written = columns.filter(({ generated }) => !generated);
      const done = await behindWalls(
        { tenant: OWN.tenant },
        `insert into ${table} (${written.map(({ name }) => `"${name}"`).join(', ')}) overriding system value
         values (${written.map((each) => valueOf(each, { tenant: FOREIGN.tenant, other: 999 })).join(', ')})`,
      );
      expect([table, done]).toEqual([table, NOT_GRANTED]);
    }
  });

  it('appends to the access log, and neither reads nor changes it', async () => {
    const walls = { tenant: OWN.tenant };
    const add = `insert into access_log (role, object, request_id) values ('CLAIMS', 'Trip.path 1', 'r')`;
    expect(await behindWalls(walls, add)).toMatchObject({ count: 1 });
    for (const statement of [
      'select * from access_log',
      `update access_log set purpose = 'another'`,
      'delete from access_log',
      'truncate access_log',
      'set role odograph_sink',
      'set row_security = off; select * from trip',
    ]) {
      expect([statement, await behindWalls(walls, statement)]).toEqual([statement, NOT_GRANTED]);
    }
  });
});

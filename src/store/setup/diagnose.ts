import type pg from 'pg';
import { readMigrations } from './schema-engine.ts';

/** Names of this version's migrations, and of those that the database lacks. */
export async function findMissingMigrations(
  client: pg.ClientBase,
): Promise<{ readonly all: readonly string[]; readonly missing: readonly string[] }> {
  const all = readMigrations().migrationDirectories.map(({ path }) => path);
  const { rows: tables } = await client.query<{ table: string | null }>(
    `select to_regclass('_prisma_migrations') as table`,
  );
  const { rows } = tables[0]?.table
    ? await client.query<{ name: string }>(
        'select migration_name as name from _prisma_migrations where finished_at is not null and rolled_back_at is null',
      )
    : { rows: [] };
  const applied = new Set(rows.map(({ name }) => name));
  return { all, missing: all.filter((name) => !applied.has(name)) };
}

/** An open transaction that keeps subscribers from what was committed since it began. */
export interface HorizonHolder {
  readonly holder: string;
  readonly ageS: number;
}

/**
 * Transactions older than some seconds that wrote or hold a row lock. One that only reads holds nothing up.
 * @returns also whether the login may see what other logins do; without that they are missing
 */
export async function findHorizonHolders(
  client: pg.ClientBase,
  olderThanS: number,
): Promise<{ readonly holders: readonly HorizonHolder[]; readonly seesOthers: boolean }> {
  const { rows } = await client.query<HorizonHolder>(
    `select holder, extract(epoch from clock_timestamp() - since)::int as "ageS" from (
       select format('the prepared transaction %L of %s', gid, owner) as holder, prepared as since from pg_prepared_xacts
       union all
       select format('process %s of %s (%s), %s', pid, usename, coalesce(nullif(application_name, ''), 'no name'), state), xact_start
       from pg_stat_activity where pid <> pg_backend_pid() and backend_xid is not null) as holders
     where since < clock_timestamp() - make_interval(secs => $1) order by since`,
    [olderThanS],
  );
  const { rows: rights } = await client.query<{ seesOthers: boolean }>(
    `select pg_has_role('pg_read_all_stats', 'usage') as "seesOthers"`,
  );
  return { holders: rows, seesOthers: rights[0]!.seesOthers };
}

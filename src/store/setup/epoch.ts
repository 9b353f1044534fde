import type pg from 'pg';

/** What names this very store: a restored backup, a promoted standby and a copied database differ in it. */
const IDENTITY = `
  select (select system_identifier from pg_control_system())::text
    || '/' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)
    || '/' || (select oid from pg_database where datname = current_database())::text as identity`;

/**
 * After a restore transaction ids start again from an older one, so that what a cursor says of them
 * means something else. Then every row counts as changed now, and a new epoch makes old cursors expire.
 * @param client a connection of the owner of the database.
 * @returns whether the store had another identity before, so that cursors given out earlier expire.
 */
export async function renewEpoch(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ identity: string }>(IDENTITY);
  const identity = rows[0]?.identity;
  await client.query('begin');
  try {
    const { rows: kept } = await client.query<{ identity: string }>(
      'select identity from store_epoch for update',
    );
    const before = kept[0]?.identity;
    if (before !== identity) {
      for (const table of await listTablesWithChanged(client)) {
        await client.query(
          `update ${client.escapeIdentifier(table)} set changed = pg_current_xact_id()`,
        );
      }
      // A wake-up of another time would come to life when this cluster's ids reach it.
      await client.query('delete from journal');
      await client.query(
        `insert into store_epoch (epoch, identity) values (floor(random() * 9007199254740991)::bigint, $1)
         on conflict (id) do update set epoch = excluded.epoch, identity = excluded.identity`,
        [identity],
      );
    }
    await client.query('commit');
    return before !== '' && before !== identity;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function listTablesWithChanged(client: pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ relname: string }>(
    `select c.relname from pg_attribute a join pg_class c on c.oid = a.attrelid
     where a.attname = 'changed' and a.atttypid = 'xid8'::regtype and c.relkind = 'r'
       and c.relnamespace = 'public'::regnamespace order by c.relname`,
  );
  return rows.map((row) => row.relname);
}

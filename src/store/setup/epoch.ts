import type pg from 'pg';

/**
 * Identifies this database instance: a restored backup, a promoted standby, a copied database and a dump
 * that was restored over the old one differ in it.
 */
const IDENTITY = `
  select (select system_identifier from pg_control_system())::text
    || '/' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)
    || '/' || (select oid from pg_database where datname = current_database())::text
    || '/' || 'store_epoch'::regclass::oid::text as identity`;

/** Blocks of 8 kB that one statement looks through, so that none lasts long and holds many rows. */
const PIECE_BLOCKS = 2_048;
const PIECE_ROWS = 5_000;

/** A transaction id that this instance has not reached: of the instance whose backup was restored. */
const NOT_REACHED = '(select pg_snapshot_xmax(pg_current_snapshot()))';

/**
 * Notices that the database is another instance than at the last start. Transaction ids may then start
 * again from older ones, so that a cursor's place means something else: a new epoch makes old cursors
 * expire. Rows and wake-ups marked with ids that this instance has yet to reach count as changed now, in
 * pieces that commit by themselves. The new identity is written last: what was interrupted begins again.
 * @param client a connection of the owner of the database.
 * @returns whether the store had another identity before, so that cursors given out earlier expire.
 */
export async function renewEpoch(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ identity: string }>(IDENTITY);
  const identity = rows[0]!.identity;
  const { rows: kept } = await client.query<{ identity: string }>(
    'select identity from store_epoch',
  );
  const before = kept[0]?.identity;
  if (before === identity) return false;
  // Earlier versions did not look at the table's own id.
  const isRenewed = before !== '' && !identity.startsWith(`${before}/`);
  if (isRenewed) {
    for (const table of await listTablesWithChanged(client)) await markAsChanged(client, table);
    await forgetWakeUps(client);
  }
  await client.query(
    `insert into store_epoch (epoch, identity) values (floor(random() * 9007199254740991)::bigint, $1)
     on conflict (id) do update set identity = excluded.identity,
       epoch = case when $2 then excluded.epoch else store_epoch.epoch end`,
    [identity, isRenewed || before === ''],
  );
  return isRenewed;
}

async function listTablesWithChanged(client: pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ relname: string }>(
    `select c.relname from pg_attribute a join pg_class c on c.oid = a.attrelid
     where a.attname = 'changed' and a.atttypid = 'xid8'::regtype and c.relkind = 'r'
       and c.relnamespace = 'public'::regnamespace order by c.relname`,
  );
  return rows.map((row) => row.relname);
}

async function markAsChanged(client: pg.ClientBase, table: string): Promise<void> {
  const { rows } = await client.query<{ blocks: number }>(
    `select (pg_relation_size($1::regclass) / current_setting('block_size')::int)::int as blocks`,
    [table],
  );
  for (let block = 0; block < rows[0]!.blocks; block += PIECE_BLOCKS) {
    await client.query(
      `update ${client.escapeIdentifier(table)} set changed = pg_current_xact_id()
       where ctid >= $1::tid and ctid < $2::tid and changed >= ${NOT_REACHED}`,
      [`(${block},0)`, `(${block + PIECE_BLOCKS},0)`],
    );
  }
}

/** A wake-up of another instance would come to life when this one's ids reach it. */
async function forgetWakeUps(client: pg.ClientBase): Promise<void> {
  for (let deleted: number | null = PIECE_ROWS; deleted === PIECE_ROWS;) {
    ({ rowCount: deleted } = await client.query(
      `delete from journal where id in (select id from journal where xid >= ${NOT_REACHED} order by xid limit $1)`,
      [PIECE_ROWS],
    ));
  }
}

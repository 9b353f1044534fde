import { LOCKS } from '../locks.ts';
import type { Store } from '../open.ts';

/** For how many days the store keeps what only serves readers that resume, or that send an order again. */
export interface Lives {
  /** The journal, the list of late events, and revisions of trips that were still open. */
  readonly changesDays: number;
  readonly idempotencyKeysDays: number;
}

/** Rows that one transaction removes at most: it is over in a moment and delays no reader of changes. */
const PIECE_ROWS = 2_000;

/**
 * What has outlived its life. `$1` is the life in days and `$2` the most rows. An hour more, because a row
 * may be older than the cursor that needs it by as long as its transaction lasted. Kept for ever are
 * revisions of trips that an event had closed, by which `knownAt` answers, and the last state of withdrawn
 * trips, whose ids clients may hold.
 */
const STATEMENTS: readonly { table: string; life: keyof Lives; remove: string }[] = [
  {
    table: 'journal',
    life: 'changesDays',
    remove: `delete from journal where id in (
      select id from (select id, at from journal order by id limit $2) as oldest where at < ${before()})`,
  },
  {
    table: 'late_event',
    life: 'changesDays',
    remove: `delete from late_event where (device_id, version, sec, rest) in (
      select device_id, version, sec, rest from late_event where at < ${before()} limit $2)`,
  },
  {
    table: 'trip_revision',
    life: 'changesDays',
    remove: `delete from trip_revision where (trip_id, revision) in (
      select trip_id, revision from trip_revision
      where known_to < ${before()} and not withdrawn and facts->>'decided_sec' is null limit $2)`,
  },
  {
    table: 'idempotency_key',
    life: 'idempotencyKeysDays',
    remove: `delete from idempotency_key where (tenant_id, key) in (
      select tenant_id, key from idempotency_key where at < ${before()} limit $2)`,
  },
];

function before(): string {
  return 'now() - make_interval(days => $1::int, hours => 1)';
}

export interface Pruned {
  /** Rows removed, by table. */
  readonly rows: ReadonlyMap<string, number>;
  /** Whether there may be more to remove. */
  readonly more: boolean;
}

/** Removes one piece of each table, unless another process does so at this moment. */
export async function prune({ prisma }: Store, lives: Lives): Promise<Pruned> {
  const rows = new Map<string, number>();
  for (const { table, life, remove } of STATEMENTS) {
    const removed = await prisma.$transaction(async (tx) => {
      const [lock] = await tx.$queryRaw<{ held: boolean }[]>`
        select pg_try_advisory_xact_lock(${LOCKS.prune}) as held`;
      return lock!.held ? tx.$executeRawUnsafe(remove, lives[life], PIECE_ROWS) : 0;
    });
    if (removed > 0) rows.set(table, removed);
  }
  return { rows, more: [...rows.values()].some((count) => count === PIECE_ROWS) };
}

/** Bytes of each table with its indexes; a partitioned one with its partitions. */
export async function readTableBytes({ prisma }: Store): Promise<ReadonlyMap<string, number>> {
  const rows = await prisma.$queryRaw<{ table: string; bytes: bigint }[]>`
    select c.relname as table, coalesce((select sum(pg_total_relation_size(p.relid)) from pg_partition_tree(c.oid) as p),
      pg_total_relation_size(c.oid))::bigint as bytes
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`;
  return new Map(rows.map(({ table, bytes }) => [table, Number(bytes)]));
}

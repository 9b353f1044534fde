import type { Store } from '../open.ts';

export interface StoredOffset {
  readonly partition: number;
  readonly nextOffset: number;
  /** The last record that was stored, to recognise the log by. */
  readonly known: KnownRecord | undefined;
}

export interface KnownRecord {
  readonly offset: number;
  readonly digest: number;
}

/**
 * The stored offset of each partition. One that was never read begins at `earliest`; how far the log
 * is read does not pass its first records, for its row starts with what holds for the others.
 */
export async function loadOffsets(
  { prisma }: Store,
  topic: string,
  earliest: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, StoredOffset>> {
  const starts = [...earliest].map(([partition, offset]) => ({ partition, offset }));
  await prisma.$executeRawUnsafe(
    `insert into sink_offset (topic, partition, next_offset, read_through, held_at)
     select $1, r.partition, r."offset",
       (select min(read_through) from sink_offset where topic = $1 and retired_at is null), clock_timestamp()
     from json_to_recordset($2::json) as r(partition int, "offset" bigint)
     order by r.partition on conflict (topic, partition) do update set retired_at = null, held_at = clock_timestamp()
       where sink_offset.retired_at is not null`,
    topic,
    JSON.stringify(starts),
  );
  const rows = await prisma.sinkOffset.findMany({ where: { topic } });
  return new Map(
    rows.map((row) => [
      row.partition,
      {
        partition: row.partition,
        nextOffset: Number(row.nextOffset),
        known:
          row.knownOffset === null || row.knownDigest === null
            ? undefined
            : { offset: Number(row.knownOffset), digest: Number(row.knownDigest) },
      },
    ]),
  );
}

/** The database's clock, by which freshness is measured. */
export async function databaseNow({ prisma }: Store): Promise<Date> {
  const [row] = await prisma.$queryRaw<{ now: Date }[]>`select clock_timestamp() as now`;
  return row!.now;
}

/** A partition that this sink has; what was in the log `at` ends before `end`, if that is known. */
export interface HeldPartition {
  readonly partition: number;
  readonly end?: number;
  readonly at?: Date;
}

/**
 * Notes that this sink has these partitions, and how far each is read.
 * @returns how far each is read
 */
export async function markHeld(
  { prisma }: Store,
  topic: string,
  held: readonly HeldPartition[],
): Promise<ReadonlyMap<number, Date | null>> {
  const rows = await prisma.$queryRawUnsafe<{ partition: number; read_through: Date | null }[]>(
    `with r as (select * from json_to_recordset($2::json) as r(partition int, "end" bigint, at timestamptz)),
     locked as (select o.partition from sink_offset o join r on r.partition = o.partition
       where o.topic = $1 order by o.partition for update of o)
     update sink_offset o set held_at = clock_timestamp(),
       read_through = case when o.next_offset >= r."end" then greatest(o.read_through, r.at) else o.read_through end
     from r join locked on locked.partition = r.partition
     where o.topic = $1 and o.partition = r.partition
     returning o.partition, o.read_through`,
    topic,
    JSON.stringify(held),
  );
  return new Map(rows.map((row) => [row.partition, row.read_through]));
}

/** Partitions that no sink has had for so long are retired, if another topic is read instead. */
const RETIRE_AFTER_S = 30;

/** Retires the partitions of other topics, and those that this topic no longer has. */
export async function retireOffsets(
  { prisma }: Store,
  topic: string,
  partitions: number,
): Promise<readonly string[]> {
  const rows = await prisma.$queryRawUnsafe<{ topic: string; partition: number }[]>(
    `update sink_offset set retired_at = clock_timestamp()
     where retired_at is null and (topic <> $1 or partition >= $2::int)
       and (held_at is null or held_at < clock_timestamp() - make_interval(secs => $3::int))
     returning topic, partition`,
    topic,
    partitions,
    RETIRE_AFTER_S,
  );
  return rows.map((row) => `${row.topic}/${row.partition}`);
}

import type { Store } from '../open.ts';

export interface StoredOffset {
  readonly partition: number;
  readonly nextOffset: number;
  /** Of the record before `nextOffset`, to recognise the log. */
  readonly lastTimestampMs: number | undefined;
  readonly lastDigest: number | undefined;
}

/** The stored offset of each partition; a partition that was never read begins at `earliest`. */
export async function loadOffsets(
  { prisma }: Store,
  topic: string,
  earliest: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, StoredOffset>> {
  const starts = [...earliest].map(([partition, offset]) => ({ partition, offset }));
  await prisma.$executeRawUnsafe(
    `insert into sink_offset (topic, partition, next_offset)
     select $1, partition, "offset" from json_to_recordset($2::json) as r(partition int, "offset" bigint)
     order by partition on conflict do nothing`,
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
        lastTimestampMs: row.lastTimestamp?.getTime(),
        lastDigest: row.lastDigest === null ? undefined : Number(row.lastDigest),
      },
    ]),
  );
}

/** The database's clock, by which freshness is measured. */
export async function databaseNow({ prisma }: Store): Promise<Date> {
  const [row] = await prisma.$queryRaw<{ now: Date }[]>`select clock_timestamp() as now`;
  return row!.now;
}

/** Notes that all that stood in these partitions at `sampledAt`, up to their ends, is stored. */
export async function markReadThrough(
  { prisma }: Store,
  topic: string,
  ends: ReadonlyMap<number, number>,
  sampledAt: Date,
): Promise<void> {
  const rows = [...ends].map(([partition, end]) => ({ partition, end }));
  await prisma.$executeRawUnsafe(
    `update sink_offset o set read_through = $3 from json_to_recordset($2::json) as r(partition int, "end" bigint)
     where o.topic = $1 and o.partition = r.partition and o.next_offset >= r."end"
       and (o.read_through is null or o.read_through < $3)`,
    topic,
    JSON.stringify(rows),
    sampledAt,
  );
}

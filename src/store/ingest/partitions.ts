import { LOCKS } from '../locks.ts';
import type { Store } from '../open.ts';

const EPOCH_2000_MS = Date.UTC(2000, 0);

/** Everything before this month is in one partition: such history is sent once. */
const FIRST_MONTH = monthOf(Date.UTC(2020, 0));

/** The month in which the seconds of the store, four bytes, end: January 2068. */
const LAST_MONTH = monthOf(EPOCH_2000_MS + (2 ** 31 - 1) * 1000);

/** Months created beyond the last one needed, so that a new month already has its partition. */
const AHEAD = 2;

/**
 * Returns a function that creates the partitions of the event table for these seconds since 2000 and
 * for the next two months. It remembers what exists, so calling it for every batch costs nothing. Call
 * it outside the batch's transaction, with the sink's or the owner's login; concurrent calls are safe.
 */
export function createPartitions({ prisma }: Pick<Store, 'prisma'>) {
  const made = new Set<number>();
  return async function ensurePartitions(secs: Iterable<number>): Promise<void> {
    const missing = new Set<number>();
    for (const sec of secs) {
      const month = Math.max(monthOf(EPOCH_2000_MS + sec * 1000), FIRST_MONTH - 1);
      if (!made.has(month)) missing.add(month);
    }
    if (missing.size === 0) return;
    const months = new Set<number>();
    for (const month of missing) {
      const last = month < FIRST_MONTH ? month : Math.min(month + AHEAD, LAST_MONTH);
      for (let each = month; each <= last; each++) months.add(each);
    }
    await prisma.$transaction(async (tx) => {
      await tx.$executeRaw`select pg_advisory_xact_lock(${LOCKS.partitions})`;
      const known = await tx.$queryRaw<{ name: string }[]>`
        select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'event'::regclass`;
      const names = new Set(known.map((row) => row.name));
      for (const month of months) {
        const { name, bounds } = describe(month);
        if (names.has(name)) continue;
        // PARTITION OF would lock the parent against every writer and reader; ATTACH does not.
        await tx.$executeRawUnsafe(`create table ${name} (like event including all)`);
        await tx.$executeRawUnsafe(`alter table ${name} owner to odograph_sink`);
        await tx.$executeRawUnsafe(
          `alter table event attach partition ${name} for values ${bounds}`,
        );
      }
    });
    for (const month of missing) made.add(month);
  };
}

/** Months since year 0. */
function monthOf(atMs: number): number {
  const date = new Date(atMs);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function describe(month: number): { name: string; bounds: string } {
  if (month < FIRST_MONTH) {
    return { name: 'event_before_2020', bounds: `from (minvalue) to (${startOf(FIRST_MONTH)})` };
  }
  const name = `event_${Math.floor(month / 12)}_${String((month % 12) + 1).padStart(2, '0')}`;
  const end = month === LAST_MONTH ? 'maxvalue' : startOf(month + 1);
  return { name, bounds: `from (${startOf(month)}) to (${end})` };
}

/** The first second of a month, since 2000. */
function startOf(month: number): number {
  return (Date.UTC(Math.floor(month / 12), month % 12) - EPOCH_2000_MS) / 1000;
}

import { Prisma } from './generated/client.ts';

/**
 * How far the log is read: everything that had reached it by this instant is stored. Null until each
 * partition has been read once. Partitions that are no longer read do not count.
 */
export const READ_THROUGH = Prisma.raw(
  '(select case when bool_and(read_through is not null) then min(read_through) end from sink_offset where retired_at is null)',
);

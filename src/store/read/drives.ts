import type { Transaction } from '../transaction.ts';

/** A trip of a driver by its times alone; instants in epoch milliseconds. */
export interface DriveRow {
  readonly driverRef: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly days: readonly {
    readonly localDate: string;
    readonly durationMs: number;
    readonly idleMs: number;
  }[];
}

/** The trips of drivers that began within half-open UTC dates, those under way among them. */
export async function readDrives(
  tx: Transaction,
  driverRefs: readonly number[],
  from: string,
  to: string,
): Promise<DriveRow[]> {
  const rows = await tx.$queryRaw<
    (Omit<DriveRow, 'startedAtMs' | 'endedAtMs'> & { startedAt: Date; endedAt: Date })[]
  >`
    select t.driver_id as "driverRef", t.started_at as "startedAt", t.ended_at as "endedAt", t.days
    from trip t
    where t.driver_id = any(${driverRefs}::int[]) and t.started_at >= ${instantOf(from)} and t.started_at < ${instantOf(to)}
    order by t.started_at`;
  return rows.map(({ driverRef, startedAt, endedAt, days }) => ({
    driverRef,
    startedAtMs: startedAt.getTime(),
    endedAtMs: endedAt.getTime(),
    days,
  }));
}

function instantOf(date: string): Date {
  return new Date(`${date}T00:00:00Z`);
}

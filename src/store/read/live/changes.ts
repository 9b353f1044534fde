import { Prisma } from '../../generated/client.ts';
import type { LiveQuery } from './connection.ts';
import type { Owner } from './owner.ts';

/** Rows that changed in the transactions from one id up to another, the latter not included. */
export interface Span<Row> {
  /** Where to read on: every transaction below it is over, and what it changed is in the rows. */
  readonly upTo: bigint;
  /** Whether more lies between here and the oldest transaction that is still open. */
  readonly more: boolean;
  readonly rows: readonly Row[];
}

/** A row that changed, and whose it is. */
export interface Changed {
  /** Id of the transaction that changed it. */
  readonly changed: bigint;
  readonly deviceId: string;
  readonly owner: Owner;
}

/** Batches of sinks that one read covers: what waits behind a long transaction comes in pieces. */
const BATCHES = 20;

/** Every transaction below this id is over. */
export async function readHorizon(query: LiveQuery): Promise<bigint> {
  const [row] = await query<{ horizon: string }>(
    'horizon',
    Prisma.sql`select pg_snapshot_xmin(pg_current_snapshot())::text as horizon`,
  );
  return BigInt(row?.horizon ?? 0);
}

/**
 * The span from a transaction on, as `span(since, up_to, more)`, and as `named(device_id)` the devices of which the
 * journal says that something of theirs changed in it.
 */
export function spanFrom(since: bigint): Prisma.Sql {
  return Prisma.sql`
    horizon as materialized (select ${String(since)}::xid8 as since, pg_snapshot_xmin(pg_current_snapshot()) as xid),
    cut as materialized (select (select j.xid from journal j, horizon where j.xid > horizon.since and j.xid < horizon.xid
      order by j.xid offset ${BATCHES} limit 1) as xid),
    span as materialized (select since, coalesce(cut.xid, horizon.xid) as up_to, cut.xid is not null as more from horizon, cut),
    named as materialized (select distinct unnest(j.device_ids) as device_id from journal j, span
      where j.xid >= span.since and j.xid < span.up_to)`;
}

/** Whether a row's transaction lies in the span. */
export function isIn(row: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`${row}.changed >= span.since and ${row}.changed < span.up_to`;
}

interface RawSpan {
  readonly up_to: string;
  readonly more: boolean;
}

/** A span from rows of which each says where it ends; one whose `changed` is null says that there are none. */
export function toSpan<Raw extends RawSpan, Row>(
  since: bigint,
  rows: readonly Raw[],
  toRow: (raw: Raw) => Row | undefined,
): Span<Row> {
  const [first] = rows;
  return {
    upTo: first === undefined ? since : BigInt(first.up_to),
    more: first?.more ?? false,
    rows: rows.flatMap((raw) => toRow(raw) ?? []),
  };
}

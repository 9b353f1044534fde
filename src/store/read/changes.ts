import { Prisma } from '../generated/client.ts';
import type { Store } from '../open.ts';
import type { Transaction } from '../transaction.ts';

/** A reader's position in the order of transactions, and by row within one. */
export interface ChangePlace {
  /** Transaction id, decimal digits. */
  readonly xid: string;
  /** Rows of that transaction are seen up to this key; an empty key means none. */
  readonly key: readonly (string | number)[];
}

/** Rows that changed, and the transaction before which all have ended. */
export interface Changes<Row> {
  readonly horizon: string;
  readonly rows: readonly Row[];
}

/** The device or driver whose changes to read. */
export type ChangeSubject = { readonly deviceId: string } | { readonly driverExternalId: string };

/** Whether a row belongs to the subject. Each table has an index for either. */
export function belongsTo(row: Prisma.Sql, of: ChangeSubject): Prisma.Sql {
  return 'deviceId' in of
    ? Prisma.sql`${row}.device_id = (select id from device where external_id = ${of.deviceId})`
    : Prisma.sql`${row}.driver_id = any(array(select id from driver where external_id = ${of.driverExternalId}))`;
}

/**
 * Whether a row belongs to the reader's tenant. Rows are searched among the devices that the journal lists since a
 * position; the statement provides `now_at.horizon`.
 */
export function belongsToTenant(row: Prisma.Sql, after: ChangePlace): Prisma.Sql {
  return Prisma.sql`${row}.tenant_id = current_tenant() and ${row}.device_id = any(array(
    select unnest(j.device_ids) from journal j where j.xid >= ${after.xid}::xid8 and j.xid < now_at.horizon))`;
}

/** Identifies this store's history, of which a restored store gets another, and the key that its cursors are signed with. */
export async function readEpoch({
  prisma,
}: Store): Promise<{ readonly epoch: string; readonly cursorKey: string }> {
  const [row] = await prisma.$queryRaw<{ epoch: bigint; key: string }[]>`
    select epoch, cursor_key as key from store_epoch`;
  if (!row) throw new Error('the table store_epoch is empty: run the migrations');
  return { epoch: String(row.epoch), cursorKey: row.key };
}

/** The journal's oldest entry; streams cannot resume from before it. */
export async function readJournalStartMs(tx: Transaction): Promise<number | null> {
  const [row] = await tx.$queryRaw<{ at: Date }[]>`select at from journal order by id limit 1`;
  return row?.at.getTime() ?? null;
}

/**
 * Policies of the reader's tenant whose premium may have changed since a position: trips of their vehicles
 * changed, the policies themselves or their disputes, or a tariff of their products. Do not read this as a
 * driver: row-level security would hide what others drove with the same vehicle.
 */
export async function readRepricedPolicies(
  tx: Transaction,
  numbers: readonly string[],
  after: Pick<ChangePlace, 'xid'>,
): Promise<Changes<string>> {
  const since = (row: Prisma.Sql) =>
    Prisma.sql`${row}.changed >= ${after.xid}::xid8 and ${row}.changed < now_at.horizon`;
  const [row] = await tx.$queryRaw<{ horizon: string; numbers: string[] }[]>`
    with now_at as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as horizon),
    asked as materialized (select id from policy where tenant_id = current_tenant() and number = any(${[...numbers]}::text[])),
    used as materialized (select distinct a.device_id from asked
      join policy_vehicle v on v.policy_id = asked.id join assignment a on a.vehicle_id = v.vehicle_id),
    driven as materialized (
      select t.vehicle_id from used join trip t on t.device_id = used.device_id, now_at where ${since(Prisma.sql`t`)}
      union
      select (r.facts->>'vehicle_id')::int from trip_revision r, now_at
        where r.tenant_id = current_tenant() and ${since(Prisma.sql`r`)})
    select now_at.horizon::text as horizon, array(
      select p.number from policy p where p.id = any(array(select id from asked)) and (
        (${since(Prisma.sql`p`)})
        or exists (select from policy_vehicle v join driven d on d.vehicle_id = v.vehicle_id where v.policy_id = p.id)
        or exists (select from policy_product o join tariff f on f.tenant_id = p.tenant_id and f.product = o.product
            and f.jurisdiction = o.jurisdiction where o.policy_id = p.id and ${since(Prisma.sql`f`)}))) as numbers
    from now_at`;
  return { horizon: row?.horizon ?? after.xid, rows: row?.numbers ?? [] };
}

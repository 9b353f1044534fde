import { Prisma } from '../generated/client.ts';
import type { Store, Transaction } from '../open.ts';

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

/**
 * Whether a row belongs to the subject; the statement provides `now_at.horizon`. A driver's rows are searched
 * among the devices that the journal lists since a position.
 */
export function belongsTo(row: Prisma.Sql, of: ChangeSubject, after: ChangePlace): Prisma.Sql {
  return 'deviceId' in of
    ? Prisma.sql`${row}.device_id = (select id from device where external_id = ${of.deviceId})`
    : Prisma.sql`${row}.driver_id = any(array(select id from driver where external_id = ${of.driverExternalId}))
        and ${row}.device_id = any(array(select unnest(j.device_ids) from journal j
          where j.xid >= ${after.xid}::xid8 and j.xid < now_at.horizon))`;
}

/** Identifies this store's history; a restored store gets another. */
export async function readEpoch({ prisma }: Store): Promise<string> {
  const [row] = await prisma.$queryRaw<{ epoch: bigint }[]>`select epoch from store_epoch`;
  if (!row) throw new Error('the table store_epoch is empty: run the migrations');
  return String(row.epoch);
}

/** Every transaction below this id has ended. Decimal digits. */
export async function readHorizon(tx: Transaction): Promise<string> {
  const [row] = await tx.$queryRaw<{ horizon: string }[]>`
    select pg_snapshot_xmin(pg_current_snapshot())::text as horizon`;
  return row?.horizon ?? '0';
}

/** The journal's oldest entry; streams cannot resume from before it. */
export async function readJournalStartMs(tx: Transaction): Promise<number | null> {
  const [row] = await tx.$queryRaw<{ at: Date }[]>`select at from journal order by id limit 1`;
  return row?.at.getTime() ?? null;
}

/** Devices and drivers whose trips changed; read by the system across tenants. */
export interface Touched {
  readonly horizon: string;
  readonly trips: readonly {
    readonly deviceId: string;
    readonly tenant: string;
    readonly driverExternalId: string | null;
  }[];
}

/** Devices and drivers whose trips changed in transactions that ended since a horizon; without one, only the present horizon. */
export async function readTouched(
  { prisma }: Store,
  sinceHorizon: string | undefined,
): Promise<Touched> {
  return prisma.$transaction(async (tx) => {
    await tx.$executeRaw`set local role odograph_operator`;
    if (sinceHorizon === undefined) return { horizon: await readHorizon(tx), trips: [] };
    const rows = await tx.$queryRaw<
      { horizon: string; device: string | null; tenant: string; driver: string | null }[]
    >`
      with now_at as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as horizon)
      select distinct now_at.horizon::text as horizon, p.* from now_at left join lateral (
        select d.external_id as device, n.slug as tenant, v.external_id as driver
        from (select device_id, tenant_id, driver_id, changed from trip
            union all select device_id, tenant_id, driver_id, changed from trip_revision where withdrawn) as t
          join device d on d.id = t.device_id join tenant n on n.id = t.tenant_id left join driver v on v.id = t.driver_id
        where t.device_id = any(array(select unnest(j.device_ids) from journal j
            where j.xid >= ${sinceHorizon}::xid8 and j.xid < now_at.horizon))
          and t.changed >= ${sinceHorizon}::xid8 and t.changed < now_at.horizon) as p on true`;
    return {
      horizon: rows[0]?.horizon ?? sinceHorizon,
      trips: rows.flatMap(({ device, tenant, driver }) =>
        device === null ? [] : [{ deviceId: device, tenant, driverExternalId: driver }],
      ),
    };
  });
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
    touched as materialized (select distinct unnest(j.device_ids) as device_id from journal j, now_at
      where j.xid >= ${after.xid}::xid8 and j.xid < now_at.horizon),
    driven as materialized (
      select t.vehicle_id from touched join trip t on t.device_id = touched.device_id, now_at where ${since(Prisma.sql`t`)}
      union
      select (r.facts->>'vehicle_id')::int from touched join trip_revision r on r.device_id = touched.device_id, now_at
        where ${since(Prisma.sql`r`)})
    select now_at.horizon::text as horizon, array(
      select p.number from policy p where p.tenant_id = current_tenant() and p.number = any(${[...numbers]}::text[]) and (
        (${since(Prisma.sql`p`)})
        or exists (select from policy_vehicle v join driven d on d.vehicle_id = v.vehicle_id where v.policy_id = p.id)
        or exists (select from policy_product o join tariff f on f.tenant_id = p.tenant_id and f.product = o.product
            and f.jurisdiction = o.jurisdiction where o.policy_id = p.id and ${since(Prisma.sql`f`)}))) as numbers
    from now_at`;
  return { horizon: row?.horizon ?? after.xid, rows: row?.numbers ?? [] };
}

/** The versions of devices, by the id that they send; read by the system across tenants. */
export async function readVersions(
  { prisma }: Store,
  deviceIds: readonly string[],
): Promise<ReadonlyMap<string, bigint>> {
  return prisma.$transaction(async (tx) => {
    await tx.$executeRaw`set local role odograph_operator`;
    const rows = await tx.$queryRaw<{ id: string; version: bigint }[]>`
      select d.external_id as id, s.version from device d join device_state s on s.device_id = d.id
      where d.external_id = any(${deviceIds}::text[])`;
    return new Map(rows.map(({ id, version }) => [id, version]));
  });
}

import type { TripRow } from './trip-row.ts';
import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import type { ChangePlace, Changes, ChangeSubject } from './changes.ts';
import { belongsTo, belongsToTenant } from './changes.ts';
import { CLOSED, GONE, JOINS, LAST_WORDS, LIVE } from './trip-columns.ts';

/** A trip's position in the order by start. */
export interface TripKey {
  readonly startedAtMs: number;
  readonly id: number;
}

export interface TripCriteria {
  readonly deviceId?: string;
  readonly driverExternalId?: string;
  readonly startedFromMs?: number;
  readonly startedToMs?: number;
  readonly closed?: boolean;
}

/** Open trips get a condition of their own: they are few among a million, and have an index. */
function isClosed(closed: boolean): Prisma.Sql {
  return closed ? CLOSED : Prisma.sql`t.decided_sec is null and not ${CLOSED}`;
}

/** With a device, whose index serves the trips, the condition is a subquery, so that PostgreSQL does not estimate almost no rows. */
function ofDriver({ deviceId, driverExternalId }: TripCriteria): Prisma.Sql {
  const holds = Prisma.sql`t.driver_id = any(array(select id from driver where external_id = ${driverExternalId}))`;
  return deviceId === undefined ? holds : Prisma.sql`(select ${holds})`;
}

export function criteriaOf(criteria: TripCriteria): Prisma.Sql {
  const parts = [
    criteria.deviceId === undefined
      ? undefined
      : Prisma.sql`t.device_id = (select id from device where external_id = ${criteria.deviceId})`,
    criteria.driverExternalId === undefined ? undefined : ofDriver(criteria),
    criteria.startedFromMs === undefined
      ? undefined
      : Prisma.sql`t.started_at >= ${new Date(criteria.startedFromMs)}`,
    criteria.startedToMs === undefined
      ? undefined
      : Prisma.sql`t.started_at < ${new Date(criteria.startedToMs)}`,
    criteria.closed === undefined ? undefined : isClosed(criteria.closed),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? Prisma.sql`true` : Prisma.join(parts, ' and ');
}

/** The statement for trips by their ids, also for those that late messages took away. */
export function tripsById(ids: readonly number[]): Prisma.Sql {
  return Prisma.sql`
    select ${LIVE} from trip t ${JOINS} where t.id = any(${[...ids]}::bigint[])
    union all
    select ${GONE} from (select distinct on (v.trip_id) v.* from trip_revision v
      where v.trip_id = any(${[...ids]}::bigint[]) order by v.trip_id, v.revision desc) as r, ${LAST_WORDS} ${JOINS}
    where r.withdrawn and not exists (select from trip l where l.id = r.trip_id)`;
}

/** Trips by their ids; those that the reader may not see are missing. */
export async function readTrips(tx: Transaction, ids: readonly number[]): Promise<TripRow[]> {
  return tx.$queryRaw<TripRow[]>(tripsById(ids));
}

/** Trips by device and start. */
export async function readTripsByStart(
  tx: Transaction,
  starts: readonly { readonly deviceRef: number; readonly startedAtMs: number }[],
): Promise<TripRow[]> {
  return tx.$queryRaw<TripRow[]>`
    select ${LIVE} from unnest(${starts.map((s) => s.deviceRef)}::int[], ${starts.map((s) => new Date(s.startedAtMs))}::timestamptz[])
      as w(device_id, started_at) join trip t on t.device_id = w.device_id and t.started_at = w.started_at ${JOINS}`;
}

/** The statement for trips as these revisions have them, for those that lost the trip afterwards. */
export function lostTrips(revisions: readonly LostTrip[]): Prisma.Sql {
  return Prisma.sql`
    select ${GONE} from unnest(${revisions.map(({ id }) => id)}::bigint[], ${revisions.map(({ revision }) => revision)}::int[])
      as w(id, revision) join trip_revision r on r.trip_id = w.id and r.revision = w.revision, ${LAST_WORDS} ${JOINS}`;
}

/** The last revision of a trip that its reader could see. */
interface LostTrip {
  readonly id: number;
  readonly revision: number;
}

/** The device, the driver, or those of the reader's tenant that meet criteria. */
export type TripSubject = ChangeSubject | { readonly tenantWide: TripCriteria };

/**
 * The newest state of trips that changed after a position in the order of transactions, and the last state
 * of those that were removed, or that belong to another driver or tenant now.
 */
export async function readChangedTrips(
  tx: Transaction,
  of: TripSubject,
  after: ChangePlace,
  limit: number,
): Promise<Changes<TripRow>> {
  const seenId = after.key[0] ?? -1;
  const beyond = (row: Prisma.Sql, id: Prisma.Sql) =>
    Prisma.sql`${row}.changed < now_at.horizon and ${row}.changed >= ${after.xid}::xid8
      and (${row}.changed > ${after.xid}::xid8 or ${id} > ${seenId})`;
  const { deviceId, driverExternalId: driver } = criteriaOfSubject(of);
  const parts = [
    deviceId === undefined
      ? undefined
      : Prisma.sql`r.device_id = ${await readDeviceRef(tx, deviceId)}`,
    driver === undefined ? undefined : belongsTo(Prisma.sql`r`, { driverExternalId: driver }),
    'tenantWide' in of ? Prisma.sql`r.tenant_id = current_tenant()` : undefined,
  ].filter((part) => part !== undefined);
  const isRevisionOf = Prisma.join(parts, ' and ');
  const isStillThere =
    driver === undefined
      ? Prisma.sql`true`
      : Prisma.sql`l.driver_id is not distinct from r.driver_id`;
  const isTripOf =
    'tenantWide' in of
      ? Prisma.sql`${belongsToTenant(Prisma.sql`t`, after)} and ${criteriaOf(of.tenantWide)}`
      : belongsTo(Prisma.sql`t`, of);
  const rows = await tx.$queryRaw<
    ((TripRow | { id: null }) & { horizon: string; lost: readonly LostTrip[] | null })[]
  >`
    with now_at as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as horizon),
    lost as materialized (
      select r.trip_id as id, r.revision from (select distinct on (r.trip_id) r.* from trip_revision r, now_at
        where ${isRevisionOf} and ${beyond(Prisma.sql`r`, Prisma.sql`r.trip_id`)} order by r.trip_id, r.revision desc) as r
      where not exists (select from trip l where l.id = r.trip_id and ${isStillThere})
      order by r.changed, r.trip_id limit ${limit})
    select now_at.horizon::text as horizon, (select json_agg(lost) from lost) as lost, p.* from now_at left join lateral (
      select ${LIVE} from trip t ${JOINS}
      where ${isTripOf} and ${beyond(Prisma.sql`t`, Prisma.sql`t.id`)} order by t.changed, t.id limit ${limit}) as p on true`;
  const [first] = rows;
  const live = rows.flatMap((row) => (row.id === null ? [] : [row]));
  return {
    horizon: first?.horizon ?? after.xid,
    rows: [...live, ...(await readLostTrips(tx, first?.lost ?? [])).filter(isWanted(of))]
      .sort((a, b) => Number(BigInt(a.changed) - BigInt(b.changed)) || a.id - b.id)
      .slice(0, limit),
  };
}

/** The criteria of a subject. */
function criteriaOfSubject(of: TripSubject): TripCriteria {
  return 'tenantWide' in of ? of.tenantWide : of;
}

/** Whether a trip that was lost met the criteria by its start and state. */
function isWanted(of: TripSubject): (trip: TripRow) => boolean {
  const { startedFromMs, startedToMs, closed } = criteriaOfSubject(of);
  return (trip) =>
    (startedFromMs === undefined || trip.startedAtMs >= startedFromMs) &&
    (startedToMs === undefined || trip.startedAtMs < startedToMs) &&
    (closed === undefined || closed === trip.closed);
}

async function readLostTrips(tx: Transaction, lost: readonly LostTrip[]): Promise<TripRow[]> {
  if (lost.length === 0) return [];
  return asOperator(tx, () => tx.$queryRaw<TripRow[]>(lostTrips(lost)));
}

async function readDeviceRef(tx: Transaction, deviceId: string): Promise<number> {
  return asOperator(tx, async () => {
    const [row] = await tx.$queryRaw<{ id: number }[]>`
      select id from device where external_id = ${deviceId}`;
    return row?.id ?? 0;
  });
}

/** Reads what a reader that lost a trip may need but no longer sees: the trip's device. */
async function asOperator<T>(tx: Transaction, read: () => Promise<T>): Promise<T> {
  const [before] = await tx.$queryRaw<{ role: string }[]>`select current_setting('role') as role`;
  await tx.$executeRaw`set local role odograph_operator`;
  const result = await read();
  await tx.$queryRaw`select set_config('role', ${before!.role}, true)`;
  return result;
}

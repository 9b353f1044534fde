import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import type { ChangePlace, Changes, ChangeSubject } from './changes.ts';
import { belongsTo } from './changes.ts';
import { toMs } from './instant.ts';
import type { Page, PageRequest } from './page.ts';
import { keysetOf, toPage } from './page.ts';
import { flagKinds } from './stats/columns.ts';
import { TENANTS } from './tenants.ts';

/** A driving event's position in the order by time, which is also its key. */
export interface DrivingEventPlace {
  readonly deviceRef: number;
  readonly atMs: number;
  readonly kind: string;
  readonly source: string;
}

/** A driving event as stored, in the store's units. */
export interface DrivingEventRow extends DrivingEventPlace {
  readonly severity: string;
  readonly endedAtMs: number;
  readonly tripStartedAtMs: number;
  readonly driverRef: number | null;
  readonly latE7: number | null;
  readonly lonE7: number | null;
  readonly speedBeforeCkmh: number | null;
  readonly speedAfterCkmh: number | null;
  readonly peakMmps2: number | null;
  readonly peakCkmh: number | null;
  readonly threshold: number | null;
  readonly severityThreshold: number | null;
  readonly leastMs: number | null;
  readonly durationMs: number | null;
  readonly localDate: string;
  readonly rulesVersion: string;
}

/** A driving event, and the transaction that added it or moved it to another driver, as decimal digits. */
export interface AddedDrivingEvent extends DrivingEventRow {
  readonly changed: string;
}

export interface DrivingEventCriteria {
  readonly deviceId?: string;
  readonly driverExternalId?: string;
  readonly kinds?: readonly string[];
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** The columns of a driving event `e` by the property of its row. */
const COLUMNS = {
  deviceRef: Prisma.sql`e.device_id`,
  atMs: toMs('e.at'),
  kind: Prisma.sql`e.kind`,
  source: Prisma.sql`e.source`,
  severity: Prisma.sql`e.severity`,
  endedAtMs: toMs('e.ended_at'),
  tripStartedAtMs: toMs('e.trip_started_at'),
  driverRef: Prisma.sql`e.driver_id`,
  latE7: Prisma.sql`e.lat_e7`,
  lonE7: Prisma.sql`e.lon_e7`,
  speedBeforeCkmh: Prisma.sql`e.speed_before_ckmh`,
  speedAfterCkmh: Prisma.sql`e.speed_after_ckmh`,
  peakMmps2: Prisma.sql`e.peak_mmps2`,
  peakCkmh: Prisma.sql`e.peak_ckmh`,
  threshold: Prisma.sql`e.threshold`,
  severityThreshold: Prisma.sql`e.severity_threshold`,
  leastMs: Prisma.sql`e.least_ms`,
  durationMs: Prisma.sql`e.duration_ms`,
  localDate: Prisma.sql`e.local_date::text`,
  rulesVersion: Prisma.sql`e.rules_version`,
} as const satisfies Readonly<Record<keyof DrivingEventRow, Prisma.Sql>>;

export const EVENT_COLUMNS = Object.keys(COLUMNS) as (keyof DrivingEventRow)[];
const LIST = Prisma.join(
  EVENT_COLUMNS.map((name) => Prisma.sql`${COLUMNS[name]} as ${Prisma.raw(`"${name}"`)}`),
);

/** Columns of driving events that are read with their trip `t`, as one column. */
export interface EventSelection {
  /** The events of the trip in order of time, JSON: an array of values for each. */
  readonly list: Prisma.Sql;
  toRows(values: readonly (readonly unknown[])[] | null): DrivingEventRow[];
}

export function selectEvents(columns: ReadonlySet<keyof DrivingEventRow>): EventSelection {
  const names = EVENT_COLUMNS.filter((name) => columns.has(name));
  const values = Prisma.join(names.map((name) => COLUMNS[name]));
  return {
    list: Prisma.sql`(select json_agg(json_build_array(${values}) order by e.at, e.kind, e.source) from driving_event e
      where e.device_id = t.device_id and e.trip_started_at = t.started_at
        and e.at between t.started_at and greatest(t.ended_at, t.closes_at))`,
    toRows: (rows) =>
      (rows ?? []).map((row) => {
        const event: Record<string, unknown> = {};
        for (let at = 0; at < names.length; at++) event[names[at]!] = row[at];
        return event as unknown as DrivingEventRow;
      }),
  };
}

/** A page of driving events, the newest first. */
export async function readDrivingEventPage(
  tx: Transaction,
  criteria: DrivingEventCriteria,
  page: PageRequest<DrivingEventPlace>,
): Promise<Page<DrivingEventRow>> {
  const keyset = keysetOf(
    [
      Prisma.sql`e.at`,
      Prisma.sql`e.device_id`,
      Prisma.sql`e.kind collate "C"`,
      Prisma.sql`e.source collate "C"`,
    ],
    'DESC',
    page,
    (key) => [
      Prisma.sql`${new Date(key.atMs)}`,
      Prisma.sql`${key.deviceRef}`,
      Prisma.sql`${key.kind}`,
      Prisma.sql`${key.source}`,
    ],
  );
  const { of, owners } = ownedBy(criteria);
  const parts = [
    of === 'device'
      ? Prisma.sql`e.kind = any(${[...(criteria.kinds ?? flagKinds)]}::text[])`
      : Prisma.sql`e.kind = o.kind`,
    of === 'device' && criteria.driverExternalId !== undefined
      ? // A subquery, so that PostgreSQL does not estimate almost no rows of a device.
        Prisma.sql`(select e.driver_id = any(array(select id from driver where external_id = ${criteria.driverExternalId})))`
      : undefined,
    criteria.fromMs === undefined ? undefined : Prisma.sql`e.at >= ${new Date(criteria.fromMs)}`,
    criteria.toMs === undefined ? undefined : Prisma.sql`e.at < ${new Date(criteria.toMs)}`,
  ].filter((part) => part !== undefined);
  const rows = await tx.$queryRaw<DrivingEventRow[]>`
    select ${LIST} from (${owners}) as o cross join lateral (
      select e.* from driving_event e
      where e.${Prisma.raw(`${of}_id`)} = o.ref and ${Prisma.join(parts, ' and ')}${keyset.where}
      order by ${keyset.order} limit ${keyset.limit}) as e
    order by ${keyset.order} limit ${keyset.most}`;
  return toPage(rows, page);
}

/**
 * Owners for which an index has driving events in order of time: a device, or each kind of a driver or a tenant, so
 * that rare kinds are found quickly.
 */
function ownedBy({ deviceId, driverExternalId, kinds = flagKinds }: DrivingEventCriteria): {
  readonly of: 'tenant' | 'driver' | 'device';
  readonly owners: Prisma.Sql;
} {
  if (deviceId !== undefined) {
    return {
      of: 'device',
      owners: Prisma.sql`select id as ref from device where external_id = ${deviceId}`,
    };
  }
  const each = Prisma.sql`(select distinct unnest(${[...kinds]}::text[]) as kind) as k`;
  return driverExternalId === undefined
    ? {
        of: 'tenant',
        owners: Prisma.sql`select n.id as ref, k.kind from (${TENANTS}) as n, ${each}`,
      }
    : {
        of: 'driver',
        owners: Prisma.sql`select d.id as ref, k.kind from driver d, ${each} where d.external_id = ${driverExternalId}`,
      };
}

/** The driving events of trips, each trip's in order of time. */
export async function readDrivingEventsOfTrips(
  tx: Transaction,
  trips: readonly { readonly deviceRef: number; readonly startedAtMs: number }[],
): Promise<DrivingEventRow[]> {
  return tx.$queryRaw<DrivingEventRow[]>`
    select ${LIST} from unnest(${trips.map((t) => t.deviceRef)}::int[], ${trips.map((t) => new Date(t.startedAtMs))}::timestamptz[])
      as w(device_id, started_at)
    join trip t on t.device_id = w.device_id and t.started_at = w.started_at
    join driving_event e on e.device_id = t.device_id and e.trip_started_at = t.started_at
      and e.at between t.started_at and greatest(t.ended_at, t.closes_at)
    order by e.device_id, e.at, e.kind, e.source`;
}

/** The statement for driving events by their names. */
export function drivingEventsByKey(keys: readonly DrivingEventPlace[]): Prisma.Sql {
  return Prisma.sql`
    select ${LIST} from unnest(${keys.map((key) => key.deviceRef)}::int[], ${keys.map((key) => new Date(key.atMs))}::timestamptz[],
      ${keys.map((key) => key.kind)}::text[], ${keys.map((key) => key.source)}::text[]) as w(device_id, at, kind, source)
    join driving_event e on e.device_id = w.device_id and e.at = w.at and e.kind = w.kind and e.source = w.source`;
}

/** Driving events by their names. */
export async function readDrivingEvents(
  tx: Transaction,
  keys: readonly DrivingEventPlace[],
): Promise<DrivingEventRow[]> {
  return tx.$queryRaw<DrivingEventRow[]>(drivingEventsByKey(keys));
}

/**
 * Driving events that were added, or moved to another driver, after a position in the order of
 * transactions. A corrected one keeps its position, so it is sent once.
 */
export async function readAddedDrivingEvents(
  tx: Transaction,
  of: ChangeSubject,
  after: ChangePlace,
  limit: number,
): Promise<Changes<AddedDrivingEvent>> {
  const [deviceRef, atMs, kind, source] = after.key;
  const seen =
    deviceRef === undefined
      ? Prisma.sql`true`
      : Prisma.sql`(e.device_id, e.at, e.kind collate "C", e.source collate "C")
          > (${Number(deviceRef)}, ${new Date(Number(atMs))}, ${String(kind)}, ${String(source)})`;
  const rows = await tx.$queryRaw<
    ((AddedDrivingEvent & { horizon: string }) | { atMs: null; horizon: string })[]
  >`
    with now_at as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as horizon)
    select now_at.horizon::text as horizon, p.* from now_at left join lateral (
      select ${LIST}, e.changed::text as changed from driving_event e
      where ${belongsTo(Prisma.sql`e`, of)} and e.changed < now_at.horizon and e.changed >= ${after.xid}::xid8
        and (e.changed > ${after.xid}::xid8 or ${seen})
      order by e.changed, e.device_id, e.at, e.kind collate "C", e.source collate "C" limit ${limit}) as p on true`;
  return {
    horizon: rows[0]?.horizon ?? after.xid,
    rows: rows.flatMap((row) => (row.atMs === null ? [] : [row])),
  };
}

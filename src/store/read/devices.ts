import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import type { Page, PageRequest } from './page.ts';
import { instantOf } from './instant.ts';
import { keysetOf, toPage } from './page.ts';
import type { ReaderKind } from './transaction.ts';

export interface DeviceRow {
  readonly ref: number;
  readonly deviceId: string;
  readonly firstSeenAtMs: number;
  readonly lastEventAtMs: number | null;
}

/** Open ends are null. */
interface Span {
  readonly deviceRef: number;
  readonly fromMs: number | null;
  /** Exclusive. */
  readonly toMs: number | null;
}

export interface TenancyRow extends Span {
  readonly tenant: string;
}

export interface AssignmentRow extends Span {
  readonly driverRef: number;
  readonly vehicleRef: number | null;
}

/** Half-open ranges are stored with these instants as their open ends. */
const BEGINNING_MS = 0;
const END_MS = Date.UTC(9999, 11, 31);

interface RawDevice {
  readonly ref: number;
  readonly deviceId: string;
  readonly firstSeenAt: Date;
  readonly lastEventAt: Date | null;
}

/** The device's newest event, whoever has the device then. */
const HEAD_AT = instantOf(Prisma.sql`s.head_sec`, Prisma.sql`s.head_rest`);
const EVENT_AT = instantOf(Prisma.sql`e.sec`, Prisma.sql`e.rest`);
/** When the device was the reader's; row-level security leaves only the reader's tenancies and assignments. */
const OWN_TIMES = Prisma.sql`select from_at, to_at from device_tenancy where device_id = d.id and current_driver() is null
  union all select from_at, to_at from assignment where device_id = d.id and current_driver() is not null`;
/** An instant in seconds since 2000, within what four bytes hold. */
const secondOf = (column: string) =>
  Prisma.raw(
    `floor(least(greatest(extract(epoch from ${column}) - 946684800, -2147483648), 2147483647))::int`,
  );

/** What happened after the reader's time with a device is not shown, not even that something did. */
const COLUMNS = Prisma.sql`d.id as ref, d.external_id as "deviceId", d.first_seen_at as "firstSeenAt",
  coalesce((select ${HEAD_AT} from (${OWN_TIMES}) as o where o.from_at <= ${HEAD_AT} and ${HEAD_AT} < o.to_at limit 1),
    (select max(e.at) from (${OWN_TIMES}) as o cross join lateral (
      select ${EVENT_AT} as at from event e
      where e.device_id = d.id and e.sec between ${secondOf('o.from_at')} and ${secondOf('o.to_at')}
        and ${EVENT_AT} >= o.from_at and ${EVENT_AT} < o.to_at
      order by e.sec desc, e.rest desc limit 1) as e)) as "lastEventAt"`;
/** A driver sees the devices that were assigned to them; row-level security leaves only those assignments. */
const SHOWN = Prisma.sql`(current_driver() is null or exists (select from assignment a where a.device_id = d.id))`;

/** Each device once, even if it returned to a tenant or a driver. */
const LISTED: Readonly<Record<ReaderKind, Prisma.Sql>> = {
  operator: Prisma.sql`select id as device_id, external_id from device`,
  tenant: Prisma.sql`select device_id, external_id from device_tenancy y where tenant_id = current_tenant() and not exists (
    select from device_tenancy e where e.tenant_id = y.tenant_id and e.device_id = y.device_id and e.from_at < y.from_at)`,
  driver: Prisma.sql`select id as device_id, external_id from device
    where id = any(array(select device_id from assignment where driver_id = current_driver()))`,
};

function toDeviceRow(raw: RawDevice): DeviceRow {
  return {
    ref: raw.ref,
    deviceId: raw.deviceId,
    firstSeenAtMs: raw.firstSeenAt.getTime(),
    lastEventAtMs: raw.lastEventAt?.getTime() ?? null,
  };
}

/** Devices by the store's own ids; those that the reader may not see are missing. */
export async function readDevices(tx: Transaction, refs: readonly number[]): Promise<DeviceRow[]> {
  const rows = await tx.$queryRaw<RawDevice[]>`
    select ${COLUMNS} from device d left join device_state s on s.device_id = d.id
    where d.id = any(${refs}::int[]) and ${SHOWN}`;
  return rows.map(toDeviceRow);
}

/** Devices by the ids that they send. */
export async function readDevicesByName(
  tx: Transaction,
  deviceIds: readonly string[],
): Promise<DeviceRow[]> {
  const rows = await tx.$queryRaw<RawDevice[]>`
    select ${COLUMNS} from device d left join device_state s on s.device_id = d.id
    where d.external_id = any(${deviceIds}::text[]) and ${SHOWN}`;
  return rows.map(toDeviceRow);
}

/**
 * A page of the devices that a reader may see, by the ids that they send.
 * @param whose selects the list: a driver has few devices, a tenant's have an index
 */
export async function readDevicePage(
  tx: Transaction,
  whose: ReaderKind,
  page: PageRequest<string>,
): Promise<Page<DeviceRow>> {
  const keyset = keysetOf([Prisma.sql`l.external_id`], 'ASC', page, (id) => [Prisma.sql`${id}`]);
  const rows = await tx.$queryRaw<RawDevice[]>`
    select ${COLUMNS} from (
      select * from (
        select l.* from (${LISTED[whose]}) as l where true${keyset.where} order by ${keyset.order} limit ${keyset.limit}) as found
      limit ${keyset.most}) as l
    join device d on d.id = l.device_id left join device_state s on s.device_id = d.id order by ${keyset.order}`;
  return toPage(rows.map(toDeviceRow), page);
}

export async function readTenancies(
  tx: Transaction,
  deviceRefs: readonly number[],
): Promise<TenancyRow[]> {
  const rows = await tx.$queryRaw<(TenancyRow & { from: Date; to: Date })[]>`
    select y.device_id as "deviceRef", t.slug as tenant, y.from_at as from, y.to_at as to
    from device_tenancy y join tenant t on t.id = y.tenant_id
    where y.device_id = any(${deviceRefs}::int[]) order by y.from_at`;
  return rows.map(({ from, to, ...row }) => ({ ...row, ...spanOf(from, to) }));
}

export async function readAssignments(
  tx: Transaction,
  deviceRefs: readonly number[],
): Promise<AssignmentRow[]> {
  const rows = await tx.$queryRaw<(AssignmentRow & { from: Date; to: Date })[]>`
    select device_id as "deviceRef", driver_id as "driverRef", vehicle_id as "vehicleRef", from_at as from, to_at as to
    from assignment where device_id = any(${deviceRefs}::int[]) order by from_at`;
  return rows.map(({ from, to, ...row }) => ({ ...row, ...spanOf(from, to) }));
}

function spanOf(from: Date, to: Date): { fromMs: number | null; toMs: number | null } {
  return {
    fromMs: from.getTime() <= BEGINNING_MS ? null : from.getTime(),
    toMs: to.getTime() >= END_MS ? null : to.getTime(),
  };
}

/** Another device that is assigned to the same vehicle for some of the same time. */
export interface VehicleShare {
  readonly vehicleId: string;
  readonly otherDeviceId: string;
  readonly from: Date;
  readonly to: Date;
  /** Whether the other device is the one that counts for the vehicle's kilometres; see counting.ts. */
  readonly otherCounts: boolean;
}

/** The other devices on the vehicles of a device, while both are assigned. */
export async function readVehicleShares(
  tx: Transaction,
  deviceRef: number,
): Promise<VehicleShare[]> {
  return tx.$queryRaw`
    select v.external_id as "vehicleId", d.external_id as "otherDeviceId", greatest(a.from_at, b.from_at) as from,
      least(a.to_at, b.to_at) as to, (b.from_at, b.device_id) < (a.from_at, a.device_id) as "otherCounts"
    from assignment a join assignment b on b.vehicle_id = a.vehicle_id and b.device_id <> a.device_id
      and b.from_at < a.to_at and a.from_at < b.to_at
    join vehicle v on v.id = a.vehicle_id join device d on d.id = b.device_id
    where a.device_id = ${deviceRef} order by 3, 2`;
}

import type { Transaction } from '../transaction.ts';
import { CHANNEL } from '../notify.ts';
import { reattribute } from './attribution.ts';
import { refuse } from './once.ts';
import { findDriver, keepVehicle } from './people.ts';

/** Open ends in the store. */
const BEGINNING = new Date(0);
const END = new Date(Date.UTC(9999, 11, 31));

export interface AssignmentOrder {
  readonly deviceId: string;
  readonly driverExternalId: string;
  readonly vehicle: { readonly externalId: string; readonly attributes: unknown } | null;
  /** Null: from the beginning of the tenant's time with the device. */
  readonly fromMs: number | null;
  /** Exclusive; null: to the end of the tenant's time with the device. */
  readonly toMs: number | null;
}

/** Assigns a driver and vehicle to a device for an interval, trimming overlapping assignments. @returns the device's id */
export async function assignDevice(
  tx: Transaction,
  tenantRef: number,
  order: AssignmentOrder,
): Promise<number> {
  const device = await lockDevice(tx, order.deviceId);
  if (device === undefined) {
    refuse(
      'NOT_FOUND',
      `No device ${order.deviceId} in this tenant. A device becomes known with its first message or by moveDevice.`,
      'deviceId',
    );
  }
  const driver = await findDriver(tx, tenantRef, order.driverExternalId);
  const vehicle = order.vehicle && (await keepVehicle(tx, tenantRef, order.vehicle));
  const { from, to } = await fitIntoTenancy(tx, tenantRef, device, order);
  await clearAssignments(tx, device, from, to);
  await tx.$executeRaw`
    insert into assignment (tenant_id, device_id, driver_id, vehicle_id, from_at, to_at)
    values (${tenantRef}, ${device}, ${driver}, ${vehicle}, ${from}, ${to})`;
  await reattribute(tx, device, from);
  await announce(tx, device);
  return device;
}

export interface MoveOrder {
  readonly deviceId: string;
  readonly tenant: string;
  /** Null: from the beginning. */
  readonly fromMs: number | null;
  readonly createTenant: boolean;
}

/** Moves a device to a tenant from a time on. @returns the device's id */
export async function moveDevice(tx: Transaction, order: MoveOrder): Promise<number> {
  const tenant = await findTenant(tx, order);
  const device = (await lockDevice(tx, order.deviceId)) ?? (await addDevice(tx, order.deviceId));
  const from = order.fromMs === null ? BEGINNING : new Date(order.fromMs);
  if (from >= END) {
    refuse(
      'INVALID',
      `from is ${from.toISOString()}; it must lie before ${END.toISOString()}.`,
      'from',
    );
  }
  await tx.$executeRaw`delete from device_tenancy where device_id = ${device} and from_at >= ${from}`;
  await tx.$executeRaw`update device_tenancy set to_at = ${from} where device_id = ${device} and to_at > ${from}`;
  await tx.$executeRaw`insert into device_tenancy (device_id, tenant_id, from_at) values (${device}, ${tenant}, ${from})`;
  await tx.$executeRaw`delete from assignment where device_id = ${device} and from_at >= ${from} and tenant_id <> ${tenant}`;
  await tx.$executeRaw`update assignment set to_at = ${from}
    where device_id = ${device} and from_at < ${from} and to_at > ${from} and tenant_id <> ${tenant}`;
  await reattribute(tx, device, from);
  await announce(tx, device);
  return device;
}

/** Holds a device against sinks and others until the transaction ends; undefined where it is not seen. */
async function lockDevice(tx: Transaction, deviceId: string): Promise<number | undefined> {
  const [row] = await tx.$queryRaw<{ device_id: number }[]>`
    select s.device_id from device_state s join device d on d.id = s.device_id
    where d.external_id = ${deviceId} for no key update of s`;
  return row?.device_id;
}

/** Moves the device's fence and notifies subscribers. */
async function announce(tx: Transaction, device: number): Promise<void> {
  await tx.$executeRaw`update device_state set version = version + 1 where device_id = ${device}`;
  await tx.$executeRaw`insert into journal (device_ids) values (array[${device}::int])`;
  await tx.$queryRaw`select pg_notify(${CHANNEL}, '')::text`;
}

async function findTenant(tx: Transaction, order: MoveOrder): Promise<number> {
  const [known] = await tx.$queryRaw<{ id: number }[]>`
    select id from tenant where slug = ${order.tenant}`;
  if (known) return known.id;
  if (!order.createTenant) {
    refuse(
      'NOT_FOUND',
      `No tenant ${order.tenant}. Set createTenant: true to create it.`,
      'tenant',
    );
  }
  const [made] = await tx.$queryRaw<{ id: number }[]>`
    insert into tenant (slug) values (${order.tenant}) on conflict (slug) do nothing returning id`;
  return made ? made.id : findTenant(tx, order);
}

/** A device without messages so far; until it is moved it belongs to the default tenant. */
async function addDevice(tx: Transaction, deviceId: string): Promise<number> {
  const [made] = await tx.$queryRaw<{ id: number }[]>`
    insert into device (external_id) values (${deviceId}) on conflict (external_id) do nothing returning id`;
  if (!made) {
    // A sink has just made it, and with it its tenancy and its state.
    const device = await lockDevice(tx, deviceId);
    if (device === undefined) throw new Error(`the device ${deviceId} has no row in device_state`);
    return device;
  }
  await tx.$executeRaw`insert into device_tenancy (device_id, tenant_id)
    select ${made.id}, id from tenant where slug = 'default'`;
  await tx.$executeRaw`insert into device_state (device_id) values (${made.id})`;
  return made.id;
}

/** The order's interval, its open ends replaced by those of the tenancy. */
async function fitIntoTenancy(
  tx: Transaction,
  tenantRef: number,
  device: number,
  { deviceId, fromMs, toMs }: AssignmentOrder,
): Promise<{ from: Date; to: Date }> {
  const spans = await tx.$queryRaw<{ from: Date; to: Date }[]>`
    select lower(span) as from, upper(span) as to from (
      select unnest(range_agg(tstzrange(from_at, to_at))) as span from device_tenancy
      where device_id = ${device} and tenant_id = ${tenantRef}) as spans order by 1`;
  const anchorMs = fromMs ?? (toMs === null ? undefined : toMs - 1);
  const span =
    anchorMs === undefined
      ? spans.at(-1)
      : spans.find(({ from, to }) => from.getTime() <= anchorMs && anchorMs < to.getTime());
  const from = fromMs === null ? span?.from : new Date(fromMs);
  const to = toMs === null ? span?.to : new Date(toMs);
  if (from && to && from >= to) {
    refuse(
      'INVALID',
      `to is ${to.toISOString()}; it must lie after from, ${from.toISOString()}.`,
      'to',
    );
  }
  if (!span || !from || !to || from < span.from || to > span.to) {
    const times = spans.map((s) => `${show(s.from)} to ${show(s.to)}`).join(', ');
    refuse(
      'NOT_IN_TENANT',
      `${deviceId} belongs to this tenant only from ${times}. Assign it within that time.`,
      fromMs === null ? 'to' : 'from',
    );
  }
  return { from, to };
}

function show(at: Date): string {
  return at <= BEGINNING ? 'the beginning' : at >= END ? 'until further notice' : at.toISOString();
}

/** Makes room for a new assignment: assignments within its time are deleted, overlapping ones are trimmed. */
async function clearAssignments(
  tx: Transaction,
  device: number,
  from: Date,
  to: Date,
): Promise<void> {
  await tx.$executeRaw`delete from assignment where device_id = ${device} and from_at >= ${from} and to_at <= ${to}`;
  const [around] = await tx.$queryRaw<
    { tenant_id: number; driver_id: number; vehicle_id: number | null; to_at: Date }[]
  >`select tenant_id, driver_id, vehicle_id, to_at from assignment
    where device_id = ${device} and from_at < ${from} and to_at > ${to}`;
  await tx.$executeRaw`update assignment set to_at = ${from}
    where device_id = ${device} and from_at < ${from} and to_at > ${from}`;
  await tx.$executeRaw`update assignment set from_at = ${to}
    where device_id = ${device} and from_at >= ${from} and from_at < ${to}`;
  if (around) {
    await tx.$executeRaw`insert into assignment (tenant_id, device_id, driver_id, vehicle_id, from_at, to_at)
      values (${around.tenant_id}, ${device}, ${around.driver_id}, ${around.vehicle_id}, ${to}, ${around.to_at})`;
  }
}

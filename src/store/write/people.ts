import type { Transaction } from '../transaction.ts';
import { refuse } from './once.ts';

/** Registers a driver. @returns the driver's id in the store */
export async function registerDriver(
  tx: Transaction,
  tenantRef: number,
  driver: {
    readonly externalId: string;
    readonly name: string | null;
    readonly dateOfBirth: string | null;
  },
): Promise<number> {
  const [made] = await tx.$queryRaw<{ id: number }[]>`
    insert into driver (tenant_id, external_id, name, date_of_birth)
    values (${tenantRef}, ${driver.externalId}, ${driver.name}, ${driver.dateOfBirth}::date)
    on conflict (tenant_id, external_id) do nothing returning id`;
  return (
    made?.id ??
    refuse('ALREADY_EXISTS', `There is a driver ${driver.externalId} already.`, 'externalId')
  );
}

export async function findDriver(
  tx: Transaction,
  tenantRef: number,
  externalId: string,
): Promise<number> {
  const [found] = await tx.$queryRaw<{ id: number }[]>`
    select id from driver where tenant_id = ${tenantRef} and external_id = ${externalId}`;
  return (
    found?.id ??
    refuse(
      'NOT_FOUND',
      `No driver ${externalId}. Register the driver first (registerDriver).`,
      'driverExternalId',
    )
  );
}

/** A vehicle by its name, made if new; its attributes are replaced if given. */
export async function keepVehicle(
  tx: Transaction,
  tenantRef: number,
  vehicle: { readonly externalId: string; readonly attributes: unknown },
): Promise<number> {
  const attributes = vehicle.attributes == null ? null : JSON.stringify(vehicle.attributes);
  const [kept] = await tx.$queryRaw<{ id: number }[]>`
    insert into vehicle (tenant_id, external_id, attributes)
    values (${tenantRef}, ${vehicle.externalId}, coalesce(${attributes}::jsonb, '{}'))
    on conflict (tenant_id, external_id) do update set attributes = coalesce(${attributes}::jsonb, vehicle.attributes)
    returning id`;
  if (!kept) throw new Error(`the vehicle ${vehicle.externalId} was neither found nor made`);
  return kept.id;
}

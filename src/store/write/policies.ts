import type { Transaction } from '../open.ts';
import { refuse } from './once.ts';
import { findDriver, keepVehicle } from './people.ts';

export interface PolicyOrder {
  readonly number: string;
  readonly product: string;
  readonly jurisdiction: string;
  readonly timeZone: string;
  readonly startDate: string;
  /** Exclusive. */
  readonly endDate: string;
  readonly driverExternalId: string;
  readonly vehicle: { readonly externalId: string; readonly attributes: unknown };
  readonly ratingFactors: unknown;
}

/** Makes a policy; its id in the store. */
export async function createPolicy(
  tx: Transaction,
  tenantRef: number,
  order: PolicyOrder,
): Promise<number> {
  const driver = await findDriver(tx, tenantRef, order.driverExternalId);
  const vehicle = await keepVehicle(tx, tenantRef, order.vehicle);
  const [made] = await tx.$queryRaw<{ id: number }[]>`
    insert into policy (tenant_id, number, product, jurisdiction, time_zone, start_date, end_date, driver_id, vehicle_id, rating_factors)
    values (${tenantRef}, ${order.number}, ${order.product}, ${order.jurisdiction}, ${order.timeZone}, ${order.startDate}::date,
      ${order.endDate}::date, ${driver}, ${vehicle}, ${JSON.stringify(order.ratingFactors ?? {})}::jsonb)
    on conflict (tenant_id, number) do nothing returning id`;
  return (
    made?.id ?? refuse('ALREADY_EXISTS', `There is a policy ${order.number} already.`, 'number')
  );
}

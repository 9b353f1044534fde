import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import type { Page, PageRequest } from './page.ts';
import { keysetOf, toPage } from './page.ts';

export interface DriverRow {
  readonly ref: number;
  readonly externalId: string;
  readonly name: string | null;
}

export interface VehicleRow {
  readonly ref: number;
  readonly externalId: string;
  readonly attributes: unknown;
}

const DRIVER = Prisma.sql`id as ref, external_id as "externalId", name`;

/** Drivers by the store's own ids; those that the reader may not see are missing. */
export async function readDrivers(tx: Transaction, refs: readonly number[]): Promise<DriverRow[]> {
  return tx.$queryRaw`select ${DRIVER} from driver where id = any(${refs}::int[])`;
}

/** Drivers of the reader's tenant, by external id. */
export async function readDriversByName(
  tx: Transaction,
  externalIds: readonly string[],
): Promise<DriverRow[]> {
  return tx.$queryRaw`
    select ${DRIVER} from driver where tenant_id = current_tenant() and external_id = any(${externalIds}::text[])`;
}

export async function readDriverPage(
  tx: Transaction,
  page: PageRequest<string>,
): Promise<Page<DriverRow>> {
  const keyset = keysetOf([Prisma.sql`external_id`], 'ASC', page, (id) => [Prisma.sql`${id}`]);
  const rows = await tx.$queryRaw<DriverRow[]>`
    select ${DRIVER} from driver where tenant_id = current_tenant()${keyset.where}
    order by ${keyset.order} limit ${keyset.limit}`;
  return toPage(rows, page);
}

/** Vehicles by the store's own ids; a driver sees those that they drove or insured. */
export async function readVehicles(
  tx: Transaction,
  refs: readonly number[],
): Promise<VehicleRow[]> {
  return tx.$queryRaw`
    select id as ref, external_id as "externalId", attributes from vehicle v where id = any(${refs}::int[])
      and (current_driver() is null or exists (select from assignment where vehicle_id = v.id)
        or exists (select from policy_vehicle where vehicle_id = v.id))`;
}

import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../open.ts';
import type { Page, PageRequest } from './page.ts';
import { keysetOf, toPage } from './page.ts';

export interface PolicyRow {
  readonly ref: number;
  readonly number: string;
  readonly product: string;
  readonly jurisdiction: string;
  readonly timeZone: string;
  readonly startDate: string;
  /** Exclusive. */
  readonly endDate: string;
  readonly driverRef: number;
  readonly vehicleRef: number;
  readonly ratingFactors: unknown;
}

const COLUMNS = Prisma.sql`id as ref, number, product, jurisdiction, time_zone as "timeZone", start_date::text as "startDate",
  end_date::text as "endDate", driver_id as "driverRef", vehicle_id as "vehicleRef", rating_factors as "ratingFactors"`;

export async function readPolicy(tx: Transaction, number: string): Promise<PolicyRow | null> {
  const [row] = await tx.$queryRaw<PolicyRow[]>`
    select ${COLUMNS} from policy where tenant_id = current_tenant() and number = ${number}`;
  return row ?? null;
}

export async function readPolicyByRef(tx: Transaction, ref: number): Promise<PolicyRow | null> {
  const [row] = await tx.$queryRaw<PolicyRow[]>`select ${COLUMNS} from policy where id = ${ref}`;
  return row ?? null;
}

export async function readPolicyPage(
  tx: Transaction,
  page: PageRequest<string>,
): Promise<Page<PolicyRow>> {
  const keyset = keysetOf([Prisma.sql`number`], 'ASC', page, (number) => [Prisma.sql`${number}`]);
  const rows = await tx.$queryRaw<PolicyRow[]>`
    select ${COLUMNS} from policy where tenant_id = current_tenant()${keyset.where}
    order by ${keyset.order} limit ${keyset.limit}`;
  return toPage(rows, page);
}

/** The policies on which drivers are named, by number. */
export async function readPoliciesOfDrivers(
  tx: Transaction,
  driverRefs: readonly number[],
): Promise<PolicyRow[]> {
  return tx.$queryRaw`
    select ${COLUMNS} from policy where driver_id = any(${driverRefs}::int[]) order by number`;
}

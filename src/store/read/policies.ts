import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import type { Page, PageRequest } from './page.ts';
import { keysetOf, toPage } from './page.ts';
import type { ReaderKind } from './transaction.ts';

export interface PolicyRow {
  readonly ref: number;
  readonly number: string;
  readonly timeZone: string;
  readonly startDate: string;
  /** Exclusive. */
  readonly endDate: string;
  /** First local date without cover, where the policy was cancelled. */
  readonly cancelledOn: string | null;
}

/** Something that is true of a policy for half-open local dates. */
interface PolicySpan {
  readonly policyRef: number;
  readonly from: string;
  readonly to: string;
}

export interface PolicyProductRow extends PolicySpan {
  readonly product: string;
  readonly jurisdiction: string;
}

export interface PolicyVehicleRow extends PolicySpan {
  readonly vehicleRef: number;
}

export interface PolicyDriverRow extends PolicySpan {
  readonly driverRef: number;
}

export interface PolicyFactRow extends PolicySpan {
  readonly name: string;
  readonly value: string | number;
  /** Null: of the policy as a whole, or of a driver. */
  readonly vehicleRef: number | null;
  readonly driverRef: number | null;
}

/** Everything dated of one policy, each list in order of time. */
export interface PolicyParts {
  readonly products: readonly PolicyProductRow[];
  readonly vehicles: readonly PolicyVehicleRow[];
  readonly drivers: readonly PolicyDriverRow[];
  readonly facts: readonly PolicyFactRow[];
}

export interface PolicyAmendmentRow {
  readonly policyRef: number;
  readonly at: Date;
  readonly subject: string | null;
  readonly effectiveFrom: string;
  readonly change: unknown;
  readonly reason: string | null;
}

export const POLICY_COLUMNS = Prisma.sql`id as ref, number, time_zone as "timeZone", start_date::text as "startDate",
  end_date::text as "endDate", cancelled_on::text as "cancelledOn"`;
const SPAN = Prisma.sql`policy_id as "policyRef", from_date::text as from, to_date::text as to`;

export async function readPolicy(tx: Transaction, number: string): Promise<PolicyRow | null> {
  const [row] = await readPoliciesByNumber(tx, [number]);
  return row ?? null;
}

export async function readPoliciesByNumber(
  tx: Transaction,
  numbers: readonly string[],
): Promise<PolicyRow[]> {
  return tx.$queryRaw`
    select ${POLICY_COLUMNS} from policy where tenant_id = current_tenant() and number = any(${numbers}::text[])`;
}

/** Policies by the store's own ids; those that the reader may not see are missing. */
export async function readPolicies(tx: Transaction, refs: readonly number[]): Promise<PolicyRow[]> {
  return tx.$queryRaw`select ${POLICY_COLUMNS} from policy where id = any(${refs}::int[])`;
}

export async function readPolicyPage(
  tx: Transaction,
  whose: ReaderKind,
  page: PageRequest<string>,
): Promise<Page<PolicyRow>> {
  const keyset = keysetOf([Prisma.sql`number`], 'ASC', page, (number) => [Prisma.sql`${number}`]);
  const named =
    whose === 'driver'
      ? Prisma.sql` and id = any(array(select policy_id from policy_driver where driver_id = current_driver()))`
      : Prisma.empty;
  const rows = await tx.$queryRaw<PolicyRow[]>`
    select ${POLICY_COLUMNS} from policy where tenant_id = current_tenant()${named}${keyset.where}
    order by ${keyset.order} limit ${keyset.limit}`;
  return toPage(rows, page);
}

/** The policies on which drivers are named, by number. */
export async function readPoliciesOfDrivers(
  tx: Transaction,
  driverRefs: readonly number[],
): Promise<(PolicyRow & { readonly driverRef: number })[]> {
  return tx.$queryRaw`
    select distinct ${POLICY_COLUMNS}, d.driver_id as "driverRef"
    from policy join (select distinct policy_id, driver_id from policy_driver where driver_id = any(${driverRefs}::int[])) as d
      on d.policy_id = policy.id
    order by number`;
}

/** The dated rows of policies that the reader may see: one statement for each kind. */
export async function readPolicyParts(
  tx: Transaction,
  refs: readonly number[],
): Promise<ReadonlyMap<number, PolicyParts>> {
  const products = await tx.$queryRaw<PolicyProductRow[]>`
    select ${SPAN}, product, jurisdiction from policy_product where policy_id = any(${refs}::int[]) order by from_date`;
  const vehicles = await tx.$queryRaw<PolicyVehicleRow[]>`
    select ${SPAN}, vehicle_id as "vehicleRef" from policy_vehicle where policy_id = any(${refs}::int[]) order by from_date, id`;
  const drivers = await tx.$queryRaw<PolicyDriverRow[]>`
    select ${SPAN}, driver_id as "driverRef" from policy_driver where policy_id = any(${refs}::int[]) order by from_date, id`;
  const facts = await tx.$queryRaw<PolicyFactRow[]>`
    select ${SPAN}, name, value, nullif(vehicle_id, 0) as "vehicleRef", nullif(driver_id, 0) as "driverRef"
    from policy_fact where policy_id = any(${refs}::int[]) order by name, vehicle_id, driver_id, from_date`;
  const parts = new Map(
    refs.map((ref) => [
      ref,
      {
        products: [] as PolicyProductRow[],
        vehicles: [] as PolicyVehicleRow[],
        drivers: [] as PolicyDriverRow[],
        facts: [] as PolicyFactRow[],
      },
    ]),
  );
  for (const row of products) parts.get(row.policyRef)?.products.push(row);
  for (const row of vehicles) parts.get(row.policyRef)?.vehicles.push(row);
  for (const row of drivers) parts.get(row.policyRef)?.drivers.push(row);
  for (const row of facts) parts.get(row.policyRef)?.facts.push(row);
  return parts;
}

/** The recorded changes of policies, the oldest first. */
export async function readAmendments(
  tx: Transaction,
  refs: readonly number[],
): Promise<PolicyAmendmentRow[]> {
  return tx.$queryRaw`
    select policy_id as "policyRef", at, subject, effective_from::text as "effectiveFrom", change, reason
    from policy_amendment where policy_id = any(${refs}::int[]) order by id`;
}

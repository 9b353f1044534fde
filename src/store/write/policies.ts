import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import { refuse } from './once.ts';
import { findDriver, keepVehicle } from './people.ts';

interface VehicleOrder {
  readonly externalId: string;
  readonly attributes: unknown;
}

/** A rating fact of the policy, or of one of its vehicles or drivers by their external ids. */
export interface FactOrder {
  readonly name: string;
  /** Null ends the fact. */
  readonly value: string | number | null;
  readonly vehicleExternalId: string | null;
  readonly driverExternalId: string | null;
}

export interface PolicyOrder {
  readonly number: string;
  readonly product: string;
  readonly jurisdiction: string;
  readonly timeZone: string;
  readonly startDate: string;
  /** Exclusive. */
  readonly endDate: string;
  readonly drivers: readonly string[];
  readonly vehicles: readonly VehicleOrder[];
  readonly facts: readonly FactOrder[];
}

/** What changes of a policy from a local date to its end. */
export interface AmendmentOrder {
  readonly policyNumber: string;
  readonly from: string;
  readonly product: string | null;
  readonly jurisdiction: string | null;
  readonly addDrivers: readonly string[];
  readonly removeDrivers: readonly string[];
  readonly addVehicles: readonly VehicleOrder[];
  readonly removeVehicles: readonly string[];
  readonly facts: readonly FactOrder[];
  readonly reason: string | null;
}

export interface CancellationOrder {
  readonly policyNumber: string;
  /** First local date without cover; the policy's start where it never began. */
  readonly on: string;
  readonly reason: string | null;
}

/** A policy that is being written, its dates text. */
interface Held {
  readonly ref: number;
  readonly number: string;
  readonly startDate: string;
  readonly endDate: string;
  readonly cancelledOn: string | null;
}

/** Creates a policy. @returns its id */
export async function createPolicy(
  tx: Transaction,
  tenantRef: number,
  order: PolicyOrder,
): Promise<number> {
  const { number, startDate, endDate } = order;
  const [made] = await tx.$queryRaw<{ ref: number }[]>`
    insert into policy (tenant_id, number, time_zone, start_date, end_date)
    values (${tenantRef}, ${number}, ${order.timeZone}, ${startDate}::date, ${endDate}::date)
    on conflict (tenant_id, number) do nothing returning id as ref`;
  if (!made) refuse('ALREADY_EXISTS', `A policy ${number} already exists.`, 'number');
  const policy: Held = { ref: made.ref, number, startDate, endDate, cancelledOn: null };
  await changeProduct(tx, tenantRef, policy, startDate, order);
  for (const driver of order.drivers) await addDriver(tx, tenantRef, policy, startDate, driver);
  for (const vehicle of order.vehicles) await addVehicle(tx, tenantRef, policy, startDate, vehicle);
  for (const [i, fact] of order.facts.entries()) {
    await setFact(tx, tenantRef, policy, startDate, fact, ['facts', String(i)]);
  }
  return policy.ref;
}

/** Changes a policy from a local date to its end, and records by whom and why. @returns the policy's id */
export async function amendPolicy(
  tx: Transaction,
  tenantRef: number,
  subject: string | null,
  order: AmendmentOrder,
): Promise<number> {
  const policy = await holdPolicy(tx, tenantRef, order.policyNumber);
  const { from, reason, policyNumber: _, ...change } = order;
  checkDate(policy, from, 'from');
  await changeProduct(tx, tenantRef, policy, from, order);
  for (const driver of order.removeDrivers) await removeDriver(tx, tenantRef, policy, from, driver);
  for (const driver of order.addDrivers) await addDriver(tx, tenantRef, policy, from, driver);
  for (const vehicle of order.removeVehicles) {
    await removeVehicle(tx, tenantRef, policy, from, vehicle);
  }
  for (const vehicle of order.addVehicles) await addVehicle(tx, tenantRef, policy, from, vehicle);
  for (const [i, fact] of order.facts.entries()) {
    await setFact(tx, tenantRef, policy, from, fact, ['facts', String(i)]);
  }
  await checkCovered(tx, policy);
  await keepAmendment(tx, tenantRef, policy, subject, from, change, reason);
  return policy.ref;
}

/** Ends a policy's cover before its term does. @returns the policy's id */
export async function cancelPolicy(
  tx: Transaction,
  tenantRef: number,
  subject: string | null,
  { policyNumber, on, reason }: CancellationOrder,
): Promise<number> {
  const policy = await holdPolicy(tx, tenantRef, policyNumber);
  if (on < policy.startDate || on >= policy.endDate) {
    refuse(
      'INVALID',
      `on is ${on}; it must be from the policy's start, ${policy.startDate}, to before its end, ${policy.endDate}.`,
      'on',
    );
  }
  await tx.$executeRaw`update policy set cancelled_on = ${on}::date where id = ${policy.ref}`;
  await keepAmendment(tx, tenantRef, policy, subject, on, { cancelledOn: on }, reason);
  return policy.ref;
}

async function holdPolicy(tx: Transaction, tenantRef: number, number: string): Promise<Held> {
  const [found] = await tx.$queryRaw<Held[]>`
    select id as ref, number, start_date::text as "startDate", end_date::text as "endDate", cancelled_on::text as "cancelledOn"
    from policy where tenant_id = ${tenantRef} and number = ${number} for update`;
  if (!found) refuse('NOT_FOUND', `There is no policy ${number}.`, 'policyNumber');
  if (found.cancelledOn !== null) {
    refuse(
      'WRONG_STATE',
      `${number} was cancelled on ${found.cancelledOn}. A cancelled policy cannot be changed: create a new one.`,
      'policyNumber',
    );
  }
  return found;
}

function checkDate({ startDate, endDate }: Held, from: string, field: string): void {
  if (from < startDate || from >= endDate) {
    refuse(
      'INVALID',
      `${field} is ${from}; it must be within the policy, from ${startDate} to before ${endDate}.`,
      field,
    );
  }
}

async function changeProduct(
  tx: Transaction,
  tenantRef: number,
  policy: Held,
  from: string,
  change: { readonly product: string | null; readonly jurisdiction: string | null },
): Promise<void> {
  if (change.product === null && change.jurisdiction === null) return;
  const [billed] = await tx.$queryRaw<{ number: string; to: string }[]>`
    select number, to_date::text as to from bill where policy_id = ${policy.ref} and kind = 'BILL' and credited_by is null
      and to_date > ${from}::date order by to_date desc limit 1`;
  if (billed) {
    refuse(
      'WRONG_STATE',
      `${policy.number} is billed up to ${billed.to} by ${billed.number}. Change the product from then on, or credit that bill first.`,
      'from',
    );
  }
  const [current] = await tx.$queryRaw<{ product: string; jurisdiction: string }[]>`
    select product, jurisdiction from policy_product where policy_id = ${policy.ref} and from_date <= ${from}::date
    order by from_date desc limit 1`;
  await endSpans(tx, 'policy_product', policy, from, Prisma.sql`true`);
  await tx.$executeRaw`insert into policy_product (tenant_id, policy_id, product, jurisdiction, from_date, to_date)
    values (${tenantRef}, ${policy.ref}, ${change.product ?? current?.product}, ${change.jurisdiction ?? current?.jurisdiction},
      ${from}::date, ${policy.endDate}::date)`;
}

async function addDriver(
  tx: Transaction,
  tenantRef: number,
  policy: Held,
  from: string,
  externalId: string,
): Promise<void> {
  const driver = await findDriver(tx, tenantRef, externalId);
  await endSpans(tx, 'policy_driver', policy, from, Prisma.sql`driver_id = ${driver}`);
  await tx.$executeRaw`insert into policy_driver (tenant_id, policy_id, driver_id, from_date, to_date)
    values (${tenantRef}, ${policy.ref}, ${driver}, ${from}::date, ${policy.endDate}::date)`;
}

async function removeDriver(
  tx: Transaction,
  tenantRef: number,
  policy: Held,
  from: string,
  externalId: string,
): Promise<void> {
  const driver = await findDriver(tx, tenantRef, externalId);
  await endSpans(tx, 'policy_fact', policy, from, Prisma.sql`driver_id = ${driver}`);
  if (!(await endSpans(tx, 'policy_driver', policy, from, Prisma.sql`driver_id = ${driver}`))) {
    refuse(
      'NOT_FOUND',
      `${policy.number} has no driver ${externalId} on ${from} or later.`,
      'removeDrivers',
    );
  }
}

async function addVehicle(
  tx: Transaction,
  tenantRef: number,
  policy: Held,
  from: string,
  order: VehicleOrder,
): Promise<void> {
  const vehicle = await keepVehicle(tx, tenantRef, order);
  const [known] = await tx.$queryRaw<{ from: string; to: string }[]>`
    select from_date::text as from, to_date::text as to from policy_vehicle
    where policy_id = ${policy.ref} and vehicle_id = ${vehicle}`;
  if (known) {
    refuse(
      'ALREADY_EXISTS',
      `${policy.number} covers the vehicle ${order.externalId} from ${known.from} to ${known.to}. A vehicle can be added to a policy only once.`,
      'addVehicles',
    );
  }
  await tx.$executeRaw`insert into policy_vehicle (tenant_id, policy_id, vehicle_id, from_date, to_date)
    values (${tenantRef}, ${policy.ref}, ${vehicle}, ${from}::date, ${policy.endDate}::date)`;
}

async function removeVehicle(
  tx: Transaction,
  tenantRef: number,
  policy: Held,
  from: string,
  externalId: string,
): Promise<void> {
  const vehicle = await findVehicle(tx, tenantRef, externalId, 'removeVehicles');
  await endSpans(tx, 'policy_fact', policy, from, Prisma.sql`vehicle_id = ${vehicle}`);
  if (!(await endSpans(tx, 'policy_vehicle', policy, from, Prisma.sql`vehicle_id = ${vehicle}`))) {
    refuse(
      'NOT_FOUND',
      `${policy.number} covers no vehicle ${externalId} on ${from} or later.`,
      'removeVehicles',
    );
  }
}

async function setFact(
  tx: Transaction,
  tenantRef: number,
  policy: Held,
  from: string,
  { name, value, vehicleExternalId, driverExternalId }: FactOrder,
  field: readonly string[],
): Promise<void> {
  const vehicle =
    vehicleExternalId === null
      ? 0
      : await findVehicle(tx, tenantRef, vehicleExternalId, ...field, 'vehicleExternalId');
  const driver = driverExternalId === null ? 0 : await findDriver(tx, tenantRef, driverExternalId);
  const subject = Prisma.sql`name = ${name} and vehicle_id = ${vehicle} and driver_id = ${driver}`;
  const ended = await endSpans(tx, 'policy_fact', policy, from, subject);
  if (value !== null) {
    await tx.$executeRaw`insert into policy_fact (tenant_id, policy_id, vehicle_id, driver_id, name, value, from_date, to_date)
      values (${tenantRef}, ${policy.ref}, ${vehicle}, ${driver}, ${name}, ${JSON.stringify(value)}::jsonb, ${from}::date, ${policy.endDate}::date)`;
  } else if (!ended) {
    refuse('NOT_FOUND', `${policy.number} has no fact ${name} on ${from} or later.`, ...field);
  }
}

async function findVehicle(
  tx: Transaction,
  tenantRef: number,
  externalId: string,
  ...field: readonly string[]
): Promise<number> {
  const [found] = await tx.$queryRaw<{ id: number }[]>`
    select id from vehicle where tenant_id = ${tenantRef} and external_id = ${externalId}`;
  return found?.id ?? refuse('NOT_FOUND', `There is no vehicle ${externalId}.`, ...field);
}

const DATED = {
  policy_product: Prisma.sql`policy_product`,
  policy_vehicle: Prisma.sql`policy_vehicle`,
  policy_driver: Prisma.sql`policy_driver`,
  policy_fact: Prisma.sql`policy_fact`,
};

/** Ends dated rows of a policy at a date; rows that begin then or later are deleted. @returns whether there were any */
async function endSpans(
  tx: Transaction,
  table: keyof typeof DATED,
  policy: Held,
  from: string,
  which: Prisma.Sql,
): Promise<boolean> {
  const gone = await tx.$executeRaw`
    delete from ${DATED[table]} where policy_id = ${policy.ref} and from_date >= ${from}::date and ${which}`;
  const ended = await tx.$executeRaw`
    update ${DATED[table]} set to_date = ${from}::date
    where policy_id = ${policy.ref} and from_date < ${from}::date and to_date > ${from}::date and ${which}`;
  return gone + ended > 0;
}

/** A policy must have a vehicle and a driver on each day, otherwise there is nothing to rate. */
async function checkCovered(tx: Transaction, policy: Held): Promise<void> {
  for (const [table, what] of [
    ['policy_vehicle', 'vehicle'],
    ['policy_driver', 'driver'],
  ] as const) {
    const [gap] = await tx.$queryRaw<{ day: string }[]>`
      select lower(hole)::text as day from (
        select unnest(datemultirange(daterange(${policy.startDate}::date, ${policy.endDate}::date))
          - range_agg(daterange(from_date, to_date))) as hole
        from ${DATED[table]} where policy_id = ${policy.ref}) as holes order by 1 limit 1`;
    if (gap) {
      refuse(
        'INVALID',
        `${policy.number} would have no ${what} from ${gap.day} on. Add one from that day, or cancel the policy.`,
        what === 'vehicle' ? 'removeVehicles' : 'removeDrivers',
      );
    }
  }
}

async function keepAmendment(
  tx: Transaction,
  tenantRef: number,
  policy: Held,
  subject: string | null,
  from: string,
  change: object,
  reason: string | null,
): Promise<void> {
  await tx.$executeRaw`insert into policy_amendment (tenant_id, policy_id, subject, effective_from, change, reason)
    values (${tenantRef}, ${policy.ref}, ${subject}, ${from}::date, ${JSON.stringify(change)}::jsonb, ${reason})`;
  await markRepriced(tx, policy.ref);
}

/** Makes subscriptions to the policy's premium notice that it may have changed. */
export async function markRepriced(tx: Transaction, policyRef: number): Promise<void> {
  await tx.$executeRaw`update policy set changed = pg_current_xact_id() where id = ${policyRef}`;
}

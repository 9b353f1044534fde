import type { DayPart } from '../../core/changes.ts';
import { less } from '../../core/premium/bills/disputed.ts';
import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import { readDisputedTrips } from '../read/disputes.ts';
import { instantOf } from '../read/instant.ts';
import { readPolicy } from '../read/policies.ts';
import { readTrips } from '../read/trips.ts';
import { refuse } from './once.ts';
import { markRepriced } from './policies.ts';

export interface DisputeOrder {
  readonly policyNumber: string;
  readonly tripRef: number;
  readonly reason: string;
}

export interface SettlementOrder {
  readonly disputeRef: number;
  readonly outcome: 'UPHELD' | 'REJECTED';
  readonly settlement: string;
}

/**
 * Keeps a trip out of a policy's premiums and bills until the dispute is settled. Bills issued before
 * stay unchanged; an adjustment corrects them. @returns the dispute's id
 */
export async function disputeTrip(
  tx: Transaction,
  tenantRef: number,
  subject: string | null,
  { policyNumber, tripRef, reason }: DisputeOrder,
): Promise<number> {
  const policy =
    (await readPolicy(tx, policyNumber)) ??
    refuse('NOT_FOUND', `There is no policy ${policyNumber}.`, 'policyNumber');
  const trip =
    (await readTrips(tx, [tripRef]))[0] ??
    refuse('NOT_FOUND', 'No such trip. Give the id of a trip, as `trips` returns it.', 'tripId');
  const days = trip.days.map(({ localDate }) => localDate);
  const [covered] = await tx.$queryRaw<object[]>`
    select 1 from policy_vehicle where policy_id = ${policy.ref} and vehicle_id = ${trip.vehicleRef}
      and exists (select from unnest(${days}::text[]) as d(day) where d.day::date >= from_date and d.day::date < to_date)`;
  if (!covered) {
    refuse(
      'INVALID',
      `The trip of ${trip.localDate} was not driven with a vehicle that ${policyNumber} covered then.`,
      'tripId',
    );
  }
  const leftOut = await readDisputedTrips(tx, [policy.ref]);
  const before = leftOut.filter((left) => left.tripRef === tripRef);
  const isLeftOut = before.some((left) => left.whole);
  const parts = before.reduce((left: readonly DayPart[], out) => less(left, out.parts), trip.days);
  const [made] = isLeftOut
    ? []
    : await tx.$queryRaw<{ ref: number }[]>`
        insert into dispute (tenant_id, policy_id, trip_id, reason, opened_by, device_id, from_at, to_at, was_open, parts)
        values (${tenantRef}, ${policy.ref}, ${tripRef}, ${reason}, ${subject}, ${trip.deviceRef}, ${new Date(trip.startedAtMs)},
          ${instantOf(Prisma.sql`${trip.lastSec}::int`, Prisma.sql`${trip.lastRest}::bigint`)}, ${!trip.closed},
          ${JSON.stringify(parts)}::jsonb)
        on conflict do nothing returning id as ref`;
  if (!made) {
    refuse('ALREADY_EXISTS', 'The trip already has an open or upheld dispute.', 'tripId');
  }
  await markRepriced(tx, policy.ref);
  return made.ref;
}

/** Decides a dispute, once: upheld, the trip stays out; rejected, it counts again. @returns the dispute's id */
export async function settleDispute(
  tx: Transaction,
  subject: string | null,
  { disputeRef, outcome, settlement }: SettlementOrder,
): Promise<number> {
  const [settled] = await tx.$queryRaw<{ policyRef: number }[]>`
    update dispute set state = ${outcome}, settlement = ${settlement}, settled_by = ${subject}, settled_at = clock_timestamp()
    where id = ${disputeRef} and state = 'OPEN' returning policy_id as "policyRef"`;
  if (settled) {
    await markRepriced(tx, settled.policyRef);
    return disputeRef;
  }
  const [found] = await tx.$queryRaw<{ state: string }[]>`
    select state from dispute where id = ${disputeRef}`;
  if (!found)
    refuse(
      'NOT_FOUND',
      'No such dispute. Give the id of a dispute, as `Policy.disputes` returns it.',
      'disputeId',
    );
  return refuse('WRONG_STATE', `The dispute is already settled: ${found.state}.`, 'disputeId');
}

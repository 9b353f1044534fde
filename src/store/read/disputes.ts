import type { DayPart } from '../../core/changes.ts';
import type { DisputedTrip, KnownTrip, LeftOut } from '../../core/premium/bills/disputed.ts';
import { leaveOut } from '../../core/premium/bills/disputed.ts';
import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import { instantOf } from './instant.ts';

export type DisputeState = 'OPEN' | 'UPHELD' | 'REJECTED';

/** A claim that a trip must not be billed, or not to this policy. */
export interface DisputeRow {
  readonly ref: number;
  readonly policyRef: number;
  readonly tripRef: number;
  readonly state: DisputeState;
  readonly reason: string;
  readonly openedAt: Date;
  /** The token's subject. */
  readonly openedBy: string | null;
  readonly settledAt: Date | null;
  readonly settledBy: string | null;
  readonly settlement: string | null;
}

const COLUMNS = Prisma.sql`id as ref, policy_id as "policyRef", trip_id as "tripRef", state, reason, opened_at as "openedAt",
  opened_by as "openedBy", settled_at as "settledAt", settled_by as "settledBy", settlement`;

function toDisputeRow({ tripRef, ...row }: DisputeRow & { readonly tripRef: unknown }): DisputeRow {
  return { ...row, tripRef: Number(tripRef) };
}

/** Disputes by the store's own ids; those that the reader may not see are missing. */
export async function readDisputes(
  tx: Transaction,
  refs: readonly number[],
): Promise<DisputeRow[]> {
  const rows = await tx.$queryRaw<DisputeRow[]>`
    select ${COLUMNS} from dispute where id = any(${refs}::int[])`;
  return rows.map(toDisputeRow);
}

/** The disputes of policies, the oldest first. */
export async function readDisputesOfPolicies(
  tx: Transaction,
  policyRefs: readonly number[],
): Promise<DisputeRow[]> {
  const rows = await tx.$queryRaw<DisputeRow[]>`
    select ${COLUMNS} from dispute where policy_id = any(${policyRefs}::int[]) order by id`;
  return rows.map(toDisputeRow);
}

/** What a dispute that is open or upheld leaves out of one trip, as trips are known now. */
export interface LeftOutRow extends LeftOut {
  readonly policyRef: number;
  readonly tripRef: number;
  readonly vehicleRef: number | null;
}

interface RawDisputed {
  readonly policyRef: number;
  readonly deviceRef: number;
  readonly disputeRef: number;
  readonly disputedTripRef: bigint;
  readonly from: Date;
  readonly to: Date;
  readonly wasOpen: boolean;
  readonly disputedParts: readonly DayPart[];
  readonly tripRef: bigint;
  readonly vehicleRef: number | null;
  readonly startedAt: Date;
  readonly lastAt: Date;
  readonly parts: readonly DayPart[];
}

/**
 * What disputes that are open or upheld leave out of the trips of policies: of the trips that now have the disputed
 * driving. A trip lasts a day or two, so those before are found by their start.
 */
export async function readDisputedTrips(
  tx: Transaction,
  policyRefs: readonly number[],
): Promise<LeftOutRow[]> {
  const rows = await tx.$queryRaw<RawDisputed[]>`
    with disputed as materialized (
      select d.*, from_at - interval '3 days' as earliest from dispute d
      where policy_id = any(${policyRefs}::int[]) and state <> 'REJECTED')
    select d.policy_id as "policyRef", d.device_id as "deviceRef", d.id as "disputeRef", d.trip_id as "disputedTripRef", d.from_at as from,
      d.to_at as to, d.was_open as "wasOpen", d.parts as "disputedParts", t.id as "tripRef", t.vehicle_id as "vehicleRef",
      t.started_at as "startedAt", ${instantOf(Prisma.sql`t.last_sec`, Prisma.sql`t.last_rest`)} as "lastAt", t.days as parts
    from disputed d join trip t on t.device_id = d.device_id and t.started_at >= d.earliest and t.started_at <= d.to_at
    order by d.policy_id, d.device_id, t.started_at`;
  const groups = new Map<string, RawDisputed[]>();
  for (const row of rows) {
    const key = `${row.policyRef} ${row.deviceRef}`;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].flatMap((group) => {
    const disputes = new Map(group.map((row) => [row.disputeRef, toDisputed(row)]));
    const trips = new Map(group.map((row) => [String(row.tripRef), row]));
    return leaveOut(
      [...disputes.values()],
      [...trips].map(([tripId, row]) => toKnown(tripId, row)),
    ).flatMap((left) => {
      const trip = trips.get(left.tripId);
      if (trip === undefined) return [];
      const { policyRef, tripRef, vehicleRef } = trip;
      return [{ ...left, policyRef, tripRef: Number(tripRef), vehicleRef }];
    });
  });
}

function toDisputed(row: RawDisputed): DisputedTrip {
  return {
    disputeRef: row.disputeRef,
    tripId: String(row.disputedTripRef),
    fromMs: row.from.getTime(),
    toMs: row.to.getTime(),
    wasOpen: row.wasOpen,
    parts: row.disputedParts,
  };
}

function toKnown(tripId: string, { startedAt, lastAt, parts }: RawDisputed): KnownTrip {
  return { tripId, fromMs: startedAt.getTime(), toMs: lastAt.getTime(), parts };
}

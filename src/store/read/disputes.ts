import type { DayPart } from '../../core/changes.ts';
import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../open.ts';

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

/** A trip that does not count for a policy. */
export interface DisputedTrip {
  readonly policyRef: number;
  readonly tripRef: number;
  readonly vehicleRef: number | null;
  readonly parts: readonly DayPart[];
}

/**
 * The trips that do not count for policies: of disputes that are open or upheld. Where late messages
 * merged a disputed trip into another, it is that one. A trip begins with the event at which it is anchored: by its
 * start an index leads to it.
 */
export async function readDisputedTrips(
  tx: Transaction,
  policyRefs: readonly number[],
): Promise<DisputedTrip[]> {
  const rows = await tx.$queryRaw<(DisputedTrip & { readonly tripRef: unknown })[]>`
    select distinct on (p.policy_id, x.id) p.policy_id as "policyRef", x.id as "tripRef", x.vehicle_id as "vehicleRef", x.days as parts
    from dispute p join trip_handle h on h.id = p.trip_id cross join lateral (
      select t.* from trip t where t.device_id = h.device_id and (t.anchor_sec, t.anchor_rest) <= (h.anchor_sec, h.anchor_rest)
        and t.started_at <= to_timestamp(946684800 + h.anchor_sec + (h.anchor_rest >> 53) / 1000.0)
      order by t.started_at desc limit 1) as x
    where p.policy_id = any(${policyRefs}::int[]) and p.state <> 'REJECTED'
      and (h.anchor_sec, h.anchor_rest) <= (x.last_sec, x.last_rest)`;
  return rows.map(({ tripRef, ...row }) => ({ ...row, tripRef: Number(tripRef) }));
}

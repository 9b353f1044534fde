import type { DayPart } from '../../core/changes.ts';
import type { KnownNow } from '../../core/premium/bills/adjustment.ts';
import type { LeftOut } from '../../core/premium/bills/disputed.ts';
import type { OverlappingTrip } from '../../core/premium/bills/overlapping.ts';
import { exposureOf } from '../../core/premium/rating/exposure.ts';
import type { Transaction } from '../transaction.ts';
import { COUNTS, countingOf } from './counting.ts';
import { readDisputedTrips } from './disputes.ts';
import type { RatedCover } from './rating.ts';
import { startsFor } from './trip-starts.ts';
import { CLOSED } from './trip-columns.ts';

interface RawTrip {
  readonly id: bigint;
  readonly revision: number;
  readonly vehicleRef: number;
  readonly days: readonly DayPart[];
  /** Whether its device counts for the vehicle; otherwise another one does at that time. */
  readonly counts: boolean;
  readonly deviceId: string;
}

/** The driving that a bill takes, and what disputes leave out of it. */
interface BilledDriving extends Pick<KnownNow, 'exposure' | 'trips'> {
  readonly leftOut: readonly LeftOut[];
  /** Trips of devices that do not count for their vehicle, since another one does at that time. */
  readonly overlapping: readonly OverlappingTrip[];
}

/**
 * What a bill takes of the driving of a policy's vehicles: the days of trips that were over at its
 * cut-off, less what is disputed, with those trips as evidence.
 *
 * @param since first local date
 * @param to the local date after the last
 */
export async function readBilledDriving(
  tx: Transaction,
  policyRef: number,
  { vehicles }: RatedCover,
  since: string,
  to: string,
  cutOff: Date,
): Promise<BilledDriving> {
  const refs = [...vehicles.keys()];
  const found = await tx.$queryRaw<RawTrip[]>`
    with counting as materialized (${countingOf(refs)})
    select t.id, t.revision, t.vehicle_id as "vehicleRef", t.days, ${COUNTS} as counts, d.external_id as "deviceId"
    from trip t join device d on d.id = t.device_id left join device_state s on s.device_id = t.device_id
    where t.device_id = any(array(select device_id from assignment where vehicle_id = any(${refs}::int[])))
      and t.vehicle_id = any(${refs}::int[])
      and ${startsFor(since, to)}
      and t.closes_at <= ${cutOff} and ${CLOSED}
    order by t.id`;
  const known = new Map(
    found
      .filter(({ counts }) => counts)
      .flatMap(({ id, ...trip }) => {
        const parts = trip.days.filter(({ localDate }) => localDate >= since && localDate < to);
        return parts.length === 0 ? [] : [[Number(id), { ...trip, tripId: String(id), parts }]];
      }),
  );
  const leftOut = (await readDisputedTrips(tx, [policyRef])).filter(({ tripRef }) =>
    known.has(tripRef),
  );
  const whole = new Set(leftOut.filter((left) => left.whole).map(({ tripRef }) => tripRef));
  const partsOf = (
    ref: number,
    rows: Iterable<{ vehicleRef: number | null; parts: readonly DayPart[] }>,
  ) => [...rows].filter(({ vehicleRef }) => vehicleRef === ref).flatMap(({ parts }) => parts);
  return {
    trips: [...known]
      .filter(([ref]) => !whole.has(ref))
      .map(([, { tripId, revision }]) => ({ tripId, revision })),
    exposure: [...vehicles].flatMap(([ref, vehicleId]) =>
      exposureOf(
        vehicleId,
        partsOf(ref, known.values()),
        partsOf(ref, leftOut).filter(({ localDate }) => localDate >= since && localDate < to),
      ),
    ),
    leftOut,
    overlapping: found
      .filter(({ counts }) => !counts)
      .map(({ id, vehicleRef, deviceId, days: parts }) => {
        const vehicleId = vehicles.get(vehicleRef) ?? '';
        return { tripId: String(id), vehicleId, deviceId, parts };
      }),
  };
}

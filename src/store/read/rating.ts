import { exposureOf } from '../../core/premium/rating/exposure.ts';
import type { FactRange, RatedPolicy, RatingInput } from '../../core/premium/rating/input.ts';
import type { Transaction } from '../transaction.ts';
import { readDeviceDays, readReadThrough } from './device-days.ts';
import { readDisputedTrips } from './disputes.ts';
import { readDrivers, readVehicles } from './drivers.ts';
import { readVehicleExposure } from './exposure.ts';
import type { PolicyParts, PolicyRow } from './policies.ts';
import { readPolicyParts } from './policies.ts';

/** The longest window that a tariff may look back over for habits, days; see core/premium/habits. */
const LOOK_BACK_DAYS = 1_100;

/** A policy as rating sees it, and the products that pick its tariffs. */
export interface RatedCover extends Pick<PolicyParts, 'products'> {
  readonly policy: RatedPolicy;
  /** The vehicles that it covers at any time, with their external ids. */
  readonly vehicles: ReadonlyMap<number, string>;
}

/** A policy's inputs of rating, and the products that pick its tariffs. */
export interface PolicyRating extends Pick<PolicyParts, 'products'> {
  readonly policyRef: number;
  readonly input: RatingInput;
}

/** Policies as rating sees them, by id: a handful of statements whatever their number. */
export async function readRatedCovers(
  tx: Transaction,
  policies: readonly PolicyRow[],
): Promise<ReadonlyMap<number, RatedCover>> {
  const parts = await readPolicyParts(
    tx,
    policies.map(({ ref }) => ref),
  );
  const all = [...parts.values()];
  const vehicleRefs = unique(all.flatMap((part) => part.vehicles.map((v) => v.vehicleRef)));
  const driverRefs = unique(all.flatMap((part) => part.drivers.map((d) => d.driverRef)));
  const names: Names = {
    vehicles: new Map((await readVehicles(tx, vehicleRefs)).map((v) => [v.ref, v.externalId])),
    drivers: new Map((await readDrivers(tx, driverRefs)).map((d) => [d.ref, d.externalId])),
  };
  return new Map(
    policies.map((policy) => {
      const part = parts.get(policy.ref) ?? { products: [], vehicles: [], drivers: [], facts: [] };
      const covered = unique(
        part.vehicles.filter(({ from }) => from < endOf(policy)).map((v) => v.vehicleRef),
      );
      const rated = toRatedPolicy(policy, part, covered, names);
      const vehicles = new Map(covered.map((ref) => [ref, nameOf(names.vehicles, ref)]));
      return [policy.ref, { policy: rated, products: part.products, vehicles }];
    }),
  );
}

/**
 * All inputs of premiums of a period except their tariffs, for many policies at once: a handful of
 * statements whatever their number. Kilometres are those of the covered vehicles by any driver, so the
 * reader must not be restricted to one driver; those of disputed trips do not count.
 *
 * @param from first local date of the period
 * @param to the local date after the last
 * @param sinceOf the first local date whose driving matters, by the policy's first; as far as any tariff may look back if
 * not given
 * @param estimates whether one of the tariffs estimates silent days, for which those of devices are read
 */
export async function readRatingInputs(
  tx: Transaction,
  policies: readonly PolicyRow[],
  from: string,
  to: string,
  sinceOf = (policyStart: string): string => earlier(policyStart, daysBefore(to, LOOK_BACK_DAYS)),
  estimates = false,
): Promise<PolicyRating[]> {
  const covers = await readRatedCovers(tx, policies);
  const vehicleRefs = unique([...covers.values()].flatMap(({ vehicles }) => [...vehicles.keys()]));
  const since = policies.reduce((day, p) => earlier(day, sinceOf(p.startDate)), to);
  const days = await readVehicleExposure(tx, vehicleRefs, since, to);
  const disputed = await readDisputedTrips(
    tx,
    policies.map(({ ref }) => ref),
  );
  const byVehicle = new Map<number, (typeof days)[number][]>();
  for (const day of days) {
    const known = byVehicle.get(day.vehicleRef);
    if (known) known.push(day);
    else byVehicle.set(day.vehicleRef, [day]);
  }
  const deviceDays = estimates
    ? await readDeviceDays(
        tx,
        policies.map(({ ref, timeZone }) => ({
          timeZone,
          vehicles: covers.get(ref)?.vehicles ?? new Map<number, string>(),
        })),
        since,
        await readReadThrough(tx),
      )
    : [];
  return [...covers].map(([policyRef, { policy, products, vehicles }], place) => ({
    policyRef,
    products,
    input: {
      period: { from, to },
      policy,
      ...(estimates && { deviceDays: deviceDays[place] ?? [] }),
      exposure: [...vehicles].flatMap(([ref, vehicleId]) =>
        exposureOf(
          vehicleId,
          byVehicle.get(ref) ?? [],
          disputed
            .filter((trip) => trip.policyRef === policyRef && trip.vehicleRef === ref)
            .flatMap(({ parts }) => parts)
            .filter(({ localDate }) => localDate >= since && localDate < to),
        ),
      ),
    },
  }));
}

interface Names {
  readonly vehicles: ReadonlyMap<number, string>;
  readonly drivers: ReadonlyMap<number, string>;
}

function nameOf(names: ReadonlyMap<number, string>, ref: number): string {
  const name = names.get(ref);
  if (name === undefined) throw new Error(`a policy names ${ref}, which its reader cannot see`);
  return name;
}

/** Cover ends where the policy was cancelled. */
function endOf({ cancelledOn, endDate }: PolicyRow): string {
  return cancelledOn ?? endDate;
}

function toRatedPolicy(
  policy: PolicyRow,
  { vehicles, drivers, facts }: PolicyParts,
  covered: readonly number[],
  names: Names,
): RatedPolicy {
  const end = endOf(policy);
  const cut = <Span extends { readonly from: string; readonly to: string }>(
    spans: readonly Span[],
  ) => spans.filter(({ from }) => from < end).map((s) => ({ ...s, to: s.to < end ? s.to : end }));
  return {
    number: policy.number,
    startDate: policy.startDate,
    endDate: end,
    vehicles: cut(vehicles).map(({ vehicleRef, from, to }) => ({
      vehicleId: nameOf(names.vehicles, vehicleRef),
      from,
      to,
    })),
    facts: [
      // A named driver without facts is kept, so that factors over drivers report what is missing.
      ...cut(drivers).map(({ driverRef, from, to }) => ({
        from,
        to,
        driverId: nameOf(names.drivers, driverRef),
        values: {},
      })),
      ...cut(facts)
        .filter(({ vehicleRef }) => vehicleRef === null || covered.includes(vehicleRef))
        .map(({ name, value, vehicleRef, driverRef, from, to }): FactRange => ({
          from,
          to,
          ...(vehicleRef === null ? {} : { vehicleId: nameOf(names.vehicles, vehicleRef) }),
          ...(driverRef === null ? {} : { driverId: nameOf(names.drivers, driverRef) }),
          values: { [name]: value },
        })),
    ],
  };
}

function earlier(a: string, b: string): string {
  return a < b ? a : b;
}

function unique(refs: readonly number[]): number[] {
  return [...new Set(refs)];
}

function daysBefore(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
}

import { Prisma } from '../../generated/client.ts';
import type { DriverRow } from '../drivers.ts';
import type { TripRow } from '../trip-row.ts';
import { lostTrips, tripsById } from '../trips.ts';
import type { Changed, Span } from './changes.ts';
import { isIn, spanFrom, toSpan } from './changes.ts';
import type { LiveQuery } from './connection.ts';
import type { Owner } from './owner.ts';

/** A trip that changed or was taken away. */
export interface ChangedTrip extends Changed {
  readonly id: number;
  readonly driver: DriverRow | null;
  /** Where its owner lost it: whose it is now, and the revision that it was before. */
  readonly lost: { readonly to: Owner; readonly revision: number } | undefined;
}

type RawChange = { readonly up_to: string; readonly more: boolean } & (
  | {
      readonly id: bigint;
      readonly changed: string;
      readonly device: string;
      readonly tenant: string;
      readonly driver: string | null;
      readonly driver_ref: number | null;
      readonly driver_name: string | null;
      readonly lost_revision: number | null;
      readonly to_tenant: string | null;
      readonly to_driver: string | null;
    }
  | { readonly id: null }
);

/** Which trips changed since a transaction. */
export async function readTripChanges(query: LiveQuery, since: bigint): Promise<Span<ChangedTrip>> {
  const [t, r] = [Prisma.sql`t`, Prisma.sql`r`];
  const rows = await query<RawChange>(
    'trip changes',
    Prisma.sql`
    with ${spanFrom(since)}
    select span.up_to::text, span.more, c.* from span left join lateral (
      select x.id, x.changed::text, d.external_id as device, n.slug as tenant, v.external_id as driver,
        v.id as driver_ref, v.name as driver_name, x.revision as lost_revision,
        (select slug from tenant where id = x.to_tenant) as to_tenant, (select external_id from driver where id = x.to_driver) as to_driver
      from (select t.id, t.device_id, t.tenant_id, t.driver_id, t.changed, null::int as revision, null::int as to_tenant, null::int as to_driver
          from trip t
          where t.device_id = any(array(select device_id from named)) and ${isIn(t)}
        union all
        select r.trip_id, r.device_id, r.tenant_id, r.driver_id, r.changed, l.revision, l.tenant_id, l.driver_id
          from trip_revision r left join lateral (select r.revision, t.tenant_id, t.driver_id from trip t where t.id = r.trip_id) as l
            on not r.withdrawn
          where (r.withdrawn or (r.tenant_id, r.driver_id) is distinct from (l.tenant_id, l.driver_id)) and r.device_id = any(array(select device_id from named)) and ${isIn(r)}) as x
        join device d on d.id = x.device_id join tenant n on n.id = x.tenant_id left join driver v on v.id = x.driver_id
      order by x.changed, x.id) as c on true`,
  );
  return toSpan(since, rows, (row) => {
    if (row.id === null) return undefined;
    const { id, changed, device, tenant, driver, driver_ref: ref, driver_name: name } = row;
    const { lost_revision: revision, to_tenant: to } = row;
    return {
      id: Number(id),
      changed: BigInt(changed),
      deviceId: device,
      owner: { tenant, driver },
      driver: driver === null || ref === null ? null : { ref, externalId: driver, name },
      lost:
        revision === null || to === null
          ? undefined
          : { revision, to: { tenant: to, driver: row.to_driver } },
    };
  });
}

/** Trips by their ids, also those that were taken away. */
export async function readLiveTrips(
  query: LiveQuery,
  ids: readonly number[],
): Promise<readonly TripRow[]> {
  return query<TripRow>('trips', tripsById(ids));
}

/** Trips as they were before their owners lost them. */
export async function readLostTrips(
  query: LiveQuery,
  revisions: readonly { readonly id: number; readonly revision: number }[],
): Promise<readonly TripRow[]> {
  return query<TripRow>('lost trips', lostTrips(revisions));
}

/** Whose trips are, by id. */
export async function readTripOwners(
  query: LiveQuery,
  ids: readonly number[],
): Promise<ReadonlyMap<number, Owner>> {
  const rows = await query<{ id: bigint; tenant: string; driver: string | null }>(
    'trip owners',
    Prisma.sql`select t.id, n.slug as tenant, v.external_id as driver from trip t join tenant n on n.id = t.tenant_id
      left join driver v on v.id = t.driver_id where t.id = any(${[...ids]}::bigint[])`,
  );
  return new Map(rows.map(({ id, tenant, driver }) => [Number(id), { tenant, driver }]));
}

import { Prisma } from '../../generated/client.ts';
import type { DrivingEventPlace, DrivingEventRow } from '../driving-events.ts';
import { drivingEventsByKey } from '../driving-events.ts';
import type { Changed, Span } from './changes.ts';
import { isIn, spanFrom, toSpan } from './changes.ts';
import type { LiveQuery } from './connection.ts';

/** A driving event that was added, or given to another driver. */
export interface ChangedDrivingEvent extends Changed {
  readonly key: DrivingEventPlace;
}

type RawChange = { readonly up_to: string; readonly more: boolean } & (
  | {
      readonly device_id: number;
      readonly at: Date;
      readonly kind: string;
      readonly source: string;
      readonly changed: string;
      readonly device: string;
      readonly tenant: string;
      readonly driver: string | null;
    }
  | { readonly at: null }
);

/** Which driving events were added, or given to another driver, since a transaction. */
export async function readDrivingEventChanges(
  query: LiveQuery,
  since: bigint,
): Promise<Span<ChangedDrivingEvent>> {
  const rows = await query<RawChange>(
    'driving event changes',
    Prisma.sql`
    with ${spanFrom(since)}
    select span.up_to::text, span.more, c.* from span left join lateral (
      select e.device_id, e.at, e.kind, e.source, e.changed::text, d.external_id as device, n.slug as tenant,
        v.external_id as driver
      from driving_event e join device d on d.id = e.device_id join tenant n on n.id = e.tenant_id
        left join driver v on v.id = e.driver_id
      where e.device_id = any(array(select device_id from named)) and ${isIn(Prisma.sql`e`)}
      order by e.changed, e.device_id, e.at, e.kind collate "C", e.source collate "C") as c on true`,
  );
  return toSpan(since, rows, (row) => {
    if (row.at === null) return undefined;
    const { device_id: deviceRef, at, kind, source, changed, device, tenant, driver } = row;
    return {
      key: { deviceRef, atMs: at.getTime(), kind, source },
      changed: BigInt(changed),
      deviceId: device,
      owner: { tenant, driver },
    };
  });
}

/** Driving events by their names. */
export async function readLiveDrivingEvents(
  query: LiveQuery,
  keys: readonly DrivingEventPlace[],
): Promise<readonly DrivingEventRow[]> {
  return query<DrivingEventRow>('driving events', drivingEventsByKey(keys));
}

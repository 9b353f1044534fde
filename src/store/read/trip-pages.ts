import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import type { Page, PageRequest } from './page.ts';
import { keysetOf, toPage } from './page.ts';
import { TENANTS } from './tenants.ts';
import type { DriverRow } from './drivers.ts';
import type { DrivingEventRow } from './driving-events.ts';
import type { TripSelection } from './trip-columns.ts';
import { selectTrips, STATE } from './trip-columns.ts';
import type { TripCriteria, TripKey } from './trips.ts';
import type { TripRow } from './trip-row.ts';
import { criteriaOf } from './trips.ts';

/** A trip of a list: the selected columns, and what was read with it. */
export interface ListedTrip extends TripRow {
  readonly driver?: DriverRow | null;
  readonly events?: readonly DrivingEventRow[];
}

interface RawTrip extends TripRow {
  readonly page: number;
  readonly 'driver.ref'?: number | null;
  readonly 'driver.externalId'?: string;
  readonly 'driver.name'?: string | null;
  readonly events?: readonly (readonly unknown[])[] | null;
}

/** All trips that the reader may see, or those of each of the given drivers or devices. */
export type TripOwners =
  | { readonly of: 'anybody' }
  | { readonly of: 'driver' | 'device'; readonly refs: readonly number[] };

/** Owners for which an index has trips in order, and the remaining criteria. */
interface Owned {
  readonly of: 'tenant' | 'driver' | 'device';
  /** Rows `page, ref`: each owner, and the page that its trips belong to. */
  readonly owners: Prisma.Sql;
  readonly rest: TripCriteria;
}

function ownedBy(owners: TripOwners, criteria: TripCriteria): Owned {
  if (owners.of !== 'anybody') {
    const refs = Prisma.sql`select ref as page, ref from unnest(${owners.refs}::int[]) as ref`;
    return { of: owners.of, owners: refs, rest: criteria };
  }
  const { deviceId, driverExternalId, ...rest } = criteria;
  if (deviceId !== undefined) {
    return {
      of: 'device',
      owners: Prisma.sql`select 0 as page, id as ref from device where external_id = ${deviceId}`,
      rest: criteria,
    };
  }
  if (driverExternalId !== undefined) {
    return {
      of: 'driver',
      owners: Prisma.sql`select 0 as page, id as ref from driver where external_id = ${driverExternalId}`,
      rest,
    };
  }
  return {
    of: 'tenant',
    owners: Prisma.sql`select 0 as page, id as ref from (${TENANTS}) as n`,
    rest,
  };
}

/**
 * One page of trips for each owner, in one statement; by owner's id, 0 for `anybody`. Each owner's trips are
 * read in index order and no further than the page needs; other columns are joined to those rows.
 * A reader limited to one driver has to filter by that driver: no index serves row-level security alone.
 */
export async function readTripPages(
  tx: Transaction,
  owners: TripOwners,
  criteria: TripCriteria,
  direction: 'ASC' | 'DESC',
  page: PageRequest<TripKey>,
  selection: TripSelection,
): Promise<ReadonlyMap<number, Page<ListedTrip>>> {
  const { list, joins } = selectTrips(selection);
  const { of, owners: owned, rest } = ownedBy(owners, criteria);
  // A device's trips start at different instants, so the start alone is a total order, and its index has it.
  const keyset =
    of === 'device'
      ? keysetOf([Prisma.sql`t.started_at`], direction, page, ({ startedAtMs }) => [
          Prisma.sql`${new Date(startedAtMs)}`,
        ])
      : keysetOf(
          [Prisma.sql`t.started_at`, Prisma.sql`t.id`],
          direction,
          page,
          ({ startedAtMs, id }) => [Prisma.sql`${new Date(startedAtMs)}`, Prisma.sql`${id}`],
        );
  const amongOpen =
    of === 'driver' && rest.closed === false
      ? Prisma.sql` and t.device_id = any(array(select a.device_id from assignment a where a.driver_id = o.ref))`
      : Prisma.empty;
  const found = await tx.$queryRaw<RawTrip[]>`
    select t.page, ${list} from (
      select o.page, t.* from (${owned}) as o cross join lateral (
        select t.* from trip t ${rest.closed === undefined ? Prisma.empty : STATE}
        where t.${Prisma.raw(`${of}_id`)} = o.ref and ${criteriaOf(rest)}${amongOpen}${keyset.where}
        order by ${keyset.order} limit ${keyset.limit}) as t
      ${owners.of === 'anybody' ? Prisma.sql`order by ${keyset.order} limit ${keyset.most}` : Prisma.empty}) as t
    ${joins} order by ${keyset.order}`;
  const refs = owners.of === 'anybody' ? [0] : owners.refs;
  const pages = new Map<number, ListedTrip[]>(refs.map((ref) => [ref, []]));
  for (const row of found) pages.get(row.page)?.push(toListed(row, selection));
  return new Map([...pages].map(([ref, rows]) => [ref, toPage(rows, page)]));
}

function toListed(raw: RawTrip, { withDriver, events: selected }: TripSelection): ListedTrip {
  const { events, ...row } = raw;
  return {
    ...row,
    ...(withDriver ? { driver: toDriver(raw) } : {}),
    ...(selected ? { events: selected.toRows(events ?? null) } : {}),
  };
}

function toDriver(raw: RawTrip): DriverRow | null {
  const ref = raw['driver.ref'] ?? null;
  return ref === null
    ? null
    : { ref, externalId: raw['driver.externalId'] ?? '', name: raw['driver.name'] ?? null };
}

import { Prisma } from '../generated/client.ts';
import { READ_THROUGH } from '../read-through.ts';
import type { EventSelection } from './driving-events.ts';
import { instantOf, toMs } from './instant.ts';
import type { TripRow } from './trip-row.ts';

/**
 * Whether the trip `t` is over; `s` is its device's state. A trip counts as closed when a later event closed it, or when more time than its threshold lies
 * between the arrival of the device's newest event and the instant up to which the log is folded.
 */
export const CLOSED = Prisma.sql`(t.decided_sec is not null or coalesce(
  ${READ_THROUGH} - s.arrived_at
    > t.closes_at - ${instantOf(Prisma.sql`t.last_sec`, Prisma.sql`t.last_rest`)}, false))`;

/** When silence closes the trip `t`, if it is not closed. */
const SILENT_AT = Prisma.sql`case when not ${CLOSED}
  then s.arrived_at + (t.closes_at - ${instantOf(Prisma.sql`t.last_sec`, Prisma.sql`t.last_rest`)}) end`;

/** The columns of a trip `t` by the property of its row. `deviceId` needs `DEVICE`; `closed` and `silentAtMs` need `STATE`. */
const COLUMNS = {
  id: Prisma.sql`t.id::float8`,
  deviceRef: Prisma.sql`t.device_id`,
  deviceId: Prisma.sql`d.external_id`,
  tenantRef: Prisma.sql`t.tenant_id`,
  driverRef: Prisma.sql`t.driver_id`,
  vehicleRef: Prisma.sql`t.vehicle_id`,
  closed: CLOSED,
  silentAtMs: Prisma.sql`(extract(epoch from ${SILENT_AT}) * 1000)::float8`,
  startedAtMs: toMs('t.started_at'),
  endedAtMs: toMs('t.ended_at'),
  endReason: Prisma.sql`t.end_reason`,
  timeZone: Prisma.sql`t.time_zone`,
  localDate: Prisma.sql`t.local_date::text`,
  distanceM: Prisma.sql`t.distance_m`,
  distanceSource: Prisma.sql`t.distance_source`,
  bridgedM: Prisma.sql`t.bridged_m`,
  movingMs: Prisma.sql`t.moving_ms::float8`,
  idleMs: Prisma.sql`t.idle_ms::float8`,
  maxSpeedCkmh: Prisma.sql`t.max_speed_ckmh`,
  nightM: Prisma.sql`t.night_m`,
  fixes: Prisma.sql`t.fixes`,
  startLatE7: Prisma.sql`t.start_lat_e7`,
  startLonE7: Prisma.sql`t.start_lon_e7`,
  endLatE7: Prisma.sql`t.end_lat_e7`,
  endLonE7: Prisma.sql`t.end_lon_e7`,
  rejectedFixes: Prisma.sql`t.rejected_fixes`,
  days: Prisma.sql`t.days`,
  rulesVersion: Prisma.sql`t.rules_version`,
  revision: Prisma.sql`t.revision`,
  updatedAtMs: toMs('t.updated_at'),
  anchorSec: Prisma.sql`t.anchor_sec`,
  anchorRest: Prisma.sql`t.anchor_rest`,
  lastSec: Prisma.sql`t.last_sec`,
  lastRest: Prisma.sql`t.last_rest`,
  changed: Prisma.sql`t.changed::text`,
  gone: Prisma.sql`false`,
  supersededByRef: Prisma.sql`null::float8`,
} as const satisfies Readonly<Record<keyof TripRow, Prisma.Sql>>;

type TripColumn = keyof typeof COLUMNS;

/** What to read of a list of trips. */
export interface TripSelection {
  /** Names the selection: equal ones read the same. */
  readonly key: string;
  readonly columns: ReadonlySet<TripColumn>;
  readonly withDriver: boolean;
  /** The fields of driving events to read with each trip; none if undefined. */
  readonly events: EventSelection | undefined;
}

const DEVICE = Prisma.sql`join device d on d.id = t.device_id`;

/** The select list and joins of a selection of the current trip `t`. */
export function selectTrips({ columns, withDriver, events }: TripSelection): {
  readonly list: Prisma.Sql;
  readonly joins: Prisma.Sql;
} {
  const names = (Object.keys(COLUMNS) as TripColumn[]).filter((name) => columns.has(name));
  return {
    list: Prisma.join([
      listOf(names),
      ...(withDriver
        ? [
            Prisma.sql`r.id as "driver.ref", r.external_id as "driver.externalId", r.name as "driver.name"`,
          ]
        : []),
      ...(events ? [Prisma.sql`${events.list} as events`] : []),
    ]),
    joins: Prisma.join(
      [
        ...(columns.has('deviceId') ? [DEVICE] : []),
        ...(columns.has('closed') || columns.has('silentAtMs') ? [STATE] : []),
        ...(withDriver ? [Prisma.sql`left join driver r on r.id = t.driver_id`] : []),
        Prisma.empty,
      ],
      ' ',
    ),
  };
}

function listOf(names: readonly TripColumn[], others: Partial<typeof COLUMNS> = {}): Prisma.Sql {
  return Prisma.join(
    names.map((name) => Prisma.sql`${others[name] ?? COLUMNS[name]} as ${Prisma.raw(`"${name}"`)}`),
  );
}

const ALL = Object.keys(COLUMNS) as TripColumn[];
/** Every column, without driver and events. */
export const WHOLE_TRIP: TripSelection = {
  key: 'whole',
  columns: new Set(ALL),
  withDriver: false,
  events: undefined,
};
/** All columns of the current trip `t`, with `JOINS`. */
export const LIVE = listOf(ALL);
/** All columns of a withdrawn trip, with the trip that contains the event at which its handle is anchored. */
export const GONE = listOf(ALL, {
  gone: Prisma.sql`true`,
  supersededByRef: Prisma.sql`(case when r.withdrawn then (
  select h.id from (select x.id, x.last_sec, x.last_rest, a.anchor_sec, a.anchor_rest from trip_handle a join trip x on x.device_id = a.device_id
    and (x.anchor_sec, x.anchor_rest) <= (a.anchor_sec, a.anchor_rest) where a.id = t.id order by x.started_at desc limit 1) as h
  where (h.anchor_sec, h.anchor_rest) <= (h.last_sec, h.last_rest)) end)::float8`,
});
/** A withdrawn trip in its last state. */
export const LAST_WORDS = Prisma.sql`lateral jsonb_populate_record(null::trip, r.facts || jsonb_build_object('id', r.trip_id,
  'revision', r.revision, 'changed', r.changed::text, 'updated_at', r.known_to)) as t`;
/** The state `s` of the device of a trip `t`, for `CLOSED`. */
export const STATE = Prisma.sql`left join device_state s on s.device_id = t.device_id`;
export const JOINS = Prisma.sql`${DEVICE} ${STATE}`;

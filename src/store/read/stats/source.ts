import type { Quantity } from '../../../core/stats/figure.ts';
import { quantities } from '../../../core/stats/figure.ts';
import type { Dimension } from '../../../core/stats/grouping.ts';
import { Prisma } from '../../generated/client.ts';
import { CLOSED } from '../trip-columns.ts';
import { COLUMN, flagKinds, FLAGS } from './columns.ts';
import { COVER, toDimensionSql } from './dimensions.ts';
import type { StatsQuestion, StatsSource } from './question.ts';
import { isOfPolicies } from './question.ts';

/** Parts of a statement over the trips of a query. */
export interface TripsSql {
  /** Named queries before the statement. */
  readonly ctes: Prisma.Sql;
  /** The trips `t` with their joins and conditions. */
  readonly from: Prisma.Sql;
  /** `k0, k1 …`: the columns to group by. */
  readonly keys: readonly Prisma.Sql[];
}

const KEYS = Prisma.sql`t.device_id, t.started_at, t.time_zone, t.local_date, t.driver_id, t.vehicle_id`;
const DURATION = `(extract(epoch from t.ended_at - t.started_at) * 1000)::bigint`;
const IN_TRIP: Readonly<Record<Quantity, string>> = {
  DISTANCE_KM: 't.distance_m',
  DURATION_S: DURATION,
  MOVING_S: 't.moving_ms',
  IDLE_S: 't.idle_ms',
  NIGHT_KM: 't.night_m',
  MAX_SPEED_KMH: 't.max_speed_ckmh',
};

/** A trip's row as one summand: what it adds to each sum, as a row of `trip_day` has it for a day. */
const SUMMAND = Prisma.raw(
  ['1 as trips']
    .concat(quantities.map((q) => `${IN_TRIP[q]} as ${COLUMN[q]}`))
    .concat(quantities.map((q) => `(${IN_TRIP[q]})::numeric * ${IN_TRIP[q]} as ${COLUMN[q]}_sq`))
    .join(', '),
);

/** How to read trips. */
export interface Manner {
  readonly source: StatsSource;
  /** Whether to include driving events, which have to be extracted from a trip's row. */
  readonly flags: boolean;
}

function summandOf(flags: boolean): { readonly columns: Prisma.Sql; readonly join: Prisma.Sql } {
  return flags
    ? {
        columns: Prisma.sql`${SUMMAND}, ${Prisma.raw(flagKinds.map((kind) => `f.${FLAGS[kind]}`).join(', '))}`,
        join: Prisma.sql`cross join lateral trip_flags(t.days) as f`,
      }
    : { columns: SUMMAND, join: Prisma.empty };
}

/**
 * Current trips, or those that were closed at an instant in their state of that time. A closed trip that
 * changed since left its facts as a revision.
 */
function rowsOf(question: StatsQuestion, flags: boolean): Prisma.Sql {
  const { knownAtMs } = question;
  const { columns, join } = summandOf(flags);
  if (knownAtMs === undefined) {
    const asksWhy = [...question.groupBy, ...question.where].some(({ by }) => by === 'END_REASON');
    return asksWhy
      ? Prisma.sql`(select ${KEYS}, ${columns}, coalesce(t.end_reason, case when ${CLOSED} then 'SILENCE' end) as end_reason
          from trip t left join device_state s on s.device_id = t.device_id ${join} where ${startedWithin(question)})`
      : Prisma.sql`(select ${KEYS}, ${columns} from trip t ${join} where ${startedWithin(question)})`;
  }
  const at = new Date(knownAtMs);
  return Prisma.sql`(
    select ${KEYS}, ${columns}, t.end_reason from trip t ${join}
    where t.decided_sec is not null and t.updated_at <= ${at} and ${startedWithin(question)}
    union all
    select ${KEYS}, ${columns}, t.end_reason from trip_revision r
      cross join lateral jsonb_populate_record(null::trip, r.facts) as t ${join}
    where r.known_from <= ${at} and ${at} < r.known_to and t.decided_sec is not null and ${startedWithin(question)})`;
}

/** Closed trips by day, plus the open ones, of which a device has at most one. */
function daysOf(question: StatsQuestion, flags: boolean): Prisma.Sql {
  const { columns, join } = summandOf(flags);
  const sums = quantities.flatMap((q) => [COLUMN[q], `${COLUMN[q]}_sq`]);
  const wanted = [...sums, ...(flags ? flagKinds.map((kind) => FLAGS[kind]) : [])];
  const names = Prisma.raw(['trips', ...wanted].join(', '));
  return Prisma.sql`(
    select t.device_id, t.local_date, nullif(t.driver_id, 0) as driver_id, nullif(t.vehicle_id, 0) as vehicle_id, ${names}
    from trip_day t where ${onDates(question)}
    union all
    select device_id, local_date, driver_id, vehicle_id, ${names} from (
      select ${KEYS}, ${columns} from trip t ${join}
      where t.decided_sec is null and ${startedWithin(question)}) as o)`;
}

/** Dimensions of single trips, which daily sums do not distinguish. */
const ofTrips: ReadonlySet<Dimension> = new Set(['HOUR_OF_DAY', 'DISTANCE_BAND', 'END_REASON']);

/**
 * Chooses the source of the sums: daily sums if they suffice, with the same numbers. One device or driver
 * has fewer trips than the tenant has days, and an index.
 */
export function sourceOf(question: StatsQuestion): StatsSource {
  const { groupBy, where, knownAtMs, deviceId, driverExternalId } = question;
  const suffices =
    knownAtMs === undefined && ![...groupBy, ...where].some(({ by }) => ofTrips.has(by));
  const ofOne = deviceId !== undefined || driverExternalId !== undefined;
  return suffices && !ofOne ? 'ROLL_UPS' : 'ROWS';
}

function onDates({ from, to }: StatsQuestion): Prisma.Sql {
  return Prisma.sql`${from === undefined ? Prisma.sql`true` : Prisma.sql`t.local_date >= ${from}::date`}
    and ${to === undefined ? Prisma.sql`true` : Prisma.sql`t.local_date < ${to}::date`}`;
}

/** Local dates, and, because an index has it, the instants at which they can have begun anywhere on Earth. */
function startedWithin(question: StatsQuestion): Prisma.Sql {
  const { from, to } = question;
  const utc = (date: string) => Prisma.sql`${date}::date::timestamp at time zone 'UTC'`;
  const after =
    from === undefined
      ? Prisma.empty
      : Prisma.sql` and t.started_at >= ${utc(from)} - interval '14 hours'`;
  const before =
    to === undefined
      ? Prisma.empty
      : Prisma.sql` and t.started_at < ${utc(to)} + interval '12 hours'`;
  return Prisma.sql`${onDates(question)}${after}${before}`;
}

/** The trips of a query, or their daily sums, as summands. */
export function toTripsSql(question: StatsQuestion, { source, flags }: Manner): TripsSql {
  const groupings = question.groupBy.map((grouping, at) => toDimensionSql(grouping, `g${at}`));
  const filters = question.where.map((filter, at) => ({
    ...toDimensionSql(filter, `w${at}`),
    values: filter.values,
  }));
  const conditions = [
    Prisma.sql`true`,
    ...(question.deviceId === undefined
      ? []
      : [
          Prisma.sql`t.device_id = (select id from device where external_id = ${question.deviceId})`,
        ]),
    ...(question.driverExternalId === undefined
      ? []
      : [
          Prisma.sql`t.driver_id = any(array(select id from driver where external_id = ${question.driverExternalId}))`,
        ]),
    ...filters.map(({ value, values }) => {
      const named = values.filter((one) => one !== null);
      const unknown =
        values.length > named.length ? Prisma.sql` or ${value} is null` : Prisma.empty;
      return Prisma.sql`(${value} = any(${named}::text[])${unknown})`;
    }),
  ];
  return {
    ctes: [...question.groupBy, ...question.where].some(isOfPolicies)
      ? Prisma.sql`${COVER},`
      : Prisma.empty,
    from: Prisma.sql`${source === 'ROWS' ? rowsOf(question, flags) : daysOf(question, flags)} as t ${Prisma.join(
      [...groupings, ...filters].map(({ joins }) => joins).concat(Prisma.empty),
      ' ',
    )} where ${Prisma.join(conditions, ' and ')}`,
    keys: groupings.map(({ value }, at) => Prisma.sql`${value} as ${Prisma.raw(`k${at}`)}`),
  };
}

/** `k0, k1`, for a list of columns; followed by a comma if there are any. */
export function keyList({ groupBy }: StatsQuestion, comma: boolean): Prisma.Sql {
  if (groupBy.length === 0) return Prisma.empty;
  return Prisma.raw(groupBy.map((_, at) => `k${at}`).join(', ') + (comma ? ', ' : ''));
}

/** Each group and the totals, for `group by`. */
export function groupSets(question: StatsQuestion): Prisma.Sql {
  return question.groupBy.length === 0
    ? Prisma.sql`grouping sets (())`
    : Prisma.sql`grouping sets ((${keyList(question, false)}), ())`;
}

/** Whether a row is the totals, for the list of columns. */
export function isTotal({ groupBy }: StatsQuestion): Prisma.Sql {
  return groupBy.length === 0 ? Prisma.sql`true` : Prisma.sql`grouping(k0) = 1`;
}

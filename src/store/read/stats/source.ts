import { Prisma } from '../../generated/client.ts';
import { CLOSED } from '../trips.ts';
import { COVER, toDimensionSql } from './dimensions.ts';
import type { StatsQuestion } from './question.ts';
import { isOfPolicies } from './question.ts';

/** The parts of a statement over the trips of a question. */
export interface TripsSql {
  /** Named queries before the statement. */
  readonly ctes: Prisma.Sql;
  /** The trips `t` with what is joined to them, and the conditions. */
  readonly from: Prisma.Sql;
  /** `k0, k1 …`: what they are told apart by. */
  readonly keys: readonly Prisma.Sql[];
}

const COLUMNS = Prisma.sql`t.device_id, t.started_at, t.time_zone, t.local_date, t.driver_id, t.vehicle_id, t.distance_m,
  (extract(epoch from t.ended_at - t.started_at) * 1000)::bigint as duration_ms, t.moving_ms, t.idle_ms, t.night_m,
  t.max_speed_ckmh, t.days`;

/**
 * The trips as they stand, or as those that were closed stood at an instant. A closed trip that was
 * changed since left its facts as a revision.
 */
function tripsAt(question: StatsQuestion): Prisma.Sql {
  const { knownAtMs } = question;
  if (knownAtMs === undefined) {
    const asksWhy = [...question.groupBy, ...question.where].some(({ by }) => by === 'END_REASON');
    return asksWhy
      ? Prisma.sql`(select ${COLUMNS}, coalesce(t.end_reason, case when ${CLOSED} then 'SILENCE' end) as end_reason
          from trip t left join device_state s on s.device_id = t.device_id where ${startedWithin(question)})`
      : Prisma.sql`(select ${COLUMNS} from trip t where ${startedWithin(question)})`;
  }
  const at = new Date(knownAtMs);
  return Prisma.sql`(
    select ${COLUMNS}, t.end_reason from trip t
    where t.decided_sec is not null and t.updated_at <= ${at} and ${startedWithin(question)}
    union all
    select ${COLUMNS}, t.end_reason from trip_revision r cross join lateral jsonb_populate_record(null::trip, r.facts) as t
    where r.known_from <= ${at} and ${at} < r.known_to and t.decided_sec is not null and ${startedWithin(question)})`;
}

/** Local dates, and, because an index has it, the instants at which they can have begun anywhere. */
export function startedWithin({ from, to }: StatsQuestion): Prisma.Sql {
  const parts = [
    from === undefined
      ? undefined
      : Prisma.sql`t.local_date >= ${from}::date and t.started_at >= ${from}::date::timestamp at time zone 'UTC' - interval '14 hours'`,
    to === undefined
      ? undefined
      : Prisma.sql`t.local_date < ${to}::date and t.started_at < ${to}::date::timestamp at time zone 'UTC' + interval '12 hours'`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? Prisma.sql`true` : Prisma.join(parts, ' and ');
}

/** @param flags with the numbers of driving events `f` of each trip */
export function toTripsSql(
  question: StatsQuestion,
  { flags = false }: { readonly flags?: boolean } = {},
): TripsSql {
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
    from: Prisma.sql`${tripsAt(question)} as t ${Prisma.join(
      [
        flags ? Prisma.sql`cross join lateral trip_flags(t.days) as f` : Prisma.empty,
        ...[...groupings, ...filters].map(({ joins }) => joins),
      ],
      ' ',
    )} where ${Prisma.join(conditions, ' and ')}`,
    keys: groupings.map(({ value }, at) => Prisma.sql`${value} as ${Prisma.raw(`k${at}`)}`),
  };
}

/** `k0, k1`, for a list of columns; followed by a comma where there are any. */
export function keyList({ groupBy }: StatsQuestion, comma: boolean): Prisma.Sql {
  if (groupBy.length === 0) return Prisma.empty;
  return Prisma.raw(groupBy.map((_, at) => `k${at}`).join(', ') + (comma ? ', ' : ''));
}

/** Each group, and the whole: for `group by`. */
export function groupSets(question: StatsQuestion): Prisma.Sql {
  return question.groupBy.length === 0
    ? Prisma.sql`grouping sets (())`
    : Prisma.sql`grouping sets ((${keyList(question, false)}), ())`;
}

/** Whether a row is the whole: for the list of columns. */
export function isTotal({ groupBy }: StatsQuestion): Prisma.Sql {
  return groupBy.length === 0 ? Prisma.sql`true` : Prisma.sql`grouping(k0) = 1`;
}

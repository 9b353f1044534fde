import { distanceBandNames, distanceBandsKm } from '../../../core/stats/grouping.ts';
import type { Grouping } from '../../../core/stats/grouping.ts';
import { Prisma } from '../../generated/client.ts';

/** A dimension in SQL: tables joined to the trips `t`, and its value as text. */
export interface DimensionSql {
  readonly joins: Prisma.Sql;
  readonly value: Prisma.Sql;
}

/**
 * Which policy covers a vehicle on which dates. If there are several, the one with the lowest id wins where they overlap.
 */
export const COVER = Prisma.sql`cover as materialized (
  select v.tenant_id, v.policy_id, v.vehicle_id, lower(s.span) as from_date, upper(s.span) as to_date
  from policy_vehicle v join policy p on p.id = v.policy_id
  cross join lateral unnest(
    datemultirange(daterange(v.from_date, v.to_date) * daterange(p.start_date, coalesce(p.cancelled_on, p.end_date)))
    - coalesce((select range_agg(daterange(e.from_date, e.to_date) * daterange(q.start_date, coalesce(q.cancelled_on, q.end_date)))
        from policy_vehicle e join policy q on q.id = e.policy_id
        where e.vehicle_id = v.vehicle_id and e.policy_id < v.policy_id), '{}')) as s(span))`;

const NOTHING = Prisma.empty;

/** @param alias keeps the tables of two dimensions apart */
export function toDimensionSql({ by, name = '' }: Grouping, alias: string): DimensionSql {
  const a = Prisma.raw(alias);
  const covered = Prisma.sql`left join cover ${a}c on ${a}c.vehicle_id = t.vehicle_id
    and ${a}c.from_date <= t.local_date and t.local_date < ${a}c.to_date`;
  const factOf = (suffix: 'v' | 'd' | 'p', fact: string, whose: Prisma.Sql) => {
    const f = Prisma.raw(`${alias}${suffix}`);
    return Prisma.sql` left join policy_fact ${f} on ${f}.policy_id = ${a}c.policy_id and ${f}.name = ${fact} and ${whose}
      and ${f}.from_date <= t.local_date and t.local_date < ${f}.to_date`;
  };
  const ofVehicle = Prisma.sql`${a}v.vehicle_id = t.vehicle_id`;
  const factJoins = (fact: string) =>
    Prisma.sql`${covered}${factOf('v', fact, ofVehicle)}${factOf('d', fact, Prisma.sql`${a}d.driver_id = t.driver_id`)}${factOf(
      'p',
      fact,
      Prisma.sql`${a}p.vehicle_id = 0 and ${a}p.driver_id = 0`,
    )}`;
  const factValue = Prisma.sql`coalesce(${a}v.value, ${a}d.value, ${a}p.value) #>> '{}'`;
  switch (by) {
    case 'DAY':
      return { joins: NOTHING, value: Prisma.sql`t.local_date::text` };
    case 'WEEK':
      return { joins: NOTHING, value: Prisma.sql`to_char(t.local_date, 'IYYY"-W"IW')` };
    case 'MONTH':
      return { joins: NOTHING, value: Prisma.sql`to_char(t.local_date, 'YYYY-MM')` };
    case 'WEEKDAY':
      return { joins: NOTHING, value: Prisma.sql`extract(isodow from t.local_date)::int::text` };
    case 'HOUR_OF_DAY':
      return {
        joins: NOTHING,
        value: Prisma.sql`extract(hour from t.started_at at time zone t.time_zone)::int::text`,
      };
    case 'DRIVER':
      return {
        joins: Prisma.sql`left join driver ${a}r on ${a}r.id = t.driver_id`,
        value: Prisma.sql`${a}r.external_id`,
      };
    case 'VEHICLE_ATTRIBUTE':
      return {
        joins: Prisma.sql`left join vehicle ${a}a on ${a}a.id = t.vehicle_id ${covered}${factOf('v', name, ofVehicle)}`,
        value: Prisma.sql`coalesce(${a}v.value, ${a}a.attributes -> ${name}) #>> '{}'`,
      };
    case 'RATING_FACT':
      return { joins: factJoins(name), value: factValue };
    case 'TERRITORY':
      return { joins: factJoins('territory'), value: factValue };
    case 'TARIFF':
      return {
        joins: Prisma.sql`${covered}
          left join policy_product ${a}p on ${a}p.policy_id = ${a}c.policy_id and ${a}p.from_date <= t.local_date and t.local_date < ${a}p.to_date
          left join (select product, jurisdiction, id, effective_from, lead(effective_from, 1, 'infinity')
              over (partition by product, jurisdiction order by effective_from) as until
            from tariff where tenant_id = current_tenant() and status = 'ACTIVE') as ${a}f
            on ${a}f.product = ${a}p.product and ${a}f.jurisdiction = ${a}p.jurisdiction
              and ${a}f.effective_from <= t.local_date and t.local_date < ${a}f.until`,
        value: Prisma.sql`${a}f.id`,
      };
    case 'DISTANCE_BAND':
      return {
        joins: NOTHING,
        value: Prisma.sql`(${[...distanceBandNames]}::text[])[1 + width_bucket(t.distance_m, ${distanceBandsKm.map((km) => km * 1_000)}::int[])]`,
      };
    case 'END_REASON':
      return { joins: NOTHING, value: Prisma.sql`t.end_reason` };
  }
}

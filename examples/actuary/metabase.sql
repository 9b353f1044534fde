-- Questions for Metabase (New > SQL query), over the schema analytics. Each statement stands alone; a question begins
-- with its name. To let a dashboard filter it, add a clause in Metabase's own brackets, for example
--   where years > 0 [[and from_date >= {{from}}]]
-- `parking` stands for any rating fact of yours.

-- Claim frequency and mean claim by a rating fact
select coalesce(facts ->> 'parking', 'not known') as parking, round(sum(years), 2) as years, sum(claims) as claims,
  round(100 * sum(claims) / nullif(sum(years), 0), 2) as claims_per_100_years,
  round(sum(claim_amount) / nullif(sum(claims), 0), 2) as mean_claim
from analytics.exposure
group by 1
order by 2 desc;

-- Claim frequency by kilometres a year
select band.from_km, band.to_km, count(*) as vehicles, round(sum(years), 2) as years, sum(claims) as claims,
  round(100 * sum(claims) / nullif(sum(years), 0), 2) as claims_per_100_years,
  round(1000000 * sum(claims) / nullif(sum(distance_km), 0), 2) as claims_per_million_km
from (
  select policy_id, vehicle_id, sum(years) as years, sum(distance_km) as distance_km, sum(claims) as claims
  from analytics.exposure
  group by 1, 2
  having sum(years) > 0
) as cover
join (values (0, 5000), (5000, 10000), (10000, 15000), (15000, 25000), (25000, null)) as band (from_km, to_km)
  on distance_km / years >= band.from_km and (band.to_km is null or distance_km / years < band.to_km)
group by 1, 2
order by 1;

-- Charged and claimed by month and currency
select month, currency, sum(charged) as charged, sum(claimed) as claimed,
  round(sum(claimed) / nullif(sum(charged), 0), 3) as loss_ratio
from (
  select date_trunc('month', from_date)::date as month, currency, amount as charged, 0 as claimed
  from analytics.bill_line
  union all
  select date_trunc('month', occurred_on)::date, currency, 0, amount
  from analytics.claim
) as entry
group by 1, 2
order by 1, 2;

-- What the lines of bills come to
select tariff, line_kind, line_id, currency, count(*) as lines, sum(amount) as amount
from analytics.bill_line
group by 1, 2, 3, 4
order by 1, 2, 3, 4;

-- Flags per 100 km by month
select month, count(*) as drivers, round(sum(distance_km), 1) as distance_km,
  round(100 * sum(harsh_braking) / nullif(sum(distance_km), 0), 2) as harsh_braking_per_100_km,
  round(100 * sum(harsh_acceleration) / nullif(sum(distance_km), 0), 2) as harsh_acceleration_per_100_km,
  round(100 * sum(harsh_cornering) / nullif(sum(distance_km), 0), 2) as harsh_cornering_per_100_km,
  round(100 * sum(phone_use) / nullif(sum(distance_km), 0), 2) as phone_use_per_100_km
from analytics.driver_month
group by 1
order by 1;

-- Share of time above the limit, where a limit was known
select month, round(sum(limit_known_s) / 3600, 1) as limit_known_h,
  round(100 * sum(speeding_s) / nullif(sum(limit_known_s), 0), 2) as above_limit_percent
from analytics.driver_month
group by 1
order by 1;

-- Kilometres by night and by a rating fact
select coalesce(facts ->> 'parking', 'not known') as parking, count(distinct driver_id) as drivers, count(*) as trips,
  round(sum(distance_km), 1) as distance_km, round(100 * sum(night_km) / nullif(sum(distance_km), 0), 1) as night_percent
from analytics.trip
where closed
group by 1
order by 4 desc;

-- Trips by local hour of their start
select extract(hour from started_at at time zone time_zone)::int as local_hour, count(*) as trips,
  round(sum(distance_km), 1) as distance_km,
  round(100 * sum(harsh_braking) / nullif(sum(distance_km), 0), 2) as harsh_braking_per_100_km
from analytics.trip
where closed
group by 1
order by 1;

-- Drivers by how many kilometres are known of them
select width_bucket(distance_km, array[0, 100, 500, 1000, 5000]) as band, min(distance_km) as least_km,
  max(distance_km) as most_km, count(*) as drivers
from (select driver_id, sum(distance_km) as distance_km from analytics.driver_month group by 1) as driver
group by 1
order by 1;

-- How good the data are: kilometres by source, bridged, without a driver, without a policy
select distance_source, count(*) as trips, round(sum(distance_km), 1) as distance_km,
  round(100 * sum(bridged_km) / nullif(sum(distance_km), 0), 1) as bridged_percent,
  round(100 * sum(distance_km) filter (where driver_id is null) / nullif(sum(distance_km), 0), 1) as without_driver_percent,
  round(100 * sum(distance_km) filter (where policy_id is null) / nullif(sum(distance_km), 0), 1) as without_policy_percent
from analytics.trip
group by 1
order by 3 desc;

-- known_offset, known_digest: the last record that was stored of the partition, by which the log is recognised at
-- take-over. The record before next_offset may be a control record, which no consumer sees.
-- held_at: when a sink last had the partition assigned. retired_at: since when the partition is not read any more,
-- because the topic was replaced by another one; such partitions do not count for how far the log is read.
ALTER TABLE "sink_offset"
    ADD COLUMN "known_offset" BIGINT,
    ADD COLUMN "known_digest" BIGINT,
    ADD COLUMN "held_at" TIMESTAMPTZ(3),
    ADD COLUMN "retired_at" TIMESTAMPTZ(3);

UPDATE "sink_offset" SET "known_offset" = "next_offset" - 1, "known_digest" = "last_digest" WHERE "last_digest" IS NOT NULL;

CREATE OR REPLACE VIEW "analytics"."exposure" WITH (security_barrier) AS
    WITH known AS (SELECT (coalesce(min(o.read_through), now()) AT TIME ZONE 'UTC')::date AS day FROM public.sink_offset o WHERE o.retired_at IS NULL),
    cover AS (
        SELECT v.policy_id, v.vehicle_id, greatest(v.from_date, p.start_date) AS from_date,
            least(v.to_date, coalesce(p.cancelled_on, p.end_date), known.day) AS to_date,
            row_number() OVER (PARTITION BY v.policy_id ORDER BY v.from_date, v.id) = 1 AS first_vehicle
        FROM public.policy_vehicle v JOIN public.policy p ON p.id = v.policy_id CROSS JOIN known),
    cut AS (
        SELECT DISTINCT c.policy_id, c.vehicle_id, c.first_vehicle, c.to_date AS ends, greatest(x.day, c.from_date) AS day
        FROM cover c CROSS JOIN LATERAL (
            SELECT c.from_date AS day UNION ALL
            SELECT unnest(ARRAY[r.from_date, r.to_date]) FROM public.policy_product r WHERE r.policy_id = c.policy_id UNION ALL
            SELECT unnest(ARRAY[n.from_date, n.to_date]) FROM public.policy_driver n WHERE n.policy_id = c.policy_id UNION ALL
            SELECT unnest(ARRAY[f.from_date, f.to_date]) FROM public.policy_fact f WHERE f.policy_id = c.policy_id AND f.vehicle_id IN (0, c.vehicle_id)) AS x
        WHERE x.day < c.to_date AND c.from_date < c.to_date),
    span AS (
        SELECT t.policy_id, t.vehicle_id, t.first_vehicle, t.day AS from_date,
            coalesce(lead(t.day) OVER (PARTITION BY t.policy_id, t.vehicle_id ORDER BY t.day), t.ends) AS to_date
        FROM cut t),
    named AS (
        SELECT s.*, n.driver_id, count(*) OVER w AS drivers, row_number() OVER (w ORDER BY n.from_date, n.id) = 1 AS first_driver
        FROM span s JOIN public.policy_driver n ON n.policy_id = s.policy_id AND n.from_date <= s.from_date AND s.from_date < n.to_date
        WINDOW w AS (PARTITION BY s.policy_id, s.vehicle_id, s.from_date)),
    driven AS (
        SELECT s.policy_id, s.vehicle_id, s.from_date, n.driver_id, sum(t.distance_m) AS distance_m, sum(t.night_m) AS night_m, sum(t.trips) AS trips
        FROM span s JOIN public.daily_total t ON t.vehicle_id = s.vehicle_id AND t.local_date >= s.from_date AND t.local_date < s.to_date
        LEFT JOIN named n ON n.policy_id = s.policy_id AND n.vehicle_id = s.vehicle_id AND n.from_date = s.from_date AND n.driver_id = t.driver_id
        GROUP BY s.policy_id, s.vehicle_id, s.from_date, n.driver_id),
    everybody AS (
        SELECT n.policy_id, n.vehicle_id, n.first_vehicle, n.from_date, n.to_date, n.driver_id, n.first_driver, (n.to_date - n.from_date)::numeric / n.drivers AS days FROM named n
        UNION ALL
        SELECT s.policy_id, s.vehicle_id, s.first_vehicle, s.from_date, s.to_date, NULL, false, 0
        FROM span s JOIN driven x ON x.policy_id = s.policy_id AND x.vehicle_id = s.vehicle_id AND x.from_date = s.from_date AND x.driver_id IS NULL)
    SELECT s.policy_id, s.vehicle_id, s.driver_id, s.from_date, s.to_date, r.product, r.jurisdiction, coalesce((SELECT jsonb_object_agg(f.name, f.value ORDER BY f.vehicle_id, f.driver_id) FROM public.policy_fact f
            WHERE f.policy_id = s.policy_id AND f.vehicle_id IN (0, s.vehicle_id) AND f.driver_id IN (0, coalesce(s.driver_id, 0))
              AND f.from_date <= s.from_date AND s.from_date < f.to_date), '{}') AS facts,
        round(s.days, 4) AS days, round(s.days / 365.25, 6) AS years, coalesce(x.distance_m, 0) / 1000.0 AS distance_km, coalesce(x.night_m, 0) / 1000.0 AS night_km,
        coalesce(x.trips, 0)::int AS trips, k.claims, CASE WHEN k.currencies <= 1 THEN k.claim_amount END AS claim_amount,
        CASE WHEN k.currencies = 1 THEN k.currency END AS claim_currency, CASE WHEN k.currencies <= 1 THEN k.recovered_amount END AS recovered_amount, k.claim_amounts
    FROM everybody s
    JOIN public.policy_product r ON r.policy_id = s.policy_id AND r.from_date <= s.from_date AND s.from_date < r.to_date
    LEFT JOIN driven x ON x.policy_id = s.policy_id AND x.vehicle_id = s.vehicle_id AND x.from_date = s.from_date AND x.driver_id IS NOT DISTINCT FROM s.driver_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(b.claims), 0)::int AS claims, coalesce(sum(b.net), 0) AS claim_amount, coalesce(sum(b.recovered), 0) AS recovered_amount,
            count(*) AS currencies, min(b.currency) AS currency, coalesce(jsonb_object_agg(b.currency, b.net), '{}') AS claim_amounts
        FROM (SELECT c.currency, count(*) FILTER (WHERE c.amount >= 0) AS claims, sum(c.amount) AS net, -coalesce(sum(c.amount) FILTER (WHERE c.amount < 0), 0) AS recovered
        FROM public.claim c
        WHERE c.policy_id = s.policy_id AND c.occurred_on >= s.from_date AND c.occurred_on < s.to_date
          AND (c.vehicle_id = s.vehicle_id OR c.vehicle_id IS NULL AND s.first_vehicle)
          AND (c.driver_id = s.driver_id OR s.first_driver AND NOT EXISTS (SELECT FROM named n WHERE n.policy_id = s.policy_id
              AND n.vehicle_id = s.vehicle_id AND n.from_date = s.from_date AND n.driver_id = c.driver_id))
        GROUP BY c.currency) AS b) AS k;

-- What actuaries read in SQL: flat views of their own tenant, under logins that can read nothing else.

CREATE TABLE "claim" (
    "id" INTEGER GENERATED ALWAYS AS IDENTITY NOT NULL,
    "tenant_id" INTEGER NOT NULL,
    "number" TEXT NOT NULL,
    "policy_id" INTEGER NOT NULL,
    "vehicle_id" INTEGER,
    "driver_id" INTEGER,
    "occurred_on" DATE NOT NULL,
    "amount" NUMERIC NOT NULL,
    "currency" TEXT NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "claim_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "claim_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policy"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "claim_vehicle_id_fkey" FOREIGN KEY ("vehicle_id") REFERENCES "vehicle"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "claim_driver_id_fkey" FOREIGN KEY ("driver_id") REFERENCES "driver"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "claim_not_negative" CHECK ("amount" >= 0)
);
CREATE UNIQUE INDEX "claim_tenant_id_number_key" ON "claim"("tenant_id", "number");
CREATE INDEX "claim_policy_id_occurred_on_idx" ON "claim"("policy_id", "occurred_on");
ALTER TABLE "claim" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "claim" FORCE ROW LEVEL SECURITY;
CREATE POLICY "claim_owner" ON "claim" TO CURRENT_USER USING (true) WITH CHECK (true);

-- Who may read whose rows in SQL. Only the owner writes it; a login cannot change who it is.
CREATE TABLE "analyst" (
    "login" TEXT NOT NULL,
    "tenant_id" INTEGER NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "analyst_pkey" PRIMARY KEY ("login"),
    CONSTRAINT "analyst_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE FUNCTION "analyst_tenant"() RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT a.tenant_id FROM public.analyst AS a WHERE a.login = session_user);

GRANT SELECT ("id", "tenant_id", "revision", "driver_id", "vehicle_id", "started_at", "ended_at", "local_date", "time_zone", "end_reason",
    "decided_sec", "distance_m", "distance_source", "bridged_m", "night_m", "moving_ms", "idle_ms", "max_speed_ckmh", "fixes", "days",
    "rules_version") ON "trip" TO "odograph_analytics";
GRANT SELECT ON "daily_total", "policy", "policy_product", "policy_vehicle", "policy_driver", "policy_fact", "bill", "claim", "sink_offset"
    TO "odograph_analytics";
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['trip', 'daily_total', 'policy', 'policy_product', 'policy_vehicle', 'policy_driver', 'policy_fact', 'bill', 'claim'] LOOP
        EXECUTE format('CREATE POLICY %I ON %I FOR SELECT TO "odograph_analytics" USING ("tenant_id" = (SELECT "analyst_tenant"()))', name || '_analytics', name);
    END LOOP;
END $$;

-- The views read as a role that owns nothing else and may only read; its walls ask who is logged in.
CREATE SCHEMA "analytics";

CREATE VIEW "analytics"."trip" WITH (security_barrier) AS
    SELECT t.id AS trip_id, t.revision, t.driver_id, t.vehicle_id, c.policy_id, c.product, c.jurisdiction, coalesce((SELECT jsonb_object_agg(f.name, f.value ORDER BY f.vehicle_id, f.driver_id) FROM public.policy_fact f
            WHERE f.policy_id = c.policy_id AND f.vehicle_id IN (0, t.vehicle_id) AND f.driver_id IN (0, coalesce(t.driver_id, 0))
              AND f.from_date <= t.local_date AND t.local_date < f.to_date), '{}') AS facts,
        t.started_at, t.ended_at, t.local_date, t.time_zone, t.end_reason, t.decided_sec IS NOT NULL AS closed,
        t.distance_m / 1000.0 AS distance_km, t.distance_source, t.bridged_m / 1000.0 AS bridged_km, t.night_m / 1000.0 AS night_km,
        round(extract(epoch FROM t.ended_at - t.started_at) / 3600, 4) AS duration_h, round(t.moving_ms / 3600000.0, 4) AS moving_h,
        round(t.idle_ms / 3600000.0, 4) AS idle_h, t.max_speed_ckmh / 100.0 AS max_speed_kmh, t.fixes,
        greatest((m.sums ->> 'harshBrakingGps.count')::int, (m.sums ->> 'harshBrakingAccelerometer.count')::int, 0) AS harsh_braking,
        greatest((m.sums ->> 'harshAccelerationGps.count')::int, (m.sums ->> 'harshAccelerationAccelerometer.count')::int, 0) AS harsh_acceleration,
        greatest((m.sums ->> 'harshCorneringGps.count')::int, (m.sums ->> 'harshCorneringAccelerometer.count')::int, 0) AS harsh_cornering,
        coalesce((m.sums ->> 'speeding.count')::int, 0) AS speeding,
        round(coalesce((m.sums ->> 'speeding.ms')::numeric, 0) / 1000, 1) AS speeding_s,
        round(coalesce((m.sums ->> 'limitKnown.ms')::numeric, 0) / 1000, 1) AS limit_known_s,
        coalesce((m.sums ->> 'phone.count')::int, 0) AS phone_use,
        round(coalesce((m.sums ->> 'phone.ms')::numeric, 0) / 1000, 1) AS phone_use_s, t.rules_version
    FROM public.trip t
    CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(k.key, k.total), '{}') AS sums FROM (
        SELECT e.key, sum(e.value::bigint) AS total FROM jsonb_array_elements(t.days) AS d, jsonb_each_text(d -> 'measures') AS e GROUP BY e.key) AS k) AS m
    LEFT JOIN LATERAL (SELECT p.id AS policy_id, r.product, r.jurisdiction FROM public.policy_vehicle v
        JOIN public.policy p ON p.id = v.policy_id JOIN public.policy_product r ON r.policy_id = p.id AND r.from_date <= t.local_date AND t.local_date < r.to_date
        WHERE v.vehicle_id = t.vehicle_id AND v.from_date <= t.local_date AND t.local_date < v.to_date
          AND t.local_date < coalesce(p.cancelled_on, p.end_date) ORDER BY p.id LIMIT 1) AS c ON true;
COMMENT ON VIEW "analytics"."trip" IS 'One row a trip: exposure, counts, and the rating facts that held on its first day.';
COMMENT ON COLUMN "analytics"."trip"."trip_id" IS 'Number of the trip.';
COMMENT ON COLUMN "analytics"."trip"."revision" IS 'How often its facts were stated.';
COMMENT ON COLUMN "analytics"."trip"."driver_id" IS 'Pseudonym of the driver; null where nobody was assigned.';
COMMENT ON COLUMN "analytics"."trip"."vehicle_id" IS 'Pseudonym of the vehicle; null where none was assigned.';
COMMENT ON COLUMN "analytics"."trip"."policy_id" IS 'Pseudonym of the policy that covered the vehicle that day; null where none did.';
COMMENT ON COLUMN "analytics"."trip"."product" IS 'Product of that policy on that day.';
COMMENT ON COLUMN "analytics"."trip"."jurisdiction" IS 'Jurisdiction of that policy on that day.';
COMMENT ON COLUMN "analytics"."trip"."facts" IS 'Rating facts by name, as they held on that day: the policys, the vehicles and the drivers own.';
COMMENT ON COLUMN "analytics"."trip"."started_at" IS 'Start, UTC.';
COMMENT ON COLUMN "analytics"."trip"."ended_at" IS 'End, UTC.';
COMMENT ON COLUMN "analytics"."trip"."local_date" IS 'Local date of its start.';
COMMENT ON COLUMN "analytics"."trip"."time_zone" IS 'IANA zone of its start.';
COMMENT ON COLUMN "analytics"."trip"."end_reason" IS 'IGNITION, SILENCE, STANDSTILL or LENGTH; null while it goes on.';
COMMENT ON COLUMN "analytics"."trip"."closed" IS 'Whether a later message closed it.';
COMMENT ON COLUMN "analytics"."trip"."distance_km" IS 'Kilometres.';
COMMENT ON COLUMN "analytics"."trip"."distance_source" IS 'ODOMETER, GPS or SPEED.';
COMMENT ON COLUMN "analytics"."trip"."bridged_km" IS 'Of those, kilometres over silences.';
COMMENT ON COLUMN "analytics"."trip"."night_km" IS 'Of those, kilometres at night by local time.';
COMMENT ON COLUMN "analytics"."trip"."duration_h" IS 'Hours from start to end.';
COMMENT ON COLUMN "analytics"."trip"."moving_h" IS 'Of those, hours in motion.';
COMMENT ON COLUMN "analytics"."trip"."idle_h" IS 'Of those, hours of standing with the engine on.';
COMMENT ON COLUMN "analytics"."trip"."max_speed_kmh" IS 'Highest speed.';
COMMENT ON COLUMN "analytics"."trip"."fixes" IS 'Accepted positions.';
COMMENT ON COLUMN "analytics"."trip"."harsh_braking" IS 'Flags of harsh braking: those of the source, GPS or accelerometer, that saw more.';
COMMENT ON COLUMN "analytics"."trip"."harsh_acceleration" IS 'Flags of harsh acceleration, as harsh_braking.';
COMMENT ON COLUMN "analytics"."trip"."harsh_cornering" IS 'Flags of harsh cornering, as harsh_braking.';
COMMENT ON COLUMN "analytics"."trip"."speeding" IS 'Flags of speeding over a limit that was sent.';
COMMENT ON COLUMN "analytics"."trip"."speeding_s" IS 'Seconds above the limit.';
COMMENT ON COLUMN "analytics"."trip"."limit_known_s" IS 'Seconds of which the limit was known: the exposure of speeding_s.';
COMMENT ON COLUMN "analytics"."trip"."phone_use" IS 'Flags of phone use.';
COMMENT ON COLUMN "analytics"."trip"."phone_use_s" IS 'Seconds of phone use.';
COMMENT ON COLUMN "analytics"."trip"."rules_version" IS 'Version of the rules that made the trip.';

CREATE VIEW "analytics"."driver_month" WITH (security_barrier) AS
    SELECT x.driver_id, x.month, x.trips, x.days_driven, x.distance_km, x.night_km, x.driving_h, x.idle_h, greatest((x.measures ->> 'harshBrakingGps.count')::int, (x.measures ->> 'harshBrakingAccelerometer.count')::int, 0) AS harsh_braking,
        greatest((x.measures ->> 'harshAccelerationGps.count')::int, (x.measures ->> 'harshAccelerationAccelerometer.count')::int, 0) AS harsh_acceleration,
        greatest((x.measures ->> 'harshCorneringGps.count')::int, (x.measures ->> 'harshCorneringAccelerometer.count')::int, 0) AS harsh_cornering,
        coalesce((x.measures ->> 'speeding.count')::int, 0) AS speeding,
        round(coalesce((x.measures ->> 'speeding.ms')::numeric, 0) / 1000, 1) AS speeding_s,
        round(coalesce((x.measures ->> 'limitKnown.ms')::numeric, 0) / 1000, 1) AS limit_known_s,
        coalesce((x.measures ->> 'phone.count')::int, 0) AS phone_use,
        round(coalesce((x.measures ->> 'phone.ms')::numeric, 0) / 1000, 1) AS phone_use_s
    FROM (
        SELECT t.driver_id, date_trunc('month', t.local_date)::date AS month, sum(t.trips)::int AS trips, count(DISTINCT t.local_date)::int AS days_driven,
            sum(t.distance_m) / 1000.0 AS distance_km, sum(t.night_m) / 1000.0 AS night_km,
            round(sum(t.duration_ms) / 3600000.0, 4) AS driving_h, round(sum(t.idle_ms) / 3600000.0, 4) AS idle_h,
            (SELECT coalesce(jsonb_object_agg(k.key, k.total), '{}') FROM (SELECT e.key, sum(e.value::bigint) AS total
                FROM unnest(array_agg(t.measures)) AS one, jsonb_each_text(one) AS e GROUP BY e.key) AS k) AS measures
        FROM public.daily_total t WHERE t.driver_id IS NOT NULL GROUP BY t.driver_id, date_trunc('month', t.local_date)) AS x;
COMMENT ON VIEW "analytics"."driver_month" IS 'One row a driver and calendar month of local days.';
COMMENT ON COLUMN "analytics"."driver_month"."driver_id" IS 'Pseudonym of the driver.';
COMMENT ON COLUMN "analytics"."driver_month"."month" IS 'First day of the month.';
COMMENT ON COLUMN "analytics"."driver_month"."trips" IS 'Closed trips that began in it.';
COMMENT ON COLUMN "analytics"."driver_month"."days_driven" IS 'Local days with driving.';
COMMENT ON COLUMN "analytics"."driver_month"."distance_km" IS 'Kilometres.';
COMMENT ON COLUMN "analytics"."driver_month"."night_km" IS 'Of those, at night by local time.';
COMMENT ON COLUMN "analytics"."driver_month"."driving_h" IS 'Hours of trips.';
COMMENT ON COLUMN "analytics"."driver_month"."idle_h" IS 'Of those, hours of standing with the engine on.';
COMMENT ON COLUMN "analytics"."driver_month"."harsh_braking" IS 'Flags of harsh braking: those of the source, GPS or accelerometer, that saw more.';
COMMENT ON COLUMN "analytics"."driver_month"."harsh_acceleration" IS 'Flags of harsh acceleration, as harsh_braking.';
COMMENT ON COLUMN "analytics"."driver_month"."harsh_cornering" IS 'Flags of harsh cornering, as harsh_braking.';
COMMENT ON COLUMN "analytics"."driver_month"."speeding" IS 'Flags of speeding over a limit that was sent.';
COMMENT ON COLUMN "analytics"."driver_month"."speeding_s" IS 'Seconds above the limit.';
COMMENT ON COLUMN "analytics"."driver_month"."limit_known_s" IS 'Seconds of which the limit was known: the exposure of speeding_s.';
COMMENT ON COLUMN "analytics"."driver_month"."phone_use" IS 'Flags of phone use.';
COMMENT ON COLUMN "analytics"."driver_month"."phone_use_s" IS 'Seconds of phone use.';

CREATE VIEW "analytics"."claim" WITH (security_barrier) AS
    SELECT c.id AS claim_id, c.policy_id, c.vehicle_id, c.driver_id, c.occurred_on, c.amount, c.currency, c.changed_at
    FROM public.claim c;
COMMENT ON VIEW "analytics"."claim" IS 'One row a claim.';
COMMENT ON COLUMN "analytics"."claim"."claim_id" IS 'Pseudonym of the claim.';
COMMENT ON COLUMN "analytics"."claim"."policy_id" IS 'Pseudonym of the policy.';
COMMENT ON COLUMN "analytics"."claim"."vehicle_id" IS 'Pseudonym of the vehicle; null where the import named none.';
COMMENT ON COLUMN "analytics"."claim"."driver_id" IS 'Pseudonym of the driver; null where the import named none.';
COMMENT ON COLUMN "analytics"."claim"."occurred_on" IS 'Local date of the loss.';
COMMENT ON COLUMN "analytics"."claim"."amount" IS 'Amount, in currency, as last imported.';
COMMENT ON COLUMN "analytics"."claim"."currency" IS 'Code of ISO 4217.';
COMMENT ON COLUMN "analytics"."claim"."changed_at" IS 'When it was last imported with another content.';

CREATE VIEW "analytics"."bill_line" WITH (security_barrier) AS
    SELECT b.number AS bill_number, b.kind, b.policy_id, b.from_date, b.to_date, b.issued_at, b.currency, b.tariff_id AS tariff,
        l.id AS line_id, l.kind AS line_kind, l.label, l."vehicleId" AS vehicle, l.quantity, l.unit, l.rate, l.amount
    FROM public.bill b
    CROSS JOIN LATERAL (SELECT * FROM jsonb_to_recordset(CASE WHEN b.kind = 'BILL' THEN b.document::jsonb -> 'premium' -> 'lines'
        ELSE jsonb_build_array(jsonb_build_object('id', lower(b.kind), 'kind', b.kind, 'label', b.kind, 'amount', b.total)) END)
        AS l(id text, kind text, label text, "vehicleId" text, quantity numeric, unit text, rate numeric, amount numeric)) AS l;
COMMENT ON VIEW "analytics"."bill_line" IS 'One row a line of what was issued: bills, adjustments of them, credit notes. Their sum is what was charged.';
COMMENT ON COLUMN "analytics"."bill_line"."bill_number" IS 'Number of the document.';
COMMENT ON COLUMN "analytics"."bill_line"."kind" IS 'BILL, ADJUSTMENT or CREDIT_NOTE.';
COMMENT ON COLUMN "analytics"."bill_line"."policy_id" IS 'Pseudonym of the policy.';
COMMENT ON COLUMN "analytics"."bill_line"."from_date" IS 'First local date.';
COMMENT ON COLUMN "analytics"."bill_line"."to_date" IS 'The local date after the last.';
COMMENT ON COLUMN "analytics"."bill_line"."issued_at" IS 'When it was issued, UTC.';
COMMENT ON COLUMN "analytics"."bill_line"."currency" IS 'Code of ISO 4217.';
COMMENT ON COLUMN "analytics"."bill_line"."tariff" IS 'Tariff, id@version; null of adjustments.';
COMMENT ON COLUMN "analytics"."bill_line"."line_id" IS 'Name of the line in the tariff.';
COMMENT ON COLUMN "analytics"."bill_line"."line_kind" IS 'CHARGE, FACTOR, HABIT, CLAMP, CREDIBILITY or ADJUSTMENT; of an adjustment or a credit note its kind.';
COMMENT ON COLUMN "analytics"."bill_line"."label" IS 'Name of the line for people.';
COMMENT ON COLUMN "analytics"."bill_line"."vehicle" IS 'The insurers own name of the vehicle; null on the policys own lines.';
COMMENT ON COLUMN "analytics"."bill_line"."quantity" IS 'How much of unit; null where the line counts nothing.';
COMMENT ON COLUMN "analytics"."bill_line"."unit" IS 'What quantity counts.';
COMMENT ON COLUMN "analytics"."bill_line"."rate" IS 'Price a unit before factors, or the factor.';
COMMENT ON COLUMN "analytics"."bill_line"."amount" IS 'In currency; may be negative.';

CREATE VIEW "analytics"."exposure" WITH (security_barrier) AS
    WITH known AS (SELECT (coalesce(min(o.read_through), now()) AT TIME ZONE 'UTC')::date AS day FROM public.sink_offset o),
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
        coalesce(x.trips, 0)::int AS trips, k.claims, k.claim_amount
    FROM everybody s
    JOIN public.policy_product r ON r.policy_id = s.policy_id AND r.from_date <= s.from_date AND s.from_date < r.to_date
    LEFT JOIN driven x ON x.policy_id = s.policy_id AND x.vehicle_id = s.vehicle_id AND x.from_date = s.from_date AND x.driver_id IS NOT DISTINCT FROM s.driver_id
    CROSS JOIN LATERAL (SELECT count(*)::int AS claims, coalesce(sum(c.amount), 0) AS claim_amount FROM public.claim c
        WHERE c.policy_id = s.policy_id AND c.occurred_on >= s.from_date AND c.occurred_on < s.to_date
          AND (c.vehicle_id = s.vehicle_id OR c.vehicle_id IS NULL AND s.first_vehicle)
          AND (c.driver_id = s.driver_id OR s.first_driver AND NOT EXISTS (SELECT FROM named n WHERE n.policy_id = s.policy_id
              AND n.vehicle_id = s.vehicle_id AND n.from_date = s.from_date AND n.driver_id = c.driver_id))) AS k;
COMMENT ON VIEW "analytics"."exposure" IS 'One row a policy, vehicle, driver and span of dates in which no rating fact changes, up to the day to which the log is read: the table that claim models are fitted on. Days and claims add up over the rows; a policy that was never driven has its rows too.';
COMMENT ON COLUMN "analytics"."exposure"."policy_id" IS 'Pseudonym of the policy.';
COMMENT ON COLUMN "analytics"."exposure"."vehicle_id" IS 'Pseudonym of the vehicle.';
COMMENT ON COLUMN "analytics"."exposure"."driver_id" IS 'Pseudonym of the named driver; null of kilometres that nobody named drove, which have no days of their own.';
COMMENT ON COLUMN "analytics"."exposure"."from_date" IS 'First local date of the span.';
COMMENT ON COLUMN "analytics"."exposure"."to_date" IS 'The local date after the last.';
COMMENT ON COLUMN "analytics"."exposure"."product" IS 'Product in the span.';
COMMENT ON COLUMN "analytics"."exposure"."jurisdiction" IS 'Jurisdiction in the span.';
COMMENT ON COLUMN "analytics"."exposure"."facts" IS 'Rating facts by name: the policys, the vehicles and the drivers own.';
COMMENT ON COLUMN "analytics"."exposure"."days" IS 'Days of cover of the vehicle, shared equally among the drivers named.';
COMMENT ON COLUMN "analytics"."exposure"."years" IS 'The same in years of 365.25 days.';
COMMENT ON COLUMN "analytics"."exposure"."distance_km" IS 'Kilometres of closed trips that the driver drove with the vehicle in the span.';
COMMENT ON COLUMN "analytics"."exposure"."night_km" IS 'Of those, at night by local time.';
COMMENT ON COLUMN "analytics"."exposure"."trips" IS 'Closed trips that began in the span.';
COMMENT ON COLUMN "analytics"."exposure"."claims" IS 'Claims in the span; one without a vehicle or a named driver counts to the policys first.';
COMMENT ON COLUMN "analytics"."exposure"."claim_amount" IS 'Their amounts, in the currency imported.';

GRANT USAGE, CREATE ON SCHEMA "analytics" TO "odograph_analytics";
ALTER VIEW "analytics"."trip" OWNER TO "odograph_analytics";
ALTER VIEW "analytics"."driver_month" OWNER TO "odograph_analytics";
ALTER VIEW "analytics"."claim" OWNER TO "odograph_analytics";
ALTER VIEW "analytics"."bill_line" OWNER TO "odograph_analytics";
ALTER VIEW "analytics"."exposure" OWNER TO "odograph_analytics";
REVOKE CREATE ON SCHEMA "analytics" FROM "odograph_analytics";

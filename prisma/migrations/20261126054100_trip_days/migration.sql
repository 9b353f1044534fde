-- Sums of whole trips that a later event closed, by the local day of their start: what grouped figures are
-- made of. No row is shared by two devices. driver_id and vehicle_id 0: none. Open trips are added when read:
-- docs/adr/0020-trips-by-day-are-kept-by-a-trigger.md.
CREATE TABLE "trip_day" (
    "tenant_id" INTEGER NOT NULL,
    "local_date" DATE NOT NULL,
    "device_id" INTEGER NOT NULL,
    "driver_id" INTEGER NOT NULL,
    "vehicle_id" INTEGER NOT NULL,
    "trips" INTEGER NOT NULL,
    "distance_m" BIGINT NOT NULL,
    "duration_ms" BIGINT NOT NULL,
    "moving_ms" BIGINT NOT NULL,
    "idle_ms" BIGINT NOT NULL,
    "night_m" BIGINT NOT NULL,
    "max_speed_ckmh" BIGINT NOT NULL,
    "harsh_braking" BIGINT NOT NULL,
    "harsh_acceleration" BIGINT NOT NULL,
    "harsh_cornering" BIGINT NOT NULL,
    "speeding" BIGINT NOT NULL,
    "phone_use" BIGINT NOT NULL,
    "distance_m_sq" NUMERIC NOT NULL,
    "duration_ms_sq" NUMERIC NOT NULL,
    "moving_ms_sq" NUMERIC NOT NULL,
    "idle_ms_sq" NUMERIC NOT NULL,
    "night_m_sq" NUMERIC NOT NULL,
    "max_speed_ckmh_sq" NUMERIC NOT NULL,
    CONSTRAINT "trip_day_pkey" PRIMARY KEY ("tenant_id", "local_date", "device_id", "driver_id", "vehicle_id")
);

ALTER TABLE "trip_day" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "trip_day" FORCE ROW LEVEL SECURITY;
CREATE POLICY "trip_day_system" ON "trip_day" TO "odograph_sink", "odograph_operator" USING (true) WITH CHECK (true);
CREATE POLICY "trip_day_owner" ON "trip_day" TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY "trip_day_tenant" ON "trip_day" TO "odograph_api" USING ("tenant_id" = (SELECT "current_tenant"())
    AND ((SELECT "current_driver"()) IS NULL OR "driver_id" = (SELECT "current_driver"())));
GRANT SELECT, INSERT, UPDATE, DELETE ON "trip_day" TO "odograph_sink", "odograph_api", "odograph_operator";

-- Adds or takes away, by its argument 1 or -1, the trips in the transition table "moved". Rows of a
-- statement that changes trips are added before the old ones are taken away: triggers fire by name.
CREATE FUNCTION "sum_trips_by_day"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign CONSTANT integer := TG_ARGV[0]::integer;
BEGIN
    INSERT INTO "trip_day" AS d ("tenant_id", "local_date", "device_id", "driver_id", "vehicle_id",
        "trips", "distance_m", "duration_ms", "moving_ms", "idle_ms", "night_m", "max_speed_ckmh", "harsh_braking", "harsh_acceleration", "harsh_cornering", "speeding", "phone_use", "distance_m_sq", "duration_ms_sq", "moving_ms_sq", "idle_ms_sq", "night_m_sq", "max_speed_ckmh_sq")
    SELECT t.tenant_id, t.local_date, t.device_id, coalesce(t.driver_id, 0), coalesce(t.vehicle_id, 0), sign * count(*),
        sign * sum(t.distance_m),
        sign * sum((extract(epoch FROM t.ended_at - t.started_at) * 1000)::bigint),
        sign * sum(t.moving_ms),
        sign * sum(t.idle_ms),
        sign * sum(t.night_m),
        sign * sum(t.max_speed_ckmh),
        sign * sum(f.harsh_braking),
        sign * sum(f.harsh_acceleration),
        sign * sum(f.harsh_cornering),
        sign * sum(f.speeding),
        sign * sum(f.phone_use),
        sign * sum(t.distance_m::numeric * t.distance_m),
        sign * sum((extract(epoch FROM t.ended_at - t.started_at) * 1000)::bigint::numeric * (extract(epoch FROM t.ended_at - t.started_at) * 1000)::bigint),
        sign * sum(t.moving_ms::numeric * t.moving_ms),
        sign * sum(t.idle_ms::numeric * t.idle_ms),
        sign * sum(t.night_m::numeric * t.night_m),
        sign * sum(t.max_speed_ckmh::numeric * t.max_speed_ckmh)
    FROM "moved" AS t CROSS JOIN LATERAL "trip_flags"(t.days) AS f
    WHERE t.decided_sec IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT ("tenant_id", "local_date", "device_id", "driver_id", "vehicle_id") DO UPDATE SET
        "trips" = d."trips" + excluded."trips",
        "distance_m" = d."distance_m" + excluded."distance_m",
        "duration_ms" = d."duration_ms" + excluded."duration_ms",
        "moving_ms" = d."moving_ms" + excluded."moving_ms",
        "idle_ms" = d."idle_ms" + excluded."idle_ms",
        "night_m" = d."night_m" + excluded."night_m",
        "max_speed_ckmh" = d."max_speed_ckmh" + excluded."max_speed_ckmh",
        "harsh_braking" = d."harsh_braking" + excluded."harsh_braking",
        "harsh_acceleration" = d."harsh_acceleration" + excluded."harsh_acceleration",
        "harsh_cornering" = d."harsh_cornering" + excluded."harsh_cornering",
        "speeding" = d."speeding" + excluded."speeding",
        "phone_use" = d."phone_use" + excluded."phone_use",
        "distance_m_sq" = d."distance_m_sq" + excluded."distance_m_sq",
        "duration_ms_sq" = d."duration_ms_sq" + excluded."duration_ms_sq",
        "moving_ms_sq" = d."moving_ms_sq" + excluded."moving_ms_sq",
        "idle_ms_sq" = d."idle_ms_sq" + excluded."idle_ms_sq",
        "night_m_sq" = d."night_m_sq" + excluded."night_m_sq",
        "max_speed_ckmh_sq" = d."max_speed_ckmh_sq" + excluded."max_speed_ckmh_sq";
    IF sign < 0 THEN
        DELETE FROM "trip_day" AS d USING "moved" AS t
        WHERE d.trips = 0 AND t.decided_sec IS NOT NULL AND d.tenant_id = t.tenant_id AND d.local_date = t.local_date
          AND d.device_id = t.device_id AND d.driver_id = coalesce(t.driver_id, 0) AND d.vehicle_id = coalesce(t.vehicle_id, 0);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER "trip_day_1_inserted" AFTER INSERT ON "trip" REFERENCING NEW TABLE AS "moved"
    FOR EACH STATEMENT EXECUTE FUNCTION "sum_trips_by_day"('1');
CREATE TRIGGER "trip_day_2_updated" AFTER UPDATE ON "trip" REFERENCING NEW TABLE AS "moved"
    FOR EACH STATEMENT EXECUTE FUNCTION "sum_trips_by_day"('1');
CREATE TRIGGER "trip_day_3_outdated" AFTER UPDATE ON "trip" REFERENCING OLD TABLE AS "moved"
    FOR EACH STATEMENT EXECUTE FUNCTION "sum_trips_by_day"('-1');
CREATE TRIGGER "trip_day_4_deleted" AFTER DELETE ON "trip" REFERENCING OLD TABLE AS "moved"
    FOR EACH STATEMENT EXECUTE FUNCTION "sum_trips_by_day"('-1');

INSERT INTO "trip_day" ("tenant_id", "local_date", "device_id", "driver_id", "vehicle_id",
    "trips", "distance_m", "duration_ms", "moving_ms", "idle_ms", "night_m", "max_speed_ckmh", "harsh_braking", "harsh_acceleration", "harsh_cornering", "speeding", "phone_use", "distance_m_sq", "duration_ms_sq", "moving_ms_sq", "idle_ms_sq", "night_m_sq", "max_speed_ckmh_sq")
SELECT t.tenant_id, t.local_date, t.device_id, coalesce(t.driver_id, 0), coalesce(t.vehicle_id, 0), count(*),
    sum(t.distance_m),
    sum((extract(epoch FROM t.ended_at - t.started_at) * 1000)::bigint),
    sum(t.moving_ms),
    sum(t.idle_ms),
    sum(t.night_m),
    sum(t.max_speed_ckmh),
    sum(f.harsh_braking),
    sum(f.harsh_acceleration),
    sum(f.harsh_cornering),
    sum(f.speeding),
    sum(f.phone_use),
    sum(t.distance_m::numeric * t.distance_m),
    sum((extract(epoch FROM t.ended_at - t.started_at) * 1000)::bigint::numeric * (extract(epoch FROM t.ended_at - t.started_at) * 1000)::bigint),
    sum(t.moving_ms::numeric * t.moving_ms),
    sum(t.idle_ms::numeric * t.idle_ms),
    sum(t.night_m::numeric * t.night_m),
    sum(t.max_speed_ckmh::numeric * t.max_speed_ckmh)
FROM "trip" AS t CROSS JOIN LATERAL "trip_flags"(t.days) AS f
WHERE t.decided_sec IS NOT NULL
GROUP BY 1, 2, 3, 4, 5;

-- A driver sees the devices that were assigned to him, the vehicles that he drove or that his policies
-- cover, and no others of his tenant. His other walls leave him only his own assignments and policies.
DO $$
DECLARE
    name text;
    his text;
BEGIN
    FOREACH name IN ARRAY ARRAY['device', 'device_tenancy', 'device_state', 'late_event', 'trip_handle', 'vehicle'] LOOP
        his := CASE name
            WHEN 'device' THEN 'EXISTS (SELECT FROM "assignment" AS a WHERE a."device_id" = "device"."id")'
            WHEN 'vehicle' THEN 'EXISTS (SELECT FROM "assignment" AS a WHERE a."vehicle_id" = "vehicle"."id")
                OR EXISTS (SELECT FROM "policy_vehicle" AS v WHERE v."vehicle_id" = "vehicle"."id")'
            ELSE format('EXISTS (SELECT FROM "assignment" AS a WHERE a."device_id" = %I."device_id")', name)
        END;
        EXECUTE format('CREATE POLICY %I ON %I AS RESTRICTIVE FOR SELECT TO "odograph_api" USING ((SELECT "current_driver"()) IS NULL OR %s)',
            name || '_driver', name, his);
    END LOOP;
END $$;

-- Whether a driver's wall stands is found out once a statement. PostgreSQL takes "a value is null" for true of one
-- row in two hundred, and behind walls then expected so few rows that it read and sorted whole lists for a page;
-- a truth of its own it takes for as likely as not. What the walls let through stays the same.
DO $$
DECLARE
    wall record;
    was CONSTANT text := '(( SELECT current_driver() AS current_driver) IS NULL)';
BEGIN
    FOR wall IN SELECT tablename, policyname, qual FROM pg_policies
        WHERE schemaname = 'public' AND tablename <> 'event' AND position(was IN qual) > 0 LOOP
        EXECUTE format('ALTER POLICY %I ON %I USING (%s)', wall.policyname, wall.tablename,
            replace(wall.qual, was, '(SELECT current_driver() IS NULL)'));
    END LOOP;
END $$;

-- A tenant's trips under way. A trip enters when it begins and leaves when a later event closes it.
CREATE INDEX "trip_open_idx" ON "trip" ("tenant_id", "started_at", "id") WHERE "decided_sec" IS NULL;

-- A tenant's devices by the ids that they send: the id never changes, and stands with the tenancy for the index.
ALTER TABLE "device_tenancy" ADD COLUMN "external_id" TEXT;
UPDATE "device_tenancy" AS y SET "external_id" = d."external_id" FROM "device" AS d WHERE d."id" = y."device_id";
ALTER TABLE "device_tenancy" ALTER COLUMN "external_id" SET NOT NULL;
CREATE INDEX "device_tenancy_tenant_id_external_id_idx" ON "device_tenancy" ("tenant_id", "external_id", "device_id");
CREATE FUNCTION "name_device_tenancy"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.external_id := (SELECT d.external_id FROM device AS d WHERE d.id = NEW.device_id);
    RETURN NEW;
END $$;
CREATE TRIGGER "device_tenancy_is_named" BEFORE INSERT ON "device_tenancy" FOR EACH ROW EXECUTE FUNCTION "name_device_tenancy"();

-- Driving events of a kind in order of time, of a tenant or a driver; all kinds in order are five such lists.
CREATE INDEX "driving_event_tenant_id_kind_at_idx" ON "driving_event" ("tenant_id", "kind", "at");
CREATE INDEX "driving_event_driver_id_kind_at_idx" ON "driving_event" ("driver_id", "kind", "at");
DROP INDEX "driving_event_tenant_id_at_idx";
DROP INDEX "driving_event_driver_id_at_idx";

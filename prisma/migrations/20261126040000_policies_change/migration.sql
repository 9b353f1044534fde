-- A policy covers several vehicles and names several drivers, and what is true of it changes in its
-- midst. Each row holds for half-open local dates; the trail says who changed what.

ALTER TABLE "policy" ADD COLUMN "cancelled_on" DATE;
ALTER TABLE "policy" ADD CONSTRAINT "policy_cancelled_within" CHECK ("cancelled_on" >= "start_date" AND "cancelled_on" <= "end_date");

-- The product and the jurisdiction pick the tariff.
CREATE TABLE "policy_product" (
    "id" INTEGER GENERATED ALWAYS AS IDENTITY NOT NULL,
    "tenant_id" INTEGER NOT NULL,
    "policy_id" INTEGER NOT NULL,
    "product" TEXT NOT NULL,
    "jurisdiction" TEXT NOT NULL,
    "from_date" DATE NOT NULL,
    "to_date" DATE NOT NULL,
    CONSTRAINT "policy_product_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "policy_product_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policy"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "policy_product_not_empty" CHECK ("from_date" < "to_date"),
    CONSTRAINT "policy_product_one_at_a_time" EXCLUDE USING gist ("policy_id" WITH =, daterange("from_date", "to_date") WITH &&)
);

CREATE TABLE "policy_vehicle" (
    "id" INTEGER GENERATED ALWAYS AS IDENTITY NOT NULL,
    "tenant_id" INTEGER NOT NULL,
    "policy_id" INTEGER NOT NULL,
    "vehicle_id" INTEGER NOT NULL,
    "from_date" DATE NOT NULL,
    "to_date" DATE NOT NULL,
    CONSTRAINT "policy_vehicle_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "policy_vehicle_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policy"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "policy_vehicle_vehicle_id_fkey" FOREIGN KEY ("vehicle_id") REFERENCES "vehicle"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "policy_vehicle_not_empty" CHECK ("from_date" < "to_date"),
    CONSTRAINT "policy_vehicle_once_at_a_time" EXCLUDE USING gist ("policy_id" WITH =, "vehicle_id" WITH =, daterange("from_date", "to_date") WITH &&)
);
CREATE INDEX "policy_vehicle_vehicle_id_idx" ON "policy_vehicle"("vehicle_id");

CREATE TABLE "policy_driver" (
    "id" INTEGER GENERATED ALWAYS AS IDENTITY NOT NULL,
    "tenant_id" INTEGER NOT NULL,
    "policy_id" INTEGER NOT NULL,
    "driver_id" INTEGER NOT NULL,
    "from_date" DATE NOT NULL,
    "to_date" DATE NOT NULL,
    CONSTRAINT "policy_driver_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "policy_driver_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policy"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "policy_driver_driver_id_fkey" FOREIGN KEY ("driver_id") REFERENCES "driver"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "policy_driver_not_empty" CHECK ("from_date" < "to_date"),
    CONSTRAINT "policy_driver_once_at_a_time" EXCLUDE USING gist ("policy_id" WITH =, "driver_id" WITH =, daterange("from_date", "to_date") WITH &&)
);
CREATE INDEX "policy_driver_driver_id_idx" ON "policy_driver"("driver_id");

-- What the tariff's factors read: of the policy, or of one of its vehicles or drivers. 0: of none.
CREATE TABLE "policy_fact" (
    "id" INTEGER GENERATED ALWAYS AS IDENTITY NOT NULL,
    "tenant_id" INTEGER NOT NULL,
    "policy_id" INTEGER NOT NULL,
    "vehicle_id" INTEGER NOT NULL DEFAULT 0,
    "driver_id" INTEGER NOT NULL DEFAULT 0,
    "name" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "from_date" DATE NOT NULL,
    "to_date" DATE NOT NULL,
    CONSTRAINT "policy_fact_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "policy_fact_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policy"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "policy_fact_not_empty" CHECK ("from_date" < "to_date"),
    CONSTRAINT "policy_fact_text_or_number" CHECK (jsonb_typeof("value") IN ('string', 'number')),
    CONSTRAINT "policy_fact_one_value_at_a_time" EXCLUDE USING gist ("policy_id" WITH =, "vehicle_id" WITH =, "driver_id" WITH =, "name" WITH =, daterange("from_date", "to_date") WITH &&)
);

CREATE TABLE "policy_amendment" (
    "id" INTEGER GENERATED ALWAYS AS IDENTITY NOT NULL,
    "tenant_id" INTEGER NOT NULL,
    "policy_id" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "subject" TEXT,
    "effective_from" DATE NOT NULL,
    "change" JSONB NOT NULL,
    "reason" TEXT,
    CONSTRAINT "policy_amendment_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "policy_amendment_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policy"("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX "policy_amendment_policy_id_idx" ON "policy_amendment"("policy_id");

CREATE FUNCTION "is_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed or taken away', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER "policy_amendment_is_append_only" BEFORE UPDATE OR DELETE ON "policy_amendment" FOR EACH ROW EXECUTE FUNCTION "is_append_only"();
CREATE TRIGGER "policy_amendment_is_kept" BEFORE TRUNCATE ON "policy_amendment" FOR EACH STATEMENT EXECUTE FUNCTION "is_append_only"();

INSERT INTO "policy_product" ("tenant_id", "policy_id", "product", "jurisdiction", "from_date", "to_date")
    SELECT "tenant_id", "id", "product", "jurisdiction", "start_date", "end_date" FROM "policy";
INSERT INTO "policy_vehicle" ("tenant_id", "policy_id", "vehicle_id", "from_date", "to_date")
    SELECT "tenant_id", "id", "vehicle_id", "start_date", "end_date" FROM "policy";
INSERT INTO "policy_driver" ("tenant_id", "policy_id", "driver_id", "from_date", "to_date")
    SELECT "tenant_id", "id", "driver_id", "start_date", "end_date" FROM "policy";
INSERT INTO "policy_fact" ("tenant_id", "policy_id", "name", "value", "from_date", "to_date")
    SELECT p."tenant_id", p."id", f.key, f.value, p."start_date", p."end_date" FROM "policy" p CROSS JOIN LATERAL jsonb_each(p."rating_factors") f
    WHERE jsonb_typeof(f.value) IN ('string', 'number');

-- A driver sees the policies that name him.
DROP POLICY "policy_tenant" ON "policy";
ALTER TABLE "policy" DROP COLUMN "product", DROP COLUMN "jurisdiction", DROP COLUMN "driver_id", DROP COLUMN "vehicle_id", DROP COLUMN "rating_factors";

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['policy_product', 'policy_vehicle', 'policy_driver', 'policy_fact', 'policy_amendment'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY %I ON %I TO "odograph_operator" USING (true) WITH CHECK (true)', name || '_system', name);
        EXECUTE format('CREATE POLICY %I ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', name || '_owner', name);
        EXECUTE format('GRANT SELECT ON %I TO "odograph_api", "odograph_operator"', name);
        EXECUTE format('GRANT INSERT ON %I TO "odograph_api"', name);
        IF name <> 'policy_amendment' THEN
            EXECUTE format('GRANT UPDATE, DELETE ON %I TO "odograph_api"', name);
        END IF;
    END LOOP;
END $$;

CREATE POLICY "policy_driver_tenant" ON "policy_driver" TO "odograph_api" USING ("tenant_id" = (SELECT "current_tenant"())
    AND ((SELECT "current_driver"()) IS NULL OR "driver_id" = (SELECT "current_driver"())));
CREATE POLICY "policy_tenant" ON "policy" TO "odograph_api" USING ("tenant_id" = (SELECT "current_tenant"())
    AND ((SELECT "current_driver"()) IS NULL OR EXISTS (SELECT FROM "policy_driver" AS d WHERE d."policy_id" = "policy"."id")));
CREATE POLICY "policy_product_tenant" ON "policy_product" TO "odograph_api" USING ("tenant_id" = (SELECT "current_tenant"())
    AND ((SELECT "current_driver"()) IS NULL OR EXISTS (SELECT FROM "policy_driver" AS d WHERE d."policy_id" = "policy_product"."policy_id")));
CREATE POLICY "policy_vehicle_tenant" ON "policy_vehicle" TO "odograph_api" USING ("tenant_id" = (SELECT "current_tenant"())
    AND ((SELECT "current_driver"()) IS NULL OR EXISTS (SELECT FROM "policy_driver" AS d WHERE d."policy_id" = "policy_vehicle"."policy_id")));
-- Another driver's age is not for this one.
CREATE POLICY "policy_fact_tenant" ON "policy_fact" TO "odograph_api" USING ("tenant_id" = (SELECT "current_tenant"())
    AND ((SELECT "current_driver"()) IS NULL OR ("driver_id" IN (0, (SELECT "current_driver"()))
        AND EXISTS (SELECT FROM "policy_driver" AS d WHERE d."policy_id" = "policy_fact"."policy_id"))));
CREATE POLICY "policy_amendment_tenant" ON "policy_amendment" TO "odograph_api" USING ("tenant_id" = (SELECT "current_tenant"())
    AND (SELECT "current_driver"()) IS NULL);

-- A premium asks for the days of vehicles, whoever drove them.
CREATE INDEX "daily_total_vehicle_id_local_date_idx" ON "daily_total"("vehicle_id", "local_date");
CREATE INDEX "assignment_vehicle_id_idx" ON "assignment"("vehicle_id");

-- Bills, adjustments and credit notes: documents that are never changed, numbered without a gap in each
-- tenant; and trips whose driver or insurer disputes them.

CREATE TABLE "bill_number" (
    "tenant_id" INTEGER NOT NULL,
    "last" INTEGER NOT NULL,
    CONSTRAINT "bill_number_pkey" PRIMARY KEY ("tenant_id")
);

CREATE TABLE "bill" (
    "id" INTEGER GENERATED ALWAYS AS IDENTITY NOT NULL,
    "tenant_id" INTEGER NOT NULL,
    "policy_id" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "number" TEXT NOT NULL,
    "from_date" DATE NOT NULL,
    "to_date" DATE NOT NULL,
    "product" TEXT NOT NULL,
    "jurisdiction" TEXT NOT NULL,
    "tariff_id" TEXT,
    "currency" TEXT NOT NULL,
    "total" NUMERIC NOT NULL,
    "cut_off" TIMESTAMPTZ(3) NOT NULL,
    "document" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "issued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "subject" TEXT,
    "reason" TEXT,
    "credited_by" INTEGER,
    "changed" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT "bill_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "bill_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policy"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "bill_tariff_fkey" FOREIGN KEY ("tenant_id", "tariff_id") REFERENCES "tariff"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "bill_credited_by_fkey" FOREIGN KEY ("credited_by") REFERENCES "bill"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "bill_kind_known" CHECK ("kind" IN ('BILL', 'ADJUSTMENT', 'CREDIT_NOTE')),
    CONSTRAINT "bill_not_empty" CHECK ("from_date" < "to_date"),
    CONSTRAINT "bill_only_bills_are_credited" CHECK ("credited_by" IS NULL OR "kind" = 'BILL'),
    CONSTRAINT "bill_once_a_day" EXCLUDE USING gist ("policy_id" WITH =, daterange("from_date", "to_date") WITH &&)
        WHERE ("kind" = 'BILL' AND "credited_by" IS NULL)
);
CREATE UNIQUE INDEX "bill_tenant_id_number_key" ON "bill"("tenant_id", "number");
CREATE INDEX "bill_policy_id_idx" ON "bill"("policy_id");

CREATE FUNCTION "bill_is_immutable"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.credited_by IS NULL AND NEW.credited_by IS NOT NULL
        AND (to_jsonb(NEW) - 'credited_by' - 'changed') IS NOT DISTINCT FROM (to_jsonb(OLD) - 'credited_by' - 'changed') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an issued bill is never changed or taken away: adjust or credit it' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER "bill_is_immutable" BEFORE UPDATE OR DELETE ON "bill" FOR EACH ROW EXECUTE FUNCTION "bill_is_immutable"();
CREATE TRIGGER "bill_is_kept" BEFORE TRUNCATE ON "bill" FOR EACH STATEMENT EXECUTE FUNCTION "bill_is_immutable"();

-- A disputed trip does not count while the dispute is open, nor once it is upheld.
CREATE TABLE "dispute" (
    "id" INTEGER GENERATED ALWAYS AS IDENTITY NOT NULL,
    "tenant_id" INTEGER NOT NULL,
    "policy_id" INTEGER NOT NULL,
    "trip_id" BIGINT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'OPEN',
    "reason" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "opened_by" TEXT,
    "settled_at" TIMESTAMPTZ(3),
    "settled_by" TEXT,
    "settlement" TEXT,
    CONSTRAINT "dispute_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "dispute_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policy"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "dispute_state_known" CHECK ("state" IN ('OPEN', 'UPHELD', 'REJECTED')),
    CONSTRAINT "dispute_settled_whole" CHECK (("state" = 'OPEN') = ("settled_at" IS NULL))
);
CREATE UNIQUE INDEX "dispute_in_force" ON "dispute"("policy_id", "trip_id") WHERE "state" <> 'REJECTED';
CREATE INDEX "dispute_policy_id_idx" ON "dispute"("policy_id");

CREATE FUNCTION "dispute_is_settled_once"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'OPEN' AND (to_jsonb(NEW) - ARRAY['state', 'settled_at', 'settled_by', 'settlement'])
        IS NOT DISTINCT FROM (to_jsonb(OLD) - ARRAY['state', 'settled_at', 'settled_by', 'settlement']) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a dispute is settled once and then kept' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER "dispute_is_settled_once" BEFORE UPDATE OR DELETE ON "dispute" FOR EACH ROW EXECUTE FUNCTION "dispute_is_settled_once"();
CREATE TRIGGER "dispute_is_kept" BEFORE TRUNCATE ON "dispute" FOR EACH STATEMENT EXECUTE FUNCTION "dispute_is_settled_once"();

-- A withdrawn tariff makes room for another of the same start.
DROP INDEX "tariff_one_start";
CREATE UNIQUE INDEX "tariff_one_start" ON "tariff"("tenant_id", "product", "jurisdiction", "effective_from") WHERE "status" = 'ACTIVE';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['bill_number', 'bill', 'dispute'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY %I ON %I TO "odograph_operator" USING (true) WITH CHECK (true)', name || '_system', name);
        EXECUTE format('CREATE POLICY %I ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', name || '_owner', name);
        EXECUTE format('GRANT SELECT ON %I TO "odograph_operator"', name);
        IF name = 'bill_number' THEN
            EXECUTE 'CREATE POLICY "bill_number_tenant" ON "bill_number" TO "odograph_api" USING ("tenant_id" = (SELECT "current_tenant"()))';
        ELSE
            -- Who sees the policy sees its bills and disputes.
            EXECUTE format('CREATE POLICY %I ON %I TO "odograph_api" USING ("tenant_id" = (SELECT "current_tenant"())
                AND ((SELECT "current_driver"()) IS NULL OR EXISTS (SELECT FROM "policy_driver" AS d WHERE d."policy_id" = %I."policy_id")))', name || '_tenant', name, name);
        END IF;
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE ON "bill_number" TO "odograph_api";
GRANT SELECT, INSERT ON "bill", "dispute" TO "odograph_api";
GRANT UPDATE ("credited_by", "changed") ON "bill" TO "odograph_api";
GRANT UPDATE ("state", "settled_at", "settled_by", "settlement") ON "dispute" TO "odograph_api";

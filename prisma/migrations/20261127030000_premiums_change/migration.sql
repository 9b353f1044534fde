-- Whoever follows a policy's premium is told when the policy, its disputes or a tariff that prices it change.
ALTER TABLE "policy" ADD COLUMN "changed" xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE "tariff" ADD COLUMN "changed" xid8 NOT NULL DEFAULT pg_current_xact_id();

CREATE OR REPLACE FUNCTION "tariff_is_immutable"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'DRAFT' THEN
            RAISE EXCEPTION 'tariff % is %: it cannot be deleted', OLD.id, lower(OLD.status) USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status <> 'DRAFT' AND NEW IS DISTINCT FROM OLD AND (
        (to_jsonb(NEW) - 'status' - 'changed') IS DISTINCT FROM (to_jsonb(OLD) - 'status' - 'changed')
        OR NOT (OLD.status = 'ACTIVE' AND NEW.status = 'RETIRED')
    ) THEN
        RAISE EXCEPTION 'tariff % is %: only its retirement may change it', OLD.id, lower(OLD.status) USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

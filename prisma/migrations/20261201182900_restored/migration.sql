-- After a restore rows are marked as changed again (src/store/setup/epoch.ts). Of an issued bill and of an active or
-- retired tariff that mark alone may change.
CREATE OR REPLACE FUNCTION "bill_is_immutable"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (to_jsonb(NEW) - 'changed') IS NOT DISTINCT FROM (to_jsonb(OLD) - 'changed') THEN
            RETURN NEW;
        END IF;
        IF OLD.credited_by IS NULL AND NEW.credited_by IS NOT NULL
            AND (to_jsonb(NEW) - 'credited_by' - 'changed') IS NOT DISTINCT FROM (to_jsonb(OLD) - 'credited_by' - 'changed') THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'an issued bill is never changed or taken away: adjust or credit it' USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE FUNCTION "tariff_is_immutable"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'DRAFT' THEN
            RAISE EXCEPTION 'tariff % is %: it cannot be deleted', OLD.id, lower(OLD.status) USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status <> 'DRAFT' AND (to_jsonb(NEW) - 'changed') IS DISTINCT FROM (to_jsonb(OLD) - 'changed') AND (
        (to_jsonb(NEW) - 'status' - 'changed') IS DISTINCT FROM (to_jsonb(OLD) - 'status' - 'changed')
        OR NOT (OLD.status = 'ACTIVE' AND NEW.status = 'RETIRED')
    ) THEN
        RAISE EXCEPTION 'tariff % is %: only its retirement may change it', OLD.id, lower(OLD.status) USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

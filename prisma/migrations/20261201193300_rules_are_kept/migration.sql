-- Rules hold by the time of events, and a trip is folded again by the rules of its start. So a row is never changed or
-- taken away, and takes effect later than every stored event. Commits share the lock (src/store/locks.ts) and count the
-- rows, so none that was folded by the rows before is stored after the row is added.
CREATE FUNCTION "rules_take_effect_later"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    newest timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(218497025);
    SELECT to_timestamp(946684800 + max(s."head_sec") + 1) INTO newest FROM "device_state" AS s;
    IF NEW."effective_from" < newest THEN
        RAISE EXCEPTION 'rules from % would change trips that are stored: the newest event lies at %',
            to_char(NEW."effective_from" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            to_char((newest - INTERVAL '1 second') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER "rules_take_effect_later" BEFORE INSERT ON "rules" FOR EACH ROW EXECUTE FUNCTION "rules_take_effect_later"();
CREATE TRIGGER "rules_are_append_only" BEFORE UPDATE OR DELETE ON "rules" FOR EACH ROW EXECUTE FUNCTION "is_append_only"();
CREATE TRIGGER "rules_are_kept" BEFORE TRUNCATE ON "rules" FOR EACH STATEMENT EXECUTE FUNCTION "is_append_only"();

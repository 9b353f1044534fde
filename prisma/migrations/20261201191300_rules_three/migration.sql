-- A store that no sink has read into yet begins with version 3 of the rules. One with events keeps its own versions:
-- `odograph rules add` moves it.
UPDATE "rules" SET "version" = '3'
WHERE "version" = '2' AND "effective_from" = TIMESTAMPTZ '1970-01-01T00:00:00Z' AND NOT EXISTS (SELECT FROM "sink_offset");

-- A store that no sink has read into yet begins with version 2 of the rules. One with events keeps version 1 for them;
-- version 2 begins three days from now, later than any event that can be stored by then: none lies a day ahead.
INSERT INTO "rules" ("effective_from", "version")
SELECT TIMESTAMPTZ '1970-01-01T00:00:00Z', '2'
WHERE NOT EXISTS (SELECT FROM "rules") AND NOT EXISTS (SELECT FROM "sink_offset");

INSERT INTO "rules" ("effective_from", "version")
SELECT first."at", first."version"
FROM (VALUES
    (TIMESTAMPTZ '1970-01-01T00:00:00Z', '1'),
    (date_trunc('day', now(), 'UTC') + INTERVAL '3 days', '2')
) AS first("at", "version")
WHERE NOT EXISTS (SELECT FROM "rules");

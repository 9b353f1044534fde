-- A dispute is about the driving of a trip as it was when it was disputed: late messages may split that trip or merge it with
-- others. So a dispute keeps the device, the time and the day parts of the trip.
ALTER TABLE "dispute"
    ADD COLUMN "device_id" INTEGER,
    ADD COLUMN "from_at" TIMESTAMPTZ(3),
    ADD COLUMN "to_at" TIMESTAMPTZ(3),
    ADD COLUMN "was_open" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "parts" JSONB NOT NULL DEFAULT '[]';

ALTER TABLE "dispute" DISABLE TRIGGER "dispute_is_settled_once";
-- Disputes made before this: the trip that holds the event at which the disputed trip was anchored, as it was read so far.
UPDATE "dispute" AS d SET "device_id" = x.device_id, "from_at" = x.started_at, "to_at" = x.last_at, "parts" = x.days
FROM (
    SELECT o.id, h.device_id, coalesce(t.started_at, a.at) AS started_at, coalesce(t.last_at, a.at) AS last_at, coalesce(t.days, '[]') AS days
    FROM "dispute" AS o
    JOIN "trip_handle" AS h ON h.id = o.trip_id
    CROSS JOIN LATERAL (SELECT to_timestamp(946684800 + h.anchor_sec + (h.anchor_rest >> 53) / 1000.0) AS at) AS a
    LEFT JOIN LATERAL (
        SELECT t.started_at, t.days, to_timestamp(946684800 + t.last_sec + (t.last_rest >> 53) / 1000.0) AS last_at
        FROM "trip" AS t
        WHERE t.device_id = h.device_id AND (t.anchor_sec, t.anchor_rest) <= (h.anchor_sec, h.anchor_rest)
            AND (h.anchor_sec, h.anchor_rest) <= (t.last_sec, t.last_rest)
        ORDER BY t.started_at DESC LIMIT 1) AS t ON true
) AS x
WHERE x.id = d.id;
ALTER TABLE "dispute" ENABLE TRIGGER "dispute_is_settled_once";

ALTER TABLE "dispute"
    ALTER COLUMN "device_id" SET NOT NULL,
    ALTER COLUMN "from_at" SET NOT NULL,
    ALTER COLUMN "to_at" SET NOT NULL,
    ALTER COLUMN "was_open" DROP DEFAULT,
    ALTER COLUMN "parts" DROP DEFAULT,
    ADD CONSTRAINT "dispute_within_time" CHECK ("from_at" <= "to_at");

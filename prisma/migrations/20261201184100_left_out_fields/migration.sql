-- Optional fields of messages that were not believed, added up by device, field and reason: at most some
-- dozens of rows a device. Updated in place by each batch, so no column that changes has an index.
CREATE TABLE "left_out_field" (
    "device_id" INTEGER NOT NULL,
    "field" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "count" BIGINT NOT NULL,
    "first_at" TIMESTAMPTZ(3) NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "last_value" TEXT NOT NULL,

    CONSTRAINT "left_out_field_pkey" PRIMARY KEY ("device_id", "field", "reason")
) WITH (fillfactor = 50);

ALTER TABLE "left_out_field" ADD CONSTRAINT "left_out_field_device_id_fkey" FOREIGN KEY ("device_id") REFERENCES "device"("id") ON DELETE CASCADE ON UPDATE CASCADE;

GRANT SELECT, INSERT, UPDATE ON "left_out_field" TO "odograph_sink";
GRANT SELECT ON "left_out_field" TO "odograph_operator";
ALTER TABLE "left_out_field" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "left_out_field" FORCE ROW LEVEL SECURITY;
CREATE POLICY "left_out_field_system" ON "left_out_field" TO "odograph_sink", "odograph_operator", CURRENT_USER USING (true) WITH CHECK (true);

-- Headers of a dead letter: a list in the record's order, since names may repeat and values may be null or any bytes.
ALTER TABLE "dead_letter" ALTER COLUMN "headers" SET DEFAULT '[]';
UPDATE "dead_letter" SET "headers" = (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', key, 'value', value)), '[]') FROM jsonb_each_text("headers"))
WHERE jsonb_typeof("headers") = 'object';
ALTER TABLE "dead_letter" ADD COLUMN "sent_again_at" TIMESTAMPTZ(3);

-- Records beyond the budget of dead letters: counted, with the offsets between which they can be read again from the log.
CREATE TABLE "dead_letter_overflow" (
    "topic" TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "count" BIGINT NOT NULL,
    "first_offset" BIGINT NOT NULL,
    "last_offset" BIGINT NOT NULL,
    "last_message" TEXT NOT NULL,

    CONSTRAINT "dead_letter_overflow_pkey" PRIMARY KEY ("topic", "partition", "reason", "hour")
);
GRANT SELECT, INSERT, UPDATE ON "dead_letter_overflow" TO "odograph_sink";
GRANT SELECT, DELETE ON "dead_letter_overflow" TO "odograph_operator";

-- The owner's commands note in the trail who looked at a dead letter.
DO $$
BEGIN
    CREATE POLICY "access_log_owner_write" ON "access_log" FOR INSERT TO CURRENT_USER WITH CHECK (true);
END $$;

-- What only serves readers that resume, or that send an order again, has a stated life: a sink removes it afterwards
-- in small pieces (src/store/ingest/prune.ts). Block ranges say where old rows are, at next to no cost for writers.
ALTER TABLE "late_event" ADD COLUMN "at" TIMESTAMPTZ(3) NOT NULL DEFAULT now();
CREATE INDEX "late_event_at_idx" ON "late_event" USING brin ("at");
CREATE INDEX "trip_revision_known_to_idx" ON "trip_revision" USING brin ("known_to");
CREATE INDEX "idempotency_key_at_idx" ON "idempotency_key" USING brin ("at");
GRANT SELECT ("tenant_id", "key", "at"), DELETE ON "idempotency_key" TO "odograph_sink";

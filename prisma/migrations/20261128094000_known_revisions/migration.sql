-- What was known at an instant is what stands since then, and what was replaced after it: seldom much.
CREATE INDEX "trip_revision_tenant_id_known_to_idx" ON "trip_revision" ("tenant_id", "known_to");

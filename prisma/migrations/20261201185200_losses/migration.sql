-- A stream that resumes reads the revisions of its driver, or of its tenant, since then: those of trips that were
-- removed or belong to another driver or tenant now.
CREATE INDEX "trip_revision_driver_id_changed_idx" ON "trip_revision" ("driver_id", "changed");
CREATE INDEX "trip_revision_tenant_id_changed_idx" ON "trip_revision" ("tenant_id", "changed");

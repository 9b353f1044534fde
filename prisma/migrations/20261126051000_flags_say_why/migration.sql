-- A flag's record alone answers why it was raised: the highest speed, what gave its severity, for how long it had to last
-- and did. Flags of before keep null until their trip is folded again.
ALTER TABLE "driving_event"
    ADD COLUMN "peak_ckmh" INTEGER,
    ADD COLUMN "severity_threshold" INTEGER,
    ADD COLUMN "least_ms" INTEGER,
    ADD COLUMN "duration_ms" INTEGER;

-- The views belong to a role that nobody logs in as, and a comment is their owner's to make.
SET LOCAL ROLE "odograph_analytics";
COMMENT ON COLUMN "analytics"."bill_line"."line_kind" IS 'CHARGE, ESTIMATED, FACTOR, HABIT, CLAMP, CREDIBILITY or ADJUSTMENT; of an adjustment or a credit note its kind.';
COMMENT ON COLUMN "analytics"."bill_line"."vehicle" IS 'The insurer''s own name of the vehicle; null on the policy''s own lines.';
COMMENT ON COLUMN "analytics"."trip"."facts" IS 'Rating facts by name, as they held on that day: those of the policy, the vehicle and the driver.';
COMMENT ON COLUMN "analytics"."exposure"."facts" IS 'Rating facts by name: those of the policy, the vehicle and the driver.';
COMMENT ON COLUMN "analytics"."exposure"."claims" IS 'Claims in the span; one without a vehicle or a named driver counts to the policy''s first.';
RESET ROLE;

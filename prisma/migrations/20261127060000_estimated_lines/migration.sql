COMMENT ON COLUMN "analytics"."bill_line"."line_kind" IS 'CHARGE, ESTIMATED, FACTOR, HABIT, CLAMP, CREDIBILITY or ADJUSTMENT; of an adjustment or a credit note its kind.';

-- A new assignment or move may cover older ones whole: they give way, as a range cannot be empty.
GRANT DELETE ON "assignment" TO "odograph_api", "odograph_operator";
-- A device may be given to a tenant before its first message.
GRANT INSERT ON "device_state" TO "odograph_operator";

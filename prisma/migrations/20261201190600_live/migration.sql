-- What cursors are signed with: known to the logins of the store alone, and the same for every API.
ALTER TABLE "store_epoch" ADD COLUMN "cursor_key" TEXT NOT NULL DEFAULT (gen_random_uuid()::text || gen_random_uuid()::text);

import { LOCKS } from '../locks.ts';
import { withOwner } from '../session.ts';
import { renewEpoch } from './epoch.ts';
import { ensureLogins, type LoginUrls } from './logins.ts';
import { useSchemaEngine, readMigrations } from './schema-engine.ts';

export interface Migrated {
  /** Names of the migrations that this call applied, oldest first; empty if the store was up to date. */
  readonly applied: readonly string[];
  /** Whether the store is another instance than at its last start (restored, copied): cursors expire. */
  readonly renewed: boolean;
}

/**
 * Brings the database to this version's schema: roles, prisma/migrations, the store's epoch.
 * @param url the owner's login: it may create roles, and owns the database or may create objects in it.
 * @param logins the sink's and the API's URLs, whose passwords the roles are to have.
 */
export async function migrate({
  url,
  logins = {},
}: {
  url: string;
  logins?: LoginUrls;
}): Promise<Migrated> {
  return withOwner(url, async (client) => {
    await client.query('select pg_advisory_lock($1)', [LOCKS.migrate]);
    await ensureLogins(client, logins);
    const applied = await applyMigrations(url);
    return { applied, renewed: await renewEpoch(client) };
  });
}

async function applyMigrations(url: string): Promise<readonly string[]> {
  const { appliedMigrationNames } = await useSchemaEngine(url, (engine) =>
    engine.applyMigrations({
      migrationsList: readMigrations(),
      filters: { externalTables: [], externalEnums: [] },
    }),
  );
  return appliedMigrationNames;
}

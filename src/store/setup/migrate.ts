import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { Problem } from '../../problem.ts';
import { LOCKS } from '../locks.ts';
import { withOwner } from '../session.ts';
import { renewEpoch } from './epoch.ts';
import { ensureLogins, type LoginUrls } from './logins.ts';
import { useSchemaEngine, readMigrations } from './schema-engine.ts';

const RETRY_MS = 250;
/** Attempts before the wait is reported: 2 s. */
const REPORT_AFTER = 8;
const LONGEST_WAIT_MS = 15 * 60_000;

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
  onWait = () => undefined,
}: {
  url: string;
  logins?: LoginUrls;
  /** Receives a message when another migration holds the lock. */
  onWait?: (message: string) => void;
}): Promise<Migrated> {
  return withOwner(url, async (client) => {
    await lock(client, onWait);
    try {
      await ensureLogins(client, logins);
      const applied = await applyMigrations(url);
      return { applied, renewed: await renewEpoch(client) };
    } finally {
      await client.query('select pg_advisory_unlock($1)', [LOCKS.migrate]);
    }
  });
}

async function lock(client: pg.Client, onWait: (message: string) => void): Promise<void> {
  const startedMs = Date.now();
  for (let waits = 0; ; waits++) {
    const { rows } = await client.query<{ locked: boolean }>(
      'select pg_try_advisory_lock($1) as locked',
      [LOCKS.migrate],
    );
    if (rows[0]!.locked) return;
    const waitedMs = Date.now() - startedMs;
    if (waitedMs > LONGEST_WAIT_MS || waits === REPORT_AFTER) {
      const holder = await readHolder(client);
      if (waitedMs > LONGEST_WAIT_MS) {
        throw new Problem(
          'MIGRATION_LOCKED',
          `Another migration has held the lock for ${LONGEST_WAIT_MS / 60_000} minutes: ${holder}.`,
          'If that process is not a migration, end it with pg_terminate_backend, and start again.',
        );
      }
      onWait(`waiting for another migration: ${holder}`);
    }
    await sleep(RETRY_MS);
  }
}

async function readHolder(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ holder: string }>(
    `select format('process %s of %s (%s), %s since %s', pid, usename,
            coalesce(nullif(application_name, ''), 'no name'), state, to_char(state_change at time zone 'UTC', 'HH24:MI:SS"Z"')) as holder
     from pg_locks join pg_stat_activity using (pid)
     where locktype = 'advisory' and classid = 0 and objid = $1 and granted`,
    [LOCKS.migrate],
  );
  return rows[0]?.holder ?? 'a process that is not visible to this login';
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

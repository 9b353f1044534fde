import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { Problem } from '../../problem.ts';
import { LOCKS } from '../locks.ts';
import { withOwner } from '../session.ts';
import { renewEpoch } from './epoch.ts';
import { ensureLogins, type LoginUrls } from './logins.ts';
import { useSchemaEngine, readMigrations } from './schema-engine.ts';

const RETRY_MS = 250;
/** Attempts before the wait is reported: 5 s. */
const REPORT_AFTER = 20;
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
    await refusePooler(client);
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

/**
 * The lock belongs to a session of PostgreSQL. A pooler shares sessions, so the lock would be kept by one that goes
 * on to serve others. PostgreSQL reports the process id at the start of a session; a pooler reports one of its own.
 */
async function refusePooler(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const { processID } = client as unknown as { processID: number };
  if (rows[0]!.pid === processID) return;
  throw new Problem(
    'DATABASE_POOLED',
    'DATABASE_URL leads through a connection pooler; migrations need a direct connection to PostgreSQL.',
    "Set DATABASE_URL to PostgreSQL's own host and port. DATABASE_SINK_URL and DATABASE_API_URL may lead through the pooler.",
  );
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

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { LOGINS, type PostgresFacts, withDatabase, withLogin } from './cluster.ts';

export interface TestDatabase {
  /** The login that migrates; a superuser. */
  readonly ownerUrl: string;
  readonly sinkUrl: string;
  readonly apiUrl: string;
  drop(): Promise<void>;
}

/**
 * A separate database on the run's PostgreSQL: migrated and without rows, or, with
 * `empty: true`, without a schema.
 */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const response = await fetch(`${inject('servicesUrl')}/postgres`);
  if (!response.ok) throw new Error(`no PostgreSQL to test with: ${await response.text()}`);
  const { adminUrl, prefix, template } = (await response.json()) as PostgresFacts;

  const name = `${prefix}_${randomBytes(6).toString('hex')}`;
  await administer(adminUrl, `create database ${name} template ${empty ? 'template0' : template}`);
  const ownerUrl = withDatabase(adminUrl, name);
  return {
    ownerUrl,
    sinkUrl: withLogin(ownerUrl, LOGINS.sink),
    apiUrl: withLogin(ownerUrl, LOGINS.api),
    drop: () => administer(adminUrl, `drop database if exists ${name} with (force)`),
  };
}

async function administer(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

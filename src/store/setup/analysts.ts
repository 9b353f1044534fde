import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { withOwner } from '../session.ts';

/** A login for SQL on a tenant's views. */
export interface Analyst {
  readonly login: string;
  readonly url: string;
  /** Whether PostgreSQL writes its statements to the server's log, which only a superuser may order. */
  readonly logged: boolean;
}

/** PostgreSQL's names are at most 63 bytes long. */
const MAX_NAME = 63;

/**
 * Makes the login of a tenant's actuaries, or gives it a new password. It reads the views of the schema
 * `analytics`, of that tenant alone, and nothing else. Null where there is no such tenant.
 * @param ownerUrl the owner's login; it may make roles
 */
export async function openAnalyst(ownerUrl: string, tenant: string): Promise<Analyst | null> {
  return withOwner(ownerUrl, async (client) => {
    const tenantRef = await findTenant(client, tenant);
    if (tenantRef === null) return null;
    const database = decodeURIComponent(new URL(ownerUrl).pathname.slice(1));
    const login =
      (await findLogin(client, tenantRef)) ?? (await chooseLogin(client, database, tenant));
    const name = client.escapeIdentifier(login);
    const password = randomBytes(18).toString('base64url');
    const inDatabase = `alter role ${name} in database ${client.escapeIdentifier(database)} set`;
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [login]);
    if (rowCount === 0) await client.query(`create role ${name} nologin noinherit`);
    await client.query(
      `alter role ${name} login connection limit 10 password ${client.escapeLiteral(password)}`,
    );
    await client.query(`${inDatabase} default_transaction_read_only = on`);
    await client.query(`${inDatabase} statement_timeout = '5min'`);
    // A transaction left open may hold back the live updates of every tenant, and vacuum.
    await client.query(`${inDatabase} idle_in_transaction_session_timeout = '60s'`);
    await client.query(`${inDatabase} transaction_timeout = '10min'`);
    await client.query(`${inDatabase} search_path = analytics`);
    // A temporary table would hold a transaction id, and with it the updates of every tenant.
    await client.query(
      `revoke temporary on database ${client.escapeIdentifier(database)} from public`,
    );
    await client.query(`grant usage on schema analytics to ${name}`);
    await client.query(`grant select on all tables in schema analytics to ${name}`);
    await client.query(
      `insert into analyst (login, tenant_id) values ($1, $2)
       on conflict (login) do update set tenant_id = excluded.tenant_id, since = clock_timestamp()`,
      [login, tenantRef],
    );
    const logged = await mayLog(client, `${inDatabase} log_statement = 'all'`);
    const url = new URL(ownerUrl);
    url.username = login;
    url.password = password;
    return { login, url: url.href, logged };
  });
}

/** Takes the login of a tenant's actuaries away; whether there was one. */
export async function closeAnalyst(ownerUrl: string, tenant: string): Promise<boolean> {
  return withOwner(ownerUrl, async (client) => {
    const tenantRef = await findTenant(client, tenant);
    const login = tenantRef === null ? undefined : await findLogin(client, tenantRef);
    if (login === undefined) return false;
    const name = client.escapeIdentifier(login);
    await client.query('delete from analyst where login = $1', [login]);
    await client.query(`alter role ${name} nologin password null`);
    await client.query(`revoke all on all tables in schema analytics from ${name}`);
    await client.query(`revoke all on schema analytics from ${name}`);
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and datname = current_database()`,
      [login],
    );
    return true;
  });
}

/** The login that a tenant's actuaries have, if any. */
async function findLogin(client: pg.Client, tenantRef: number): Promise<string | undefined> {
  const { rows } = await client.query<{ login: string }>(
    'select login from analyst where tenant_id = $1 order by since desc limit 1',
    [tenantRef],
  );
  return rows[0]?.login;
}

/**
 * A login for a tenant. Roles belong to the cluster: where the plain name is too long or in use, by another
 * database or by a tenant of a similar name, it ends with a digest of the database and the tenant.
 */
async function chooseLogin(client: pg.Client, database: string, tenant: string): Promise<string> {
  const plain = `odograph_analyst_${tenant.replaceAll('-', '_')}`;
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [plain]);
  if (plain.length <= MAX_NAME && rowCount === 0) return plain;
  const digest = createHash('sha256').update(`${database}/${tenant}`).digest('hex').slice(0, 12);
  return `${plain.slice(0, MAX_NAME - 1 - digest.length)}_${digest}`;
}

async function findTenant(client: pg.Client, slug: string): Promise<number | null> {
  const { rows } = await client.query<{ id: number }>('select id from tenant where slug = $1', [
    slug,
  ]);
  return rows[0]?.id ?? null;
}

async function mayLog(client: pg.Client, statement: string): Promise<boolean> {
  try {
    await client.query(statement);
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === '42501') return false;
    throw error;
  }
}

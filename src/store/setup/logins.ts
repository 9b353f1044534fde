import pg from 'pg';
import { Problem } from '../../problem.ts';
import { keepSessionSettings, SessionClient } from '../session.ts';

/** The logins whose passwords `migrate` may set, each as the URL that its role will connect with. */
export interface LoginUrls {
  readonly sinkUrl?: string;
  readonly apiUrl?: string;
}

/** SQLSTATEs that occur if two migrations of one cluster change the same role at once. */
const RACES = new Set(['23505', '42710', 'XX000']);

/**
 * Creates the roles that the migrations grant to, and sets the logins' passwords. Roles belong to the
 * cluster, not to a database, so no migration can create them. Calling it again changes nothing.
 * @param client a connection of the owner of the database.
 */
export async function ensureLogins(client: pg.ClientBase, logins: LoginUrls): Promise<void> {
  const passwords = [
    passwordOf(logins.sinkUrl, 'DATABASE_SINK_URL', 'odograph_sink'),
    passwordOf(logins.apiUrl, 'DATABASE_API_URL', 'odograph_api'),
  ];
  for (let attempt = 1; ; attempt++) {
    try {
      await makeRoles(client);
      for (const { role, password, url } of passwords) {
        if (password === undefined || url === undefined) continue;
        if (await isOfAnotherStore(client, role)) await expectToConnect(role, url);
        else await setPassword(client, role, password);
      }
      for (const { role } of passwords) await keepSessionSettings(client, role);
      return;
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? error.code : undefined;
      if (code === '42501') throw new Error(mayNotMakeRoles(error), { cause: error });
      if (attempt === 10 || code === undefined || !RACES.has(code)) throw error;
    }
  }
}

async function makeRoles(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>(
    `select rolname from pg_roles where rolname like 'odograph\\_%'`,
  );
  const known = new Set(rows.map((row) => row.rolname));
  if (!known.has('odograph_sink')) await client.query('create role odograph_sink login');
  if (!known.has('odograph_api')) await client.query('create role odograph_api login');
  if (!known.has('odograph_operator')) await client.query('create role odograph_operator nologin');
  if (!known.has('odograph_analytics'))
    await client.query('create role odograph_analytics nologin');

  const { rows: memberships } = await client.query<{
    operator: boolean;
    sink: boolean;
    analytics: boolean;
  }>(
    `select pg_has_role('odograph_api', 'odograph_operator', 'set') as operator,
            pg_has_role('odograph_sink', 'set') as sink, pg_has_role('odograph_analytics', 'usage') and pg_has_role('odograph_analytics', 'set') as analytics`,
  );
  // Not inherited: an API acts as the operator only in a transaction that says so.
  if (!memberships[0]?.operator) {
    await client.query('grant odograph_operator to odograph_api with inherit false, set true');
  }
  // The event table is the sink's; only a member of that role may hand a table over to it.
  if (!memberships[0]?.sink) {
    await client.query('grant odograph_sink to current_user with inherit true, set true');
  }
  // The same holds for the views for actuaries, which migrations also replace.
  if (!memberships[0]?.analytics) {
    await client.query('grant odograph_analytics to current_user with inherit true, set true');
  }
}

/** A role's comment begins so, followed by the database that sets its password. */
const MARK = 'odograph: password set by the database ';

/** Whether another database of the cluster, which still exists, has set a login's password. */
async function isOfAnotherStore(client: pg.ClientBase, role: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from pg_database d where d.datname <> current_database()
       and shobj_description($1::regrole::oid, 'pg_authid') = $2 || d.datname`,
    [role, MARK],
  );
  return (rowCount ?? 0) > 0;
}

async function setPassword(client: pg.ClientBase, role: string, password: string): Promise<void> {
  await client.query(`alter role ${role} login password ${client.escapeLiteral(password)}`);
  const { rows } = await client.query<{ database: string }>(
    'select current_database()::text as database',
  );
  await client.query(
    `comment on role ${role} is ${client.escapeLiteral(`${MARK}${rows[0]!.database}`)}`,
  );
}

/** @throws Problem LOGIN_IN_USE where the login has another password than the URL */
async function expectToConnect(role: string, url: string): Promise<void> {
  const client = new SessionClient({ connectionString: url });
  try {
    await client.connect();
  } catch (error) {
    if ((error as { code?: unknown }).code !== '28P01') throw error;
    throw new Problem(
      'LOGIN_IN_USE',
      `The login ${role} belongs to the whole cluster, and another database with an Odograph store has set its password.`,
      'Set DATABASE_SINK_URL and DATABASE_API_URL to the passwords that the logins have; setting them here would lock the other store out.',
      error,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

function passwordOf(url: string | undefined, setting: string, role: string) {
  if (url === undefined) return { role, url, password: undefined };
  const { username, password } = new URL(url);
  if (decodeURIComponent(username) !== role) {
    throw new Error(
      `${setting} connects as "${decodeURIComponent(username)}", but must connect as ${role}: change the user name in the URL`,
    );
  }
  return { role, url, password: password === '' ? undefined : decodeURIComponent(password) };
}

function mayNotMakeRoles(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  return (
    `the login of DATABASE_URL may not create or grant the roles odograph_sink, odograph_api, odograph_operator and odograph_analytics ` +
    `(${said}): give it CREATEROLE, and ADMIN OPTION on the roles that exist already, or migrate with a login that has both`
  );
}

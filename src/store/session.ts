import pg from 'pg';
import { Problem } from '../problem.ts';
import type { PrismaClient } from './generated/client.ts';

/**
 * What our statements rely on, sent as the session's own parameters when it starts. They take precedence
 * over what is set for the database or the role, and PgBouncer forwards these three in every mode.
 */
const STARTUP = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  standard_conforming_strings: 'on',
} as const;

/** Others that PgBouncer refuses there; `keepSessionSettings` gives them to the logins. */
const OF_THE_ROLE = { IntervalStyle: 'postgres', search_path: 'public' } as const;

/** node-postgres' client with the session settings that every statement relies on. */
export class SessionClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig, more: Readonly<Record<string, string>> = {}) {
    super(asLibpqReadsIt(config));
    const startup = this as unknown as { getStartupConf(): Record<string, string> };
    const conf = startup.getStartupConf.bind(this);
    startup.getStartupConf = () => ({ ...conf(), ...STARTUP, ...more });
  }
}

/** A client of the owner's login, which connects straight to PostgreSQL. */
export class OwnerClient extends SessionClient {
  constructor(config?: string | pg.ClientConfig) {
    super(config, OF_THE_ROLE);
  }
}

/**
 * Every connection reads TLS parameters of its URL (sslmode, sslrootcert, sslcert, sslkey) as libpq and psql do:
 * `require` encrypts without checking the server's certificate, unless sslrootcert is given.
 */
function asLibpqReadsIt(config: string | pg.ClientConfig | undefined) {
  const given = typeof config === 'string' ? { connectionString: config } : config;
  if (given?.connectionString === undefined) return given;
  const url = new URL(given.connectionString);
  url.searchParams.set('uselibpqcompat', 'true');
  if (url.searchParams.get('sslrootcert') === 'system') {
    url.searchParams.delete('sslrootcert');
    url.searchParams.set('sslmode', 'verify-full');
  }
  return { ...given, connectionString: url.href };
}

/**
 * A connection of the owner's login, straight to PostgreSQL.
 * @throws Problem DATABASE_POOLED if the URL leads through a connection pooler
 */
export async function connectOwner(url: string): Promise<pg.Client> {
  const client = new OwnerClient({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    if (await isPooled(client)) throw pooled();
    return client;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw isRefusedByPooler(error) ? pooled(error) : error;
  }
}

/** PostgreSQL reports the process id of a session when it starts; a pooler reports one of its own. */
async function isPooled(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]!.pid !== (client as unknown as { processID: number | null }).processID;
}

/** PgBouncer's answer to a parameter that it does not forward. */
function isRefusedByPooler(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('unsupported startup parameter');
}

function pooled(cause?: unknown): Problem {
  return new Problem(
    'DATABASE_POOLED',
    'DATABASE_URL leads through a connection pooler; the owner needs a direct connection to PostgreSQL.',
    "Set DATABASE_URL to PostgreSQL's own host and port. DATABASE_SINK_URL and DATABASE_API_URL may lead through the pooler.",
    cause,
  );
}

/** A connection of the owner's login, closed after use. */
export async function withOwner<T>(
  url: string,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connectOwner(url);
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/**
 * Gives a login, in this database, the settings that cannot be sent at the start of a session, so that
 * what is set for the whole database or for the role elsewhere does not reach its sessions.
 * @param client a connection of the owner of the database
 */
export async function keepSessionSettings(client: pg.ClientBase, role: string): Promise<void> {
  const { rows } = await client.query<{ database: string; settings: readonly string[] | null }>(
    `select quote_ident(d.datname) as database, s.setconfig as settings from pg_database d
     left join pg_db_role_setting s on s.setdatabase = d.oid and s.setrole = $1::regrole
     where d.datname = current_database()`,
    [role],
  );
  const { database, settings } = rows[0]!;
  for (const [name, value] of Object.entries(OF_THE_ROLE)) {
    if (settings?.includes(`${name}=${value}`)) continue;
    await client.query(`alter role ${role} in database ${database} set ${name} = ${value}`);
  }
}

/**
 * Refuses sessions in which our statements would mean something else, such as another day.
 * @throws Problem DATABASE_SESSION that names each setting, its value and the one that is needed
 */
export async function checkSession({ prisma }: { readonly prisma: PrismaClient }): Promise<void> {
  const needed = { ...STARTUP, ...OF_THE_ROLE, search_path: 'public first' };
  const [row] = await prisma.$queryRaw<Record<string, string>[]>`
    select current_setting('TimeZone') as "TimeZone", current_setting('DateStyle') as "DateStyle",
       current_setting('standard_conforming_strings') as standard_conforming_strings,
       current_setting('IntervalStyle') as "IntervalStyle",
       case when current_schema() = 'public' then 'public first' else current_setting('search_path') end as search_path,
       current_user::text as login, current_database()::text as database`;
  const { login, database, ...found } = row!;
  const wrong = Object.entries(needed).filter(([name, value]) => found[name] !== value);
  if (wrong.length === 0) return;
  throw new Problem(
    'DATABASE_SESSION',
    `Sessions of ${login} in the database ${database} have ${wrong
      .map(([name, value]) => `${name} = ${found[name]} instead of ${value}`)
      .join(', ')}: days, instants or tables would be others.`,
    'Run `odograph migrate` as the owner; a connection pooler in between must forward TimeZone, DateStyle and standard_conforming_strings.',
  );
}

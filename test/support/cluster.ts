/** The PostgreSQL of this test run, as passed to a worker. */
export interface PostgresFacts {
  /** A login that may create databases. */
  readonly adminUrl: string;
  /** Prefix of this run's database names. */
  readonly prefix: string;
  /** A migrated, empty database to clone. */
  readonly template: string;
}

/** The roles' test passwords. */
export const LOGINS = {
  sink: { user: 'odograph_sink', password: 'p' },
  api: { user: 'odograph_api', password: 'p' },
} as const;

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

export function withLogin(url: string, login: { user: string; password: string }): string {
  const changed = new URL(url);
  changed.username = login.user;
  changed.password = login.password;
  return changed.href;
}

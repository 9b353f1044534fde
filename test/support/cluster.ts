/** What a worker is told of the run's PostgreSQL. */
export interface PostgresFacts {
  /** A login that may make databases. */
  readonly adminUrl: string;
  /** What the names of this run's databases begin with. */
  readonly prefix: string;
  /** A migrated database without rows, to be cloned. */
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

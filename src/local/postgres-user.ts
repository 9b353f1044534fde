import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '../problem.ts';

/** The user that PostgreSQL runs as when this process is root: PostgreSQL refuses to run as root. */
export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
  /** A parent folder is not accessible to that user (a repository under /root, for example). */
  readonly isShutOut: boolean;
}

/**
 * Finds or creates the system user `postgres` when this process is root.
 * @param paths files that the user must be able to reach.
 * @returns undefined when this process is not root.
 * @throws Problem POSTGRES_USER
 */
export function findPostgresUser(paths: readonly string[]): PostgresUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const ids = readIds() ?? makeUser();
  return { ...ids, isShutOut: paths.some((path) => !isReachable(path, ids)) };
}

/** The command line that runs a program as that user. */
export function actAs(
  user: PostgresUser | undefined,
  command: string,
  args: readonly string[],
): { command: string; args: string[]; ids?: { uid: number; gid: number } } {
  if (!user) return { command, args: [...args] };
  const { uid, gid, isShutOut } = user;
  if (!isShutOut) return { command, args: [...args], ids: { uid, gid } };
  // Keep only one right of root: to pass through folders without access.
  const right = '+dac_override,+dac_read_search';
  const way = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups'];
  return {
    command: 'setpriv',
    args: [...way, '--inh-caps', right, '--ambient-caps', right, '--', command, ...args],
  };
}

function readIds(): { uid: number; gid: number } | undefined {
  const ask = (flag: string) => spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' });
  const [uid, gid] = [ask('-u'), ask('-g')];
  if (uid.status !== 0 || gid.status !== 0) return undefined;
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

function makeUser(): { uid: number; gid: number } {
  const shell = ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  const made = spawnSync('useradd', [...shell, '--user-group', 'postgres'], { encoding: 'utf8' });
  const ids = readIds();
  if (ids) return ids;
  throw new Problem(
    'POSTGRES_USER',
    `PostgreSQL refuses to run as root, and the user \`postgres\` could not be created: ${(made.error?.message ?? made.stderr).trim()}`,
    'Start as a user other than root, or set DATABASE_URL to an existing PostgreSQL.',
  );
}

/** Whether that user can pass through every parent folder. */
function isReachable(path: string, { uid, gid }: { uid: number; gid: number }): boolean {
  for (let at = path; ; at = dirname(at)) {
    const { mode, uid: owner, gid: group } = statSync(at);
    const needed = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if ((mode & needed) === 0) return false;
    if (dirname(at) === at) return true;
  }
}

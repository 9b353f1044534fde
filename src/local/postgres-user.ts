import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '../problem.ts';

/** Whom PostgreSQL runs as when we are root, which it refuses to be. */
export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
  /** Some folder on the way is closed to that user (a repository under /root, say). */
  readonly isShutOut: boolean;
}

/**
 * Finds, or makes, the system's user `postgres` where we are root.
 * @param paths what that user has to reach.
 * @returns undefined where we are somebody else.
 * @throws Problem POSTGRES_USER
 */
export function findPostgresUser(paths: readonly string[]): PostgresUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const ids = readIds() ?? makeUser();
  return { ...ids, isShutOut: paths.some((path) => !isReachable(path, ids)) };
}

/** The command that runs a program as that user. */
export function actAs(
  user: PostgresUser | undefined,
  command: string,
  args: readonly string[],
): { command: string; args: string[]; ids?: { uid: number; gid: number } } {
  if (!user) return { command, args: [...args] };
  const { uid, gid, isShutOut } = user;
  if (!isShutOut) return { command, args: [...args], ids: { uid, gid } };
  // Root's right to walk through closed folders, and no other, goes along.
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
    `PostgreSQL refuses to run as root, and a user \`postgres\` could not be made: ${(made.error?.message ?? made.stderr).trim()}`,
    'Start as another user than root, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

/** Whether every folder on the way lets that user through. */
function isReachable(path: string, { uid, gid }: { uid: number; gid: number }): boolean {
  for (let at = path; ; at = dirname(at)) {
    const { mode, uid: owner, gid: group } = statSync(at);
    const needed = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if ((mode & needed) === 0) return false;
    if (dirname(at) === at) return true;
  }
}

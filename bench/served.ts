import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SignJWT } from 'jose';
import pg from 'pg';
import { claimPort } from '../src/local/port.ts';
import { startPostgres } from '../src/local/postgres.ts';
import { migrate } from '../src/store/setup/migrate.ts';
import type { Target } from './load.ts';
import { untilSaid } from './rivals.ts';

const SECRET = 'a secret that only this run knows, long enough';

/** A filled store on a PostgreSQL of its own. */
export interface FilledStore {
  readonly ownerUrl: string;
  readonly owner: pg.Client;
  /** Starts the API as users start it, in a process of its own. */
  serve(options?: ServeOptions): Promise<ServedApi>;
  stop(): Promise<void>;
}

export interface ServeOptions {
  /** The Node.js that runs it; this one's if not given. */
  readonly node?: string;
  readonly nodeOptions?: readonly string[];
  /** Settings beside those that it needs; no rate limits if nothing else is said. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface ServedApi extends Pick<Target, 'url' | 'pid'> {
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
}

/**
 * @param folder keeps the store for the next run, which does not fill it again; if not given, it is thrown away
 * @param fill as the owner, into empty tables
 */
export async function openFilledStore(
  folder: string | undefined,
  fill: (owner: pg.Client) => Promise<void>,
): Promise<FilledStore> {
  const dataDir = resolve(folder ?? mkdtempSync(join(tmpdir(), 'odograph-bench-')));
  mkdirSync(dataDir, { recursive: true });
  const filled = existsSync(join(dataDir, 'postgres'));
  const postgres = await startPostgres({ dataDir, port: 0 });
  const { ownerUrl } = postgres;
  const login = (name: string) => {
    const url = new URL(ownerUrl);
    url.username = name;
    url.password = 'p';
    return url.href;
  };
  const apiUrl = login('odograph_api');
  const owner = new pg.Client(ownerUrl);
  const stop = async () => {
    await owner.end();
    await postgres.stop();
    if (folder === undefined) rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    await migrate({ url: ownerUrl, logins: { sinkUrl: login('odograph_sink'), apiUrl } });
    await owner.connect();
    if (!filled) await fill(owner);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ownerUrl, owner, serve: (options = {}) => serveApi(apiUrl, options), stop };
}

async function serveApi(
  apiUrl: string,
  { node = process.execPath, nodeOptions = [], settings = {} }: ServeOptions,
): Promise<ServedApi> {
  const port = await claimPort(0, { what: 'the API' });
  const child = spawn(node, [...nodeOptions, 'dist/cli/odograph.js', 'api'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      LOG_LEVEL: 'error',
      DATABASE_API_URL: apiUrl,
      AUTH_JWT_SECRET: SECRET,
      RATE_LIMITS: 'none',
      PORT: String(port),
      ...settings,
    },
  });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  await untilSaid(child, 'API is at');
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    pid: child.pid!,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** The header of somebody of the tenant `default`. */
export async function authorize(
  claims: Readonly<Record<string, unknown>>,
): Promise<{ readonly authorization: string }> {
  const token = await new SignJWT({ tenant: 'default', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('3h')
    .sign(new TextEncoder().encode(SECRET));
  return { authorization: `Bearer ${token}` };
}

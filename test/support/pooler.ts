import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { connect, createServer } from 'node:net';
import * as path from 'node:path';
import { claimPort } from '../../src/local/port.ts';
import { makeFolder, until } from './child.ts';
import { has } from './programs.ts';

/** A connection pooler in front of a database. */
export interface Pooler {
  readonly url: string;
  close(): Promise<void>;
}

/** PgBouncer in transaction mode where it is installed, else a proxy that has the one trait of poolers that we use. */
export function openPooler(url: string): Promise<Pooler> {
  return has('pgbouncer', ['--version']) ? openPgBouncer(url) : openProxy(url);
}

async function openPgBouncer(target: string): Promise<Pooler> {
  const url = new URL(target);
  const folder = makeFolder();
  fs.chmodSync(folder, 0o755);
  const port = await claimPort(0, { what: 'PgBouncer' });
  const password = decodeURIComponent(url.password).replaceAll("'", "''");
  const file = path.join(folder, 'pgbouncer.ini');
  fs.writeFileSync(
    file,
    `[databases]
* = host=127.0.0.1 port=${url.port} user=${url.username} password='${password}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
`,
  );
  const asUser = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];
  const child = spawn('pgbouncer', [...asUser, file], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await until('PgBouncer to listen', () => isOpen(port));
  url.port = String(port);
  return {
    url: url.href,
    close: async () => {
      child.kill('SIGINT');
      await ended;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Passes everything on, except that the session's process id (BackendKeyData) is one of its own. */
async function openProxy(target: string): Promise<Pooler> {
  const url = new URL(target);
  const server = createServer((near) => {
    const far = connect(Number(url.port), '127.0.0.1');
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.pipe(far);
    far.on('data', (bytes: Buffer) => {
      const at = bytes.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
      if (at >= 0) bytes.writeInt32BE(1, at + 5);
      near.write(bytes);
    });
    far.once('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url.port = String(typeof address === 'object' ? address?.port : '');
  return { url: url.href, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

// TLS parameters of a URL mean the same to every connection, and connections survive what operations do to them.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { startPostgres, type Postgres } from '../../src/local/postgres.ts';
import { listen } from '../../src/store/listen.ts';
import { CHANNEL, createNotifier } from '../../src/store/notify.ts';
import { openStore } from '../../src/store/open.ts';
import { connectOwner } from '../../src/store/session.ts';
import { migrate } from '../../src/store/setup/migrate.ts';
import { makeFolder, until } from '../support/child.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { openPooler, type Pooler } from '../support/pooler.ts';
import { openWire } from '../support/wire.ts';

/** As in src/store/setup/migrate.ts. */
const LOCK = 0x6f646f67;

const tls = fileURLToPath(new URL('../fixtures/tls/', import.meta.url));

describe('a PostgreSQL with a certificate of its own authority', () => {
  let server: Postgres;
  let folder: string;

  beforeAll(async () => {
    folder = makeFolder();
    const first = await startPostgres({ dataDir: folder, port: 0 });
    await first.stop();
    const data = path.join(folder, 'postgres/data');
    const { uid, gid } = fs.statSync(data);
    for (const name of ['server.pem', 'server.key']) {
      fs.copyFileSync(path.join(tls, name), path.join(data, name));
      fs.chownSync(path.join(data, name), uid, gid);
      fs.chmodSync(path.join(data, name), 0o600);
    }
    const settings = { ssl: 'on', ssl_cert_file: 'server.pem', ssl_key_file: 'server.key' };
    server = await startPostgres({ dataDir: folder, port: 0, settings });
  });
  afterAll(async () => {
    await server?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const root = `sslrootcert=${encodeURIComponent(path.join(tls, 'ca.pem'))}`;
  const otherRoot = `sslrootcert=${encodeURIComponent(path.join(tls, 'other-ca.pem'))}`;

  /** Each way in which the product connects. */
  const ways: Readonly<Record<string, (url: string) => Promise<void>>> = {
    owner: async (url) => (await connectOwner(url)).end(),
    migrate: async (url) => void (await migrate({ url })),
    store: async (url) => {
      const store = openStore({ url, poolSize: 1 });
      try {
        await store.prisma.$queryRaw`select 1`;
      } finally {
        await store.close();
      }
    },
    listener: async (url) => (await listen(url, CHANNEL, () => undefined)).close(),
    notifier: async (url) => {
      let failed: unknown;
      const notifier = createNotifier(url, (error) => (failed = error));
      notifier.wake();
      await notifier.close();
      if (failed !== undefined) throw failed as Error;
    },
  };

  // What psql does with the same URL: docs/operations.md, Logins.
  it.each([
    ['', true],
    ['sslmode=disable', true],
    ['sslmode=require', true],
    [`sslmode=require&${root}`, true],
    [`sslmode=require&${otherRoot}`, false],
    [`sslmode=verify-ca&${root}`, true],
    [`sslmode=verify-ca&${otherRoot}`, false],
    [`sslmode=verify-full&${root}`, true],
    [`sslmode=verify-full&${otherRoot}`, false],
    ['sslmode=verify-full', false],
  ])('is reached or refused by every connection alike with "%s": %s', async (search, isReached) => {
    const url = `${server.ownerUrl}${search === '' ? '' : `?${search}`}`;
    const outcomes: string[] = [];
    for (const [name, connect] of Object.entries(ways)) {
      const outcome = await connect(url).then(
        () => 'reached',
        (error: Error) =>
          /certificate/.test(String(error) + String(error.cause)) ? 'refused' : String(error),
      );
      outcomes.push(`${name}: ${outcome}`);
    }
    const wanted = isReached ? 'reached' : 'refused';
    expect(outcomes).toEqual(Object.keys(ways).map((name) => `${name}: ${wanted}`));
  });

  it('is spoken to over TLS where the URL says so', async () => {
    const client = await connectOwner(`${server.ownerUrl}?sslmode=verify-full&${root}`);
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    await client.end();
    expect(rows).toEqual([{ ssl: true }]);
  });

  it('is reached with a password of any characters', async () => {
    const password = '@#%/:?&= +"\'\\ä€💥';
    const owner = await connectOwner(server.ownerUrl);
    await owner.query(`create role odd login password ${owner.escapeLiteral(password)}`);
    await owner.end();
    const url = new URL(server.ownerUrl);
    url.username = 'odd';
    url.password = encodeURIComponent(password);
    for (const way of ['owner', 'store', 'listener', 'notifier']) await ways[way]!(url.href);
  });
});

test('every connection of the product is a SessionClient, which reads a URL in the one way', () => {
  const src = fileURLToPath(new URL('../../src/', import.meta.url));
  const files = fs.readdirSync(src, { recursive: true, encoding: 'utf8' });
  const others = files
    .filter((file) => file.endsWith('.ts'))
    // The embedded PostgreSQL is on loopback, and is asked before it has a database.
    .filter((file) => file !== path.join('local', 'postgres.ts'))
    .filter((file) => {
      const text = fs.readFileSync(path.join(src, file), 'utf8');
      const pools = [...text.matchAll(/new pg\.Pool\(\{[^]*?\}\)/g)].map(([pool]) => pool);
      return text.includes('new pg.Client(') || pools.some((pool) => !/\bClient\b/.test(pool));
    });
  expect(others).toEqual([]);
});

describe('a database URL', () => {
  const refused = (url: string) => () => readConfig({ DATABASE_URL: url });

  it.each([
    ['postgresql://u:p@db/x?sslmode=prefer', 'sslmode=prefer'],
    ['postgresql://u:p@db/x?sslmode=no-verify', 'sslmode=no-verify'],
    ['postgresql://u:p@db/x?sslmode=verify-ca', 'needs sslrootcert'],
    ['postgresql://u:p@db/x?sslmode=verify-full&sslrootcert=/nowhere.pem', 'no such file'],
    ['postgresql://u:p@db1:5432,db2:5432/x', 'one host'],
    ['postgresql://u:p@db1,db2/x', 'one host'],
    ['postgresql://u:p#q@db/x', 'percent-encoded'],
  ])('%s is refused before anything starts: %s', (url, message) => {
    expect(refused(url)).toThrow(message);
    expect(refused(url)).toThrow('DATABASE_URL');
  });
});

describe('a listener', () => {
  it('reports a lost connection, reconnects, and wakes its subscriber then', async () => {
    const database: TestDatabase = await createTestDatabase();
    const wire = await openWire(Number(new URL(database.apiUrl).port));
    const url = new URL(database.apiUrl);
    url.port = String(wire.port);
    let wakes = 0;
    const listener = await listen(url.href, CHANNEL, () => (wakes += 1));
    try {
      expect(listener.isConnected()).toBe(true);
      wire.cut();
      await until('the loss to be noticed', () => !listener.isConnected());
      wire.mend();
      await until('a new connection', () => listener.isConnected());
      expect(wakes).toBe(1);
      const notifier = createNotifier(database.sinkUrl, () => undefined);
      notifier.wake();
      await until('the notification', () => wakes === 2);
      await notifier.close();
    } finally {
      await listener.close();
      await wire.close();
      await database.drop();
    }
  });
});

describe('migrations', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await createTestDatabase()));
  afterAll(() => database.drop());

  it('are refused through a connection pooler, by name', async () => {
    const pooler: Pooler = await openPooler(database.ownerUrl);
    try {
      await expect(migrate({ url: pooler.url })).rejects.toMatchObject({ code: 'DATABASE_POOLED' });
    } finally {
      await pooler.close();
    }
  });

  it('wait for each other, report what they wait for, and leave no lock', async () => {
    const holder = new pg.Client({ connectionString: database.ownerUrl });
    await holder.connect();
    await holder.query('select pg_advisory_lock($1)', [LOCK]);
    const messages: string[] = [];
    const waiting = migrate({
      url: database.ownerUrl,
      onWait: (message) => messages.push(message),
    });
    await until('a report of the wait', () => messages.length > 0, 20_000);
    expect(messages[0]).toMatch(/^waiting for another migration: process \d+ of \w+ /);
    await holder.end();
    await waiting;
    await Promise.all([migrate({ url: database.ownerUrl }), migrate({ url: database.ownerUrl })]);
    const owner = await connectOwner(database.ownerUrl);
    const { rows } = await owner.query(
      `select count(*)::int as n from pg_locks join pg_database d on d.oid = database
       where locktype = 'advisory' and datname = current_database() and objid = $1`,
      [LOCK],
    );
    await owner.end();
    expect(rows).toEqual([{ n: 0 }]);
  });
});

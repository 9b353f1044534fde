import pg from 'pg';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import type { Transaction } from '../../src/store/transaction.ts';
import type { Reader, ReadPool } from '../../src/store/read/session.ts';
import { openReadPool } from '../../src/store/read/session.ts';
import { openRows } from '../api/rows.ts';
import { createTestDatabase } from '../support/database.ts';

const TIMES = { statementTimeoutMs: 2_000, readingTimeoutMs: 4_000 };
const reader = (tenant: string, driver: string | null = null): Reader => ({
  operator: false,
  tenant,
  driver,
});
const OPERATOR: Reader = { operator: true, tenant: null, driver: null };

const database = await createTestDatabase();
const rows = await openRows(database);
const pools: ReadPool[] = [];
const openPool = (size: number, plans: 'generic' | 'custom' = 'generic') => {
  const pool = openReadPool(database.apiUrl, size, plans);
  pools.push(pool);
  return pool;
};
for (const tenant of ['acme', 'globex']) {
  const ref = await rows.addTenant(tenant);
  for (const driver of ['ann', 'bob']) await rows.addDriver(ref, `${tenant}-${driver}`);
  const device = await rows.addDevice(`${tenant}-device`, ref);
  await rows.addTrip(ref, device, {
    startedAt: '2015-05-01T08:00:00Z',
    endedAt: '2015-05-01T09:00:00Z',
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  for (const pool of pools) await pool.close();
  await rows.close();
  await database.drop();
});

/** The names of everything that a reader sees without a condition of its own. */
async function readAll(tx: Transaction): Promise<string[]> {
  const found = await tx.$queryRaw<{ name: string }[]>`
    select external_id as name from driver union all
    select d.external_id from trip t join device d on d.id = t.device_id order by name`;
  return found.map(({ name }) => name);
}

async function readAs(pool: ReadPool, who: Reader): Promise<string[]> {
  const session = await pool.open(who, true, TIMES);
  try {
    return await session.run(readAll);
  } finally {
    session.end();
  }
}

type Query = (this: pg.Client, config: unknown, ...rest: unknown[]) => unknown;
const textOf = (config: unknown) =>
  typeof config === 'string' ? config : String((config as { text?: unknown }).text);

/** Changes statements on their way to PostgreSQL. */
function intercept(change: (text: string, client: pg.Client) => string | undefined): void {
  const query = pg.Client.prototype.query as unknown as Query;
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...[config, ...rest]: unknown[]
  ) {
    const text = change(textOf(config), this);
    return query.call(this, text ?? config, ...rest);
  });
}

const isBegin = (text: string) => text.startsWith('begin');
const isSecure = (text: string) => text.includes(`set_config('odograph.tenant'`);
const isDriver = (text: string) => /^select set_config\('odograph.driver'/.test(text);
const cutConnection = (client: pg.Client) => {
  (
    client as unknown as { connection: { stream: { destroy(): void } } }
  ).connection.stream.destroy();
};

describe('a read session', () => {
  it('shows each reader their own rows, in turn on one connection', async () => {
    const pool = openPool(1);
    const acme = ['acme-ann', 'acme-bob', 'acme-device'];
    const globex = ['globex-ann', 'globex-bob', 'globex-device'];
    for (const plans of [1, 2]) {
      expect([plans, await readAs(pool, reader('acme'))]).toEqual([plans, acme]);
      expect(await readAs(pool, reader('globex'))).toEqual(globex);
      expect(await readAs(pool, reader('acme', 'acme-ann'))).toEqual(['acme-ann']);
      expect(await readAs(pool, reader('acme', 'globex-ann'))).toEqual([]);
      expect(await readAs(pool, reader('unknown'))).toEqual([]);
      expect(await readAs(pool, { ...OPERATOR, operator: false })).toEqual([]);
      expect(await readAs(pool, OPERATOR)).toEqual([...acme, ...globex]);
    }
  });

  it('keeps readers apart under load', async () => {
    const pool = openPool(3);
    const wanted = Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? 'acme' : 'globex'));
    const found = await Promise.all(wanted.map((tenant) => readAs(pool, reader(tenant))));
    found.forEach((names, n) => {
      expect(names.every((name) => name.startsWith(wanted[n]!))).toBe(true);
      expect(names).toHaveLength(3);
    });
  });

  it('ends reads that take too long, and replaces their connection', async () => {
    const pool = openPool(1);
    const session = await pool.open(reader('acme'), true, { ...TIMES, readingTimeoutMs: 300 });
    const slow = session.run((tx) => tx.$queryRaw`select pg_sleep(10)::text`);
    await expect(slow).rejects.toMatchObject({ code: 'READ_TIMEOUT' });
    session.end();
    expect(await readAs(pool, reader('globex'))).toHaveLength(3);
    const short = await pool.open(reader('acme'), true, { ...TIMES, statementTimeoutMs: 100 });
    const cancelled = short.run((tx) => tx.$queryRaw`select pg_sleep(10)::text`);
    await expect(cancelled).rejects.toMatchObject({ code: '57014' });
    short.end();
    expect(await readAs(pool, reader('globex'))).toHaveLength(3);
  });

  it('closes while reads are running, and a closed pool reads nothing', async () => {
    const pool = openReadPool(database.apiUrl, 2, 'custom');
    const reads = Array.from({ length: 2 }, () => readAs(pool, reader('acme')));
    await Promise.all(reads);
    const session = await pool.open(reader('acme'), true, TIMES);
    const last = session.run(readAll);
    const closed = pool.close();
    session.end();
    expect(await last).toHaveLength(3);
    await closed;
    await expect(pool.open(reader('acme'), true, TIMES)).rejects.toThrow();
  });

  it('gives its connection back after a read that fails before it asks anything', async () => {
    const pool = openPool(1);
    const session = await pool.open(reader('acme'), true, TIMES);
    const failed = session.run(() => {
      throw new Error('a bug');
    });
    await expect(failed).rejects.toThrow('a bug');
    session.end();
    expect(await readAs(pool, reader('globex'))).toHaveLength(3);
  });

  it('may not write', async () => {
    const pool = openPool(1);
    const session = await pool.open(reader('acme'), true, TIMES);
    const write = session.run((tx) => tx.$executeRaw`delete from driver`);
    await expect(write).rejects.toMatchObject({ code: '25006' });
    session.end();
  });

  it('replaces a connection that has prepared many statements', async () => {
    const pool = openPool(1);
    const session = await pool.open(reader('acme'), true, TIMES);
    await session.run(async (tx) => {
      for (let n = 0; n < 310; n++) {
        // Each is a text of its own.
        await tx.$queryRaw(Object.assign([`select ${n} as n`], { raw: [] }));
      }
    });
    const pidOf = async (tx: Transaction) =>
      (await tx.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]?.pid;
    const before = await session.run(pidOf);
    session.end();
    const next = await pool.open(reader('acme'), true, TIMES);
    expect(await next.run(pidOf)).not.toBe(before);
    next.end();
  });
});

/** Each step that may break, and how. Nothing of another reader may be read then. */
const BREAKS: Readonly<Record<string, (text: string, client: pg.Client) => string | undefined>> = {
  'beginning fails': (text) => (isBegin(text) ? 'select 1 / 0' : undefined),
  'beginning is lost': (text) => (isBegin(text) ? 'select 1' : undefined),
  'setting row-level security fails': (text) => (isSecure(text) ? 'select 1 / 0' : undefined),
  'setting row-level security is lost': (text) =>
    isSecure(text) ? 'select null::timestamptz as read_through' : undefined,
  'setting the driver fails': (text) => (isDriver(text) ? 'select 1 / 0' : undefined),
  'the connection is lost after beginning': (text, client) => {
    if (isSecure(text)) cutConnection(client);
    return undefined;
  },
  'the connection is lost before the read': (text, client) => {
    if (text.includes('union all')) cutConnection(client);
    return undefined;
  },
};

describe.each(Object.entries(BREAKS))('a session of which %s', (_, change) => {
  it.each([
    ['a tenant', reader('acme')],
    ['a driver', reader('acme', 'acme-ann')],
    ['the operator', OPERATOR],
  ])('reads nothing of others for %s', async (__, who) => {
    const pool = openPool(1);
    // The connection has served another tenant before.
    expect(await readAs(pool, reader('globex'))).toHaveLength(3);
    intercept(change);
    const found = await readAs(pool, who).catch(() => []);
    const foreign = found.filter((name) => !name.startsWith('acme'));
    const others = who.driver === null ? [] : found.filter((name) => name !== 'acme-ann');
    if (!who.operator) expect([...foreign, ...others]).toEqual([]);
    vi.restoreAllMocks();
    expect(await readAs(pool, reader('globex'))).toEqual([
      'globex-ann',
      'globex-bob',
      'globex-device',
    ]);
  });
});

describe('a session that ends early', () => {
  it('finishes its statements before another reader gets the connection', async () => {
    const pool = openPool(1);
    const session = await pool.open(reader('acme'), true, TIMES);
    const first = session.run(readAll);
    session.end();
    const [own, next] = await Promise.all([first, readAs(pool, reader('globex'))]);
    expect(own.every((name) => name.startsWith('acme'))).toBe(true);
    expect(next.every((name) => name.startsWith('globex'))).toBe(true);
    await expect(session.run(readAll)).rejects.toThrow('has ended');
  });
});

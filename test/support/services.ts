// One PostgreSQL and one Kafka broker per test run. Each starts when the first test requests it, so that
// tests of the core wait for neither. DATABASE_URL and KAFKA_BROKERS name existing servers to use instead.
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startBroker } from '../../src/local/broker.ts';
import { startPostgres } from '../../src/local/postgres.ts';
import { migrate } from '../../src/store/setup/migrate.ts';
import { LOGINS, type PostgresFacts, withDatabase, withLogin } from './cluster.ts';
import { refuseForeignDatabase } from './guard.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a worker requests `/postgres` and `/kafka`. */
    servicesUrl: string;
  }
}

/** Kept between runs: 45 MB downloaded by Maven. */
const jars = fileURLToPath(new URL('../../node_modules/.cache/odograph/kafka', import.meta.url));

type Stop = () => Promise<void>;

export default async function setup(project: TestProject): Promise<Stop> {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'odograph-test-'));
  const stops: Stop[] = [];
  const services = new Map<string, () => Promise<unknown>>([
    ['/postgres', once(() => startTestPostgres(dataDir, stops))],
    ['/kafka', once(() => startTestBroker(dataDir, stops))],
  ]);

  const server = http.createServer((request, response) => {
    const start =
      services.get(request.url ?? '') ?? (() => Promise.reject(new Error('no such service')));
    start().then(
      (facts) => response.end(JSON.stringify(facts)),
      (error: unknown) =>
        response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  // A test file may wait a minute for the first start of the broker.
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  project.provide('servicesUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  return async () => {
    server.closeAllConnections();
    server.close();
    for (const stop of stops.reverse()) await stop();
    fs.rmSync(dataDir, { recursive: true, force: true });
  };
}

function once<T>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  return () => (started ??= start());
}

async function startTestPostgres(dataDir: string, stops: Stop[]): Promise<PostgresFacts> {
  const given = process.env['DATABASE_URL'];
  if (given !== undefined) refuseForeignDatabase(given);
  const adminUrl = given ?? (await startOwnPostgres(dataDir, stops));

  const prefix = `odograph_test_${process.pid}`;
  const facts = { adminUrl, prefix, template: `${prefix}_template` };
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  stops.push(async () => {
    const { rows } = await admin.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [`${prefix}_`],
    );
    for (const { datname } of rows) await admin.query(`drop database ${datname} with (force)`);
    await admin.end();
  });
  await admin.query(`create database ${facts.template}`);
  const url = withDatabase(adminUrl, facts.template);
  await migrate({
    url,
    logins: { sinkUrl: withLogin(url, LOGINS.sink), apiUrl: withLogin(url, LOGINS.api) },
  });
  return facts;
}

async function startOwnPostgres(dataDir: string, stops: Stop[]): Promise<string> {
  const postgres = await startPostgres({
    dataDir,
    port: 0,
    // Test data need not survive a crash, so a commit does not wait for the disk.
    settings: { fsync: 'off', max_connections: '200' },
  });
  stops.push(() => postgres.stop());
  return withDatabase(postgres.ownerUrl, 'postgres');
}

async function startTestBroker(dataDir: string, stops: Stop[]): Promise<readonly string[]> {
  const given = process.env['KAFKA_BROKERS'];
  if (given !== undefined) return given.split(',');
  const broker = await startBroker({
    dataDir,
    port: 0,
    libDir: jars,
    progress: (message) => console.log(message),
  });
  stops.push(() => broker.stop());
  return broker.brokers;
}

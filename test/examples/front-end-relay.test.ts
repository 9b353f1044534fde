import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { send, startTestApi } from '../api/client.ts';
import type { Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';
import { makeFolder, until } from '../support/child.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { openWire } from '../support/wire.ts';
import {
  addDevice,
  changesIn,
  INSURER,
  startFrontEnd,
  untilHeard,
  waitForPoints,
} from './front-end.ts';

const FOLDER = 'examples/front-end-relay';
const GENERATED = `${FOLDER}/generated`;
const MANIFEST = 'persisted-operations.json';
const run = promisify(execFile);

let database: TestDatabase;
let rows: Rows;
let open: Api;
let listed: Api;
let tenant: number;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  tenant = await rows.addTenant('acme');
  open = await startTestApi(database);
  const manifest = readFileSync(join(GENERATED, MANIFEST), 'utf8');
  listed = await startTestApi(database, { operations: { manifest, listedOnly: true } });
});
afterAll(async () => {
  await open.stop();
  await listed.stop();
  await rows.close();
  await database.drop();
});

const portOf = ({ url }: Api) => Number(new URL(url).port);

/** A copy of the example beside a schema, in another folder, with nothing generated yet. */
function copyExample(): string {
  const folder = makeFolder();
  cpSync('schema.graphql', join(folder, 'schema.graphql'));
  cpSync(FOLDER, join(folder, FOLDER), { recursive: true });
  rmSync(join(folder, GENERATED), { recursive: true });
  mkdirSync(join(folder, GENERATED));
  writeFileSync(join(folder, GENERATED, MANIFEST), '{}');
  return folder;
}

const compile = (folder: string) =>
  run(resolve('node_modules/.bin/relay-compiler'), { cwd: join(folder, FOLDER) });

const readFolder = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((file) => [file, readFileSync(join(folder, file), 'utf8')]),
  );

describe("Relay's compiler", () => {
  it('generates exactly what is checked in from the operations and this schema, including the list of operations', async () => {
    const folder = copyExample();
    await compile(folder);
    expect(readFolder(join(folder, GENERATED))).toEqual(readFolder(GENERATED));
  });

  it('refuses a schema whose lists are not connections', async () => {
    const folder = copyExample();
    const file = join(folder, 'schema.graphql');
    const schema = readFileSync(file, 'utf8');
    writeFileSync(file, schema.replaceAll('endCursor: Cursor', 'lastCursor: Cursor'));
    await expect(compile(folder)).rejects.toThrow(/endCursor/);
  });
});

describe('the front end with Relay', () => {
  it('lists all pages without duplicates, and keeps the list despite a lost connection', async () => {
    const device = await addDevice(rows, tenant, 'ID-1', 5);
    const wire = await openWire(portOf(open));
    const program = await startFrontEnd(FOLDER, 'ID-1', wire.port);
    await untilHeard(program, device, 5);
    const before = changesIn(program).length;
    wire.cut();
    await device.revise(1);
    await device.drive(6);
    await device.withdraw(3);
    await new Promise((done) => setTimeout(done, 1_500));
    wire.mend();
    await until('what was missed is heard', () => changesIn(program).length >= before + 3);
    await device.revise(2);
    await until('what comes then is heard', () => changesIn(program).length >= before + 4);
    expect(changesIn(program).slice(before).sort()).toEqual(
      ['2015-05-01 2', '2015-05-02 2', '2015-05-03 1', '2015-05-06 1'].sort(),
    );
    expect(changesIn(program).at(-1)).toBe('2015-05-02 2');

    program.process.stdin?.end();
    expect(await program.exited, program.stderr()).toBe(0);
    const lines = program.stdout().split('\n');
    expect(lines[0]).toBe('first page: 2 trips');
    expect(lines.slice(1, 6).map((line) => line.slice(0, 10))).toEqual(
      [5, 4, 3, 2, 1].map((day) => `2015-05-0${day}`),
    );
    expect(lines[6]).toBe('its place is not for this role');
    // The list was not fetched again: a new trip is at its head, a removed one is gone, the others are as sent.
    expect(program.stdout()).toMatch(/revisions in the list: 1,\d+,1,2,2\n/);
    // Pages, subscription and `node` return the same trips.
    expect(program.stdout()).toMatch(/trips in the store: 6\n/);
    await wire.close();
  });

  it('works against a server that answers only the operations its compiler listed', async () => {
    const device = await addDevice(rows, tenant, 'ID-2', 3);
    const refused = await send(listed, INSURER, { query: 'query Other { viewer { role } }' });
    expect(refused.body.errors?.[0]?.extensions.code).toBe('PERSISTED_QUERY_NOT_IN_LIST');
    const program = await startFrontEnd(FOLDER, 'ID-2', portOf(listed));
    await untilHeard(program, device, 3);
    program.process.stdin?.end();
    expect(await program.exited, program.stderr()).toBe(0);
    expect(program.stdout()).toMatch(/\n2015-05-03.+\n2015-05-02.+\n2015-05-01/);
  });

  if (process.env['ODOGRAPH_LONG'] === '1') {
    it('retries when its rate limit allows, and misses nothing', async () => {
      const device = await addDevice(rows, tenant, 'ID-3', 2);
      const limited = await startTestApi(database, { rateLimits: { INSURER: 50 } });
      const { heard, waitedMs } = await waitForPoints(FOLDER, 'ID-3', device, limited);
      expect(heard).toEqual(['2015-05-02 2']);
      expect(waitedMs).toBeGreaterThan(3_000);
      await limited.stop();
    });
  }

  it('ends with the reason if its token is not accepted', async () => {
    const program = await startFrontEnd(FOLDER, 'ID-1', portOf(open), { ODOGRAPH_TOKEN: 'none' });
    expect(await program.exited).toBe(1);
    expect(program.stderr()).toMatch(/^UNAUTHENTICATED The token was not accepted/);
  });
});

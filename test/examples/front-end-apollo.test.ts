import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

const FOLDER = 'examples/front-end-apollo';
const run = promisify(execFile);

let database: TestDatabase;
let rows: Rows;
let manifest: string;
let open: Api;
let listed: Api;
let tenant: number;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  tenant = await rows.addTenant('acme');
  manifest = await generateManifest();
  open = await startTestApi(database);
  listed = await startTestApi(database, { operations: { manifest, listedOnly: true } });
});
afterAll(async () => {
  await open.stop();
  await listed.stop();
  await rows.close();
  await database.drop();
});

/** The output of Apollo's own tool for the example's operations. */
async function generateManifest(): Promise<string> {
  const folder = makeFolder();
  const output = join(folder, 'manifest.json');
  const config = JSON.parse(
    readFileSync(join(FOLDER, 'persisted-query-manifest.config.json'), 'utf8'),
  ) as { documents: string[] };
  const file = join(folder, 'persisted-query-manifest.config.json');
  writeFileSync(file, JSON.stringify({ ...config, output }));
  await run('node_modules/.bin/generate-persisted-query-manifest', ['--config', file]);
  return readFileSync(output, 'utf8');
}

describe('the front end with Apollo Client', () => {
  it('has types generated from its operations and this schema', async () => {
    const check = ['--config', `${FOLDER}/codegen.ts`, '--check'];
    await expect(run('node_modules/.bin/graphql-codegen', check)).resolves.toBeDefined();
  });

  it('lists all pages, shows what is forbidden, and gets each change once despite a lost connection', async () => {
    const device = await addDevice(rows, tenant, 'ID-1', 5);
    const wire = await openWire(Number(new URL(open.url).port));
    const program = await startFrontEnd(FOLDER, 'ID-1', wire.port);
    await untilHeard(program, device, 5);
    const before = changesIn(program).length;

    wire.cut();
    await device.revise(1);
    await device.revise(2);
    await new Promise((done) => setTimeout(done, 1_500));
    wire.mend();
    await until('what was missed is heard', () => changesIn(program).length >= before + 2);
    await device.revise(3);
    await until('what comes then is heard', () => changesIn(program).length >= before + 3);
    expect(changesIn(program).slice(before)).toEqual([
      expect.stringMatching(/^2015-05-0[12] 2$/),
      expect.stringMatching(/^2015-05-0[12] 2$/),
      '2015-05-03 2',
    ]);

    program.process.stdin?.end();
    expect(await program.exited, program.stderr()).toBe(0);
    const lines = program.stdout().split('\n');
    expect(lines.slice(0, 5).map((line) => line.slice(0, 10))).toEqual(
      [5, 4, 3, 2, 1].map((day) => `2015-05-0${day}`),
    );
    expect(lines[5]).toBe('its place is FORBIDDEN');
    // The list was not fetched again: the updates went into the cache.
    expect(program.stdout()).toMatch(/revisions in the list: \d+,1,2,2,2\n/);
    await wire.close();
  });

  it('works against a server that answers only the manifest, over HTTP and over sockets', async () => {
    const device = await addDevice(rows, tenant, 'ID-2', 3);
    const text = 'query Other { viewer { role } }';
    const refused = await send(listed, INSURER, { query: text });
    expect(refused.body.errors?.[0]?.extensions.code).toBe('PERSISTED_QUERY_NOT_IN_LIST');
    const port = Number(new URL(listed.url).port);
    const program = await startFrontEnd(FOLDER, 'ID-2', port, { LISTED_ONLY: 'true' });
    await untilHeard(program, device, 3);
    program.process.stdin?.end();
    expect(await program.exited, program.stderr()).toBe(0);
    expect(program.stdout()).toMatch(/^2015-05-03.+\n2015-05-02.+\n2015-05-01/);
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
    const port = Number(new URL(open.url).port);
    const program = await startFrontEnd(FOLDER, 'ID-1', port, { ODOGRAPH_TOKEN: 'none' });
    expect(await program.exited).toBe(1);
    expect(program.stderr()).toMatch(/^UNAUTHENTICATED The token was not accepted/);
  });
});

it('the manifest names the operations of the example', () => {
  const { format, operations } = JSON.parse(manifest) as {
    format: string;
    operations: { name: string; type: string }[];
  };
  expect(format).toBe('apollo-persisted-query-manifest');
  expect(operations.map(({ name, type }) => `${type} ${name}`).sort()).toEqual([
    'query TripPage',
    'query WhereItBegan',
    'subscription TripUpdates',
  ]);
});

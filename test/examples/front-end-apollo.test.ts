import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { send, signToken, startTestApi } from '../api/client.ts';
import type { Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';
import type { Started } from '../support/child.ts';
import { makeFolder, plainEnv, startScript, until } from '../support/child.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { openWire } from '../support/wire.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
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

/** What Apollo's own tool writes of the example's operations. */
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

/** A device with so many trips, and what changes one of them as the sink does. */
async function addDevice(deviceId: string, trips: number) {
  const device = await rows.addDevice(deviceId, tenant);
  const ids: number[] = [];
  for (let day = 1; day <= trips; day++) {
    ids.push(
      await rows.addTrip(tenant, device, {
        startedAt: `2015-05-0${day}T08:00:00Z`,
        endedAt: `2015-05-0${day}T09:00:00Z`,
        distanceM: 1_000 * day,
      }),
    );
  }
  const revise = async (index: number) => {
    await rows.client.query('begin');
    await rows.client.query(
      'update trip set revision = revision + 1, changed = pg_current_xact_id(), updated_at = now() where id = $1',
      [ids[index]],
    );
    await rows.client.query('insert into journal (device_ids) values ($1)', [[device]]);
    await rows.client.query('commit');
    await rows.client.query('notify odograph');
  };
  return { revise };
}

async function start(deviceId: string, port: number, settings: NodeJS.ProcessEnv = {}) {
  return startScript(`${FOLDER}/run.ts`, [deviceId], {
    env: plainEnv({
      ODOGRAPH_URL: `http://127.0.0.1:${port}`,
      ODOGRAPH_TOKEN: await signToken(INSURER),
      ...settings,
    }),
  });
}

const changesIn = (program: Started) =>
  [...program.stdout().matchAll(/^changed: (\S+)T.* revision (\d+)$/gm)].map(
    ([, day, revision]) => `${day} ${revision}`,
  );

/** A subscription does not say when it has begun: changes a trip until that is heard. */
async function untilHeard(program: Started, revise: () => Promise<void>) {
  await until('a change is heard', async () => {
    if (program.process.exitCode !== null) throw new Error(program.stderr());
    if (changesIn(program).length > 0) return true;
    await revise();
    await new Promise((done) => setTimeout(done, 500));
    return false;
  });
}

describe('the front end with Apollo Client', () => {
  it('has types that are made of its operations and of this schema', async () => {
    const check = ['--config', `${FOLDER}/codegen.ts`, '--check'];
    await expect(run('node_modules/.bin/graphql-codegen', check)).resolves.toBeDefined();
  });

  it('lists all pages, says what is forbidden, and hears each change once through a lost connection', async () => {
    const { revise } = await addDevice('ID-1', 5);
    const wire = await openWire(Number(new URL(open.url).port));
    const program = await start('ID-1', wire.port);
    await untilHeard(program, () => revise(4));
    await until('the last probe is heard', async () => {
      const { rows: found } = await rows.owner.query<{ revision: number }>(
        `select revision from trip where local_date = '2015-05-05'`,
      );
      return changesIn(program).includes(`2015-05-05 ${found[0]!.revision}`);
    });
    const before = changesIn(program).length;

    wire.cut();
    await revise(0);
    await revise(1);
    await new Promise((done) => setTimeout(done, 1_500));
    wire.mend();
    await until('what was missed is heard', () => changesIn(program).length >= before + 2);
    await revise(2);
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
    // The list was not asked again: the updates went into the cache.
    expect(program.stdout()).toMatch(/revisions in the list: \d+,1,2,2,2\n/);
    await wire.close();
  });

  it('needs nothing but the manifest where nothing else is answered, over HTTP and over sockets', async () => {
    const { revise } = await addDevice('ID-2', 3);
    const text = 'query Other { viewer { role } }';
    const refused = await send(listed, INSURER, { query: text });
    expect(refused.body.errors?.[0]?.extensions.code).toBe('PERSISTED_QUERY_NOT_IN_LIST');
    const port = Number(new URL(listed.url).port);
    const program = await start('ID-2', port, { LISTED_ONLY: 'true' });
    await untilHeard(program, () => revise(2));
    program.process.stdin?.end();
    expect(await program.exited, program.stderr()).toBe(0);
    expect(program.stdout()).toMatch(/^2015-05-03.+\n2015-05-02.+\n2015-05-01/);
  });

  it('ends with what is wrong where its token is not accepted', async () => {
    const port = Number(new URL(open.url).port);
    const program = await start('ID-1', port, { ODOGRAPH_TOKEN: 'none' });
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

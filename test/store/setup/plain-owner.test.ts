import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAnalyst, openAnalyst } from '../../../src/store/setup/analysts.ts';
import { findHorizonHolders, findMissingMigrations } from '../../../src/store/setup/diagnose.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { addRules, listRules } from '../../../src/store/setup/rules.ts';
import { withOwner } from '../../../src/store/session.ts';
import { openClaims } from '../../../src/store/write/claims.ts';
import { withLogin } from '../../support/cluster.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const plain = { user: `odograph_test_commands_${process.pid}`, password: 'p' };
let database: TestDatabase;
let url: string;

async function administer(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  url = withLogin(database.ownerUrl, plain);
  await administer(
    `create role ${plain.user} login createrole password '${plain.password}';
     grant odograph_sink, odograph_api, odograph_operator, odograph_analytics to ${plain.user} with admin option, inherit false, set false;
     alter database "${new URL(url).pathname.slice(1)}" owner to ${plain.user}`,
  );
});
afterAll(async () => {
  await administer(
    `reassign owned by ${plain.user} to current_user; drop owned by ${plain.user}; drop role ${plain.user}`,
  );
  await database.drop();
});

describe('an owner that is not a superuser', () => {
  it('migrates, and again after a restore', async () => {
    expect((await migrate({ url })).applied.length).toBeGreaterThan(0);
    await administer(
      `insert into trip_revision (trip_id, revision, device_id, tenant_id, known_from, known_to, withdrawn, facts, changed)
         values (1, 1, 1, 1, now(), now(), false, '{}', '987654321');
       update store_epoch set identity = '1/00000001/1/1'`,
    );
    expect(await migrate({ url })).toEqual({ applied: [], renewed: true });
  });

  it('opens and closes the login of analysts, who read their views', async () => {
    const analyst = await openAnalyst(url, 'default');
    const client = new pg.Client({ connectionString: analyst!.url });
    await client.connect();
    expect((await client.query('select * from exposure')).rows).toEqual([]);
    await client.end();
    expect(await closeAnalyst(url, 'default')).toBe(true);
    await administer(`drop owned by ${analyst!.login}; drop role ${analyst!.login}`);
  });

  it('adds rules, imports claims and looks for what is wrong', async () => {
    await addRules(url, { effectiveFromMs: Date.UTC(2030, 0), version: '2' });
    expect(await listRules(url)).toHaveLength(2);
    const claims = await openClaims(url, 'default');
    expect(claims).not.toBe('UNKNOWN_TENANT');
    if (claims !== 'UNKNOWN_TENANT') await claims.close();
    await withOwner(url, async (client) => {
      expect((await findMissingMigrations(client)).missing).toEqual([]);
      expect((await findHorizonHolders(client, 60)).seesOthers).toBe(false);
    });
  });
});

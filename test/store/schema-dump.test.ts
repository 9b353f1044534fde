import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { dumpSchema } from '../support/schema-dump.ts';

test('prisma/schema.dump.txt is the schema that the migrations create (npm run schema:dump rewrites it)', async () => {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  const dump = await dumpSchema(client);
  await client.end();
  await database.drop();
  await expect(dump).toMatchFileSnapshot('../../prisma/schema.dump.txt');
});

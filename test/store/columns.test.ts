import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';

interface Column {
  readonly view: string;
  readonly about: string | null;
  readonly name: string;
  readonly type: string;
  readonly meaning: string | null;
}

const HEAD = `# Columns of the schema analytics

Written by \`npm run schema:dump\` from the comments in the database; \`\\d+ analytics.*\` in psql shows the same.
`;

test('docs/reference/analytics.md lists every column that an actuary can read (npm run schema:dump rewrites it)', async () => {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  const { rows } = await client.query<Column>(
    `select c.relname as view, obj_description(c.oid) as about, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
       col_description(c.oid, a.attnum) as meaning
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
     where c.relnamespace = 'analytics'::regnamespace order by c.relname, a.attnum`,
  );
  await client.end();
  await database.drop();
  expect(rows.filter(({ meaning, about }) => !meaning || !about)).toEqual([]);
  const views = [...new Set(rows.map(({ view }) => view))];
  const pages = views.map((view) => {
    const own = rows.filter((row) => row.view === view);
    const lines = own.map(({ name, type, meaning }) => `| \`${name}\` | ${type} | ${meaning} |`);
    return `\n## \`analytics.${view}\`\n\n${own[0]?.about}\n\n| column | type | meaning |\n| --- | --- | --- |\n${lines.join('\n')}\n`;
  });
  await expect(`${HEAD}${pages.join('')}`).toMatchFileSnapshot('../../docs/reference/analytics.md');
});

import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { parse, validate } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLES } from '../../src/api/console-examples.ts';
import { createSchema } from '../../src/api/schema.ts';
import { useApi } from '../support/api.ts';
import { ask } from './client.ts';

const LOCAL = { INSURER: 'a token of an insurer', DRIVER: 'a token of a driver' };

const { api, rows } = await useApi({ localTokens: LOCAL });

beforeAll(async () => {
  const tenant = await rows.addTenant('acme');
  const driver = await rows.addDriver(tenant, 'D-1');
  const device = await rows.addDevice('ID-1', tenant);
  const startedAt = '2015-05-01T08:00:00Z';
  await rows.addTrip(tenant, device, { startedAt, endedAt: '2015-05-01T09:00:00Z', driver });
  await rows.addDrivingEvent(tenant, device, startedAt, '2015-05-01T08:30:00Z', driver);
});

describe('the console', () => {
  it('shows examples that are valid in the schema, with a value for each variable', () => {
    const schema = createSchema();
    for (const { name, query, variables = {} } of EXAMPLES) {
      const document = parse(query);
      expect(validate(schema, document), name).toEqual([]);
      const needed = [...query.matchAll(/\$(\w+): \w+!/g)].map(([, variable]) => variable);
      expect(Object.keys(variables), name).toEqual(needed);
    }
  });

  it.each(EXAMPLES.filter(({ query }) => !/^subscription/m.test(query)))(
    'gets its example queries answered in full: $name',
    async ({ role, query }) => {
      const { data, errors } = await ask(api, { role, tenant: 'acme' }, query);
      expect(errors).toEqual([]);
      expect(Object.values(data as object)).toEqual([
        role === 'ACTUARY'
          ? expect.objectContaining({ rows: [], withheld: 1 })
          : expect.objectContaining({ nodes: expect.any(Array) as unknown }),
      ]);
    },
  );

  it('offers the tokens of a local run only on the same machine, and starts as an insurer', async () => {
    const base = new URL('/', api.url);
    const page = await (await fetch(base)).text();
    expect(page).toContain(LOCAL.INSURER);
    expect(page).toContain(LOCAL.DRIVER);
    expect(page).toMatch(/activeSubEnvironment\W+INSURER/);
    const elsewhere = await new Promise<string>((resolve, reject) => {
      get(base, { headers: { host: 'odograph.example' } }, (answer) => {
        text(answer).then(resolve, reject);
      }).on('error', reject);
    });
    expect(elsewhere).not.toContain(LOCAL.INSURER);
    expect(elsewhere).toContain('paste a token here');
  });

  it('is a page that may not load anything from other origins, and its own script exists', async () => {
    const base = new URL('/', api.url);
    const { headers } = await fetch(base);
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect((await fetch(new URL('/console/main.js', base))).status).toBe(200);
    for (const path of [
      '/console/../../package.json',
      '/console/%2e%2e/%2e%2e/package.json',
      '/console/..%2f..%2fpackage.json',
    ]) {
      expect((await fetch(new URL(path, base))).status).toBe(404);
    }
  });
});

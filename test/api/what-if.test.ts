import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { makeFolder, runCli } from '../support/child.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { subscribe } from '../live/sockets.ts';
import { ask, codesOf, startTestApi } from './client.ts';
import type { Rows } from './rows.ts';
import { openRows } from './rows.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
const ACTUARY = { role: 'ACTUARY', tenant: 'acme' } as const;

/** More than one piece of the book, so that pieces join. */
const POLICIES = 55;

let database: TestDatabase;
let rows: Rows;
let api: Api;

function documentOf(version: string, more: object) {
  return {
    format: 'odograph.tariff/1',
    id: 'payd',
    version,
    product: 'p',
    jurisdiction: 'DE',
    currency: 'EUR',
    effectiveFrom: '2015-01-01',
    rounding: { mode: 'HALF_UP', places: 2 },
    charges: [
      { kind: 'fixed/1', id: 'fixed', amount: '365.00', per: 'YEAR' },
      { kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.02', dailyCap: 600 },
    ],
    factors: [],
    adjustments: [],
    ...more,
  };
}

const draftCharges = [
  { kind: 'fixed/1', id: 'fixed', amount: '300.00', per: 'YEAR' },
  { kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.10', dailyCap: 600 },
];

/** Policies of 2015 with a driver and a car each; the i-th is driven 10·i km on each of ten days. */
async function addBook(tenant: number, slug: string, firstId: number, count: number) {
  const span = `'2015-01-01'::date, '2016-01-01'::date`;
  for (const [into, values] of [
    ['driver (id, tenant_id, external_id, name)', 'id, $1::int, name, name'],
    ['vehicle (id, tenant_id, external_id)', `id, $1::int, 'car-' || name`],
    ['device (id, external_id)', `id, 'ID-' || name`],
    [
      'policy (id, tenant_id, number, time_zone, start_date, end_date)',
      `id, $1::int, name, 'UTC', ${span}`,
    ],
    [
      'policy_product (tenant_id, policy_id, product, jurisdiction, from_date, to_date)',
      `$1::int, id, 'p', 'DE', ${span}`,
    ],
    [
      'policy_driver (tenant_id, policy_id, driver_id, from_date, to_date)',
      `$1::int, id, id, ${span}`,
    ],
    [
      'policy_vehicle (tenant_id, policy_id, vehicle_id, from_date, to_date)',
      `$1::int, id, id, ${span}`,
    ],
    [
      'policy_fact (tenant_id, policy_id, name, value, from_date, to_date)',
      `$1::int, id, 'territory', to_jsonb(case when i <= 4 then 'island' when i <= 20 then 'city' else 'land' end), ${span}`,
    ],
  ] as const)
    await rows.owner.query(
      `insert into ${into} overriding system value
       select ${values} from (select i, i + $3::int as id, $2 || '-' || lpad(i::text, 3, '0') as name, $1::int
         from generate_series(1, $4::int) as i) as made`,
      [tenant, slug, firstId, count],
    );
  await rows.owner.query(
    `insert into daily_total (device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, trips, distance_m,
       duration_ms, moving_ms, idle_ms, night_m, measures)
     select $2 + i, $1, $2 + i, '2015-03-01'::date + d, $2 + i, $2 + i, 1, i * 10000, 3600000, 3600000, 0, 0, '{}'
     from generate_series(1, $3::int) as i, generate_series(1, 10) as d`,
    [tenant, firstId, count],
  );
}

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  await addBook(await rows.addTenant('acme'), 'acme', 0, POLICIES);
  await addBook(await rows.addTenant('other'), 'other', 1000, 5);
  for (const document of [
    documentOf('1', {}),
    documentOf('2', { charges: draftCharges }),
    documentOf('3', {
      charges: draftCharges,
      adjustments: [{ kind: 'minimum/1', id: 'least', amount: '30.00' }],
    }),
    documentOf('4', { currency: 'CHF' }),
    documentOf('5', {
      factors: [
        {
          kind: 'relativity/1',
          id: 'territory',
          fact: 'territory',
          table: { city: '1.5', land: '1' },
        },
      ],
    }),
  ]) {
    const draft = await ask(
      api,
      ACTUARY,
      'mutation ($i: CreateTariffDraftInput!) { createTariffDraft(input: $i) { userErrors { message } } }',
      { i: { idempotencyKey: document.version, document } },
    );
    expect(draft.data.createTariffDraft.userErrors).toEqual([]);
  }
  const active = await ask(
    api,
    INSURER,
    'mutation { activateTariff(input: { idempotencyKey: "a", tariffId: "payd@1" }) { tariff { status } } }',
  );
  expect(active.data.activateTariff.tariff).toEqual({ status: 'ACTIVE' });
});
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});

const FIGURES = 'policies winners losers unchanged before after change changePercent';
const ANSWER = `from to currency tariff { name status } total { ${FIGURES} }
  histogram { fromPercent toPercent others figures { ${FIGURES} } } groups { value others figures { ${FIGURES} } }
  largestRises { policyNumber before after } largestFalls { policyNumber before after }
  unrated { code policies policyNumber message } dataCutoff`;
const VARIABLES = `$tariff: ID!, $filter: WhatIfFilter, $from: Date!, $to: Date!, $groupBy: WhatIfGroupBy, $against: ID, $billingMonths: Int`;
const ARGUMENTS =
  'tariff: $tariff, filter: $filter, from: $from, to: $to, groupBy: $groupBy, against: $against, billingMonths: $billingMonths';
const QUERY = `query (${VARIABLES}) { whatIf(${ARGUMENTS}) { ${ANSWER} } }`;
const YEAR = { from: '2015-01-01', to: '2016-01-01', billingMonths: 1 };
const BY_TERRITORY = { groupBy: { fact: 'territory' } };

interface Cell {
  readonly value: string | null;
  readonly others: boolean;
  readonly figures: {
    readonly policies: number;
    readonly winners: number | null;
    readonly after: string;
  };
}

describe('what if a book were priced by a draft', () => {
  it('equals the previews of all policies, with winners and losers', async () => {
    const answer = await ask(api, INSURER, QUERY, { tariff: 'payd@2', ...YEAR, ...BY_TERRITORY });
    expect(answer.errors).toEqual([]);
    const { whatIf } = answer.data;
    const previews = await ask(
      api,
      INSURER,
      `{ ${[1, 30, POLICIES]
        .map(
          (i) =>
            `p${i}: premium(policyNumber: "acme-${String(i).padStart(3, '0')}", from: "2015-01-01", to: "2016-01-01") { total }`,
        )
        .join(' ')} }`,
    );
    // 365.00 + 2.00 for each of i against 300.00 + 10.00 for each: from i = 9 on it is dearer.
    expect([previews.data.p1.total, previews.data.p30.total]).toEqual(['367.00', '425.00']);
    const sum = (POLICIES * (POLICIES + 1)) / 2;
    expect(whatIf).toMatchObject({
      from: '2015-01-01',
      to: '2016-01-01',
      currency: 'EUR',
      tariff: { name: 'payd@2', status: 'DRAFT' },
      total: {
        policies: POLICIES,
        winners: 8,
        losers: POLICIES - 8,
        unchanged: 0,
        before: `${POLICIES * 365 + 2 * sum}.00`,
        after: `${POLICIES * 300 + 10 * sum}.00`,
      },
      unrated: [],
    });
    expect(whatIf.groups.map(({ value, figures }: Cell) => [value, figures.policies])).toEqual([
      ['city', 16],
      ['island', 4],
      ['land', 35],
    ]);
    expect(whatIf.largestRises[0]).toEqual({
      policyNumber: `acme-0${POLICIES}`,
      before: previews.data[`p${POLICIES}`].total,
      after: '850.00',
    });
    expect(whatIf.largestFalls[0].policyNumber).toBe('acme-001');
    expect(whatIf.histogram.reduce((n: number, { figures }: Cell) => n + figures.policies, 0)).toBe(
      POLICIES,
    );
  });

  it('rates by billing periods what does not add over time, filters, and compares with any tariff', async () => {
    const after = async (more: object): Promise<string> => {
      const variables = {
        tariff: 'payd@3',
        ...YEAR,
        filter: { facts: [{ name: 'territory', value: 'island' }] },
        ...more,
      };
      const answer = await ask(api, INSURER, QUERY, variables);
      expect(answer.errors).toEqual([]);
      return answer.data.whatIf.total.after;
    };
    // Four policies of 300.00 and 10.00 to 40.00: a month without driving costs 24.66, so the minimum of 30.00 holds
    // in eleven or twelve months; over the year nobody is below it.
    expect(await after({ billingMonths: 12 })).toBe('1300.00');
    expect(Number(await after({ billingMonths: 1 }))).toBeGreaterThan(4 * 11 * 30);
    const same = await ask(api, INSURER, QUERY, { tariff: 'payd@2', against: 'payd@2', ...YEAR });
    expect(same.data.whatIf.total).toMatchObject({ unchanged: POLICIES, change: '0.00' });
  });

  it('leaves out policies that a tariff cannot rate, and says which and why', async () => {
    const { data } = await ask(api, INSURER, QUERY, { tariff: 'payd@5', ...YEAR });
    expect(data.whatIf.total.policies).toBe(POLICIES - 4);
    expect(data.whatIf.unrated).toMatchObject([
      { code: 'UNRATED_VALUE', policies: 4, policyNumber: 'acme-001' },
    ]);
    expect(data.whatIf.unrated[0].message).toContain('island');
  });

  it('gives an actuary no figures about few people and no policy numbers', async () => {
    const { data, errors } = await ask(api, ACTUARY, QUERY, {
      tariff: 'payd@2',
      ...YEAR,
      ...BY_TERRITORY,
    });
    expect(errors).toEqual([]);
    expect(
      data.whatIf.groups.map(({ value, others, figures }: Cell) => [
        value,
        others,
        figures.policies,
      ]),
    ).toEqual([
      ['land', false, 35],
      [null, true, 20],
    ]);
    // Eight win: too few to say so.
    expect(data.whatIf.total).toMatchObject({ policies: POLICIES, winners: null, losers: null });
    expect(data.whatIf).toMatchObject({ largestRises: null, largestFalls: null });
    const few = await ask(api, ACTUARY, QUERY, {
      tariff: 'payd@2',
      ...YEAR,
      filter: { facts: [{ name: 'territory', value: 'island' }] },
    });
    expect(codesOf(few)).toEqual(['FORBIDDEN']);
    const microdata = await ask(api, { ...ACTUARY, microdata: true }, QUERY, {
      tariff: 'payd@2',
      ...YEAR,
      ...BY_TERRITORY,
    });
    expect(microdata.data.whatIf.groups).toHaveLength(3);
    expect(microdata.data.whatIf.largestRises).toBeNull();
    const unrated = await ask(api, ACTUARY, QUERY, { tariff: 'payd@5', ...YEAR });
    expect(unrated.data.whatIf.unrated).toEqual([
      { code: 'UNRATED_VALUE', policies: 4, policyNumber: null, message: null },
    ]);
  });

  it('says what is wrong with a question, and is refused to other roles', async () => {
    const code = async (variables: object, claims: Parameters<typeof ask>[1] = INSURER) =>
      codesOf(await ask(api, claims, QUERY, { tariff: 'payd@2', ...YEAR, ...variables }));
    expect(await code({ tariff: 'payd@9' })).toEqual(['NOT_FOUND']);
    expect(await code({ against: 'payd@9' })).toEqual(['NOT_FOUND']);
    expect(await code({ tariff: 'payd@4' })).toEqual(['BAD_USER_INPUT']);
    expect(await code({ to: '2015-01-01' })).toEqual(['BAD_USER_INPUT']);
    expect(await code({ billingMonths: 5 })).toEqual(['BAD_USER_INPUT']);
    expect(await code({ groupBy: { fact: 'a', attribute: 'DRIVERS' } })).toEqual([
      'BAD_USER_INPUT',
    ]);
    expect(await code({}, { role: 'DRIVER', tenant: 'acme', driver: 'acme-001' })).toEqual([
      'FORBIDDEN',
    ]);
    expect(await code({}, { role: 'INSURER', tenant: 'other' })).toEqual(['NOT_FOUND']);
  });

  it('reports its progress piece by piece, and ends with the answer', async () => {
    const variables = { tariff: 'payd@2', ...YEAR, ...BY_TERRITORY };
    const whole = await ask(api, INSURER, QUERY, variables);
    interface Told {
      readonly whatIfProgress: {
        readonly policies: number;
        readonly done: number;
        readonly whatIf: unknown;
      };
    }
    const told = subscribe<Told>(
      api,
      INSURER,
      `subscription (${VARIABLES}) { whatIfProgress(${ARGUMENTS}) { policies done whatIf { ${ANSWER} } } }`,
      variables,
    );
    const messages = (await told.until(4)).map(({ whatIfProgress }) => whatIfProgress);
    await told.end();
    expect(messages.map(({ policies, done, whatIf }) => [policies, done, whatIf !== null])).toEqual(
      [
        [POLICIES, 0, false],
        [POLICIES, 50, false],
        [POLICIES, POLICIES, false],
        [POLICIES, POLICIES, true],
      ],
    );
    expect(messages.at(-1)?.whatIf).toEqual(whole.data.whatIf);
  });

  it('is also answered by the command, with its progress', async () => {
    const folder = makeFolder();
    const draft = join(folder, 'draft.json');
    writeFileSync(draft, JSON.stringify(documentOf('2', { charges: draftCharges })));
    const env = { DATABASE_API_URL: database.apiUrl, ODOGRAPH_DATA_DIR: folder };
    const call = (...more: string[]) =>
      runCli(
        ['what-if', '--tariff', draft, '--from', '2015-01-01', '--to', '2016-01-01', ...more],
        { env },
      );
    const found = await call(
      '--tenant',
      'acme',
      '--by-fact',
      'territory',
      '--fact',
      'territory=city',
    );
    expect(found).toMatchObject({ code: 0 });
    expect(found.stderr).toContain(`50 of ${POLICIES} policies`);
    // i from 5 to 20: 16 × 365 + 2 × 200 and 16 × 300 + 10 × 200.
    expect(found.stdout).toMatch(
      /^EUR +policies +before +after +change\nall +16 +6240\.00 +6800\.00 +\+560\.00 +\+8\.97 %\n4 get cheaper, 12 get dearer/,
    );
    expect(found.stdout).toMatch(/\ncity +16 +6240\.00/);
    expect(found.stdout).toMatch(/\nacme-020 +405\.00 +500\.00\n/);
    const nobody = await call();
    expect(nobody).toMatchObject({ code: 1, stdout: '' });
    expect(nobody.stderr).toMatch(/No policy of the tenant default holds the product p in DE/);
  });
});

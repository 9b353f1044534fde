import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { startPostgres, type Postgres } from '../../src/local/postgres.ts';
import { migrate } from '../../src/store/setup/migrate.ts';
import { LOGINS, withLogin } from '../support/cluster.ts';
import { followPlans, type RanStatement } from '../support/plan-log.ts';
import { ask, type Claims, signToken, startTestApi } from './client.ts';
import { FIELD_CASES, fieldsOf, findFields, WITHOUT_CASE } from './field-cases.ts';
import { LIST_CASES } from './list-cases.ts';
import { findLists, type ListQuestion, toQuestions } from './list-questions.ts';
import { fillPortfolio, PORTFOLIO } from './portfolio.ts';

const TRIPS = 1_000_000;
const PAGE = 20;
/** Rows that scans may read per row of the response, or of a page if the response has fewer. */
const ROWS_FOR_ONE = 100;
/** A table with fewer rows may be read completely. */
const LARGE = 1_000;

const lists = findLists();

describe('the cases of plans', () => {
  it.each(lists)('have each filter of $coordinate', ({ coordinate, filterFields }) => {
    const cases = LIST_CASES.filter((one) => one.coordinate === coordinate);
    expect(cases).not.toEqual([]);
    const tried = new Set(cases.flatMap(({ filter }) => Object.keys(filter)));
    expect([...tried].sort()).toEqual([...filterFields].sort());
  });

  it('have every field that leads from a row to others', () => {
    const tried = new Set(FIELD_CASES.flatMap(fieldsOf));
    const untried = findFields().filter((field) => !tried.has(field));
    expect(untried.sort()).toEqual(Object.keys(WITHOUT_CASE).sort());
  });
});

// In a small database PostgreSQL reads whole tables, which is right.
if (process.env['ODOGRAPH_LONG'] === '1') {
  describe(`the plans of lists over ${TRIPS.toLocaleString('en')} trips`, () => {
    let dataDir: string;
    let postgres: Postgres;
    let owner: pg.Client;
    let api: Api;
    let takeStatements: () => Promise<RanStatement[]>;
    let large: ReadonlySet<string>;

    beforeAll(async () => {
      dataDir = mkdtempSync(join(tmpdir(), 'odograph-test-plans-'));
      postgres = await startPostgres({
        dataDir,
        port: 0,
        settings: { fsync: 'off', full_page_writes: 'off' },
      });
      owner = new pg.Client({ connectionString: postgres.ownerUrl });
      await owner.connect();
      await migrate({
        url: postgres.ownerUrl,
        logins: {
          sinkUrl: withLogin(postgres.ownerUrl, LOGINS.sink),
          apiUrl: withLogin(postgres.ownerUrl, LOGINS.api),
        },
      });
      await fillPortfolio(owner, TRIPS);
      const { rows } = await owner.query<{ name: string }>(
        `select relname as name from pg_class where relkind = 'r' and reltuples >= $1`,
        [LARGE],
      );
      large = new Set(rows.map(({ name }) => name));
      takeStatements = await followPlans(owner, LOGINS.api.user);
      api = await startTestApi(urls());
    }, 1_200_000);

    afterAll(async () => {
      await api?.stop();
      await owner?.end();
      await postgres?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });

    const urls = () => ({ apiUrl: withLogin(postgres.ownerUrl, LOGINS.api) });

    /** Faults of the plans behind a response. */
    async function watch<Answer>(name: string, answer: () => Promise<Answer>) {
      await takeStatements();
      const answered = await answer();
      const statements = await takeStatements();
      expect(statements.flatMap(({ scans }) => scans).length, name).toBeGreaterThan(0);
      return { answered, faults: statements.flatMap(faultsOf).map((fault) => `${name}: ${fault}`) };
    }

    /** As `watch` for a page of a list, and the cursor where it starts. */
    async function judge(question: ListQuestion, page: string, of = api) {
      const { answered, faults } = await watch(`${question.name}, ${page}`, () =>
        ask(of, question.claims, question.toQuery(page)),
      );
      expect(answered.errors, question.name).toEqual([]);
      const start = /"startCursor":"([^"]+)"/.exec(JSON.stringify(answered.data))?.[1];
      return { start, faults };
    }

    function faultsOf({ rows, scans }: RanStatement): string[] {
      return scans
        .filter(({ table }) => large.has(table))
        .filter(
          ({ kind, read }) =>
            (kind.endsWith('Seq Scan') && read > 0) || read > ROWS_FOR_ONE * Math.max(PAGE, rows),
        )
        .map(({ title, read }) => `${title} read ${read} rows to give ${rows}`);
    }

    it.each(lists)(
      'reach the pages of $coordinate by an index, from both ends and from the depth, whoever asks',
      async (list) => {
        const faults: string[] = [];
        const cases = LIST_CASES.filter(({ coordinate }) => coordinate === list.coordinate);
        for (const question of cases.flatMap((one) => toQuestions(list, one))) {
          const first = await judge(question, `first: ${PAGE}`);
          const last = await judge(question, `last: ${PAGE}`);
          faults.push(...first.faults, ...last.faults);
          if (last.start === undefined) continue;
          // The last page starts as deep in the list as possible.
          for (const page of [`first: ${PAGE}, after`, `last: ${PAGE}, before`]) {
            faults.push(...(await judge(question, `${page}: "${last.start}"`)).faults);
          }
        }
        expect(faults).toEqual([]);
      },
    );

    it.each(FIELD_CASES)(
      'reach what hangs on rows by an index: $claims.role $query',
      async ({ claims, query }) => {
        const { answered, faults } = await watch(query, () => ask(api, claims, query));
        const refused = answered.errors.filter(({ extensions }) => extensions.code !== 'FORBIDDEN');
        expect(refused).toEqual([]);
        expect(faults).toEqual([]);
      },
    );

    it.each([
      `deviceId=${PORTFOLIO.device}`,
      `driverExternalId=${PORTFOLIO.driver}`,
      'startedFrom=2025-09-01T00:00:00Z&startedTo=2025-09-02T00:00:00Z',
      'status=OPEN',
    ])('reach the trips of a file by an index: %s', async (filter) => {
      const insurer: Claims = { role: 'INSURER', tenant: PORTFOLIO.large };
      const headers = { authorization: `Bearer ${await signToken(insurer)}` };
      const { answered, faults } = await watch(filter, async () => {
        const file = await fetch(new URL(`/export/trips.csv?${filter}`, api.url), { headers });
        return { status: file.status, lines: (await file.text()).split('\n').length };
      });
      expect(answered.status).toBe(200);
      expect(answered.lines).toBeGreaterThan(2);
      expect(faults).toEqual([]);
    });

    it('notices a list that no index serves', async () => {
      const login = LOGINS.api.user;
      const kinds = ['enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan'];
      for (const kind of kinds) await owner.query(`alter role ${login} set ${kind} = off`);
      const unserved = await startTestApi(urls());
      for (const kind of kinds) await owner.query(`alter role ${login} reset ${kind}`);
      for (const list of lists.filter(({ coordinate }) => coordinate !== 'Query.tariffs')) {
        const one = LIST_CASES.find(({ coordinate }) => coordinate === list.coordinate);
        const [question] = one ? toQuestions(list, one) : [];
        if (question === undefined) throw new Error(`${list.coordinate} has no case`);
        expect((await judge(question, `first: ${PAGE}`, unserved)).faults).not.toEqual([]);
      }
      await unserved.stop();
    });
  });
}

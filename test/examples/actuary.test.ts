import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { closeAnalyst, openAnalyst } from '../../src/store/setup/analysts.ts';
import { signToken, startTestApi } from '../api/client.ts';
import type { Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';
import { makeFolder, runCli } from '../support/child.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { has, PYTHON } from '../support/programs.ts';
import type { Book } from './book.ts';
import { fillBook, PARKING } from './book.ts';

const FOLDER = 'examples/actuary';
const tenant = `book-${process.pid}`;

let database: TestDatabase;
let rows: Rows;
let api: Api;
let analyst: pg.Client;
let analyticsUrl: string;
let book: Book;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  book = await fillBook(rows, tenant);
  api = await startTestApi(database);
  analyticsUrl = (await openAnalyst(database.ownerUrl, tenant))!.url;
  analyst = new pg.Client({ connectionString: analyticsUrl });
  await analyst.connect();
});
afterAll(async () => {
  await analyst.end();
  await closeAnalyst(database.ownerUrl, tenant);
  await rows.owner.query(`drop role if exists "odograph_analyst_${tenant.replaceAll('-', '_')}"`);
  await api.stop();
  await rows.close();
  await database.drop();
});

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Days of the book's policies by where they park. The first 90 days of the first policy are unknown. */
function daysOf(fact: string): number {
  const days = sum(book.parking.map((policy) => (policy.fact === fact ? 273 : 0)));
  return fact === 'street' ? days - 90 : days;
}
const claimsOf = (fact: string) =>
  sum(book.parking.filter((policy) => policy.fact === fact).map(({ claims }) => claims));

const questions = readFileSync(join(FOLDER, 'metabase.sql'), 'utf8')
  .split('\n\n')
  .slice(1)
  .map((block) => ({ name: /^-- (.+)\n/.exec(block)![1]!, statement: block }));

describe('the questions for Metabase', () => {
  it.each(questions)('“$name” are answered with rows', async ({ statement }) => {
    const { rows: found, fields } = await analyst.query(statement);
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length);
  });

  it('count claims, kilometres and charges', async () => {
    const ask = async (name: string) => {
      const { statement } = questions.find((question) => question.name.startsWith(name))!;
      return (await analyst.query<Record<string, unknown>>(statement)).rows;
    };
    const frequency = await ask('Claim frequency and mean claim');
    expect(
      Object.fromEntries(frequency.map((row) => [row['parking'], [row['years'], row['claims']]])),
    ).toEqual({
      ...Object.fromEntries(
        PARKING.map((fact) => [fact, [(daysOf(fact) / 365.25).toFixed(2), String(claimsOf(fact))]]),
      ),
      'not known': ['0.25', '0'],
    });
    const km = sum(book.trips.map(({ distanceM }) => distanceM)) / 1000;
    const braking = sum(
      book.trips.map((trip) => Math.max(trip.brakingGps, trip.brakingAccelerometer)),
    );
    const night = await ask('Kilometres by night');
    expect(sum(night.map((row) => Number(row['distance_km'])))).toBeCloseTo(km, 0);
    const hours = await ask('Trips by local hour');
    expect(
      sum(
        hours.map(
          (row) => Number(row['harsh_braking_per_100_km']) * 0.01 * Number(row['distance_km']),
        ),
      ),
    ).toBeCloseTo(braking, 0);
    const charged = await ask('Charged and claimed');
    expect(charged).toContainEqual(expect.objectContaining({ charged: '36.00', currency: 'EUR' }));
    expect((await ask('Claim frequency by kilometres')).map((row) => row['vehicles'])).toEqual([
      '12',
    ]);
  });
});

interface Dashboard {
  readonly __inputs: readonly { readonly name: string; readonly pluginId: string }[];
  readonly __requires: readonly { readonly type: string; readonly id: string }[];
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly type: string;
    readonly datasource: { readonly type: string; readonly uid: string };
    readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
    readonly targets: readonly { readonly format: string; readonly rawSql: string }[];
  }[];
}

const dashboard = JSON.parse(readFileSync(join(FOLDER, 'grafana.json'), 'utf8')) as Dashboard;

/** Expands Grafana's macros for a time range, as its PostgreSQL data source does. */
function expand(rawSql: string, from: string, to: string): string {
  return rawSql
    .replace(/\$__timeFilter\((\w+)\)/g, `$1 BETWEEN '${from}' AND '${to}'`)
    .replaceAll('$__timeFrom()', `'${from}'`)
    .replaceAll('$__timeTo()', `'${to}'`);
}

describe('the dashboard for Grafana', () => {
  const panels = dashboard.panels.map((panel) => ({ ...panel, sql: panel.targets[0]!.rawSql }));

  it.each(panels)('fills “$title” from the time range', async ({ type, targets, sql }) => {
    const { rows: found, fields } = await analyst.query<Record<string, unknown>>(
      expand(sql, '2015-01-01T00:00:00Z', '2015-12-31T00:00:00Z'),
    );
    expect(found.length).toBeGreaterThan(0);
    expect(expand(sql, '', '')).not.toContain('$__');
    expect(targets).toHaveLength(1);
    if (type === 'timeseries') {
      expect(targets[0]!.format).toBe('time_series');
      expect(fields[0]!.name).toBe('time');
      const times = found.map(({ time }) => (time as Date).getTime());
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }
  });

  it('shows only what began in the time range', async () => {
    const [kilometres] = panels;
    const ask = async (from: string, to: string) => {
      const { rows: found } = await analyst.query<{ kilometres: string }>(
        expand(kilometres!.sql, from, to),
      );
      return Number(found[0]!.kilometres);
    };
    const inMay = book.trips.filter(({ day }) => day.startsWith('2015-05'));
    expect(await ask('2015-05-01T00:00:00Z', '2015-05-31T23:59:59Z')).toBeCloseTo(
      sum(inMay.map(({ distanceM }) => distanceM)) / 1000,
      6,
    );
    expect(await ask('2014-05-01T00:00:00Z', '2014-05-31T00:00:00Z')).toBe(0);
  });

  it('can be imported by Grafana: one source to choose, panels side by side, each panel type declared', () => {
    const [source, ...others] = dashboard.__inputs;
    expect(others).toEqual([]);
    const cells = new Set<string>();
    for (const { datasource, type, gridPos, id, title } of panels) {
      expect(datasource).toEqual({ type: source!.pluginId, uid: `\${${source!.name}}` });
      expect(dashboard.__requires).toContainEqual(
        expect.objectContaining({ type: 'panel', id: type }),
      );
      expect(panels.filter((panel) => panel.id === id)).toHaveLength(1);
      const { x, y, w, h } = gridPos;
      expect(x + w).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          expect(cells.has(`${column} ${row}`), `${title} lies over another panel`).toBe(false);
          cells.add(`${column} ${row}`);
        }
      }
    }
  });
});

interface Fit {
  readonly table: string;
  readonly said: string;
  /** The estimate of a level, or 0 for a base level; '' gives the intercept. */
  estimateOf(level: string): number;
}

async function fit(program: string, args: readonly string[]): Promise<Fit> {
  const env = {
    ...process.env,
    ODOGRAPH_URL: new URL('/', api.url).href.slice(0, -1),
    ODOGRAPH_TOKEN: await signToken({ role: 'ACTUARY', tenant, microdata: true, sub: 'ada' }),
    ANALYTICS_URL: analyticsUrl,
  };
  const { stdout, stderr } = await promisify(execFile)(program, args, { env });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => /^"?(.*?)"?,([-\d.e]+),/.exec(line)!);
  return {
    table: stdout,
    said: stderr,
    estimateOf: (level) => {
      const found = lines.find(([, term]) =>
        level === '' ? /Intercept/.test(term!) : term!.replace(/\]$/, '').endsWith(level),
      );
      return found ? Number(found[2]) : 0;
    },
  };
}

const isAtNight = (trip: BookTripOf) => trip.nightM > trip.distanceM / 2;
type BookTripOf = Book['trips'][number];
const lengthOf = ({ distanceM }: BookTripOf) =>
  distanceM <= 5_000 ? 'short' : distanceM <= 20_000 ? 'middle' : 'long';

/**
 * At its maximum, a Poisson model with a log link fits as many events as were counted in each level of each factor.
 * So the estimates are right if these agree, whichever program found them.
 */
function checkBraking({ estimateOf }: Fit): void {
  const levels: readonly (readonly [string, (trip: BookTripOf) => boolean])[] = [
    ['night', isAtNight],
    ['day', (trip) => !isAtNight(trip)],
    ...['short', 'middle', 'long'].map(
      (length) => [length, (trip: BookTripOf) => lengthOf(trip) === length] as const,
    ),
  ];
  const fitted = (trip: BookTripOf) =>
    (trip.distanceM / 1000) *
    Math.exp(
      estimateOf('') + estimateOf(isAtNight(trip) ? 'night' : 'day') + estimateOf(lengthOf(trip)),
    );
  for (const [level, belongs] of levels) {
    const those = book.trips.filter(belongs);
    expect(those.length, level).toBeGreaterThan(5);
    const counted = sum(those.map((trip) => Math.max(trip.brakingGps, trip.brakingAccelerometer)));
    expect(sum(those.map(fitted)), level).toBeCloseTo(counted, 3);
  }
  expect(estimateOf('night')).not.toBe(0);
}

// R and Python belong to the actuary, not to Odograph: their scripts are tested where they are installed.
if (has('Rscript', ['-e', 'stopifnot(requireNamespace("DBI"), requireNamespace("RPostgreSQL"))'])) {
  describe('frequency.R', () => {
    it('fits claims over SQL to the claims in each level, and its table becomes a tariff draft', async () => {
      const fitted = await fit('Rscript', [`${FOLDER}/frequency.R`, 'sql', 'parking']);
      const base = /base of parking: (.+)/.exec(fitted.said)![1]!;
      expect(PARKING).toContain(base);
      expect(fitted.said).toContain('0.25 years without parking left out');
      const rate = (fact: string) => claimsOf(fact) / (daysOf(fact) / 365.25);
      expect(fitted.estimateOf('')).toBeCloseTo(Math.log(rate(base)), 4);
      for (const fact of PARKING) {
        expect(fitted.estimateOf(fact), fact).toBeCloseTo(Math.log(rate(fact) / rate(base)), 4);
      }
      const file = join(makeFolder(), 'coefficients.csv');
      writeFileSync(file, fitted.table);
      const options = ['--tariff', resolve('examples/glm/base.json'), '--draft-version', '2'];
      const drafted = await runCli([
        'import',
        file,
        ...options,
        '--factor',
        `parking=parking:${base}`,
      ]);
      expect(drafted).toMatchObject({ code: 0 });
      expect(drafted.stdout).toContain(`"${PARKING.find((fact) => fact !== base)}"`);
    });

    it('fits harsh braking over the CSV export to the counts in each level', async () => {
      checkBraking(await fit('Rscript', [`${FOLDER}/frequency.R`, 'csv']));
    });
  });
}

if (has(PYTHON, ['-c', 'import pandas, pyarrow, statsmodels'])) {
  describe('braking.py', () => {
    it('fits harsh braking over the Parquet export to the counts in each level', async () => {
      const fitted = await fit(PYTHON, [`${FOLDER}/braking.py`]);
      checkBraking(fitted);
      expect(fitted.said).toMatch(/^snapshot \d{4}-.+, data as of /);
      expect(fitted.said).toContain(`${book.trips.length} trips of ${book.parking.length} drivers`);
    });
  });
}

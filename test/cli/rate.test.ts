import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { makeFolder, runCli } from '../support/child.ts';

// Each call starts a process that compiles on the fly.
vi.setConfig({ testTimeout: 240_000 });

const FRAME = {
  format: 'odograph.tariff/1',
  version: '1',
  product: 'payd',
  effectiveFrom: '2015-01-01',
  rounding: { mode: 'HALF_UP', places: 2 },
  factors: [],
  adjustments: [],
};
/** $30.00 a month and 3.2 cents a mile, with at most 250 miles counted per day. */
const METROMILE = {
  ...FRAME,
  id: 'metromile',
  jurisdiction: 'US-IL',
  currency: 'USD',
  charges: [
    { kind: 'fixed/1', id: 'base', label: 'Base rate', amount: '30.00', per: 'MONTH' },
    { kind: 'perKm/1', id: 'miles', label: 'Miles', unit: 'mi', rate: '0.032', dailyCap: 250 },
  ],
};
/** At most 150 miles a day and 10,000 a year are counted. */
const BY_MILES = {
  ...FRAME,
  id: 'by-miles',
  jurisdiction: 'GB',
  currency: 'GBP',
  charges: [
    {
      ...{ kind: 'perKm/1', id: 'miles', label: 'Miles', unit: 'mi', rate: '0.05' },
      ...{ dailyCap: 150, yearlyCap: 10_000 },
    },
  ],
};

/** Rates days of miles as a shell user would: with two files and a command. */
async function rate(tariff: object, miles: Readonly<Record<string, number>>, ...args: string[]) {
  const folder = makeFolder();
  writeFileSync(`${folder}/tariff.json`, JSON.stringify(tariff));
  const rows = Object.entries(miles).map((row) => row.join(','));
  writeFileSync(`${folder}/trips.csv`, ['localDate,distanceMi', ...rows].join('\n'));
  const files = ['--tariff', `${folder}/tariff.json`, '--trips', `${folder}/trips.csv`];
  const { code, stdout, stderr } = await runCli(['rate', ...files, ...args]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

/** 160 miles on each of the given number of days from 1 January 2026. */
const days = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10),
      160,
    ]),
  );

test('odograph rate prices common products: $46.00, a daily limit, 150 of 160 miles, a yearly limit of 10,000', async () => {
  const month = ['--from', '2026-03-01', '--to', '2026-04-01'];
  const page = `${makeFolder()}/bill.html`;
  const [plain, capped, day, year, after] = await Promise.all([
    rate(METROMILE, { '2026-03-03': 250, '2026-03-20': 250 }, ...month),
    rate(METROMILE, { '2026-03-03': 300, '2026-03-20': 250 }, ...month, '--html', page),
    rate(BY_MILES, days(1), '--to', '2026-02-01'),
    rate(BY_MILES, days(80), '--to', '2027-01-01', '--json'),
    rate(
      BY_MILES,
      days(80),
      ...['--policy-start', '2026-01-01', '--from', '2026-03-09', '--to', '2026-04-01'],
    ),
  ]);
  expect(plain).toMatch(/^ {2}Base rate +31 days at 30\.00 a policy month +30\.00$/m);
  expect(plain).toMatch(/^ {2}Miles +500 mi at 0\.032 a mi +16\.00$/m);
  expect(plain).toMatch(/^Total in USD +46\.00$/m);
  expect(capped).toMatch(/^3 March 2026 +daily limit +300\.000 +250\.000$/m);
  expect(capped).toMatch(/^Total in USD +46\.00$/m);
  expect(readFileSync(page, 'utf8')).toContain('<strong>USD 46.00</strong>');
  expect(day).toMatch(/^1 January 2026 +daily limit +160\.000 +150\.000$/m);
  expect(day).toMatch(/^Total in GBP +7\.50$/m);
  expect(JSON.parse(year)).toMatchObject({
    total: '500.00',
    lines: [{ quantity: '10000', amount: '500.00' }],
  });
  expect(after).toMatch(/^9 March 2026 +yearly limit +160\.000 +0\.000$/m);
  expect(after).toMatch(/^Total in GBP +0\.00$/m);
});

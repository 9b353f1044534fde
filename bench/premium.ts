import { checkInput } from '../src/core/premium/rating/check.ts';
import type { RatingInput } from '../src/core/premium/rating/input.ts';
import { quote } from '../src/core/premium/rating/quote.ts';
import { parseTariff, type Tariff } from '../src/core/premium/tariff/tariff.ts';
import { computeSheets } from '../src/core/premium/rating/worksheet.ts';

/** Premiums a second on one core: a month of days and ten factors, one policy after the other. */
function tariffOf(behaviour: boolean): Tariff {
  const parsed = parseTariff({
    format: 'odograph.tariff/1',
    id: 'bench',
    version: '1',
    product: 'payd',
    jurisdiction: 'US-NY',
    currency: 'USD',
    effectiveFrom: '2026-01-01',
    rounding: { mode: 'HALF_UP', places: 2 },
    charges: [
      { kind: 'fixed/1', id: 'fixed', amount: '360.00', per: 'YEAR' },
      { kind: 'perKm/1', id: 'km', unit: 'mi', rate: '0.032', dailyCap: 250, yearlyCap: 10_000 },
    ],
    factors: Array.from({ length: behaviour ? 9 : 10 }, (_, f) => ({
      kind: 'relativity/1',
      id: `f${f}`,
      fact: `f${f}`,
      table: Object.fromEntries(
        Array.from({ length: 20 }, (_, v) => [`v${v}`, `${(700 + 37 * v + 11 * f) / 1000}`]),
      ),
    })),
    ...(behaviour
      ? {
          behaviour: {
            kind: 'habits/1',
            id: 'habits',
            window: 'PERIOD',
            habits: [
              { id: 'b', measure: 'harshBraking', per: '100KM', coefficient: '0.1', mean: '1' },
              { id: 'n', measure: 'nightM', per: 'DISTANCE', coefficient: '0.3', mean: '0.1' },
            ],
            floor: '0.7',
            cap: '1.4',
            priorKm: 1000,
            places: 6,
          },
        }
      : {}),
    adjustments: [{ kind: 'tax/1', id: 'tax', label: 'Tax', rate: '0.04' }],
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.tariff;
}

function bookOf(policies: number): RatingInput[] {
  let seed = 20260101;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 4294967296) * below);
  };
  return Array.from({ length: policies }, (_, p) => ({
    period: { from: '2026-01-01', to: '2026-02-01' },
    exposure: Array.from({ length: 31 }, (_, d) => ({
      vehicleId: 'car',
      localDate: `2026-01-${String(d + 1).padStart(2, '0')}`,
      distanceM: random(120_000),
      nightM: 0,
      measures: { harshBraking: random(3) },
    })),
    policy: {
      number: `P-${p}`,
      startDate: '2026-01-01',
      endDate: '2027-01-01',
      vehicles: [{ vehicleId: 'car', from: '2026-01-01', to: '2027-01-01' }],
      facts: [
        {
          from: '2026-01-01',
          to: '2027-01-01',
          values: Object.fromEntries(
            Array.from({ length: 10 }, (_, f) => [`f${f}`, `v${random(20)}`]),
          ),
        },
      ],
    },
  }));
}

function measure(
  name: string,
  book: readonly RatingInput[],
  rate: (input: RatingInput) => void,
): void {
  for (const input of book.slice(0, 3000)) rate(input);
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  for (const input of book) rate(input);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  const perCpu = Math.round((book.length * 1e6) / (user + system));
  const perWall = Math.round(book.length / seconds);
  console.log(`${name}: ${perWall} premiums/s, ${perCpu} a second of processor time`);
}

function numeric(tariff: Tariff) {
  return (input: RatingInput): void => {
    const checked = checkInput(input);
    if (!('period' in checked)) throw new Error('bad input');
    const sheets = computeSheets(tariff, checked);
    if ('problems' in sheets) throw new Error('not rated');
  };
}

const classic = tariffOf(false);
const behaving = tariffOf(true);
const book = bookOf(20_000);
measure('31 days, 10 tables, numeric worksheet', book, numeric(classic));
measure('31 days, 9 tables and habits, numeric worksheet', book, numeric(behaving));
measure('31 days, 10 tables, whole premium with texts and hashes', book.slice(0, 2000), (input) => {
  quote(classic, input, '2026-02-01T00:00:00Z');
});

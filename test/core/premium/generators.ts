import fc from 'fast-check';
import { dayOf, formatDay } from '../../../src/core/civil.ts';
import type {
  ExposureDay,
  FactRange,
  RatingInput,
} from '../../../src/core/premium/rating/input.ts';
import { document } from './tariffs.ts';

/** Cases of a property: few by default, all with ODOGRAPH_LONG=1, a fifth where thousands of mutants are tried. */
export function runs(few: number, all = 100_000): { numRuns: number } {
  if (process.env['ODOGRAPH_MUTANT'] === '1') return { numRuns: Math.ceil(few / 5) };
  return { numRuns: process.env['ODOGRAPH_LONG'] === '1' ? all : few };
}

const money = fc.integer({ min: 0, max: 99_999_999 }).map((n) => (n / 10_000).toFixed(4));
const relativity = fc.integer({ min: 200, max: 4000 }).map((n) => (n / 1000).toFixed(3));
const share = fc.integer({ min: 0, max: 400 }).map((n) => (n / 1000).toFixed(3));

const fixed = fc.record({
  kind: fc.constant('fixed/1'),
  id: fc.constant('fixed'),
  amount: money,
  per: fc.constantFrom('YEAR', 'MONTH', 'DAY'),
});

function perKm(periodBands: boolean) {
  const caps = {
    unit: fc.constantFrom('km', 'mi'),
    dailyCap: fc.integer({ min: 50, max: 400 }),
    yearlyCap: fc.integer({ min: 500, max: 20_000 }),
  };
  const base = { kind: fc.constant('perKm/1'), id: fc.constant('distance') };
  const rate = fc.integer({ min: 0, max: 99_999 }).map((n) => (n / 100_000).toFixed(5));
  const flat = fc.record(
    { ...base, ...caps, rate },
    { requiredKeys: ['kind', 'id', 'unit', 'rate'] },
  );
  const bands = fc
    .tuple(fc.integer({ min: 1, max: 500 }), rate, fc.integer({ min: 1, max: 3000 }), rate, rate)
    .map(([a, r1, b, r2, r3]) => [{ upTo: a, rate: r1 }, { upTo: a + b, rate: r2 }, { rate: r3 }]);
  const bandsPer = periodBands ? fc.constantFrom('YEAR', 'PERIOD') : fc.constant('YEAR');
  const banded = fc.record(
    { ...base, ...caps, bands, bandsPer },
    { requiredKeys: ['kind', 'id', 'unit', 'bands', 'bandsPer'] },
  );
  return fc.oneof(flat, banded);
}

const factors = fc
  .array(
    fc.tuple(
      relativity,
      relativity,
      relativity,
      fc.constantFrom(undefined, ['fixed'], ['distance']),
    ),
    {
      maxLength: 6,
    },
  )
  .map((tables) =>
    tables.map(([a, b, c, appliesTo], i) => ({
      kind: 'relativity/1',
      id: `f${i}`,
      fact: i % 2 === 0 ? 'zone' : 'class',
      table: { A: a, B: b, C: c },
      ...(appliesTo === undefined ? {} : { appliesTo }),
    })),
  );

const adding = [
  fc.record({
    kind: fc.constant('tax/1'),
    id: fc.constant('tax'),
    label: fc.constant('Tax'),
    rate: share,
  }),
  fc.record({
    kind: fc.constant('fee/1'),
    id: fc.constant('fee'),
    label: fc.constant('Fee'),
    amount: money,
    per: fc.constant('YEAR'),
  }),
  fc.record({
    kind: fc.constant('loading/1'),
    id: fc.constant('loading'),
    fixedPerYear: money,
    variable: share,
    profit: share,
  }),
] as const;
const minimum = fc.record({
  kind: fc.constant('minimum/1'),
  id: fc.constant('minimum'),
  amount: money,
});

const behaviour = fc.record({
  kind: fc.constant('habits/1'),
  id: fc.constant('habits'),
  window: fc.oneof(fc.constant('PERIOD'), fc.record({ days: fc.integer({ min: 1, max: 90 }) })),
  habits: fc.tuple(share, share, share).map(([b1, b2, mean]) => [
    { id: 'brakes', measure: 'harshBraking', per: '100KM', coefficient: b1, mean },
    { id: 'night', measure: 'nightM', per: 'DISTANCE', coefficient: `-${b2}`, mean: '0.1' },
  ]),
  floor: fc.constant('0.7'),
  cap: fc.constant('1.4'),
  priorKm: fc.integer({ min: 1, max: 2000 }),
  places: fc.integer({ min: 2, max: 9 }),
});

/** Tariffs whose bills add over time. */
export const addingTariff = fc
  .record({
    fixed,
    distance: perKm(false),
    factors,
    adjustments: fc
      .shuffledSubarray([0, 1, 2])
      .chain((at) => fc.tuple(...at.map((i) => adding[i] ?? adding[0]))),
    places: fc.constantFrom(0, 2, 3),
  })
  .map(({ places, ...t }) =>
    document({
      charges: [t.fixed, t.distance],
      factors: t.factors,
      adjustments: t.adjustments,
      rounding: { mode: 'HALF_UP', places },
    }),
  );

/** Any tariff, also with a minimum, bands by period and a behaviour factor. */
export const anyTariff = fc
  .record({ fixed, distance: perKm(true), factors, minimum, tax: adding[0], behaviour })
  .map((t) =>
    document({
      charges: [t.fixed, t.distance],
      factors: t.factors,
      adjustments: [t.minimum, t.tax],
      behaviour: t.behaviour,
    }),
  );

const START = dayOf(2026, 1, 1);
export const dateAt = (offset: number): string => formatDay(START + offset);

/** Facts A, B, C that change on random days and leave no day without. */
const facts = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 364 }), fc.constantFrom('A', 'B', 'C')), {
    maxLength: 3,
  })
  .chain((changes) => fc.tuple(fc.constant(changes), fc.constantFrom('A', 'B', 'C')))
  .map(([changes, first]): FactRange[] => {
    const cuts = [...new Map([[0, first], ...changes] as [number, string][])].sort(
      ([a], [b]) => a - b,
    );
    return cuts.map(([from, value], i) => ({
      from: dateAt(from),
      to: dateAt(cuts[i + 1]?.[0] ?? 365),
      values: { zone: value, class: value === 'A' ? 'C' : 'A' },
    }));
  });

const row = fc
  .record({
    vehicleId: fc.constantFrom('car', 'van'),
    localDate: fc.integer({ min: 0, max: 364 }).map(dateAt),
    distanceM: fc.oneof(fc.integer({ min: 0, max: 900_000 }), fc.constant(250_000)),
    nightShare: fc.integer({ min: 0, max: 100 }),
    harshBraking: fc.integer({ min: 0, max: 20 }),
  })
  .map(({ vehicleId, localDate, distanceM, nightShare, harshBraking }): ExposureDay => ({
    vehicleId,
    localDate,
    distanceM,
    nightM: Math.floor((distanceM * nightShare) / 100),
    measures: { harshBraking },
  }));

/** A year of a policy with a car and a van that joins later. */
export const anyInput = fc
  .record({
    exposure: fc.array(row, { maxLength: 60 }),
    facts,
    vanFrom: fc.integer({ min: 0, max: 364 }),
    from: fc.integer({ min: 0, max: 364 }),
    days: fc.integer({ min: 1, max: 120 }),
  })
  .map(({ exposure, facts: ranges, vanFrom, from, days }): RatingInput => ({
    exposure,
    period: { from: dateAt(from), to: dateAt(Math.min(365, from + days)) },
    policy: {
      number: 'P-1',
      startDate: dateAt(0),
      endDate: dateAt(365),
      facts: ranges,
      vehicles: [
        { vehicleId: 'car', from: dateAt(0), to: dateAt(365) },
        { vehicleId: 'van', from: dateAt(vanFrom), to: dateAt(365) },
      ],
    },
  }));

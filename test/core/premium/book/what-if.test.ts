import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addCells,
  emptyCell,
  joinSmallCells,
  showCell,
} from '../../../../src/core/premium/book/book-cells.ts';
import type { BookCell, NamedCell } from '../../../../src/core/premium/book/book-cells.ts';
import { compareGroups } from '../../../../src/core/premium/book/book-groups.ts';
import {
  add,
  fractionOf,
  formatScaled,
  roundHalfUp,
  zero,
} from '../../../../src/core/premium/exact/fraction.ts';
import type { FactRange, RatingInput } from '../../../../src/core/premium/rating/input.ts';
import { pricedDays, type BookPolicy } from '../../../../src/core/premium/book/rerate.ts';
import type { Tariff } from '../../../../src/core/premium/tariff/tariff.ts';
import { reportOf } from '../../../../src/core/premium/book/what-if-report.ts';
import { whatIfText } from '../../../../src/core/premium/book/what-if-text.ts';
import {
  createTally,
  tallyPolicy,
  whatIfProblems,
} from '../../../../src/core/premium/book/what-if.ts';
import type { WhatIf } from '../../../../src/core/premium/book/what-if.ts';
import { addingTariff, anyInput, anyTariff, dateAt, runs } from '../generators.ts';
import { day, document, inputOf, premiumOf, tariffOf } from '../tariffs.ts';

const perKm = (rate: string, more: Record<string, unknown> = {}): Tariff =>
  tariffOf(
    document({
      charges: [
        { kind: 'fixed/1', id: 'fixed', amount: '365.00', per: 'YEAR' },
        { kind: 'perKm/1', id: 'distance', unit: 'km', rate },
      ],
      ...more,
    }),
  );

function askOf(current: readonly Tariff[], draft: Tariff, more: Partial<WhatIf> = {}): WhatIf {
  return {
    draft,
    product: 'payd',
    period: { from: '2026-01-01', to: '2027-01-01' },
    current: pricedDays(current),
    billingMonths: 1,
    facts: [],
    groupBy: undefined,
    ...more,
  };
}

const held = { product: 'payd', jurisdiction: 'US-NY', from: '2026-01-01', to: '2027-01-01' };

function policyOf(
  number: string,
  km: number,
  facts: readonly FactRange[] = [],
  products: BookPolicy['products'] = [held],
): BookPolicy {
  // Over ten days, as a day has its limit.
  const days = Array.from({ length: 10 }, (_, d) => day(`2026-03-${10 + d}`, km * 100));
  const input = inputOf(['2026-01-01', '2027-01-01'], days, { number, facts });
  return { input, products };
}

function report(whatIf: WhatIf, book: readonly BookPolicy[], leastDrivers = 0) {
  const tally = createTally();
  for (const policy of book) tallyPolicy(tally, whatIf, policy);
  return reportOf(tally, whatIf, { leastDrivers, namesPolicies: leastDrivers === 0 });
}

const all = (values: Record<string, string | number>, driverId?: string): FactRange => ({
  from: '2026-01-01',
  to: '2027-01-01',
  values,
  ...(driverId === undefined ? {} : { driverId }),
});

describe('a book by another tariff', () => {
  it('has its totals, winners and losers, and by how much', () => {
    // 365 + 0.10 a km now; the draft asks 300 + 0.20: 0 km −65, 650 km ±0, 2,000 km +135, 4,000 km +335.
    const draft = perKm('0.20', {
      charges: [
        { kind: 'fixed/1', id: 'fixed', amount: '300.00', per: 'YEAR' },
        { kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.20' },
      ],
    });
    const book = [0, 650, 2000, 4000].map((km, i) => policyOf(`P-${i}`, km));
    const found = report(askOf([perKm('0.10')], draft), book);
    expect(found?.whole).toEqual({
      policies: 4,
      winners: 1,
      losers: 2,
      unchanged: 1,
      before: '2125.00',
      after: '2530.00',
      change: '405.00',
      changePercent: '19.06',
    });
    expect(
      found?.histogram.map(({ fromPercent, toPercent, policies }) => [
        fromPercent,
        toPercent,
        policies,
      ]),
    ).toEqual([
      [-25, -10, 1], // −65 of 365
      [0, 0, 1],
      [10, 25, 1], // 135 of 565 are 23.9 %
      [25, 50, 1], // 335 of 765 are 43.8 %
    ]);
    expect(found?.largestRises.map((r) => [r.policyNumber, r.before, r.after])).toEqual([
      ['P-3', '765.00', '1100.00'],
      ['P-2', '565.00', '700.00'],
    ]);
    expect(found?.largestFalls).toEqual([
      { policyNumber: 'P-0', before: '365.00', after: '300.00' },
    ]);
  });

  it('puts a change on the bound of two bins in the one nearer to no change', () => {
    const at = (rate: string) =>
      report(
        askOf(
          [perKm('1', { charges: [{ kind: 'perKm/1', id: 'd', unit: 'km', rate: '1' }] })],
          perKm(rate, { charges: [{ kind: 'perKm/1', id: 'd', unit: 'km', rate }] }),
        ),
        [policyOf('P', 1000)],
      )?.histogram.map(({ fromPercent, toPercent }) => [fromPercent, toPercent]);
    expect(at('1.05')).toEqual([[0, 5]]);
    expect(at('1.05001')).toEqual([[5, 10]]);
    expect(at('0.95')).toEqual([[-5, 0]]);
    expect(at('0.94999')).toEqual([[-10, -5]]);
    expect(at('0.50')).toEqual([[-50, -25]]);
    expect(at('0.49999')).toEqual([[undefined, -50]]);
    expect(at('1.50001')).toEqual([[50, undefined]]);
    expect(at('1.00')).toEqual([[0, 0]]);
  });

  it('treats a policy that was free before as the greatest rise, without a percentage', () => {
    const free = perKm('0', { charges: [{ kind: 'perKm/1', id: 'd', unit: 'km', rate: '0' }] });
    const found = report(askOf([free], perKm('0.1')), [policyOf('P', 10)]);
    expect(found?.histogram[0]?.fromPercent).toBe(50);
    expect(found?.whole.changePercent).toBeUndefined();
  });

  it('prices each day before by the tariff then in force, and only days of the product', () => {
    const first = perKm('0', {
      charges: [{ kind: 'fixed/1', id: 'f', amount: '1.00', per: 'DAY' }],
    });
    const second = perKm('0', {
      version: '2',
      effectiveFrom: '2026-07-01',
      charges: [{ kind: 'fixed/1', id: 'f', amount: '2.00', per: 'DAY' }],
    });
    const draft = perKm('0', {
      charges: [{ kind: 'fixed/1', id: 'f', amount: '3.00', per: 'DAY' }],
    });
    const half = [
      { ...held, to: '2026-08-01' },
      { ...held, product: 'other', from: '2026-08-01' },
    ];
    const found = report(askOf([first, second], draft), [policyOf('P', 0, [], half)]);
    // 181 days to the end of June at 1.00, 31 of July at 2.00; 212 at 3.00.
    expect(found?.whole).toMatchObject({ before: '243.00', after: '636.00' });
    expect(
      report(askOf([first], draft, { product: 'none' }), [policyOf('P', 0)])?.whole.policies,
    ).toBe(0);
  });

  it("rates tariffs that do not add over time by the policy's billing periods", () => {
    const least = perKm('0', {
      charges: [{ kind: 'perKm/1', id: 'd', unit: 'km', rate: '0.01' }],
      adjustments: [{ kind: 'minimum/1', id: 'least', amount: '10.00' }],
    });
    const after = (billingMonths: number, from = '2026-01-01', to = '2027-01-01') =>
      report(askOf([least], least, { billingMonths, period: { from, to } }), [policyOf('P', 0)])
        ?.whole.after;
    expect(after(1)).toBe('120.00');
    expect(after(3)).toBe('40.00');
    expect(after(12)).toBe('10.00');
    expect(after(3, '2026-02-15', '2026-05-01')).toBe('20.00');
    expect(after(3, '2026-02-15', '2026-04-01')).toBe('10.00');
    expect(after(2, '2026-12-31')).toBe('10.00');
  });

  it('looks only at days of the product, of its jurisdiction and of the policy', () => {
    const free = perKm('0');
    const distances = (products: BookPolicy['products'], from = '2026-01-01', to = '2027-01-01') =>
      report(
        askOf([free], free, {
          period: { from, to },
          groupBy: { kind: 'ATTRIBUTE', name: 'DISTANCE' },
        }),
        // 1,000 km on each of ten days, from 10 to 19 March.
        [policyOf('P', 10_000, [], products)],
      )?.groups.map(({ value }) => value);
    expect(distances([held])).toEqual(['10000 to 14999 km']);
    expect(distances([{ ...held, to: '2026-03-10' }])).toEqual(['0 km']);
    expect(distances([{ ...held, from: '2026-03-20' }])).toEqual(['0 km']);
    // 8 of the days on all but 2: 8,000 km in 363 days.
    const but = [
      { ...held, to: '2026-03-12' },
      { ...held, from: '2026-03-14' },
    ];
    expect(distances(but)).toEqual(['5000 to 9999 km']);
    // 1,000 km in the one day compared, which is 365,000 a year.
    expect(distances([held], '2026-03-10', '2026-03-11')).toEqual(['30000 km and more']);
    expect(distances([held], '2026-03-19', '2026-03-20')).toEqual(['30000 km and more']);
    expect(distances([held], '2026-03-20', '2026-03-21')).toEqual(['0 km']);
    expect(distances([{ ...held, jurisdiction: 'US-NJ' }])).toEqual([]);
    expect(distances([{ ...held, to: '2026-02-01' }], '2026-02-01')).toEqual([]);
    expect(distances([held], '2027-01-01', '2028-01-01')).toEqual([]);
    expect(distances([held], '2025-01-01', '2026-01-01')).toEqual([]);
  });

  it('says which days have no price, and what of an input is wrong', () => {
    const late = perKm('0.1', { effectiveFrom: '2026-02-01' });
    const bad = policyOf('P-2', 10);
    const broken: BookPolicy = {
      ...bad,
      input: { ...bad.input, exposure: [day('2026-02-30', 1)] },
    };
    const found = (current: readonly Tariff[], policy: BookPolicy) =>
      report(askOf(current, perKm('0.1')), [policy])?.unrated;
    expect(found([late], policyOf('P-1', 10))).toEqual([
      {
        code: 'NO_TARIFF',
        policies: 1,
        example: {
          policyNumber: 'P-1',
          message: 'no tariff of payd in US-NY prices all days from 2026-01-01 to 2027-01-01',
        },
      },
    ]);
    expect(found([perKm('0.1')], broken)).toEqual([
      {
        code: 'BAD_DATE',
        policies: 1,
        example: { policyNumber: 'P-2', message: '"2026-02-30" is not a date' },
      },
    ]);
    const zone = { kind: 'relativity/1', id: 'zone', fact: 'zone', table: { A: '1.5' } };
    expect(found([perKm('0.1', { factors: [zone] })], policyOf('P', 1))).toMatchObject([
      { code: 'MISSING_FACT' },
    ]);
  });

  it('leaves out, and counts with the reason, what one of the tariffs cannot rate', () => {
    const zoned = perKm('0.1', {
      factors: [{ kind: 'relativity/1', id: 'zone', fact: 'zone', table: { A: '1.5' } }],
    });
    const late = perKm('0.1', { effectiveFrom: '2026-02-01' });
    const book = [
      policyOf('P-1', 10, [all({ zone: 'A' })]),
      policyOf('P-2', 10, [all({ zone: 'Z' })]),
      policyOf('P-3', 10),
      policyOf('P-4', 10),
    ];
    const found = report(askOf([perKm('0.1')], zoned), book);
    expect(found?.whole.policies).toBe(1);
    expect(
      found?.unrated.map(({ code, policies, example }) => [code, policies, example?.policyNumber]),
    ).toEqual([
      ['MISSING_FACT', 2, 'P-3'],
      ['UNRATED_VALUE', 1, 'P-2'],
    ]);
    expect(report(askOf([late], perKm('0.1')), book)?.unrated).toMatchObject([
      { code: 'NO_TARIFF', policies: 4 },
    ]);
  });

  it('groups by a fact, by distance and by vehicles, and filters by facts', () => {
    const book = [
      policyOf('P-1', 20_000, [all({ zone: 'north' })]),
      policyOf('P-2', 900, [all({ zone: 'south' })]),
      policyOf('P-3', 0, [all({ age: 20 }, 'ann'), all({ age: 9 }, 'bob')]),
    ];
    const groups = (groupBy: WhatIf['groupBy']) =>
      report(askOf([perKm('0.1')], perKm('0.2'), { groupBy }), book)?.groups.map((g) => [
        g.value,
        g.policies,
      ]);
    expect(groups({ kind: 'FACT', name: 'zone' })).toEqual([
      ['north', 1],
      ['south', 1],
      [undefined, 1],
    ]);
    expect(groups({ kind: 'FACT', name: 'age' })).toEqual([
      ['20, 9', 1],
      [undefined, 2],
    ]);
    expect(groups({ kind: 'ATTRIBUTE', name: 'DISTANCE' })).toEqual([
      ['0 km', 1],
      ['1 to 4999 km', 1],
      ['20000 to 29999 km', 1],
    ]);
    expect(groups({ kind: 'ATTRIBUTE', name: 'VEHICLES' })).toEqual([['1', 3]]);
    expect(groups({ kind: 'ATTRIBUTE', name: 'DRIVERS' })).toEqual([
      ['0', 2],
      ['2', 1],
    ]);
    const facts = [{ name: 'zone', value: 'south' }];
    expect(report(askOf([perKm('0.1')], perKm('0.2'), { facts }), book)?.whole.policies).toBe(1);
  });

  it('lists the largest changes first, by amount and then by number', () => {
    const draft = perKm('0.10', {
      factors: [
        {
          kind: 'relativity/1',
          id: 'zone',
          fact: 'zone',
          table: { A: '0.9', B: '0.4', C: '1.1', D: '1.6' },
        },
      ],
    });
    // 1,000.00 or 500.00 before; they move by 100, 300, 100 and 300.
    const book = (
      [
        ['P-8', 6_350, 'A'],
        ['P-7', 1_350, 'B'],
        ['P-5', 6_350, 'A'],
        ['P-6', 6_350, 'C'],
        ['P-4', 1_350, 'D'],
        ['P-3', 6_350, 'C'],
      ] as const
    ).map(([number, km, zone]) => policyOf(number, km, [all({ zone })]));
    for (const policies of [book, book.toReversed()]) {
      const found = report(askOf([perKm('0.10')], draft), policies);
      expect(found?.largestFalls.map((mover) => mover.policyNumber)).toEqual(['P-7', 'P-5', 'P-8']);
      expect(found?.largestRises.map((mover) => mover.policyNumber)).toEqual(['P-4', 'P-3', 'P-6']);
    }
  });

  it('groups by the facts of the first day, in the order of their numbers', () => {
    const from = (date: string, values: FactRange['values'], driverId?: string) => ({
      ...all(values, driverId),
      from: date,
    });
    const moved = policyOf('P-1', 10, [
      { ...all({ zone: 'old' }), from: '2025-01-01', to: '2026-03-01' },
      from('2026-03-01', { zone: 'now' }),
      from('2026-03-02', { zone: 'next' }),
      from('2026-03-01', {}, 'ann'),
      from('2026-03-02', {}, 'bob'),
    ]);
    const { input } = moved;
    const vehicles = ['2026-01-01', '2026-03-01', '2026-03-02'].map((date, i) => ({
      vehicleId: i === 0 ? 'car' : `van-${i}`,
      from: date,
      to: '2027-01-01',
    }));
    const several: BookPolicy = {
      ...moved,
      input: { ...input, policy: { ...input.policy, vehicles } },
    };
    const group = (groupBy: WhatIf['groupBy']) =>
      report(
        askOf([perKm('0.1')], perKm('0.2'), {
          groupBy,
          period: { from: '2026-03-01', to: '2026-04-01' },
        }),
        [several],
      )?.groups.map(({ value }) => value);
    expect(group({ kind: 'FACT', name: 'zone' })).toEqual(['now']);
    expect(group({ kind: 'ATTRIBUTE', name: 'VEHICLES' })).toEqual(['2']);
    expect(group({ kind: 'ATTRIBUTE', name: 'DRIVERS' })).toEqual(['1']);

    const ordered = ['-5 to 0', '2', '9 doors', '10 doors', '10 seats', 'a 1', 'a 1', 'b'];
    expect(ordered.toReversed().sort(compareGroups)).toEqual(ordered);
    expect(ordered.toSorted(compareGroups)).toEqual(ordered);
    expect(['b', '3', 'a'].sort(compareGroups)).toEqual(['3', 'a', 'b']);
  });

  it('keeps a thousand groups, and merges the policies of further ones', () => {
    const zones = [...Array.from({ length: 1_002 }, (_, i) => `z${1000 + i}`), 'z1000', 'z2001'];
    const book = zones.map((zone, i) => policyOf(`P-${i}`, 0, [all({ zone })]));
    const found = report(
      askOf([perKm('0.1')], perKm('0.2'), { groupBy: { kind: 'FACT', name: 'zone' } }),
      [policyOf('P', 0), ...book],
    )?.groups;
    const shown = found?.map(({ value, policies, others }) => [value, policies, others]);
    expect(shown).toHaveLength(1_001);
    expect(shown?.slice(0, 2)).toEqual([
      ['z1000', 2, false],
      ['z1001', 1, false],
    ]);
    expect(shown?.slice(-3)).toEqual([
      ['z1998', 1, false],
      [undefined, 1, false],
      [undefined, 4, true],
    ]);
  });

  describe('as text', () => {
    const now = perKm('0.10');
    const draft = perKm('0.20', {
      rounding: { mode: 'HALF_UP', places: 3 },
      charges: [
        { kind: 'fixed/1', id: 'fixed', amount: '300.00', per: 'YEAR' },
        { kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.20' },
      ],
      factors: [
        { kind: 'relativity/1', id: 'zone', fact: 'zone', table: { north: '1', south: '0.4' } },
      ],
    });
    const zoned = (number: string, km: number, zone: string) =>
      policyOf(number, km, [all({ zone })]);
    const book = [
      ...Array.from({ length: 12 }, (_, i) => zoned(`N-${10 + i}`, i * 1_300, 'north')),
      ...Array.from({ length: 12 }, (_, i) => zoned(`S-${10 + i}`, i * 3_000, 'south')),
      zoned('W-1', 5, 'west'),
      zoned('W-2', 5, 'west'),
      policyOf('X-1', 5),
    ];
    const ask = (name: 'DISTANCE' | 'DRIVERS') =>
      askOf([now], draft, { groupBy: { kind: 'ATTRIBUTE', name } });
    const textOf = (found: ReturnType<typeof report>): string =>
      found === undefined ? '' : whatIfText(found);

    it('has totals, bins, groups, the largest changes in order, and the policies left out', () => {
      expect(textOf(report(ask('DISTANCE'), book))).toMatchInlineSnapshot(`
        "USD  policies     before      after    change
        all        24  37140.000  38040.000  +900.000  +2.42 %
        13 get cheaper, 11 get dearer, 0 stay as they are

        change        policies     before      after     change
        below -50 %          1    365.000    120.000   -245.000  -67.12 %
        -50 to -25 %        10  20150.000  14400.000  -5750.000  -28.54 %
        -25 to -10 %         2   4030.000   3060.000   -970.000  -24.07 %
        10 to 25 %           1    495.000    560.000    +65.000  +13.13 %
        25 to 50 %           2   1380.000   1900.000   +520.000  +37.68 %
        above 50 %           8  10720.000  18000.000  +7280.000  +67.91 %

        group              policies    before      after     change
        0 km                      2   730.000    420.000   -310.000  -42.47 %
        1 to 4999 km              4  2540.000   2820.000   +280.000  +11.02 %
        5000 to 9999 km           6  6550.000   8360.000  +1810.000  +27.63 %
        10000 to 14999 km         5  7965.000  12160.000  +4195.000  +52.67 %
        15000 to 19999 km         2  4030.000   2880.000  -1150.000  -28.54 %
        20000 to 29999 km         3  8295.000   6120.000  -2175.000  -26.22 %
        30000 km and more         2  7030.000   5280.000  -1750.000  -24.89 %

        rise most    before     after
        N-21       1795.000  3160.000
        N-20       1665.000  2900.000
        N-19       1535.000  2640.000
        N-18       1405.000  2380.000
        N-17       1275.000  2120.000
        N-16       1145.000  1860.000
        N-15       1015.000  1600.000
        N-14        885.000  1340.000
        N-13        755.000  1080.000
        N-12        625.000   820.000

        fall most    before     after
        S-21       3665.000  2760.000
        S-20       3365.000  2520.000
        S-19       3065.000  2280.000
        S-18       2765.000  2040.000
        S-17       2465.000  1800.000
        S-16       2165.000  1560.000
        S-15       1865.000  1320.000
        S-14       1565.000  1080.000
        S-13       1265.000   840.000
        S-12        965.000   600.000

        Not in these figures, as one of the tariffs cannot rate them:
          1 policy [MISSING_FACT], e.g. X-1: vehicle car has no "zone" from 2026-01-01 to 2027-01-01; the tariff's factor "zone" needs one of north, south
          2 policies [UNRATED_VALUE], e.g. W-1: "west" is not a "zone" the tariff knows (vehicle car, from 2026-01-01 to 2027-01-01); expected one of north, south"
      `);
    });

    it('names no policy and merges small groups for a reader that may not see them', () => {
      const named = book.map(({ input, products }, i) => ({
        products,
        input: {
          ...input,
          policy: { ...input.policy, facts: [...input.policy.facts, all({}, `D-${i}`)] },
        },
      }));
      const few = named.slice(2, 13);
      expect(textOf(report(ask('DISTANCE'), few, 8))).toMatchInlineSnapshot(`
        "USD  policies     before      after     change
        all        11  12465.000  20020.000  +7555.000  +60.61 %
        the numbers of policies that get cheaper or dearer are withheld: they concern only a few people

        change  policies     before      after     change
        others        11  12465.000  20020.000  +7555.000  +60.61 %

        group   policies     before      after     change
        others        11  12465.000  20020.000  +7555.000  +60.61 %"
      `);
      expect(textOf(report(ask('DISTANCE'), named, 8))).toMatchInlineSnapshot(`
        "USD  policies     before      after    change
        all        24  37140.000  38040.000  +900.000  +2.42 %
        13 get cheaper, 11 get dearer, 0 stay as they are

        change        policies     before      after     change
        -50 to -25 %        10  20150.000  14400.000  -5750.000  -28.54 %
        others              14  16990.000  23640.000  +6650.000  +39.14 %

        group   policies     before      after    change
        others        24  37140.000  38040.000  +900.000  +2.42 %

        Not in these figures, as one of the tariffs cannot rate them:
          1 policy [MISSING_FACT]
          2 policies [UNRATED_VALUE]"
      `);
    });

    it('says what small changes lie between', () => {
      const table = { down: '0.98', up: '1.02', same: '1' };
      const small = perKm('0.10', {
        factors: [{ kind: 'relativity/1', id: 'zone', fact: 'zone', table }],
      });
      const policies = Object.keys(table).map((zone) => zoned(zone, 0, zone));
      const lines = textOf(report(askOf([now], small), policies)).split('\n');
      expect(lines.slice(5, 8).map((line) => line.slice(0, 9))).toEqual([
        '-5 to 0 %',
        'no change',
        '0 to 5 % ',
      ]);
    });

    it('is short if there is little to report', () => {
      const west = [zoned('W-1', 5, 'west')];
      expect(textOf(report(askOf([now], draft), west))).toMatchInlineSnapshot(`
        "USD  policies  before  after  change
        all         0   0.000  0.000   0.000
        0 get cheaper, 0 get dearer, 0 stay as they are

        Not in these figures, as one of the tariffs cannot rate them:
          1 policy [UNRATED_VALUE], e.g. W-1: "west" is not a "zone" the tariff knows (vehicle car, from 2026-01-01 to 2027-01-01); expected one of north, south"
      `);
      const fact = askOf([now], draft, { groupBy: { kind: 'FACT', name: 'fuel' } });
      expect(textOf(report(fact, [zoned('N-1', 650, 'north')]))).toMatchInlineSnapshot(`
        "USD  policies   before    after  change
        all         1  430.000  430.000   0.000  0 %
        0 get cheaper, 0 get dearer, 1 stay as they are

        change     policies   before    after  change
        no change         1  430.000  430.000   0.000  0 %

        group      policies   before    after  change
        not known         1  430.000  430.000   0.000  0 %"
      `);
    });
  });

  it('is asked in one currency, for a period, by billing periods that make a year', () => {
    const bad = askOf([perKm('0.1', { currency: 'EUR' })], perKm('0.1'), {
      period: { from: '2026-02-30', to: 'x' },
      billingMonths: 5,
    });
    expect(whatIfProblems(bad).map(({ code, path }) => `${code} ${path}`)).toEqual([
      'BAD_DATE /from',
      'BAD_DATE /to',
      'BAD_BILLING /billingMonths',
      'OTHER_CURRENCY /tariff',
    ]);
    const empty = { from: '2026-03-01', to: '2026-03-01' };
    expect(whatIfProblems(askOf([], perKm('0.1'), { period: empty }))).toMatchObject([
      { code: 'EMPTY_RANGE' },
    ]);
    expect(whatIfProblems(askOf([perKm('0.1')], perKm('0.2')))).toEqual([]);
  });
});

/** The bills of a year by months of the policy, added up: another way to the same money. */
function billed(tariff: Tariff, input: RatingInput): string {
  const starts = Array.from({ length: 13 }, (_, m) =>
    m < 12 ? `2026-${String(m + 1).padStart(2, '0')}-01` : '2027-01-01',
  );
  let sum = zero;
  for (let m = 0; m < 12; m++) {
    const period = { from: starts[m] ?? '', to: starts[m + 1] ?? '' };
    sum = add(sum, fractionOf(premiumOf(tariff, { ...input, period }).total));
  }
  return formatScaled(roundHalfUp(sum, 4), 4);
}

describe('every what-if', () => {
  it('equals twelve bills a policy, by either tariff, in any order of the book', () => {
    fc.assert(
      fc.property(
        fc.oneof(addingTariff, anyTariff),
        fc.oneof(addingTariff, anyTariff),
        fc.array(anyInput, { minLength: 1, maxLength: 3 }),
        (now, then, inputs) => {
          const [current, draft] = [tariffOf(now), tariffOf(then)];
          const book = inputs.map((input, i) => ({
            input: { ...input, policy: { ...input.policy, number: `P-${i}` } },
            products: [held],
          }));
          const whatIf = askOf([current], draft, {
            period: { from: dateAt(0), to: dateAt(365) },
            groupBy: { kind: 'FACT', name: 'zone' },
          });
          const found = report(whatIf, book);
          const sum = (tariff: Tariff): number =>
            inputs.reduce((total, input) => total + Number(billed(tariff, input)), 0);
          expect(Number(found?.whole.before)).toBeCloseTo(sum(current), 4);
          expect(Number(found?.whole.after)).toBeCloseTo(sum(draft), 4);
          expect(report(whatIf, [...book].reverse())).toEqual(found);
          for (const cells of [found?.histogram ?? [], found?.groups ?? []])
            expect(cells.reduce((total, cell) => total + Number(cell.after), 0)).toBeCloseTo(
              Number(found?.whole.after),
              4,
            );
        },
      ),
      runs(20, 2_000),
    );
  });
});

describe('small cells', () => {
  const cells = fc
    .array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 })
    .map((sizes) =>
      sizes.map((size, at): NamedCell<number> => {
        const drivers = new Set(Array.from({ length: size }, (_, d) => `${at}/${d}`));
        return { name: at, cell: { ...emptyCell, policies: size, after: BigInt(size), drivers } };
      }),
    );
  const sum = (list: readonly NamedCell<number>[]): BookCell =>
    list.reduce((total, { cell }) => addCells(total, cell), emptyCell);

  it('are merged until none is about fewer than ten drivers, and no policy is lost', () => {
    fc.assert(
      fc.property(cells, (list) => {
        const joined = joinSmallCells(list, 10);
        expect(sum(joined)).toMatchObject({ policies: sum(list).policies, after: sum(list).after });
        expect(joined.filter(({ name }) => name === undefined).length).toBeLessThan(2);
        if (sum(list).policies < 10) expect(joined.length).toBe(1);
        else for (const { cell } of joined) expect(cell.drivers.size).toBeGreaterThanOrEqual(10);
      }),
      runs(300),
    );
  });

  it('are those of fewer drivers, merged with the smallest of the others if they are still too few', () => {
    const cell = (name: number | undefined, drivers: number): NamedCell<number> => ({
      name,
      cell: {
        ...emptyCell,
        policies: drivers,
        drivers: new Set(Array.from({ length: drivers }, (_, d) => `${name}/${d}`)),
      },
    });
    const joined = (...list: readonly NamedCell<number>[]) =>
      joinSmallCells(list, 10).map((one) => [one.name, one.cell.policies]);
    expect(joined(cell(1, 10), cell(2, 11))).toEqual([
      [1, 10],
      [2, 11],
    ]);
    expect(joined(cell(1, 30), cell(2, 9), cell(3, 20))).toEqual([
      [1, 30],
      [undefined, 29],
    ]);
    expect(joined(cell(1, 30), cell(2, 9), cell(3, 1), cell(4, 20))).toEqual([
      [1, 30],
      [4, 20],
      [undefined, 10],
    ]);
    // What has no name is joined however large it is.
    expect(joined(cell(undefined, 50), cell(2, 9), cell(3, 20))).toEqual([
      [3, 20],
      [undefined, 59],
    ]);
    const many = (from: number) => ({
      ...emptyCell,
      drivers: new Set(Array.from({ length: 80 }, (_, d) => String(from + d))),
    });
    expect(addCells(many(0), many(80)).drivers.size).toBe(100);
    expect(addCells(addCells(many(0), many(80)), many(200)).drivers.size).toBe(100);
  });

  it('show counts only from the least number on', () => {
    const cell = { ...emptyCell, policies: 30, winners: 10, losers: 20 };
    expect(showCell(cell, 2, 10)).toMatchObject({ winners: 10, losers: 20, unchanged: 0 });
    expect(showCell({ ...cell, winners: 9 }, 2, 10)).not.toHaveProperty('winners');
    expect(showCell({ ...cell, policies: 31 }, 2, 10)).not.toHaveProperty('losers');
    const nobody = report(askOf([perKm('0.1')], perKm('0.2')), [], 10);
    expect(nobody?.whole).toMatchObject({ policies: 0, before: '0.00' });
  });

  it('are not hidden from a reader that may see all figures', () => {
    fc.assert(
      fc.property(cells, (list) => {
        expect(joinSmallCells(list, 0)).toEqual(list);
      }),
      runs(50),
    );
  });

  const book = Array.from({ length: 25 }, (_, i) =>
    policyOf(`P-${i}`, i * 500, [
      all({ zone: i < 3 ? 'few' : i < 12 ? 'some' : 'many' }),
      all({}, `D-${i}`),
    ]),
  );
  it('leave no policy, no driver and no count of a few people in an actuary’s report', () => {
    const whatIf = askOf([perKm('0.10')], perKm('0.11'), {
      groupBy: { kind: 'FACT', name: 'zone' },
    });
    const found = report(whatIf, book, 10);
    // One policy did not drive: of the three counts it would be one, so none of them is told.
    expect(found?.whole).toMatchObject({ policies: 25 });
    expect(found?.whole).not.toHaveProperty('winners');
    expect(found?.whole).not.toHaveProperty('unchanged');
    expect(found?.groups.map(({ value, policies, others }) => [value, policies, others])).toEqual([
      ['many', 13, false],
      [undefined, 12, true],
    ]);
    for (const { policies } of found?.histogram ?? []) expect(policies).toBeGreaterThanOrEqual(10);
    expect(found?.largestRises).toEqual([]);
    expect(JSON.stringify(found)).not.toMatch(/P-\d|D-\d/);
    expect(report(whatIf, book.slice(0, 9), 10)).toBeUndefined();
  });
});

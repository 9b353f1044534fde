import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cell, Statistic } from '../../../src/core/stats/figure.ts';
import { figureOf, nearestRank } from '../../../src/core/stats/figure.ts';
import { compareGroupKeys } from '../../../src/core/stats/grouping.ts';
import { shield } from '../../../src/core/stats/shield.ts';

function cellOf(values: readonly number[], drivers = 20): Cell {
  const sum = (of: (value: number) => bigint) => values.reduce((total, v) => total + of(v), 0n);
  const sorted = [...values].sort((a, b) => a - b);
  const percentiles = [1, 5_000, 9_000, 9_999, 10_000].map(
    (p) => [p, sorted[nearestRank(p, values.length) - 1] ?? 0] as const,
  );
  const none = { DURATION_S: 0n, MOVING_S: 0n, IDLE_S: 0n, NIGHT_KM: 0n, MAX_SPEED_KMH: 0n };
  return {
    key: [],
    trips: values.length,
    drivers,
    fewDrivers: [],
    sums: { ...none, DISTANCE_KM: sum((v) => BigInt(v)) },
    squares: { DISTANCE_KM: sum((v) => BigInt(v) * BigInt(v)) },
    events: { HARSH_BRAKING: 3 },
    spread: {
      DISTANCE_KM: {
        min: sorted[0] ?? 0,
        max: sorted.at(-1) ?? 0,
        percentiles: new Map(percentiles),
      },
    },
  };
}

const of = 'DISTANCE_KM';

describe('figures of a group', () => {
  it('lose no digit of the variance where values lie close together', () => {
    const cell = cellOf([2_000_000_001, 2_000_000_002, 2_000_000_003]);
    expect(figureOf(cell, { of, statistic: 'VARIANCE' })).toBe(1e-6);
    expect(figureOf(cellOf([5]), { of, statistic: 'VARIANCE' })).toBeNull();
  });

  it('are null where there is nothing to divide by', () => {
    const nothing = cellOf([]);
    for (const statistic of ['MEAN', 'VARIANCE'] satisfies Statistic[]) {
      expect(figureOf(nothing, { of, statistic })).toBeNull();
    }
    expect(figureOf(nothing, { of: 'HARSH_BRAKING', statistic: 'PER_100_KM' })).toBeNull();
    expect(figureOf(nothing, { of: 'HARSH_BRAKING', statistic: 'PER_HOUR' })).toBeNull();
    expect(figureOf(nothing, { of: 'HARSH_BRAKING', statistic: 'SUM' })).toBe(3);
  });

  it('have percentiles that so many percent of the values do not exceed, and no lesser one does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 5_000 }),
        (p, n) => {
          const rank = nearestRank(p, n);
          expect(rank * 10_000).toBeGreaterThanOrEqual(p * n);
          if (rank > 1) expect((rank - 1) * 10_000).toBeLessThan(p * n);
          expect(rank).toBeLessThanOrEqual(n);
        },
      ),
    );
    // 0.07 * 100 is more than 7 in floating point.
    expect(nearestRank(700, 100)).toBe(7);
  });

  it('that stand for single trips are taken from who sees aggregates only', () => {
    const values = Array.from({ length: 100 }, (_, index) => (index + 1) * 1_000);
    const { shown, totals } = shield([cellOf(values)], cellOf(values));
    for (const cell of [shown[0], totals]) {
      if (!cell) throw new Error('not shown');
      const percentileOf = (percentile: number) =>
        figureOf(cell, { of, statistic: 'PERCENTILE', percentile });
      expect(figureOf(cell, { of, statistic: 'MAX' })).toBeNull();
      expect(figureOf(cell, { of, statistic: 'MIN' })).toBeNull();
      expect([1, 5_000, 9_000, 9_999, 10_000].map(percentileOf)).toEqual([
        null,
        50,
        90,
        null,
        null,
      ]);
    }
    expect(shield([cellOf(values, 9)], cellOf(values, 9))).toEqual({
      shown: [],
      totals: null,
      withheld: 1,
    });
  });
});

describe('keys', () => {
  it('are in order of what they mean, the unknown last', () => {
    const sorted = (by: 'HOUR_OF_DAY' | 'DISTANCE_BAND' | 'MONTH', values: (string | null)[]) =>
      values.sort((a, b) => compareGroupKeys([{ by }], [a], [b]));
    expect(sorted('HOUR_OF_DAY', ['10', null, '9'])).toEqual(['9', '10', null]);
    expect(sorted('DISTANCE_BAND', ['10-20', '100-', '2-5'])).toEqual(['2-5', '10-20', '100-']);
    expect(sorted('MONTH', ['2015-05', null, '2014-12'])).toEqual(['2014-12', '2015-05', null]);
  });
});

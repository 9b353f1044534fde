import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fractionOf, multiply, one } from '../../../../src/core/premium/exact/fraction.ts';
import { lnScaled, toLogScale } from '../../../../src/core/premium/exact/logarithm.ts';
import { apportion, logMeanShares } from '../../../../src/core/premium/exact/shares.ts';
import { runs } from '../generators.ts';

const decimal = (n: number): string => (n / 1000).toFixed(3);
const relativities = fc.array(fc.integer({ min: 50, max: 9000 }).map(decimal), {
  minLength: 1,
  maxLength: 10,
});
const base = fc.integer({ min: 1, max: 9_999_999 }).map(decimal);

/** What each factor of a product does to a base amount, in units of 10^-30. */
function sharesOf(amount: string, factors: readonly string[]) {
  const before = fractionOf(amount);
  const product = factors.reduce((so, factor) => multiply(so, fractionOf(factor)), one);
  const [start, end] = [toLogScale(before), toLogScale(multiply(before, product))];
  const lns = factors.map((factor) => lnScaled(fractionOf(factor)));
  return { change: end - start, shares: logMeanShares(start, end, lns) };
}
const sum = (list: readonly bigint[]): bigint => list.reduce((total, one) => total + one, 0n);
const size = (value: bigint): bigint => (value < 0n ? -value : value);
/** 10^-15 of the currency: logarithms have 30 decimals, amounts up to ten digits and ten factors. */
const NOTHING = 10n ** 15n;

describe('the shares of a product', () => {
  it('of 30.00 × 1.25 × 1.6 are 9.66 and 20.34', () => {
    const { shares, change } = sharesOf('30.00', ['1.25', '1.6']);
    expect(apportion(shares, 3000n, 2)).toEqual([966n, 2034n]);
    expect(size(sum(shares) - change)).toBeLessThan(NOTHING);
  });

  it('of factors that cancel out are signed all the same, and add up to nothing', () => {
    const { shares, change } = sharesOf('100.00', ['1.25', '0.8']);
    expect(change).toBe(0n);
    // 100 × ln 1.25 = 22.3143…
    expect(apportion(shares, 0n, 4)).toEqual([223144n, -223144n]);
  });

  it('add up to what the factors do together, each with its own sign', () => {
    fc.assert(
      fc.property(base, relativities, (amount, factors) => {
        const { shares, change } = sharesOf(amount, factors);
        expect(size(sum(shares) - change)).toBeLessThan(NOTHING);
        factors.forEach((factor, i) => {
          const share = shares[i] ?? 0n;
          if (size(share) < NOTHING) return;
          expect(share > 0n).toBe(Number(factor) > 1);
        });
      }),
      runs(300),
    );
  });

  it('do not depend on the order of the factors', () => {
    fc.assert(
      fc.property(base, relativities, (amount, factors) => {
        const { shares } = sharesOf(amount, factors);
        const turned = sharesOf(amount, factors.toReversed()).shares.toReversed();
        expect(turned).toEqual(shares);
      }),
      runs(300),
    );
  });

  it('are larger for the larger factor, and equal for equal ones', () => {
    fc.assert(
      fc.property(base, relativities, (amount, factors) => {
        const { shares } = sharesOf(amount, factors);
        factors.forEach((factor, i) =>
          factors.forEach((other, j) => {
            const [a, b] = [shares[i] ?? 0n, shares[j] ?? 0n];
            if (Number(factor) === Number(other)) expect(a).toBe(b);
            else if (Number(factor) > Number(other)) expect(a).toBeGreaterThan(b);
          }),
        );
      }),
      runs(300),
    );
  });
});

describe('minor units that share a total', () => {
  const amounts = fc.array(fc.bigInt({ min: -(10n ** 34n), max: 10n ** 34n }), {
    minLength: 1,
    maxLength: 12,
  });

  it('add up to it, and none is a whole unit off where the total is the rounded sum', () => {
    fc.assert(
      fc.property(amounts, fc.constantFrom(0, 2, 3), (list, places) => {
        const unit = 10n ** BigInt(30 - places);
        const total = sum(list) / unit;
        const shared = apportion(list, total, places);
        expect(sum(shared)).toBe(total);
        shared.forEach((minor, i) =>
          expect(size(minor * unit - (list[i] ?? 0n))).toBeLessThanOrEqual(unit),
        );
      }),
      runs(300),
    );
  });

  it('go to the largest remainders, of equal ones to the first', () => {
    const third = 10n ** 30n / 3n;
    expect(apportion([third, third, third], 100n, 2)).toEqual([34n, 33n, 33n]);
    expect(apportion([third, third + 1n, third], 100n, 2)).toEqual([33n, 34n, 33n]);
    expect(apportion([third, third, third], 98n, 2)).toEqual([33n, 33n, 32n]);
    expect(apportion([-third, third, third], 33n, 2)).toEqual([-33n, 33n, 33n]);
    expect(apportion([], 0n, 2)).toEqual([]);
    const tenths = (...list: readonly bigint[]) => list.map((n) => n * 10n ** 29n);
    expect(apportion(tenths(19n, 11n, 15n), 1n, 0)).toEqual([1n, 0n, 0n]);
    expect(apportion(tenths(19n, 11n, 15n), 0n, 0)).toEqual([0n, 0n, 0n]);
    expect(apportion(tenths(19n, 11n, 15n), 5n, 0)).toEqual([2n, 1n, 2n]);
    expect(apportion(tenths(19n, 11n, 15n), 7n, 0)).toEqual([3n, 2n, 2n]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDay } from '../../../../src/core/civil.ts';
import { addMonths, policyYears, readDate } from '../../../../src/core/premium/exact/calendar.ts';
import {
  canonicalBytes,
  canonicalJson,
  hashOf,
} from '../../../../src/core/premium/exact/canonical.ts';
import { fieldsOf } from '../../../../src/core/premium/exact/csv.ts';
import {
  add,
  compare,
  divide,
  floorDivide,
  formatFraction,
  formatScaled,
  fractionOf,
  multiply,
  one,
  ratio,
  roundHalfUp,
  subtract,
  sumDecimals,
  tenTo,
  zero,
  type Fraction,
} from '../../../../src/core/premium/exact/fraction.ts';
import {
  exponential,
  lnScaled,
  readNumeral,
} from '../../../../src/core/premium/exact/logarithm.ts';
import { addMeasures, measureOf } from '../../../../src/core/premium/exact/measures.ts';
import { runs } from '../generators.ts';

describe('an exact number', () => {
  const any = fc
    .tuple(fc.integer({ min: -10_000, max: 10_000 }), fc.integer({ min: 1, max: 999 }))
    .map(([n, d]) => ratio(n, d));
  const value = ({ n, d }: Fraction): number => Number(n) / Number(d);

  it('adds, multiplies, divides and compares as numbers do, and stays above a positive one', () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        const [x, y] = [value(a), value(b)];
        expect(value(add(a, b))).toBeCloseTo(x + y, 6);
        expect(value(subtract(a, b))).toBeCloseTo(x - y, 6);
        expect(value(multiply(a, b))).toBeCloseTo(x * y, 2);
        if (b.n !== 0n) expect(value(divide(a, b)) * y).toBeCloseTo(x, 4);
        expect(Math.sign(compare(a, b))).toBe(Math.sign(Number(a.n * b.d - b.n * a.d)));
        for (const { d } of [add(a, b), subtract(a, b), multiply(a, b)])
          expect(d).toBeGreaterThan(0n);
        if (b.n !== 0n) expect(divide(a, b).d).toBeGreaterThan(0n);
      }),
      runs(300),
    );
    expect(compare(ratio(1, 3), ratio(2, 6))).toBe(0);
    // Without a common factor, and without one that is needed.
    expect(add(ratio(1, 6), ratio(1, 4))).toEqual({ n: 5n, d: 12n });
    expect(add(ratio(1, 4), ratio(1, 4))).toEqual({ n: 2n, d: 4n });
    expect(add(zero, ratio(3, 7))).toEqual({ n: 3n, d: 7n });
    expect(add(ratio(3, 7), zero)).toEqual({ n: 3n, d: 7n });
    expect(divide(one, ratio(-1, 3))).toEqual({ n: -3n, d: 1n });
  });

  it('is read from a decimal and written as one', () => {
    expect(fractionOf('12')).toEqual({ n: 12n, d: 1n });
    expect(fractionOf('-0.032')).toEqual({ n: -32n, d: 1000n });
    expect(fractionOf('.5')).toEqual({ n: 5n, d: 10n });
    expect([tenTo(0), tenTo(3)]).toEqual([1n, 1000n]);
    expect([5n, -5n, 4600n, 0n].map((n) => formatScaled(n, 2))).toEqual([
      '0.05',
      '-0.05',
      '46.00',
      '0.00',
    ]);
    expect([46n, -46n, 0n].map((n) => formatScaled(n, 0))).toEqual(['46', '-46', '0']);
    expect(
      ['1.10', '10', '0.004', '0', '-2.50'].map((text) => formatFraction(fractionOf(text), 2)),
    ).toEqual(['1.1', '10', '0', '0', '-2.5']);
    expect([10, 105].map((n) => formatFraction(ratio(n, 10), 0))).toEqual(['1', '11']);
    expect(sumDecimals(['1.50', '-0.25', '2.00'])).toBe('3.25');
    expect([sumDecimals([]), sumDecimals(['7', '-9'])]).toEqual(['0', '-2']);
  });

  it('is rounded to the nearest, a half towards plus infinity', () => {
    expect([7n, 6n, 0n, -1n, -6n, -7n].map((n) => floorDivide(n, 2n))).toEqual([
      3n,
      3n,
      0n,
      -1n,
      -3n,
      -4n,
    ]);
    expect(
      ['0.5', '0.49', '1.5', '-0.5', '-0.51', '-1.5', '2'].map((text) =>
        roundHalfUp(fractionOf(text), 0),
      ),
    ).toEqual([1n, 0n, 2n, 0n, -1n, -1n, 2n]);
    expect(roundHalfUp(fractionOf('2.345'), 2)).toBe(235n);
  });

  it('has a logarithm and an exponential to 30 decimals, 0 and 1 exactly', () => {
    expect(lnScaled(ratio(7, 7))).toBe(0n);
    // OEIS A002162: 0.693147180559945309417232121458 176…
    expect(lnScaled(ratio(2, 1))).toBe(693_147_180_559_945_309_417_232_121_458n);
    expect(exponential(zero)).toEqual({ n: tenTo(30), d: tenTo(30) });
    // OEIS A001113: 2.718281828459045235360287471352 662…
    expect(exponential(one)).toEqual({
      n: 2_718_281_828_459_045_235_360_287_471_353n,
      d: tenTo(30),
    });
  });

  it('is read as programs write it', () => {
    const read = (text: string) => {
      const number = readNumeral(text);
      return number && formatFraction(number, 12);
    };
    expect(['5', '5.', '+.5', '-0.0250', '1e3', '-1.5E-2', '12e-10'].map(read)).toEqual([
      '5',
      '5',
      '0.5',
      '-0.025',
      '1000',
      '-0.015',
      '0.0000000012',
    ]);
    for (const none of ['', '.', 'e5', '1e', '1e1234', '0x10', '1,5', ' 1', '1 ', 'NaN', '--1'])
      expect(read(none), none).toBeUndefined();
  });
});

describe('a date', () => {
  it('is read if there is such a day, from 1900 to 9999', () => {
    for (const good of ['1900-01-01', '2026-12-31', '2028-02-29', '2000-02-29', '9999-12-31'])
      expect(formatDay(readDate(good) ?? -1), good).toBe(good);
    for (const bad of [
      '1899-12-31',
      '2026-00-10',
      '2026-13-01',
      '2026-01-00',
      '2026-01-32',
      '2026-04-31',
      '2026-02-29',
      '2100-02-29',
      '2026/01-01',
      '2026-01/01',
      '2026-1-1',
      '2026-01-010',
      '2026-01-0a',
      '2026-01-1:',
      '2026-0/-01',
      'abcd-01-01',
      20260101,
      undefined,
    ])
      expect(readDate(bad), String(bad)).toBeUndefined();
  });

  it('has one so many months later, on the month’s last day where it has no such day', () => {
    const later = (from: string, months: number) =>
      formatDay(addMonths(readDate(from) ?? 0, months));
    expect(later('2026-01-31', 1)).toBe('2026-02-28');
    expect(later('2028-01-31', 1)).toBe('2028-02-29');
    expect(later('2026-01-31', 2)).toBe('2026-03-31');
    expect(later('2026-12-15', 1)).toBe('2027-01-15');
    expect(later('2026-03-15', 0)).toBe('2026-03-15');
    expect(later('2026-03-15', 30)).toBe('2028-09-15');
  });

  it('lies in a policy year, from anniversary to anniversary', () => {
    const years = (start: string, from: string, to: string) =>
      policyYears(readDate(start) ?? 0, readDate(from) ?? 0, readDate(to) ?? 0).map(
        ({ start: first, end, months }) => [formatDay(first), formatDay(end), months.length],
      );
    expect(years('2026-03-15', '2027-03-14', '2027-03-16')).toEqual([
      ['2026-03-15', '2027-03-15', 13],
      ['2027-03-15', '2028-03-15', 13],
    ]);
    expect(years('2026-03-15', '2027-03-15', '2028-03-15')).toEqual([
      ['2027-03-15', '2028-03-15', 13],
    ]);
    expect(years('1996-02-29', '2026-02-28', '2026-03-01')).toEqual([
      ['2026-02-28', '2027-02-28', 13],
    ]);
    expect(years('2026-03-15', '2026-01-01', '2026-03-15')).toEqual([]);
    const [first] = policyYears(readDate('2026-01-31') ?? 0, readDate('2026-05-01') ?? 0, 1e6);
    expect(first?.months.slice(0, 3).map(formatDay)).toEqual([
      '2026-01-31',
      '2026-02-28',
      '2026-03-31',
    ]);
  });
});

describe('canonical JSON', () => {
  it('is one text for one value, and none for what JSON cannot express', () => {
    expect(canonicalJson({ b: [1, 2.5], a: 'ä' })).toBe('{"a":"ä","b":[1,2.5]}');
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(canonicalJson(circle)).toBeUndefined();
    expect(canonicalJson(Number.NaN)).toBeUndefined();
    expect(() => canonicalBytes(circle)).toThrow('this value cannot be written as canonical JSON');
    // SHA-256 of {} as every program prints it.
    expect(hashOf({})).toBe(
      'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
    );
  });
});

describe('a line of CSV', () => {
  it('has fields between commas, quoted where they need it', () => {
    expect(fieldsOf('a, b ,,"c,d","say ""hi""" ')).toEqual(['a', 'b', '', 'c,d', 'say "hi"']);
    expect(fieldsOf('')).toEqual(['']);
    expect(fieldsOf('a,')).toEqual(['a', '']);
    expect(fieldsOf('"""",x')).toEqual(['"', 'x']);
    expect(fieldsOf('ab""c,d')).toEqual(['abc', 'd']);
  });
});

describe('measures', () => {
  it('add by name, and nothing of the language is one', () => {
    expect(addMeasures({ a: 1, b: 2 }, { b: 3, c: 4 })).toEqual({ a: 1, b: 5, c: 4 });
    expect(measureOf({ a: 1 }, 'constructor')).toBe(0);
    expect(measureOf({ a: 1 }, 'a')).toBe(1);
  });
});

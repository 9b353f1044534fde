import { describe, expect, it } from 'vitest';
import {
  draftFromCoefficients,
  isCoefficientTable,
} from '../../../../src/core/premium/tariff/coefficients.ts';
import { inputOf, premiumOf } from '../tariffs.ts';
import { base, options, read } from '../glm.ts';

/** MASS::Insurance, Poisson, treatment contrasts: Venables & Ripley, Modern Applied Statistics with S, chapter 7. */
const GOLDEN = {
  territory: { '1': 0, '2': 0.025868, '3': 0.038524, '4': 0.234205 },
  vehicleGroup: { '<1l': 0, '1-1.5l': 0.161337, '1.5-2l': 0.39281, '>2l': 0.563412 },
  ageBand: { '<25': 0, '25-29': -0.19101, '30-35': -0.344951, '>35': -0.536671 },
};

const codes = (csv: string, own = options) => {
  const drafted = draftFromCoefficients(base, csv, own);
  return drafted.ok ? [] : drafted.problems.map((p) => `${p.code} ${p.path}`);
};

describe.each(['coefficients-r.csv', 'coefficients-python.csv'])(
  'the coefficients of %s',
  (file) => {
    it('become the golden relativities, and price by them', () => {
      const drafted = draftFromCoefficients(base, read(file), options);
      if (!drafted.ok) throw new Error(JSON.stringify(drafted.problems));
      const tables = (
        drafted.document['factors'] as { id: string; table: Record<string, string> }[]
      ).map(({ id, table }) => [id, table] as const);
      expect(tables.map(([id]) => id)).toEqual(Object.keys(GOLDEN));
      for (const [id, table] of tables) {
        const golden = GOLDEN[id as keyof typeof GOLDEN] as Record<string, number>;
        expect(Object.keys(table).sort()).toEqual(Object.keys(golden).sort());
        for (const [level, coefficient] of Object.entries(golden)) {
          expect(
            Math.abs(Number(table[level]) - Math.exp(coefficient)),
            `${id} ${level}`,
          ).toBeLessThan(2e-6);
        }
      }
      const facts = { territory: '4', vehicleGroup: '>2l', ageBand: '<25' };
      const whole = { from: '2026-01-01', to: '2027-01-01', values: facts };
      const premium = premiumOf(
        drafted.tariff,
        inputOf(['2026-01-01', '2027-01-01'], [], {
          facts: [whole, { ...whole, driverId: 'ann' }],
        }),
      );
      expect(premium.total).toBe((Math.round(100_00 * 1.263904 * 1.756657) / 100).toFixed(2));
    });

    it('make the base premium with a mean claim, from the intercept', () => {
      const drafted = draftFromCoefficients(base, read(file), { ...options, meanClaim: '1000' });
      expect(drafted.ok && drafted.document['charges']).toMatchObject([
        { amount: '161.74', per: 'YEAR' },
      ]);
      expect(codes(read(file), { ...options, meanClaim: 'much' } as never)).toEqual([
        'BAD_MEAN_CLAIM /charges',
      ]);
    });
  },
);

describe('a table of coefficients', () => {
  const table = (...lines: string[]) => ['term,estimate', '(Intercept),-1.8', ...lines].join('\n');
  const one = { factors: [{ variable: 'Age', fact: 'ageBand', base: '<25' }], version: '2' };

  it('is refused, with each line and its reason, where a tariff could not say the same', () => {
    expect(codes(table('Age25-29,NA'), one)).toEqual([
      'NOT_ESTIMATED /coefficients/3',
      'NO_COEFFICIENT /factors',
    ]);
    expect(codes(table('Age.L,0.1', 'Age.Q,0.2', 'Age^4,0.3'), one).slice(0, 3)).toEqual([
      'ORDERED_CONTRASTS /coefficients/3',
      'ORDERED_CONTRASTS /coefficients/4',
      'ORDERED_CONTRASTS /coefficients/5',
    ]);
    expect(codes(table('Age,0.1'), one)[0]).toBe('NUMERIC /coefficients/3');
    expect(codes(table('Age25-29,0.1', 'Age25-29:District2,0.1'), one)).toEqual([
      'INTERACTION /coefficients/4',
    ]);
    expect(codes(table('Age25-29,0.1', 'District2,0.1'), one)).toEqual([
      'UNKNOWN_TERM /coefficients/4',
    ]);
    expect(codes(table('Age25-29,0.1', 'Age<25,0.1'), one)).toEqual([
      'BASE_ESTIMATED /coefficients/4',
    ]);
    expect(codes('a,b\n1,2', one)).toEqual([
      'BAD_HEADING /coefficients/1',
      'NO_COEFFICIENT /factors',
    ]);
  });

  it('has terms and coefficients, each by one of its names', () => {
    for (const csv of ['term,x\nAge30,1', 'estimate,x\n1,2'])
      expect(codes(csv, one)[0], csv).toBe('BAD_HEADING /coefficients/1');
    const drafted = draftFromCoefficients(
      base,
      '\uFEFFx,Coef.,term\r\n1,0,Age30\r\n  \r\n1,-0.5,Age31',
      one,
    );
    expect(drafted.ok && drafted.mapping).toEqual([
      { term: 'Age30', estimate: '0', fact: 'ageBand', level: '30', relativity: '1.000000' },
      { term: 'Age31', estimate: '-0.5', fact: 'ageBand', level: '31', relativity: '0.606531' },
    ]);
  });

  it('names the longest variable that a term begins with, or the one in patsy’s brackets', () => {
    const alike = {
      factors: [
        { variable: 'Age', fact: 'age', base: '0' },
        { variable: 'AgeGroup', fact: 'group', base: '0' },
      ],
      version: '2',
    };
    const mapped = (...terms: string[]) => {
      const drafted = draftFromCoefficients(base, table(...terms), alike);
      return drafted.ok
        ? drafted.mapping.slice(1).map(({ fact, level }) => [fact, level])
        : drafted.problems.map(({ code }) => code);
    };
    expect(mapped('Age1,0.1', 'AgeGroup2,0.1')).toEqual([
      ['age', '1'],
      ['group', '2'],
    ]);
    expect(
      mapped('"C(Age, Treatment(reference=""0""))[T.1]",0.1', 'AgeGroup[T.a[T.2]],0.1'),
    ).toEqual([
      ['age', '1'],
      ['group', 'a[T.2]'],
    ]);
    expect(mapped('Age1,0.1', 'C( AgeGroup )[T.3],0.1')).toEqual([
      ['age', '1'],
      ['group', '3'],
    ]);
    expect(mapped('Age1,0.1', 'AgeGroup2,0.1', 'Fuel[T.x],0.1')).toEqual(['UNKNOWN_TERM']);
    expect(mapped('Age1,0.1', 'AgeGroup2,0.1', 'xC(Age)[T.1],0.1')).toEqual(['UNKNOWN_TERM']);
  });

  it('replaces the factors of its facts and the one fixed charge, and leaves all else', () => {
    const zone = { kind: 'relativity/1', id: 'zone', fact: 'zone', table: { A: '1' } };
    const old = { kind: 'relativity/1', id: 'ageBand', fact: 'ageBand', table: { old: '1' } };
    const perKm = { kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.05' };
    const fixed = { kind: 'fixed/1', id: 'base', amount: '100.00', per: 'MONTH' };
    const own = { ...base, factors: [old, zone], charges: [perKm, fixed] };
    const draft = (meanClaim: string, charges: unknown = own.charges) =>
      draftFromCoefficients({ ...own, charges }, table('Age30,0.1'), { ...one, meanClaim });
    const drafted = draft('1500.5');
    expect(drafted.ok && drafted.document).toEqual({
      ...own,
      version: '2',
      // 1500.5 × exp(−1.8)
      charges: [perKm, { ...fixed, amount: '248.03', per: 'YEAR' }],
      factors: [
        zone,
        {
          kind: 'relativity/1',
          id: 'ageBand',
          fact: 'ageBand',
          table: { '<25': '1', '30': '1.105171' },
        },
      ],
    });
    expect(draft('1500').ok).toBe(true);
    expect(draft('1500.1234').ok).toBe(true);
    for (const charges of [[perKm], [fixed, { ...fixed, id: 'other' }], 'none'])
      expect(draft('1500', charges)).toMatchObject({ problems: [{ code: 'BAD_MEAN_CLAIM' }] });
  });

  it('is told from other tables by its heading', () => {
    expect(isCoefficientTable('estimate,std.error')).toBe(false);
    expect(isCoefficientTable('term,std.error')).toBe(false);
    expect(isCoefficientTable('"term","estimate","std.error"')).toBe(true);
    expect(isCoefficientTable(',Coef.,Std.Err.,z,P>|z|,[0.025,0.975]')).toBe(true);
    expect(isCoefficientTable(',0')).toBe(true);
    expect(isCoefficientTable('claimNumber,policyNumber')).toBe(false);
  });
});

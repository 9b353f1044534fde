import { describe, expect, it } from 'vitest';
import { quote } from '../../../../src/core/premium/rating/quote.ts';
import { parseTariff } from '../../../../src/core/premium/tariff/tariff.ts';
import { CUT_OFF, day, document, inputOf, premiumOf, tariffOf } from '../tariffs.ts';

const habits = {
  kind: 'habits/1',
  id: 'habits',
  window: 'PERIOD',
  habits: [
    { id: 'brakes', measure: 'harshBraking', per: '100KM', coefficient: '0.1', mean: '1' },
    { id: 'night', measure: 'nightM', per: 'DISTANCE', coefficient: '0.5', mean: '0.1' },
  ],
  floor: '0.8',
  cap: '1.3',
  priorKm: 1000,
  places: 6,
};
const tariff = tariffOf(
  document({
    charges: [{ kind: 'fixed/1', id: 'fixed', amount: '100.00', per: 'MONTH' }],
    factors: [{ kind: 'relativity/1', id: 'zone', fact: 'zone', table: { A: '1', B: '1.2' } }],
    behaviour: habits,
  }),
);
const march = (harshBraking: number, nightM: number, distanceM = 1_000_000, zone = 'A') =>
  inputOf(
    ['2026-03-01', '2026-04-01'],
    [day('2026-03-10', distanceM, { nightM, measures: { harshBraking } })],
    { facts: [{ from: '2026-01-01', to: '2027-01-01', values: { zone } }] },
  );
const amounts = (premium: { lines: readonly { id: string; amount: string }[] }) =>
  Object.fromEntries(premium.lines.map((l) => [l.id, l.amount]));

describe('pay how you drive', () => {
  it('is exp(Σ b·(z − z̄)), shrunk to one by credibility, with a line for each step', () => {
    // z = 2 a 100 km and 0.3 at night: exp(0.1 + 0.1) = 1.221403; Z = 1000/2000; f = 1.110701
    const premium = premiumOf(tariff, march(20, 300_000));
    expect(premium.total).toBe('111.07');
    expect(amounts(premium)).toEqual({
      fixed: '100.00',
      zone: '0.00',
      brakes: '11.07',
      night: '11.07',
      'habits.credibility': '-11.07',
    });
    expect(premium.worksheet.years[0]?.vehicles[0]?.habits).toMatchObject({
      raw: '1.22140276',
      clamped: '1.22140276',
      credibility: '0.5',
      factor: '1.110701',
    });
  });

  it('is clamped before credibility shrinks it, and shows the limit on a separate line', () => {
    // exp(0.1·9) = 2.459603 is cut to 1.3; half of it counts: 1.15
    const premium = premiumOf(tariff, march(100, 100_000));
    expect(premium.total).toBe('115.00');
    expect(amounts(premium)).toEqual({
      fixed: '100.00',
      zone: '0.00',
      brakes: '145.96',
      night: '0.00',
      'habits.clamp': '-115.96',
      'habits.credibility': '-15.00',
    });
  });

  it('uses only the driving of its window', () => {
    const factorOf = (window: unknown) => {
      const rows = [
        day('2026-02-28', 1_000_000, { measures: { harshBraking: 20 } }),
        day('2026-03-01', 1_000_000, { measures: { harshBraking: 10 } }),
        day('2026-03-31', 1_000_000, { measures: { harshBraking: 10 } }),
        day('2026-04-01', 1_000_000, { measures: { harshBraking: 90 } }),
      ];
      const own = tariffOf(document({ behaviour: { ...habits, window } }));
      const input = inputOf(['2026-03-01', '2026-04-01'], rows);
      const sheet = premiumOf(own, input).worksheet.years[0]?.vehicles[0]?.habits;
      return [sheet?.km, sheet?.habits[0]?.z];
    };
    expect(factorOf('PERIOD')).toEqual(['2000', '1']);
    expect(factorOf({ days: 31 })).toEqual(['2000', '1']);
    expect(factorOf({ days: 32 })).toEqual(['3000', '1.33333333']);
    expect(factorOf({ days: 1 })).toEqual(['1000', '1']);
  });

  it('allows a floor or a cap of 1, with 1 between them', () => {
    const problems = (floor: string, cap: string): string[] => {
      const parsed = parseTariff(document({ behaviour: { ...habits, floor, cap } }));
      return parsed.ok ? [] : parsed.problems.map(({ code }) => code);
    };
    expect(problems('1', '1')).toEqual([]);
    expect(problems('1.01', '1.2')).toEqual(['BAD_CLAMP']);
    expect(problems('0.8', '0.99')).toEqual(['BAD_CLAMP']);
  });

  it('shares a product out by logarithmic means, free of order', () => {
    // 100 → 100 × 1.2 × e^0.2: L = 46.568331 / ln 1.465683 = 121.81; ln 1.2 takes 22.21, each habit 12.18
    const lines = amounts(premiumOf(tariff, march(20, 300_000, 1_000_000, 'B')));
    expect(lines).toMatchObject({ zone: '22.21', brakes: '12.18', night: '12.18' });
  });

  it('does not change the premium without driving', () => {
    expect(premiumOf(tariff, march(0, 0, 0)).total).toBe('100.00');
  });

  it('gives a driver of the book’s average habits the factor 1', () => {
    expect(premiumOf(tariff, march(10, 100_000)).total).toBe('100.00');
  });

  it('does not add over time, says why, and keeps to one policy year', () => {
    expect(tariff.addsOverTime).toBe(
      '"habits" looks at a window of driving that moves with each billing period',
    );
    const input = { ...march(1, 1), period: { from: '2026-12-15', to: '2027-01-15' } };
    const policy = { ...input.policy, endDate: '2028-01-01' };
    const crossing = quote(tariff, { ...input, policy }, CUT_OFF);
    expect(crossing).toMatchObject({ ok: false, problems: [{ code: 'CROSSES_POLICY_YEAR' }] });
  });
});

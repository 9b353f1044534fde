import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { day, document, inputOf, premiumOf, tariffOf } from './tariffs.ts';

const metromile = tariffOf(
  document({
    charges: [
      { kind: 'fixed/1', id: 'base', amount: '30.00', per: 'MONTH' },
      { kind: 'perKm/1', id: 'miles', unit: 'mi', rate: '0.032', dailyCap: 250 },
    ],
  }),
);
const byMiles = tariffOf(
  document({
    jurisdiction: 'GB',
    currency: 'GBP',
    charges: [
      { kind: 'perKm/1', id: 'miles', unit: 'mi', rate: '0.05', dailyCap: 150, yearlyCap: 10_000 },
    ],
  }),
);
const MILES_500_M = 804_672;

describe('premiums known from the market', () => {
  it('charges $30.00 a month and 3.2 cents for each of 500 miles as Metromile does: $46.00', () => {
    const days = [day('2026-03-03', MILES_500_M / 2), day('2026-03-20', MILES_500_M / 2)];
    const premium = premiumOf(metromile, inputOf(['2026-03-01', '2026-04-01'], days));
    expect(premium.total).toBe('46.00');
    expect(premium.lines.map((l) => [l.id, l.quantity, l.rate, l.amount])).toEqual([
      ['base', '31', '30.00', '30.00'],
      ['miles', '500', '0.032', '16.00'],
    ]);
  });

  it('counts a 300-mile day as 250 where miles over 250 a day are free', () => {
    const days = [day('2026-03-03', 482_803), day('2026-03-20', MILES_500_M / 2)];
    const premium = premiumOf(metromile, inputOf(['2026-03-01', '2026-04-01'], days));
    expect(premium.total).toBe('46.00');
    expect(premium.worksheet.years[0]?.vehicles[0]?.cappedDays).toEqual([
      { localDate: '2026-03-03', driven: '300', billed: '250', unit: 'mi', by: 'DAY' },
    ]);
  });

  it('bills 150 of 160 miles of a day as By Miles does', () => {
    const premium = premiumOf(
      byMiles,
      inputOf(['2026-03-01', '2026-04-01'], [day('2026-03-03', 257_495)]),
    );
    expect(premium.lines[0]).toMatchObject({ quantity: '150', amount: '7.50' });
  });

  it('bills nothing after 10,000 miles of a policy year', () => {
    const dates = Array.from({ length: 80 }, (_, i) => {
      const at = new Date(Date.UTC(2026, 0, 1 + i));
      return day(at.toISOString().slice(0, 10), 257_495);
    });
    const year = premiumOf(byMiles, inputOf(['2026-01-01', '2027-01-01'], dates));
    expect(year.lines[0]).toMatchObject({ quantity: '10000', amount: '500.00' });
    const after = premiumOf(byMiles, inputOf(['2026-03-09', '2026-04-01'], dates));
    expect(after.total).toBe('0.00');
    expect(after.worksheet.years[0]?.vehicles[0]?.cappedDays[0]).toMatchObject({
      billed: '0',
      by: 'YEAR',
    });
    const next = premiumOf(
      byMiles,
      inputOf(['2027-01-01', '2027-02-01'], [...dates, day('2027-01-05', 160_934)], {
        endDate: '2028-01-01',
      }),
    );
    expect(next.total).toBe('5.00');
  });

  it('prices a day that spans several bands by each of them, and shows a limit on any day', () => {
    const banded = tariffOf(
      document({
        charges: [
          {
            kind: 'perKm/1',
            id: 'km',
            unit: 'km',
            bands: [
              { upTo: 10, rate: '1' },
              { upTo: 20, rate: '0.1' },
              { upTo: 30, rate: '0.01' },
              { rate: '0.001' },
            ],
            bandsPer: 'YEAR',
            dailyCap: 45,
          },
        ],
      }),
    );
    const march = inputOf(
      ['2026-03-01', '2026-04-01'],
      [day('2026-03-01', 50_000), day('2026-03-31', 46_000)],
    );
    const premium = premiumOf(banded, march);
    expect(premium.lines.map(({ quantity }) => quantity)).toEqual(['10', '10', '10', '60']);
    expect(premium.total).toBe('11.16');
    const { cappedDays } = premium.worksheet.years[0]?.vehicles[0] ?? {};
    expect(cappedDays?.map(({ localDate }) => localDate)).toEqual(['2026-03-01', '2026-03-31']);
  });

  it('charges a minimum if it is not reached, and nothing more if it is', () => {
    const least = (amount: string) =>
      tariffOf(
        document({
          charges: [{ kind: 'fixed/1', id: 'f', amount: '30.00', per: 'MONTH' }],
          adjustments: [{ kind: 'minimum/1', id: 'minimum', amount }],
        }),
      );
    const total = (amount: string) =>
      premiumOf(least(amount), inputOf(['2026-03-01', '2026-04-01'], [])).total;
    expect(['29.99', '30.00', '30.01'].map(total)).toEqual(['30.00', '30.00', '30.01']);
  });

  it('rates the demonstration tariff that the first run uses', () => {
    const tariff = tariffOf(readFileSync('examples/tariffs/payd-demo.json', 'utf8'));
    const premium = premiumOf(
      tariff,
      inputOf(
        ['2026-01-01', '2026-02-01'],
        [day('2026-01-02', 300_000), day('2026-01-03', 10_500)],
      ),
    );
    // 360 × 31/365 = 30.5753…; 240 km and 10.5 km at 0.02 are 5.01; together 35.5853…
    expect(premium.lines.map((l) => l.amount)).toEqual(['30.58', '5.01']);
    expect(premium.total).toBe('35.59');
    expect(tariff.addsOverTime).toBe(true);
  });
});

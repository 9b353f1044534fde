import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FactRange } from '../../../../src/core/premium/rating/input.ts';
import { quote } from '../../../../src/core/premium/rating/quote.ts';
import { rateTrips, type RateOptions } from '../../../../src/core/premium/rating/rate.ts';
import { CUT_OFF, day, document, inputOf, premiumOf, tariffOf } from '../tariffs.ts';

const payd = readFileSync('examples/tariffs/payd-demo.json', 'utf8');
const phyd = readFileSync('examples/tariffs/phyd-demo.json', 'utf8');
const march = readFileSync('examples/tariffs/march.csv', 'utf8');

function rate(tariff: string, csv: string, options: Partial<RateOptions> = {}) {
  return rateTrips(tariff, csv, { facts: {}, to: '2026-04-01', ...options }, CUT_OFF);
}
const codes = (quoted: ReturnType<typeof rate>): string[] =>
  quoted.ok ? [] : quoted.problems.map((p) => `${p.code} ${p.path}`);

describe('a file of trips', () => {
  it('is rated by a tariff document, trips of one day together', () => {
    const quoted = rate(payd, march, { policyStart: '2026-01-01', from: '2026-03-01' });
    // 38.4 + 64.25 + 240 of 322.5 km at 0.02 are 6.853; 360 × 31/365 = 30.5753…
    expect(quoted.ok && quoted.premium.lines.map((l) => l.amount)).toEqual(['30.58', '6.85']);
    expect(quoted.ok && quoted.premium.total).toBe('37.43');
  });

  it('needs the facts the tariff asks for, and takes them for the policy and its driver', () => {
    expect(codes(rate(phyd, march))).toEqual([
      'MISSING_FACT /policy/facts',
      'MISSING_FACT /policy/facts',
    ]);
    const quoted = rate(phyd, march, { facts: { territory: 'city', age: 24 } });
    // (30.00 × 1.25 × 1.6 + miles …) with tax: fixed part alone is 61.80
    expect(quoted.ok && Number(quoted.premium.total)).toBeGreaterThan(61.8);
  });

  it('names every bad row with its line and field', () => {
    expect(codes(rate(payd, 'localDate,km\n'))).toEqual(['BAD_HEADING /trips/1']);
    expect(
      codes(
        rate(
          payd,
          'localDate,distanceMi,harshBraking\n2026-02-30,1,1\n2026-03-01,-1,x\n2026-03-01,1\n',
        ),
      ),
    ).toEqual([
      'BAD_ROW /trips/2/localDate',
      'BAD_ROW /trips/3/distanceMi',
      'BAD_ROW /trips/3/harshBraking',
      'BAD_ROW /trips/4/',
      'BAD_ROW /trips/4/harshBraking',
    ]);
    expect(codes(rate('{', march))).toEqual(['NOT_JSON ']);
  });

  const inputsOf = (csv: string, options: Partial<RateOptions> = {}) => {
    const quoted = rateTrips(payd, csv, { facts: {}, ...options }, CUT_OFF);
    if (!quoted.ok) throw new Error(JSON.stringify(quoted.problems));
    return quoted.inputs;
  };

  it('has columns for distances in three units, for the night, and for whatever is counted', () => {
    const csv =
      'localDate,vehicleId,distanceMi,nightMi,harshBraking\n2026-03-02,van,10,1.5,12\n 2026-03-01 ,car,0.000000001,0,0\n   \n';
    expect(inputsOf(csv).exposure).toEqual([
      {
        vehicleId: 'car',
        localDate: '2026-03-01',
        distanceM: 0,
        nightM: 0,
        measures: { harshBraking: 0 },
      },
      {
        vehicleId: 'van',
        localDate: '2026-03-02',
        distanceM: 16_093,
        nightM: 2_414,
        measures: { harshBraking: 12 },
      },
    ]);
    const metres = inputsOf('localDate,distanceM,nightKm\n2026-03-01,1500,1.2345\n').exposure;
    expect(metres).toMatchObject([{ vehicleId: 'vehicle', distanceM: 1_500, nightM: 1_234 }]);
    for (const bad of ['12x', 'x12', '1.', '.5', '1e3', '1.1234567890', '1234567890'])
      expect(codes(rate(payd, `localDate,distanceKm\n2026-03-01,${bad}`))).toEqual([
        'BAD_ROW /trips/2/distanceKm',
      ]);
    for (const bad of ['12x', 'x12', '1.5', '1234567890'])
      expect(codes(rate(payd, `localDate,distanceKm,brakes\n2026-03-01,1,${bad}`))).toEqual([
        'BAD_ROW /trips/2/brakes',
      ]);
    expect(codes(rate(payd, 'localDate,distanceFt\n2026-03-01,1'))).toEqual([
      'BAD_HEADING /trips/1',
    ]);
  });

  it('is rated from the first of its first month to its last day, unless told otherwise', () => {
    const csv = 'localDate,distanceKm\n2026-05-20,1\n2026-03-09,1\n2026-04-01,1\n';
    const timesOf = (options: Partial<RateOptions> = {}, of = csv) => {
      const { period, policy } = inputsOf(of, options);
      return [policy.startDate, policy.endDate, period.from, period.to];
    };
    expect(timesOf()).toEqual(['2026-03-01', '2027-03-01', '2026-03-01', '2026-05-21']);
    expect(timesOf({ from: '2026-04-01' })).toEqual([
      '2026-04-01',
      '2027-04-01',
      '2026-04-01',
      '2026-05-21',
    ]);
    expect(timesOf({ policyStart: '2024-02-10', from: '2026-05-01', to: '2026-06-01' })).toEqual([
      '2024-02-10',
      '2027-02-10',
      '2026-05-01',
      '2026-06-01',
    ]);
    expect(timesOf({ policyStart: '2026-06-01' })).toEqual([
      '2026-06-01',
      '2027-06-01',
      '2026-06-01',
      '2026-06-02',
    ]);
    const none = 'localDate,distanceKm\n';
    expect(timesOf({}, none)).toEqual(['2000-01-01', '2001-01-01', '2000-01-01', '2000-01-02']);
    expect(inputsOf(none).policy.vehicles.map(({ vehicleId }) => vehicleId)).toEqual(['vehicle']);
  });

  it('accepts silent days, of every vehicle; all other days were heard', () => {
    const csv =
      'localDate,distanceKm,vehicleId\n2026-02-25,1,van\n2026-03-02,1,car\n2026-03-31,1,car\n';
    const silent = [
      { from: '2026-03-10', to: '2026-03-12' },
      { from: '2026-03-03', to: '2026-03-05' },
      { from: '2026-03-12', to: '2026-03-13' },
    ];
    const march = { policyStart: '2026-03-01', to: '2026-04-01', silent };
    const days = [
      ['2026-02-25', '2026-03-03', true],
      ['2026-03-03', '2026-03-05', false],
      ['2026-03-05', '2026-03-10', true],
      ['2026-03-10', '2026-03-12', false],
      ['2026-03-12', '2026-03-13', false],
      ['2026-03-13', '2026-04-01', true],
    ];
    const found = inputsOf(csv, march).deviceDays?.map(({ vehicleId, from, to, heard }) => [
      vehicleId,
      from,
      to,
      heard,
    ]);
    expect(found).toEqual([
      ...days.map((row) => ['car', ...row]),
      ...days.map((row) => ['van', ...row]),
    ]);
    expect(inputsOf(csv, { ...march, policyStart: '2026-02-01' }).deviceDays?.[0]?.from).toBe(
      '2026-02-01',
    );
    expect(inputsOf(csv)).not.toHaveProperty('deviceDays');
  });

  it('may be quoted CSV with a byte order mark and Windows line ends', () => {
    const csv = '\uFEFF"vehicleId","localDate","distanceMi"\r\n"a ""b"", c",2026-03-01,"100"\r\n';
    const quoted = rate(payd, csv);
    expect(quoted.ok && quoted.premium.lines[1]).toMatchObject({
      vehicleId: 'a "b", c',
      quantity: '160.934',
    });
  });
});

describe('a policy that changes', () => {
  const zone = { kind: 'relativity/1', id: 'zone', fact: 'zone', table: { A: '1', B: '1.5' } };
  const age = {
    kind: 'banded/1',
    id: 'age',
    fact: 'age',
    subject: 'DRIVERS',
    bands: [{ below: 25, relativity: '1.6' }, { relativity: '1' }],
  };
  const facts = (...rows: Partial<FactRange>[]): FactRange[] =>
    rows.map((row) => ({ from: '2026-01-01', to: '2027-01-01', values: {}, ...row }));
  const year = (rows: FactRange[], period: [string, string] = ['2026-01-01', '2027-01-01']) =>
    inputOf(period, [], { facts: rows });

  it('is rated pro rata by day when a fact changes', () => {
    const moved = facts(
      { to: '2026-07-01', values: { zone: 'A' } },
      { from: '2026-07-01', values: { zone: 'B' } },
    );
    // 181 days at 1.00 and 184 at 1.50
    const premium = premiumOf(tariffOf(document({ factors: [zone] })), year(moved));
    expect(premium.total).toBe('457.00');
    expect(premium.lines[1]).toMatchObject({
      label: 'zone',
      explanation: 'zone changed: A × 1, then B × 1.5',
    });
    expect(premium.lines[1]).not.toHaveProperty('rate');
    const alike = { ...zone, table: { A: '1.5', B: '1.5' } };
    expect(premiumOf(tariffOf(document({ factors: [alike] })), year(moved)).lines[1]).toMatchObject(
      { rate: '1.5', explanation: 'zone changed: A × 1.5, then B × 1.5' },
    );
  });

  it("uses a vehicle's own facts before the policy's", () => {
    const rows = facts({ values: { zone: 'A' } }, { vehicleId: 'car', values: { zone: 'B' } });
    expect(premiumOf(tariffOf(document({ factors: [zone] })), year(rows)).total).toBe('547.50');
  });

  it('takes the highest relativity of several drivers, or their mean', () => {
    const rows = facts(
      { driverId: 'x', values: { age: 40 } },
      { driverId: 'y', values: { age: 20 } },
    );
    const highest = tariffOf(document({ factors: [age] }));
    const mean = tariffOf(document({ factors: [{ ...age, combine: 'MEAN' }] }));
    expect(premiumOf(highest, year(rows)).total).toBe('584.00');
    expect(premiumOf(mean, year(rows)).total).toBe('474.50');
    // Whatever order they are named in.
    const turned = rows.toReversed();
    expect(premiumOf(highest, year(turned)).total).toBe('584.00');
    const { years } = premiumOf(mean, year(turned)).worksheet;
    expect(years[0]?.vehicles[0]?.spans[0]?.factors).toEqual([
      { id: 'age', value: '40, 20', relativity: 'mean of 1, 1.6' },
    ]);
  });

  it('uses whole numbers below the bound of a band, and nothing else', () => {
    const young = tariffOf(document({ factors: [{ ...age, subject: 'VEHICLE' }] }));
    const total = (value: string | number) => {
      const quoted = quote(young, year(facts({ values: { age: value } })), CUT_OFF);
      return quoted.ok ? quoted.premium.total : quoted.problems.map(({ code }) => code).join();
    };
    expect([24, 25].map(total)).toEqual(['584.00', '365.00']);
    expect(['24', 24.5, Infinity].map(total)).toEqual(Array(3).fill('UNRATED_VALUE'));
    const { subject: _, ...unsaid } = age;
    expect(
      premiumOf(tariffOf(document({ factors: [unsaid] })), year(facts({ values: { age: 20 } })))
        .total,
    ).toBe('584.00');
  });

  it('needs facts from the start of the policy year only where totals run from there', () => {
    const later = year(facts({ from: '2026-03-01', values: { zone: 'B' } }), [
      '2026-03-01',
      '2026-04-01',
    ]);
    const running = quote(tariffOf(document({ factors: [zone] })), later, CUT_OFF);
    expect(running.ok ? [] : running.problems.map(({ code }) => code)).toEqual(['MISSING_FACT']);
    const least = { kind: 'minimum/1', id: 'least', amount: '0' };
    const alone = tariffOf(document({ factors: [zone], adjustments: [least] }));
    expect(premiumOf(alone, later).total).toBe('46.50');
  });

  it('counts a leap year’s day, and an anniversary of 29 February on the month’s last day', () => {
    const tariff = tariffOf(
      document({ charges: [{ kind: 'fixed/1', id: 'f', amount: '366.00', per: 'YEAR' }] }),
    );
    const policy = { startDate: '2028-01-01', endDate: '2029-01-01' };
    expect(premiumOf(tariff, inputOf(['2028-02-01', '2028-03-01'], [], policy)).total).toBe(
      '29.00',
    );
    const leapling = { startDate: '2028-02-29', endDate: '2030-02-28' };
    const years = premiumOf(tariff, inputOf(['2028-02-29', '2030-02-28'], [], leapling));
    expect(years.worksheet.years.map((y) => [y.policyYearFrom, y.days, y.total])).toEqual([
      ['2028-02-29', 365, '366.00'],
      ['2029-02-28', 365, '366.00'],
    ]);
    expect(years.total).toBe('732.00');
  });

  it('is refused with each fact that is missing, unknown or given twice', () => {
    const tariff = tariffOf(document({ factors: [zone, age] }));
    const codesOf = (rows: FactRange[]) => {
      const quoted = quote(tariff, year(rows), CUT_OFF);
      return quoted.ok ? [] : quoted.problems.map((p) => p.code);
    };
    const driver = { driverId: 'x', values: { age: 40 } };
    expect(codesOf([])).toEqual(['MISSING_FACT', 'MISSING_FACT']);
    expect(codesOf(facts(driver, { values: { zone: 'C' } }))).toEqual(['UNRATED_VALUE']);
    expect(codesOf(facts(driver, { values: { zone: 'A' } }, { values: { zone: 'A' } }))).toEqual([
      'OVERLAPPING_FACTS',
    ]);
  });

  it('is refused with rows that cannot be: dates, metres, vehicles and periods', () => {
    const tariff = tariffOf(document({}));
    const codesOf = (input: Parameters<typeof quote>[1]) => {
      const quoted = quote(tariff, input, CUT_OFF);
      return quoted.ok ? [] : quoted.problems.map((p) => `${p.code} ${p.path}`);
    };
    const period: [string, string] = ['2026-03-01', '2026-04-01'];
    expect(
      codesOf(
        inputOf(period, [
          day('2026-3-1', 5),
          day('2026-03-01', 0.5),
          day('2026-03-01', 5, { nightM: 6 }),
          day('2026-03-01', 5, { measures: { x: -1 } }),
          day('2026-03-01', 5, { vehicleId: 'bus' }),
        ]),
      ),
    ).toEqual([
      'BAD_DATE /exposure/0/localDate',
      'BAD_DISTANCE /exposure/1/distanceM',
      'BAD_DISTANCE /exposure/2/nightM',
      'BAD_MEASURE /exposure/3/measures/x',
      'UNKNOWN_VEHICLE /exposure/4',
    ]);
    expect(codesOf(inputOf(['2025-12-31', '2026-02-01'], []))).toEqual(['OUTSIDE_POLICY /period']);
    expect(codesOf(inputOf(['2026-02-01', '2026-02-01'], []))).toEqual(['EMPTY_RANGE /period']);
  });
});

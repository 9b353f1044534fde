import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computeAdjustment } from '../../../src/core/premium/bills/adjustment.ts';
import { composeBill, recomposeBill } from '../../../src/core/premium/bills/bill.ts';
import {
  draftFromCoefficients,
  type CoefficientOptions,
} from '../../../src/core/premium/tariff/coefficients.ts';
import type { DeviceDays, FactRange, RatingInput } from '../../../src/core/premium/rating/input.ts';
import { shown, type Fault } from '../../../src/core/premium/exact/fault.ts';
import { quote } from '../../../src/core/premium/rating/quote.ts';
import { rateTrips, type RateOptions } from '../../../src/core/premium/rating/rate.ts';
import { pricedDays } from '../../../src/core/premium/book/rerate.ts';
import { parseTariff, parseTariffText } from '../../../src/core/premium/tariff/tariff.ts';
import { whatIfProblems, type WhatIf } from '../../../src/core/premium/book/what-if.ts';
import { base } from './glm.ts';
import { behaviour, CUT_OFF, day, document, inputOf, tariffOf } from './tariffs.ts';

/** What a person is told, a line a problem. */
const told = (problems: readonly Fault[]): string =>
  problems.map(({ code, path, message }) => `${code} ${path}: ${message}`).join('\n');
const toldOf = (
  result: { readonly ok: true } | { readonly ok: false; readonly problems: readonly Fault[] },
): string => (result.ok ? 'nothing: it is good' : told(result.problems));

describe('a tariff document is refused', () => {
  const read = (parts: Record<string, unknown>): string => toldOf(parseTariff(document(parts)));

  it('where its form is not the schema’s', () => {
    expect(
      read({
        format: 'odograph.tariff/2',
        version: '',
        product: '1st',
        jurisdiction: 'Germany',
        currency: 'eur',
        effectiveFrom: '1 January',
        rounding: { mode: 'HALF_EVEN', places: 5 },
        'a/b~c': 1,
        charges: [
          { kind: 'fixed/1', id: 'a', amount: '1e3', per: 'WEEK' },
          { kind: 'perKm/1', id: 'b', unit: 'km', rate: '-1', dailyCap: 0, cap: 5 },
        ],
        factors: [{ kind: 'relativity/1', id: 'c', fact: 'zone', table: { A: '0.0' } }],
        adjustments: [
          { kind: 'loading/1', id: 'l', fixedPerYear: '0', variable: '1.0', profit: '0' },
        ],
      }),
    ).toMatchInlineSnapshot(`
      "INVALID /format: Invalid input: expected "odograph.tariff/1"; seen: "odograph.tariff/2"
      INVALID /version: Too small: expected string to have >=1 characters; seen: ""
      INVALID /product: expected a name: a letter, then letters, digits, _ or -, at most 64; seen: "1st"
      INVALID /jurisdiction: expected an ISO 3166 country or subdivision, e.g. GB or US-CA; seen: "Germany"
      INVALID /currency: expected an ISO 4217 currency, e.g. USD; seen: "eur"
      INVALID /effectiveFrom: expected a date, the first local one; the tariff ends where the next of its product and jurisdiction starts; seen: "1 January"
      INVALID /rounding/mode: Invalid input: expected "HALF_UP"; seen: "HALF_EVEN"
      INVALID /rounding/places: Too big: expected number to be <=4; seen: 5
      INVALID /charges/0/amount: expected a decimal of at least 0 as a string, e.g. "30.00"; seen: "1e3"
      INVALID /charges/0/per: Invalid option: expected one of "YEAR"|"MONTH"|"DAY"; seen: "WEEK"
      INVALID /charges/1/rate: expected a decimal of at least 0 as a string, e.g. "30.00"; seen: "-1"
      INVALID /charges/1/dailyCap: Too small: expected number to be >=1; seen: 0
      UNKNOWN_FIELD /charges/1/cap: a tariff has no field "cap" here
      INVALID /factors/0/table/A: expected a decimal above 0 as a string, e.g. "1.25"; seen: "0.0"
      INVALID /adjustments/0/variable: expected a decimal of at least 0 and below 1 as a string, e.g. "0.12"; seen: "1.0"
      UNKNOWN_FIELD /a~1b~0c: a tariff has no field "a/b~c" here"
    `);
    expect(toldOf(parseTariff([]))).toMatchInlineSnapshot(
      `"INVALID : Invalid input: expected object, received array; seen: []"`,
    );
    expect(toldOf(parseTariff({ format: 'odograph.tariff/1', charges: null })))
      .toMatchInlineSnapshot(`
      "MISSING /id: is missing
      MISSING /version: is missing
      MISSING /product: is missing
      MISSING /jurisdiction: is missing
      MISSING /currency: is missing
      MISSING /effectiveFrom: is missing
      MISSING /rounding: is missing
      INVALID /charges: Invalid input: expected array, received null; seen: null
      MISSING /factors: is missing
      MISSING /adjustments: is missing"
    `);
  });

  it('where it is not JSON', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(toldOf(parseTariff(circle))).toMatchInlineSnapshot(
      `"NOT_JSON : this is not plain JSON data"`,
    );
    expect(toldOf(parseTariffText('{"format":'))).toMatch(/^NOT_JSON : Unexpected end of JSON/);
  });

  it('where ids or the charges that they name are ambiguous', () => {
    const habit = { measure: 'harshBraking', per: '100KM', coefficient: '0.1', mean: '1' };
    expect(
      read({
        effectiveFrom: '2026-02-30',
        charges: [
          { kind: 'fixed/1', id: 'one', amount: '1', per: 'DAY' },
          { kind: 'fixed/1', id: 'two', amount: '1', per: 'DAY' },
        ],
        factors: [
          {
            kind: 'relativity/1',
            id: 'one',
            fact: 'zone',
            table: { A: '1' },
            appliesTo: ['two', 'three'],
          },
        ],
        behaviour: {
          kind: 'habits/1',
          id: 'two',
          window: 'PERIOD',
          appliesTo: ['four'],
          habits: [
            { id: 'braking', ...habit },
            { id: 'braking', ...habit },
          ],
          floor: '1.01',
          cap: '0.99',
          priorKm: 500,
          places: 6,
        },
        adjustments: [{ kind: 'tax/1', id: 'one', label: 'Tax', rate: '0.1' }],
      }),
    ).toMatchInlineSnapshot(`
      "DUPLICATE_ID /factors/0/id: "one" is already the id of /charges/0/id
      DUPLICATE_ID /behaviour/id: "two" is already the id of /charges/1/id
      DUPLICATE_ID /behaviour/habits/1/id: "braking" is already the id of /behaviour/habits/0/id
      DUPLICATE_ID /adjustments/0/id: "one" is already the id of /charges/0/id
      UNKNOWN_CHARGE /factors/0/appliesTo/1: "three" is not a charge; the charges are one, two
      UNKNOWN_CHARGE /behaviour/appliesTo/0: "four" is not a charge; the charges are one, two
      INVALID /effectiveFrom: "2026-02-30" is not a date
      BAD_CLAMP /behaviour: floor 1.01 and cap 0.99 must have 1 between them"
    `);
  });

  it('where bands, tables or shares are impossible', () => {
    const km = { kind: 'perKm/1', unit: 'km' };
    expect(
      read({
        charges: [
          { ...km, id: 'neither' },
          { ...km, id: 'both', rate: '1', bands: [{ rate: '1' }], bandsPer: 'YEAR' },
          { ...km, id: 'per', rate: '1', bandsPer: 'YEAR' },
          { ...km, id: 'noPer', bands: [{ rate: '1' }] },
          {
            kind: 'perMeasure/1',
            id: 'night',
            label: 'Night',
            measure: 'nightM',
            perUnits: 1000,
            unit: 'km',
            rate: '1',
          },
          { ...km, id: 'open', bands: [{ rate: '1' }, { upTo: 5, rate: '1' }], bandsPer: 'PERIOD' },
          {
            ...km,
            id: 'down',
            bands: [{ upTo: 5, rate: '1' }, { upTo: 4, rate: '1' }, { rate: '1' }],
            bandsPer: 'YEAR',
          },
        ],
        factors: [
          {
            kind: 'banded/1',
            id: 'open2',
            fact: 'age',
            bands: [{ relativity: '1' }, { below: 5, relativity: '1' }],
          },
          {
            kind: 'banded/1',
            id: 'down2',
            fact: 'age',
            bands: [
              { below: 5, relativity: '1' },
              { below: 5, relativity: '1' },
              { relativity: '1' },
            ],
          },
          { kind: 'relativity/1', id: 'empty', fact: 'zone', table: {} },
        ],
        adjustments: [
          { kind: 'loading/1', id: 'l', fixedPerYear: '0', variable: '0.6', profit: '0.4' },
        ],
        silentDays: {
          kind: 'mean/1',
          source: 'Clause 8',
          fromDays: 10,
          upToDays: 9,
          windowDays: 14,
          leastHeardDays: 15,
          unit: 'km',
          otherwise: '10',
        },
      }),
    ).toMatchInlineSnapshot(`
      "BAD_RATE /charges/0: needs exactly one of rate and bands
      BAD_RATE /charges/1: needs exactly one of rate and bands
      BAD_RATE /charges/2/bandsPer: bandsPer (YEAR or PERIOD) goes with bands: give both or neither
      BAD_RATE /charges/3/bandsPer: bandsPer (YEAR or PERIOD) goes with bands: give both or neither
      BAD_UNIT /charges/4/unit: "km" alone means all driving: name a measure, e.g. "km at night"
      BAD_RATE /charges/5/bands/0/upTo: every band but the last has an upTo, and the last has none
      BAD_RATE /charges/5/bands/1/upTo: every band but the last has an upTo, and the last has none
      BAD_RATE /charges/6/bands/1/upTo: 4 is not above the band before it
      BAD_BANDS /factors/0/bands/0/below: every band but the last has a below, and the last has none
      BAD_BANDS /factors/0/bands/1/below: every band but the last has a below, and the last has none
      BAD_BANDS /factors/1/bands/1/below: 5 is not above the band before it
      BAD_TABLE /factors/2/table: a table has 1 to 20,000 values, this one 0
      BAD_SILENT_DAYS /silentDays/upToDays: 9 is less than fromDays, 10; it must be at least that
      BAD_SILENT_DAYS /silentDays/leastHeardDays: 15 is more than windowDays, 14; it must be at most that
      BAD_LOADING /adjustments/0: variable 0.6 and profit 0.4 must be below 1 together"
    `);
  });

  it('where its table is too long, and not before', () => {
    const table = (values: number) =>
      Object.fromEntries(Array.from({ length: values }, (_, i) => [`v${i}`, '1']));
    const zone = { kind: 'relativity/1', id: 'zone', fact: 'zone' };
    expect(read({ factors: [{ ...zone, table: table(20_000) }] })).toBe('nothing: it is good');
    expect(read({ factors: [{ ...zone, table: table(20_001) }] })).toMatchInlineSnapshot(
      `"BAD_TABLE /factors/0/table: a table has 1 to 20,000 values, this one 20001"`,
    );
  });

  it('where a law or a supervisor does not allow it', () => {
    const night = {
      kind: 'perMeasure/1',
      id: 'night',
      label: 'Night',
      measure: 'nightM',
      perUnits: 1000,
      unit: 'km at night',
      rate: '0.1',
    };
    const gender = { kind: 'relativity/1', id: 'g', fact: 'Gender', table: { F: '1' } };
    const fixed = { kind: 'fixed/1', id: 'fixed', amount: '30.00', per: 'MONTH' };
    expect(read({ jurisdiction: 'US-CA', charges: [fixed] })).toBe('nothing: it is good');
    expect(read({ jurisdiction: 'US-CA', charges: [night] })).toMatchInlineSnapshot(
      `"US_CA_MILEAGE_ONLY /charges/0: in California a device may verify mileage only; behaviour and the time of driving may not be rated (California Code of Regulations, title 10, § 2632.5(c)(2)(F) and (d); Insurance Code § 1861.02(a))"`,
    );
    expect(read({ jurisdiction: 'IE', factors: [gender] })).toMatchInlineSnapshot(
      `"EU_NO_SEX /factors/0/fact: in the European Union sex may not make a difference in premiums (Council Directive 2004/113/EC (OJ L 373, 21.12.2004, p. 37), article 5(1); article 5(2), which allowed exceptions, is invalid from 21 December 2012 on: Court of Justice, C-236/09 (Test-Achats), 1 March 2011, ECLI:EU:C:2011:100)"`,
    );
    expect(read({ jurisdiction: 'US-CO', charges: [night], factors: [gender] })).toBe(
      'nothing: it is good',
    );
  });
});

describe('the input of a premium is refused', () => {
  const tariff = tariffOf(document({}));
  const read = (input: RatingInput, by = tariff): string => toldOf(quote(by, input, CUT_OFF));
  const MARCH: [string, string] = ['2026-03-01', '2026-04-01'];

  it('where rows are impossible', () => {
    expect(
      read(
        inputOf(MARCH, [
          day('2026-3-1', 5),
          day('2026-03-01', 0.5),
          day('2026-03-01', -1),
          day('2026-03-01', 10_000_001),
          day('2026-03-01', 10_000_000, { nightM: 10_000_000, measures: { x: 1_000_000_000 } }),
          day('2026-03-01', 5, { nightM: 6 }),
          day('2026-03-01', 5, { measures: { ok: 0, x: -1, y: 1_000_000_001 } }),
          day('2026-03-01', 5, { measures: { z: 'two' as never } }),
          day('2026-03-01', 5, { vehicleId: 'bus' }),
        ]),
      ),
    ).toMatchInlineSnapshot(`
      "BAD_DATE /exposure/0/localDate: "2026-3-1" is not a date
      BAD_DISTANCE /exposure/1/distanceM: 0.5 is not a whole number of metres from 0 to 10000000
      BAD_DISTANCE /exposure/2/distanceM: -1 is not a whole number of metres from 0 to 10000000
      BAD_DISTANCE /exposure/3/distanceM: 10000001 is not a whole number of metres from 0 to 10000000
      BAD_DISTANCE /exposure/5/nightM: 6 is not a whole number of metres from 0 to the day's 5
      BAD_MEASURE /exposure/6/measures/x: -1 is not a whole number from 0 to 1000000000
      BAD_MEASURE /exposure/6/measures/y: 1000000001 is not a whole number from 0 to 1000000000
      BAD_MEASURE /exposure/7/measures/z: "two" is not a whole number from 0 to 1000000000
      UNKNOWN_VEHICLE /exposure/8: "bus" is not a vehicle of the policy"
    `);
  });

  it('with a hundred problems at most', () => {
    const rows = Array.from({ length: 150 }, () => day('2026-03-01', -1));
    expect(read(inputOf(MARCH, rows)).split('\n')).toHaveLength(100);
  });

  it('where dates, vehicles or periods are impossible', () => {
    const car = { vehicleId: 'car', from: '2026-01-01', to: '2027-01-01' };
    expect(read(inputOf(['2026-02-30', 'soon'], []))).toMatchInlineSnapshot(`
      "BAD_DATE /period/from: "2026-02-30" is not a date such as 2026-03-31
      BAD_DATE /period/to: "soon" is not a date such as 2026-03-31"
    `);
    expect(read(inputOf(['2026-03-01', '2026-03-01'], []))).toMatchInlineSnapshot(
      `"EMPTY_RANGE /period: 2026-03-01 is not before 2026-03-01 (to is not included)"`,
    );
    expect(read(inputOf(['2025-12-31', '2026-02-01'], []))).toMatchInlineSnapshot(
      `"OUTSIDE_POLICY /period: 2025-12-31 to 2026-02-01 is not within the policy, 2026-01-01 to 2027-01-01"`,
    );
    expect(read(inputOf(['2026-12-01', '2027-01-02'], []))).toMatchInlineSnapshot(
      `"OUTSIDE_POLICY /period: 2026-12-01 to 2027-01-02 is not within the policy, 2026-01-01 to 2027-01-01"`,
    );
    expect(read(inputOf(['2026-01-01', '2027-01-01'], []))).toBe('nothing: it is good');
    expect(read(inputOf(MARCH, [], { startDate: 'x' }))).toContain('BAD_DATE /policy/from: "x"');
    expect(read(inputOf(MARCH, [], { vehicles: [] }))).toMatchInlineSnapshot(
      `"NO_VEHICLE /policy/vehicles: must have at least one vehicle"`,
    );
    expect(read(inputOf(MARCH, [], { vehicles: [car, { ...car, from: 'x' }] })))
      .toMatchInlineSnapshot(`
        "DUPLICATE_VEHICLE /policy/vehicles/1: "car" is listed twice
        BAD_DATE /policy/vehicles/1/from: "x" is not a date such as 2026-03-31"
      `);
    const facts = [
      { from: '2026-01-01', to: '2026-01-01', values: {} },
      { from: '2026-01-01', to: '2027-01-01', vehicleId: 'bus', values: {} },
    ];
    expect(read(inputOf(MARCH, [], { facts }))).toMatchInlineSnapshot(`
      "EMPTY_RANGE /policy/facts/0: 2026-01-01 is not before 2026-01-01 (to is not included)
      UNKNOWN_VEHICLE /policy/facts/1: "bus" is not a vehicle of the policy"
    `);
    const deviceDays: DeviceDays[] = [
      { vehicleId: 'car', from: '2026-03-05', to: '2026-03-09', heard: true },
      { vehicleId: 'car', from: '2026-03-01', to: '2026-03-06', heard: false },
      { vehicleId: 'bus', from: '2026-03-01', to: '2026-03-01', heard: false },
    ];
    expect(read({ ...inputOf(MARCH, []), deviceDays })).toMatchInlineSnapshot(`
      "UNKNOWN_VEHICLE /deviceDays/2: "bus" is not a vehicle of the policy
      EMPTY_RANGE /deviceDays/2: 2026-03-01 is not before 2026-03-01 (to is not included)
      OVERLAPPING_DAYS /deviceDays/0: a day of a vehicle may be listed only once, as heard or as silent"
    `);
  });

  it('where facts are missing, not in the tariff, or given twice', () => {
    const factors = [
      {
        kind: 'relativity/1',
        id: 'zone',
        fact: 'zone',
        table: Object.fromEntries([...'ABCDEFGHIJKLM'].map((zone) => [zone, '1'])),
      },
      {
        kind: 'relativity/1',
        id: 'fuel',
        fact: 'fuel',
        table: Object.fromEntries([...'ABCDEFGHIJKL'].map((fuel) => [fuel, '1'])),
        otherwise: '1.1',
      },
      {
        kind: 'banded/1',
        id: 'age',
        fact: 'age',
        subject: 'DRIVERS',
        bands: [{ relativity: '1' }],
      },
    ];
    const strict = tariffOf(document({ factors }));
    const by = (...rows: Partial<FactRange>[]): string => {
      const facts = rows.map((row) => ({
        from: '2026-01-01',
        to: '2027-01-01',
        values: {},
        ...row,
      }));
      return read(inputOf(MARCH, [], { facts }), strict);
    };
    expect(by()).toMatchInlineSnapshot(`
      "MISSING_FACT /policy/facts: vehicle car has no "zone" from 2026-01-01 to 2026-03-01; the tariff's factor "zone" needs one of A, B, C, D, E, F, G, H, I, J, K, L, …
      MISSING_FACT /policy/facts: vehicle car has no "fuel" from 2026-01-01 to 2026-03-01; the tariff's factor "fuel" needs one of A, B, C, D, E, F, G, H, I, J, K, L
      MISSING_FACT /policy/facts: the policy (it names no driver) has no "age" from 2026-01-01 to 2026-03-01; the tariff's factor "age" needs a whole number
      MISSING_FACT /policy/facts: vehicle car has no "zone" from 2026-03-01 to 2026-04-01; the tariff's factor "zone" needs one of A, B, C, D, E, F, G, H, I, J, K, L, …
      MISSING_FACT /policy/facts: vehicle car has no "fuel" from 2026-03-01 to 2026-04-01; the tariff's factor "fuel" needs one of A, B, C, D, E, F, G, H, I, J, K, L
      MISSING_FACT /policy/facts: the policy (it names no driver) has no "age" from 2026-03-01 to 2026-04-01; the tariff's factor "age" needs a whole number"
    `);
    expect(
      by(
        { values: { zone: 'Z', fuel: 'wood' } },
        { driverId: 'ann', values: { age: 'forty' } },
        { driverId: 'bob', values: {} },
      ),
    ).toMatchInlineSnapshot(`
      "UNRATED_VALUE /policy/facts: "Z" is not a "zone" the tariff knows (vehicle car, from 2026-01-01 to 2026-03-01); expected one of A, B, C, D, E, F, G, H, I, J, K, L, …
      UNRATED_VALUE /policy/facts: "forty" is not a "age" the tariff knows (driver ann, from 2026-01-01 to 2026-03-01); expected a whole number
      MISSING_FACT /policy/facts: driver bob has no "age" from 2026-01-01 to 2026-03-01; the tariff's factor "age" needs a whole number
      UNRATED_VALUE /policy/facts: "Z" is not a "zone" the tariff knows (vehicle car, from 2026-03-01 to 2026-04-01); expected one of A, B, C, D, E, F, G, H, I, J, K, L, …
      UNRATED_VALUE /policy/facts: "forty" is not a "age" the tariff knows (driver ann, from 2026-03-01 to 2026-04-01); expected a whole number
      MISSING_FACT /policy/facts: driver bob has no "age" from 2026-03-01 to 2026-04-01; the tariff's factor "age" needs a whole number"
    `);
    const good = { values: { zone: 'A', fuel: 'B' } };
    const ann = { driverId: 'ann', values: { age: 40 } };
    expect(by(good, good, ann, ann)).toMatchInlineSnapshot(`
      "OVERLAPPING_FACTS /policy/facts/1: "zone" is given twice for the same days
      OVERLAPPING_FACTS /policy/facts/1: "fuel" is given twice for the same days
      OVERLAPPING_FACTS /policy/facts/3: "age" is given twice for the same days
      OVERLAPPING_FACTS /policy/facts/1: "zone" is given twice for the same days
      OVERLAPPING_FACTS /policy/facts/1: "fuel" is given twice for the same days
      OVERLAPPING_FACTS /policy/facts/3: "age" is given twice for the same days"
    `);
    expect(by(good, { ...ann, to: '2026-03-10' })).toMatchInlineSnapshot(
      `"MISSING_FACT /policy/facts: the policy (it names no driver) has no "age" from 2026-03-10 to 2026-04-01; the tariff's factor "age" needs a whole number"`,
    );
    expect(by(good, { ...good, vehicleId: 'car' }, ann)).toBe('nothing: it is good');
  });

  it('where a period crosses a policy year and the tariff does not add over time', () => {
    const moving = tariffOf(
      document({
        charges: [
          {
            kind: 'perKm/1',
            id: 'distance',
            unit: 'km',
            bands: [{ rate: '1' }],
            bandsPer: 'PERIOD',
          },
        ],
        behaviour: { ...behaviour, window: { days: 90 } },
        adjustments: [
          { kind: 'minimum/1', id: 'least', amount: '5' },
          { kind: 'fee/1', id: 'fee', label: 'Fee', amount: '1', per: 'PERIOD' },
        ],
      }),
    );
    const two = inputOf(['2026-12-01', '2027-02-01'], [], { endDate: '2028-01-01' });
    expect(read(two, moving)).toMatchInlineSnapshot(
      `"CROSSES_POLICY_YEAR /period: a period of this tariff must lie within one policy year, since the bands of "distance" start again with each billing period; "habits" looks at a window of driving that moves with each billing period; "least" is a minimum of each billing period; "fee" is due once in each billing period; quote to 2027-01-01, then from it"`,
    );
    expect(read(two)).toBe('nothing: it is good');
  });
});

describe('a file of trips is refused', () => {
  const payd = readFileSync('examples/tariffs/payd-demo.json', 'utf8');
  const read = (csv: string, options: Partial<RateOptions> = {}): string =>
    toldOf(rateTrips(payd, csv, { facts: {}, ...options }, CUT_OFF));

  it('with each bad row, by its line and field', () => {
    expect(read('localDate,km\n')).toMatchInlineSnapshot(
      `"BAD_HEADING /trips/1: the heading "localDate,km" needs localDate and one of distanceM, distanceKm and distanceMi; vehicleId, nightM, nightKm, nightMi and measures may follow"`,
    );
    expect(read('distanceKm\n1')).toMatchInlineSnapshot(
      `"BAD_HEADING /trips/1: the heading "distanceKm" needs localDate and one of distanceM, distanceKm and distanceMi; vehicleId, nightM, nightKm, nightMi and measures may follow"`,
    );
    expect(read('localDate,distanceKm,distanceMi\n')).toMatchInlineSnapshot(
      `"BAD_HEADING /trips/1: the heading "localDate,distanceKm,distanceMi" needs localDate and one of distanceM, distanceKm and distanceMi; vehicleId, nightM, nightKm, nightMi and measures may follow"`,
    );
    expect(
      read(
        'localDate,distanceMi,nightKm,brakes\n2026-02-30,1,0,1\n\n2026-03-01,-1,x,many\n2026-03-01,1\n2026-03-01,1,0,1,9\n',
      ),
    ).toMatchInlineSnapshot(`
      "BAD_ROW /trips/2/localDate: "2026-02-30" is not a date such as 2026-03-31
      BAD_ROW /trips/4/distanceMi: "-1" is not a distance such as 12.3
      BAD_ROW /trips/4/nightKm: "x" is not a distance such as 12.3
      BAD_ROW /trips/4/brakes: "many" is not a whole number
      BAD_ROW /trips/5/: has 2 fields, the heading has 4
      BAD_ROW /trips/5/nightKm: "" is not a distance such as 12.3
      BAD_ROW /trips/5/brakes: "" is not a whole number
      BAD_ROW /trips/6/: has 5 fields, the heading has 4"
    `);
    const bad = `localDate,distanceM\n${'2026-03-01,far\n'.repeat(150)}`;
    expect(read(bad).split('\n')).toHaveLength(100);
  });
});

describe('a table of coefficients is refused', () => {
  const age = { variable: 'Age', fact: 'ageBand', base: '<25' };
  const read = (csv: string, options: Partial<CoefficientOptions> = {}): string =>
    toldOf(draftFromCoefficients(base, csv, { factors: [age], version: '2', ...options }));
  const table = (...lines: string[]) => ['term,estimate', '(Intercept),-1.8', ...lines].join('\n');

  it('where a tariff could not express the same', () => {
    expect(read('a,b\n1,2')).toMatchInlineSnapshot(`
      "BAD_HEADING /coefficients/1: the heading "a,b" needs the terms (term, or no name) and their coefficients (one of estimate, coef, Coef., 0)
      NO_COEFFICIENT /factors: no coefficient is of "Age"; the terms are "
    `);
    expect(
      read(
        table(
          'Age25-29,NA',
          'Age.L,0.1',
          'Age^4,0.3',
          'Age,0.1',
          'Age30-35:District2,0.1',
          'District2,0.1',
          'Age<25,0.1',
        ),
      ),
    ).toMatchInlineSnapshot(`
      "NOT_ESTIMATED /coefficients/3: the coefficient of Age25-29 is "NA", which is not a number
      ORDERED_CONTRASTS /coefficients/4: "Age.L" is a polynomial contrast of an ordered factor, no level: fit with treatment contrasts, options(contrasts = c("contr.treatment", "contr.treatment"))
      ORDERED_CONTRASTS /coefficients/5: "Age^4" is a polynomial contrast of an ordered factor, no level: fit with treatment contrasts, options(contrasts = c("contr.treatment", "contr.treatment"))
      NUMERIC /coefficients/6: "Age" is a number's slope, and a table needs levels: cut it into bands
      INTERACTION /coefficients/7: "Age30-35:District2" is an interaction, which a tariff cannot express
      UNKNOWN_TERM /coefficients/8: "District2" is not a level of a variable that was named: Age
      BASE_ESTIMATED /coefficients/9: "<25" was named the base of Age, but has a coefficient
      NO_COEFFICIENT /factors: no coefficient is of "Age"; the terms are (Intercept), Age25-29, Age.L, Age^4, Age, Age30-35:District2, District2, Age<25"
    `);
    expect(read(table('Age25-29,0.1'), { factors: [] })).toMatchInlineSnapshot(
      `"UNKNOWN_TERM /coefficients/3: "Age25-29" is not a level of a variable that was named: none"`,
    );
    expect(
      read(table('Age25-29,0.1', 'Group2,0.1'), {
        factors: [age, { variable: 'District', fact: 'territory', base: '1' }],
      }),
    ).toMatchInlineSnapshot(`
      "UNKNOWN_TERM /coefficients/4: "Group2" is not a level of a variable that was named: Age, District
      NO_COEFFICIENT /factors: no coefficient is of "District"; the terms are (Intercept), Age25-29, Group2"
    `);
    expect(read(table('Age25-29,0.1'), { meanClaim: '1.23456' })).toMatchInlineSnapshot(
      `"BAD_MEAN_CLAIM /charges: a mean claim of "1.23456" needs an amount such as 1500.00, an intercept, and a base tariff with one fixed charge; it has 1"`,
    );
    expect(read('term,estimate\nAge25-29,0.1', { meanClaim: '1500.00' })).toMatchInlineSnapshot(
      `"BAD_MEAN_CLAIM /charges: a mean claim of "1500.00" needs an amount such as 1500.00, an intercept, and a base tariff with one fixed charge; it has 1"`,
    );
  });
});

describe('an issued document is refused', () => {
  const tariff = tariffOf(document({}));
  const other = tariffOf(document({ version: '2' }));
  const input = inputOf(['2026-02-01', '2026-03-01'], [day('2026-02-03', 100_000)]);
  const result = composeBill('B-1', tariff, input, CUT_OFF, []);
  if (!result.ok) throw new Error(told(result.problems));
  const { bill, bytes } = result;

  it('where a bill was changed', () => {
    const forged = bytes
      .replaceAll('odograph.premium/1', 'odograph.premium/0')
      .replace('"distanceM":100000', '"distanceM":100001');
    expect(toldOf(recomposeBill(forged, other))).toMatchInlineSnapshot(`
      "OTHER_TARIFF /premium/tariff/hash: the bill was made with sha256:b4723b3dae8e27f5ff213de65bb329af7143589ef4509b10f9f3fda0e62794ca, this tariff is sha256:e2a8514b9b9edc6afc4e217791129acef30260b77f95ab589d9a73b8e4fc667b
      OTHER_ENGINE /premium/engine: the bill was made by odograph.premium/0, this is odograph.premium/1
      INPUTS_CHANGED /inputs: the bill's inputs no longer have the hash sha256:2ed676cd9e6650b480bfac49e073f1a05c33102f7055d8acb851b8034ea6d194"
    `);
  });

  it('where bills are adjusted by another policy, currency or tariff', () => {
    const known = { policy: input.policy, exposure: [], cutOff: CUT_OFF, trips: [] };
    const euro = { ...bill, premium: { ...bill.premium, currency: 'EUR' } };
    const stranger = { ...known, policy: { ...input.policy, number: 'P-2' } };
    expect(toldOf(computeAdjustment('A', [bill], [], stranger, new Map()))).toMatchInlineSnapshot(
      `"OTHER_POLICY /bills/0: bill B-1 is of policy "P-1" in USD, not of "P-2" in USD"`,
    );
    expect(toldOf(computeAdjustment('A', [bill, euro], [], known, new Map())))
      .toMatchInlineSnapshot(`
      "UNKNOWN_TARIFF /bills/0: the tariff sha256:b4723b3dae8e27f5ff213de65bb329af7143589ef4509b10f9f3fda0e62794ca of bill B-1 was not given
      OTHER_POLICY /bills/1: bill B-1 is of policy "P-1" in EUR, not of "P-1" in USD"
    `);
    const bus = { ...known, exposure: [day('2026-02-03', 1, { vehicleId: 'bus' })] };
    const tariffs = new Map([[tariff.hash, tariff]]);
    expect(toldOf(computeAdjustment('A', [bill], [], bus, tariffs))).toMatchInlineSnapshot(
      `"UNKNOWN_VEHICLE /exposure/0: "bus" is not a vehicle of the policy"`,
    );
  });
});

describe('a what-if is refused', () => {
  const euro = tariffOf(document({ currency: 'EUR', version: '7' }));

  it('where the question cannot be answered', () => {
    const draft = tariffOf(document({}));
    const read = (more: Partial<WhatIf>): string =>
      told(
        whatIfProblems({
          draft,
          product: 'payd',
          period: { from: '2026-01-01', to: '2027-01-01' },
          current: pricedDays([draft]),
          billingMonths: 12,
          facts: [],
          groupBy: undefined,
          ...more,
        }),
      );
    expect(read({})).toBe('');
    expect(
      read({
        period: { from: '2026-02-30', to: 'x' },
        billingMonths: 5,
        current: pricedDays([euro]),
      }),
    ).toMatchInlineSnapshot(`
      "BAD_DATE /from: "2026-02-30" is not a date such as 2026-03-31
      BAD_DATE /to: "x" is not a date such as 2026-03-31
      BAD_BILLING /billingMonths: 5 is not one of 1, 2, 3, 4, 6, 12
      OTHER_CURRENCY /tariff: the draft is in USD, test@7 in EUR: they cannot be compared"
    `);
    expect(read({ period: { from: 'x', to: '2026-03-01' } })).toBe(
      'BAD_DATE /from: "x" is not a date such as 2026-03-31',
    );
    expect(read({ period: { from: '2026-03-02', to: '2026-03-01' } })).toMatchInlineSnapshot(
      `"EMPTY_RANGE /to: 2026-03-01 must lie after from, 2026-03-02"`,
    );
    expect(read({ period: { from: '2026-03-01', to: '2026-03-01' } })).toMatchInlineSnapshot(
      `"EMPTY_RANGE /to: 2026-03-01 must lie after from, 2026-03-01"`,
    );
  });
});

describe('a value that was seen', () => {
  it('is shown short, whatever it is', () => {
    expect(
      [
        undefined,
        null,
        'a "b"',
        5,
        -0.5,
        12n,
        true,
        [1, 'two'],
        { a: { b: [] } },
        () => 1,
        Symbol('s'),
        'x'.repeat(58),
        'x'.repeat(59),
      ].map(shown),
    ).toMatchInlineSnapshot(`
      [
        "nothing",
        "null",
        ""a \\"b\\""",
        "5",
        "-0.5",
        "12",
        "true",
        "[1,"two"]",
        "{"a":{"b":[]}}",
        "function",
        "symbol",
        ""xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"",
        ""xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
      ]
    `);
  });
});

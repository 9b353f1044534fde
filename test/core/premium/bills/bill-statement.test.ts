import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { billStatement } from '../../../../src/core/premium/bills/bill-statement.ts';
import { composeBill } from '../../../../src/core/premium/bills/bill.ts';
import { hashOf } from '../../../../src/core/premium/exact/canonical.ts';
import type { RatingInput } from '../../../../src/core/premium/rating/input.ts';
import { rateTrips } from '../../../../src/core/premium/rating/rate.ts';
import type { Statement } from '../../../../src/core/premium/bills/statement.ts';
import type { Tariff } from '../../../../src/core/premium/tariff/tariff.ts';
import { addingTariff, anyInput, anyTariff, runs } from '../generators.ts';
import { CUT_OFF, day, document, inputOf, tariffOf } from '../tariffs.ts';

const read = (name: string) => readFileSync(`examples/tariffs/${name}`, 'utf8');
const perKm = { kind: 'perKm/1', id: 'km', unit: 'km', rate: '0.1' };

function issue(tariff: Tariff, input: RatingInput) {
  const made = composeBill('B-000007', tariff, input, CUT_OFF, [{ tripId: '42', revision: 3 }]);
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  return made.bill;
}

const tableOf = ({ sections }: Statement, heading: string) =>
  sections.find((section) => section.heading === heading)?.table;
const notesOf = ({ sections }: Statement) =>
  sections.flatMap(({ notes = [] }) => notes.map(({ title, text }) => `${title}: ${text}`));
/** A decimal's thousandths, exact for amounts of any size: a habit's share before the limits may be huge. */
function thousandths(decimal: string): bigint {
  const [, sign, whole, places = ''] = /^([+-]?)(\d+)(?:\.(\d{1,3}))?$/.exec(decimal) ?? [];
  if (whole === undefined) throw new Error(`not a decimal of three places: ${decimal}`);
  const size = BigInt(whole + places.padEnd(3, '0'));
  return sign === '-' ? -size : size;
}
const sum = (decimals: readonly string[]) =>
  decimals.reduce((total, decimal) => total + thousandths(decimal), 0n);

describe('the statement of a bill', () => {
  it('has the amount of each line, the total, and the distance driven and billed of each day', () => {
    const rated = rateTrips(
      read('payd-demo.json'),
      read('march.csv'),
      { facts: {}, policyStart: '2026-01-01', from: '2026-03-01', to: '2026-04-01' },
      CUT_OFF,
    );
    if (!rated.ok) throw new Error(JSON.stringify(rated.problems));
    const preview = billStatement(rated);
    expect(preview).toMatchObject({
      title: 'Premium preview',
      due: { label: 'Not billed yet', amount: 'USD 37.43' },
      about: [
        'Car insurance policy from-file',
        '1 March 2026 to 31 March 2026, both days included',
      ],
    });
    expect(tableOf(preview, 'What makes the total')).toMatchObject({
      groups: [
        {
          title: 'Time and driving',
          sums: ['37.43'],
          rows: [
            ['Fixed part', '31 days at 360.00 a policy year', '30.58'],
            ['Kilometres driven', '342.65 km at 0.02 a km', '6.85'],
          ],
        },
      ],
      total: { sums: ['37.43'] },
    });
    expect(tableOf(preview, 'What was driven')).toMatchObject({
      groups: [
        {
          rows: [
            ['2 March 2026', '', '38.400', '38.400'],
            ['5 March 2026', 'daily limit', '322.500', '240.000'],
            ['14 March 2026', '', '64.250', '64.250'],
          ],
        },
      ],
      total: { sums: ['425.150', '342.650'] },
    });
  });

  it('has its number, its hash, its trips and the cut-off', () => {
    const bill = issue(
      tariffOf(document({ charges: [perKm] })),
      inputOf(['2026-02-01', '2026-02-02'], []),
    );
    const statement = billStatement(bill);
    expect(statement).toMatchObject({
      title: 'Bill B-000007',
      about: ['Car insurance policy P-1', '1 February 2026'],
      due: { label: 'Total', amount: 'USD 0.00' },
    });
    expect(statement.sections.find(({ sentence }) => sentence)).toMatchObject({
      sentence: 'Nothing in this period.',
    });
    expect(statement.sections.at(-1)?.evidence).toMatchObject({
      facts: [{ name: 'Bill B-000007', value: hashOf(bill) }, {}, {}, {}, { value: CUT_OFF }, {}],
      list: { items: ['42 (3)'] },
    });
    expect(notesOf(statement).join('\n')).toContain('known at 31 December 2026, 00:00 UTC');
  });

  it('keeps vehicles apart, and says what was estimated and what was not covered', () => {
    const fee = { kind: 'fee/1', id: 'fee', label: 'Fee', amount: '1.00', per: 'PERIOD' };
    const bill = issue(
      tariffOf(document({ charges: [perKm], adjustments: [fee] })),
      inputOf(
        ['2026-03-01', '2026-04-01'],
        [
          day('2026-03-03', 5000, { vehicleId: 'van' }),
          day('2026-03-20', 7000, { vehicleId: 'van', estimated: true }),
          day('2026-03-20', 1000, { vehicleId: 'van' }),
          day('2026-03-20', 2500),
          day('2026-04-01', 9000),
        ],
        {
          vehicles: [
            { vehicleId: 'car', from: '2026-01-01', to: '2027-01-01' },
            { vehicleId: 'van', from: '2026-03-16', to: '2027-01-01' },
          ],
        },
      ),
    );
    const statement = billStatement(bill);
    expect(tableOf(statement, 'What makes the total')?.groups.map(({ title }) => title)).toEqual([
      'Time and driving, vehicle car',
      'Time and driving, vehicle van',
      'Fees and taxes',
    ]);
    expect(tableOf(statement, 'What was driven')).toMatchObject({
      groups: [
        {
          title: 'Vehicle car',
          sums: ['2.500', '2.500'],
          rows: [['20 March 2026', '', '2.500', '2.500']],
        },
        {
          title: 'Vehicle van',
          sums: ['13.000', '8.000'],
          rows: [
            ['3 March 2026', 'not covered', '5.000', '0.000'],
            ['20 March 2026', 'estimated', '8.000', '8.000'],
          ],
        },
      ],
      total: { sums: ['15.500', '10.500'] },
    });
    const notes = notesOf(statement);
    expect(notes[0]).toContain('Estimated: 7 km of vehicle van');
    expect(notes[1]).toContain('Not covered: 5 km of vehicle van');
  });

  it("applies limits and cover to each vehicle's own days", () => {
    const bill = issue(
      tariffOf(document({ charges: [{ ...perKm, dailyCap: 100 }] })),
      inputOf(
        ['2026-03-01', '2026-04-01'],
        [
          day('2026-03-04', 1_000),
          day('2026-03-05', 2_000),
          day('2026-03-09', 150_000, { estimated: true }),
          day('2026-03-10', 4_000),
          day('2026-03-09', 80_000, { vehicleId: 'van' }),
          day('2026-03-20', 0, { vehicleId: 'van' }),
        ],
        {
          vehicles: [
            { vehicleId: 'car', from: '2026-03-05', to: '2026-03-10' },
            { vehicleId: 'van', from: '2026-01-01', to: '2027-01-01' },
          ],
        },
      ),
    );
    const groups = tableOf(billStatement(bill), 'What was driven')?.groups;
    expect(groups?.map(({ rows }) => rows)).toEqual([
      [
        ['4 March 2026', 'not covered', '1.000', '0.000'],
        ['5 March 2026', '', '2.000', '2.000'],
        ['9 March 2026', 'daily limit, estimated', '150.000', '100.000'],
        ['10 March 2026', 'not covered', '4.000', '0.000'],
      ],
      [['9 March 2026', '', '80.000', '80.000']],
    ]);
  });

  it('says when driving was known, as an instant where it is one', () => {
    const preview = (cutOff: string) => {
      const tariff = tariffOf(document({ charges: [perKm] }));
      const made = composeBill('B', tariff, inputOf(['2026-02-01', '2026-02-02'], []), cutOff, []);
      if (!made.ok) throw new Error(JSON.stringify(made.problems));
      const { premium, inputs } = made.bill;
      return notesOf(billStatement({ premium, inputs })).join('\n');
    };
    expect(preview('2026-03-07T08:15:59.999Z')).toContain(
      'known at 7 March 2026, 08:15 UTC. What came later does not change this page.',
    );
    for (const other of ['2026-03-07T08:15', '2026-03-07T08:15Z+1', 'on 2026-03-07T08:15Z'])
      expect(preview(other)).toContain(`known at ${other}.`);
  });

  it('shows no billed kilometres if kilometres have no price', () => {
    const bill = issue(
      tariffOf(document({})),
      inputOf(['2026-03-01', '2026-04-01'], [day('2026-03-03', 5000)]),
    );
    const table = tableOf(billStatement(bill), 'What was driven');
    expect(table?.columns.map(({ title }) => title)).toEqual(['Day', 'Remark', 'Driven, km']);
  });

  it('adds up for every tariff and every driving: parts to the total, days to what was billed', () => {
    fc.assert(
      fc.property(fc.oneof(addingTariff, anyTariff), anyInput, (text, input) => {
        const tariff = tariffOf(text);
        const bill = issue(tariff, input);
        const statement = billStatement(bill);
        const money = tableOf(statement, 'What makes the total');
        const parts = money?.groups.flatMap(({ sums = [] }) => sums) ?? [];
        expect(sum(parts)).toBe(thousandths(bill.premium.total));
        const priced = tariff.charges.filter(({ kind }) => kind.startsWith('perKm/'));
        const driven = tableOf(statement, 'What was driven');
        if (driven === undefined || priced.length !== 1) return;
        const ids = priced.flatMap(({ parts: of }) => of.map(({ id }) => id));
        const billed = bill.premium.lines.filter(({ id }) => ids.includes(id));
        const quantity = sum(billed.map((line) => line.quantity ?? '0'));
        // Each line's quantity is rounded to a thousandth of its own.
        const shown = thousandths(driven.total?.sums[1] ?? '');
        const apart = quantity - shown;
        expect(apart < 0n ? -apart : apart).toBeLessThanOrEqual(BigInt(billed.length));
      }),
      runs(100, 5_000),
    );
  });
});

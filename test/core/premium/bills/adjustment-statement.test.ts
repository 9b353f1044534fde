import { describe, expect, it } from 'vitest';
import {
  adjustmentStatement,
  creditNoteStatement,
} from '../../../../src/core/premium/bills/adjustment-statement.ts';
import {
  computeAdjustment,
  computeCreditNote,
  type BillAdjustment,
} from '../../../../src/core/premium/bills/adjustment.ts';
import { composeBill } from '../../../../src/core/premium/bills/bill.ts';
import { hashOf } from '../../../../src/core/premium/exact/canonical.ts';
import type { ExposureDay, RatedPolicy } from '../../../../src/core/premium/rating/input.ts';
import { CUT_OFF, day, document, inputOf, tariffOf } from '../tariffs.ts';

const tariff = tariffOf(
  document({
    charges: [
      { kind: 'fixed/1', id: 'fixed', amount: '365.00', per: 'YEAR' },
      { kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.05' },
    ],
  }),
);
const vehicles = ['car', 'van'].map((vehicleId) => ({
  vehicleId,
  from: '2026-01-01',
  to: '2027-01-01',
}));
const inputFor = (period: [string, string], rows: readonly ExposureDay[]) =>
  inputOf(period, rows, { vehicles });
const rows = [day('2026-01-05', 40_000), day('2026-02-03', 100_000)];
const bills = (
  [
    ['B-1', '2026-01-01', '2026-02-01'],
    ['B-2', '2026-02-01', '2026-03-01'],
  ] as const
).map(([number, from, to]) => {
  const made = composeBill(number, tariff, inputFor([from, to], rows), CUT_OFF, []);
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  return made.bill;
});

function adjust(
  number: string,
  exposure: readonly ExposureDay[],
  earlier: readonly BillAdjustment[] = [],
  policy: Partial<RatedPolicy> = {},
): BillAdjustment {
  const known = { exposure, cutOff: CUT_OFF, trips: [] };
  const made = computeAdjustment(
    number,
    bills,
    earlier,
    { ...known, policy: { ...inputFor(['2026-01-01', '2026-02-01'], []).policy, ...policy } },
    new Map([[tariff.hash, tariff]]),
  );
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  return made.adjustment;
}

const late = [
  ...rows,
  day('2026-01-05', 2_000),
  day('2026-01-20', 10_000, { vehicleId: 'van' }),
  day('2026-03-20', 10_000),
];

describe('the statement of an adjustment', () => {
  it('has what it settles of each bill, and only the days that changed', () => {
    const statement = adjustmentStatement(adjust('A-1', late), bills, []);
    expect(statement).toMatchObject({
      title: 'Adjustment A-1',
      due: { label: 'To pay', amount: 'USD 0.60' },
    });
    const [settles, changed] = statement.sections.map(({ table }) => table);
    expect(settles).toMatchObject({
      groups: [
        {
          title: 'Bill B-1: 1 January 2026 to 31 January 2026, both days included',
          sums: ['+0.60'],
          rows: [
            ['Premium by what is known now', '+64.60'],
            ['Billed', '-64.00'],
          ],
        },
      ],
      total: { sums: ['+0.60'] },
    });
    expect(changed?.groups).toEqual([
      {
        title: 'Vehicle car',
        sums: ['40.000', '42.000'],
        rows: [['5 January 2026', '40.000', '42.000']],
      },
      {
        title: 'Vehicle van',
        sums: ['0.000', '10.000'],
        rows: [['20 January 2026', '0.000', '10.000']],
      },
    ]);
    const notes = statement.sections.flatMap((section) => section.notes ?? []);
    expect(notes).toContainEqual({ title: 'As they were', text: 'Nothing changes for B-2.' });
  });

  it('starts from the adjustment before it, and gives back what a withdrawn trip had cost', () => {
    const first = adjust('A-1', late);
    const second = adjust('A-2', late.slice(1), [first]);
    const statement = adjustmentStatement(second, bills, [first]);
    expect(statement.due).toEqual({ label: 'You get back', amount: 'USD 2.00' });
    const [settles, changed] = statement.sections.map(({ table }) => table);
    expect(settles?.groups).toMatchObject([
      {
        sums: ['-2.00'],
        rows: [{}, {}, ['Adjusted before', '-0.60']],
      },
    ]);
    expect(changed?.groups).toEqual([{ rows: [['5 January 2026', '42.000', '2.000']] }]);
  });

  it('starts from the bill if no adjustment covered it yet, and names the bills that stay unchanged', () => {
    const first = adjust('A-1', late);
    const others = { ...first, lines: first.lines.slice(1) };
    const again = adjustmentStatement(adjust('A-2', late.slice(1), [others]), bills, [others]);
    expect(again.sections[1]?.table?.groups).toEqual([
      {
        title: 'Vehicle car',
        sums: ['40.000', '2.000'],
        rows: [['5 January 2026', '40.000', '2.000']],
      },
      {
        title: 'Vehicle van',
        sums: ['0.000', '10.000'],
        rows: [['20 January 2026', '0.000', '10.000']],
      },
    ]);
    const same = adjustmentStatement(adjust('A-1', rows), bills, []);
    expect(same.sections.flatMap(({ notes = [] }) => notes)).toContainEqual({
      title: 'As they were',
      text: 'Nothing changes for B-1, B-2.',
    });
  });

  it('lists changed days by vehicle and then by date, whenever they came', () => {
    const shuffled = [
      ...rows,
      day('2026-01-25', 3_000),
      day('2026-01-02', 2_000, { vehicleId: 'van' }),
      day('2026-01-20', 1_000),
    ];
    const { sections } = adjustmentStatement(adjust('A-1', shuffled), bills, []);
    expect(sections[1]?.table?.groups.map((group) => group.rows.map(([date]) => date))).toEqual([
      ['20 January 2026', '25 January 2026'],
      ['2 January 2026'],
    ]);
  });

  it('says so if no kilometres changed', () => {
    const cancelled = adjust('A-1', rows, [], {
      endDate: '2026-02-15',
      vehicles: vehicles.map((vehicle) => ({ ...vehicle, to: '2026-02-15' })),
    });
    const statement = adjustmentStatement(cancelled, bills, []);
    expect(statement.due).toEqual({ label: 'You get back', amount: 'USD 28.00' });
    expect(statement.sections[1]?.sentence).toContain('No day has other kilometres');
  });
});

describe('the statement of a credit note', () => {
  it("has what was billed and adjusted, the reason, and the bill's hash", () => {
    const [bill] = bills;
    if (!bill) throw new Error('no bill');
    const { note } = computeCreditNote('C-1', bill, [adjust('A-1', late)], 2, 'sold <before>');
    const statement = creditNoteStatement(note);
    expect(statement).toMatchObject({
      title: 'Credit note C-1',
      about: ['Car insurance policy P-1', 'Takes back bill B-1'],
      due: { label: 'You get back', amount: 'USD 64.60' },
    });
    const [table, why, evidence] = statement.sections;
    expect(table?.table).toMatchObject({
      groups: [
        {
          rows: [
            ['Bill B-1', '-64.00'],
            ['What adjustments made of it', '-0.60'],
          ],
        },
      ],
      total: { sums: ['-64.60'] },
    });
    expect(why?.sentence).toBe('sold <before>');
    expect(evidence?.evidence?.facts.map(({ value }) => value)).toEqual([
      hashOf(note),
      hashOf(bill),
    ]);
  });
});

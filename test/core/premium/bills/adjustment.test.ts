import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  computeAdjustment,
  computeCreditNote,
} from '../../../../src/core/premium/bills/adjustment.ts';
import { composeBill, type Bill } from '../../../../src/core/premium/bills/bill.ts';
import { hashOf } from '../../../../src/core/premium/exact/canonical.ts';
import type { RatingInput } from '../../../../src/core/premium/rating/input.ts';
import type { Tariff } from '../../../../src/core/premium/tariff/tariff.ts';
import { addingTariff, anyInput, dateAt, runs } from '../generators.ts';
import { CUT_OFF, day, document, inputOf, premiumOf, tariffOf } from '../tariffs.ts';

const tariff = tariffOf(
  document({
    charges: [
      { kind: 'fixed/1', id: 'fixed', amount: '365.00', per: 'YEAR' },
      { kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.05' },
    ],
  }),
);
const february = (rows: RatingInput['exposure']): RatingInput =>
  inputOf(['2026-02-01', '2026-03-01'], rows);

function issued(from: Tariff, number: string, input: RatingInput): Bill {
  const result = composeBill(number, from, input, CUT_OFF, []);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.bill;
}

describe('an adjustment', () => {
  const rows = [day('2026-01-05', 40_000), day('2026-02-03', 100_000)];
  const bills = [
    issued(tariff, 'B-1', { ...february(rows), period: { from: '2026-01-01', to: '2026-02-01' } }),
    issued(tariff, 'B-2', february(rows)),
  ];
  const tariffs = new Map([[tariff.hash, tariff]]);
  const late = [...rows, day('2026-01-20', 10_000)];
  const { policy } = february(rows);

  it('charges late kilometres once and leaves the bills alone', () => {
    const before = JSON.stringify(bills);
    const first = computeAdjustment(
      'A-1',
      bills,
      [],
      { policy, exposure: late, cutOff: CUT_OFF, trips: [] },
      tariffs,
    );
    if (!first.ok) throw new Error(JSON.stringify(first.problems));
    expect(first.adjustment).toMatchObject({ premiumNow: '66.50', billed: '66.00', total: '0.50' });
    expect(first.adjustment.lines.map((l) => l.difference)).toEqual(['0.50', '0.00']);
    const known = { policy, exposure: late, cutOff: CUT_OFF, trips: [] };
    const again = computeAdjustment('A-1', bills, [first.adjustment], known, tariffs);
    expect(again.ok && again.adjustment.total).toBe('0.00');
    expect(JSON.stringify(bills)).toBe(before);
  });

  it('gives back what a withdrawn trip had cost', () => {
    const known = { policy, exposure: rows.slice(1), cutOff: CUT_OFF, trips: [] };
    const back = computeAdjustment('A-1', bills, [], known, tariffs);
    expect(back.ok && back.adjustment.total).toBe('-2.00');
  });

  it('gives back the days that a cancellation during its period left without cover', () => {
    const known = { exposure: rows, cutOff: CUT_OFF, trips: [] };
    const until = (endDate: string) =>
      computeAdjustment(
        'A-1',
        bills,
        [],
        {
          ...known,
          policy: {
            ...policy,
            endDate,
            vehicles: policy.vehicles.map((v) => ({ ...v, to: endDate })),
            facts: [],
          },
        },
        tariffs,
      );
    const half = until('2026-02-15');
    expect(half.ok && half.adjustment.lines.map((l) => l.difference)).toEqual(['0.00', '-14.00']);
    const none = until('2026-01-16');
    expect(none.ok && none.adjustment.lines.map((l) => l.now)).toEqual(['17.00', '0.00']);
    const never = until('2026-02-01');
    expect(never.ok && never.adjustment.lines.map((l) => l.now)).toEqual(['33.00', '0.00']);
  });

  it('of a credited bill leaves what the credit note gave back alone', () => {
    const known = { policy, exposure: late, cutOff: CUT_OFF, trips: [] };
    const first = computeAdjustment('A-1', bills, [], known, tariffs);
    if (!first.ok || !bills[0]) throw new Error('not adjusted');
    const { note } = computeCreditNote('C-1', bills[0], [first.adjustment], 2, 'sold before');
    expect(note).toMatchObject({ billed: '33.00', adjusted: '0.50', total: '-33.50' });
    expect(note.billHash).toBe(hashOf(bills[0]));
    const rest = computeAdjustment('A-2', bills.slice(1), [first.adjustment], known, tariffs);
    expect(rest.ok && rest.adjustment.total).toBe('0.00');
  });

  it('names a bill whose tariff is missing or that is of another policy', () => {
    const known = { policy, exposure: late, cutOff: CUT_OFF, trips: [] };
    const missing = computeAdjustment('A-1', bills, [], known, new Map());
    expect(missing).toMatchObject({
      ok: false,
      problems: [{ code: 'UNKNOWN_TARIFF', path: '/bills/0' }, {}],
    });
    const other = computeAdjustment(
      'A-1',
      bills,
      [],
      { ...known, policy: { ...policy, number: 'P-2' } },
      tariffs,
    );
    expect(other.ok ? [] : other.problems.map((p) => p.code)).toEqual([
      'OTHER_POLICY',
      'OTHER_POLICY',
    ]);
  });

  it('makes, with the bills, the premium of the whole time by what is known now', () => {
    fc.assert(
      fc.property(addingTariff, anyInput, fc.integer({ min: 1, max: 364 }), (text, input, cut) => {
        const own = tariffOf(text);
        const known = input.exposure.slice(0, Math.floor(input.exposure.length / 2));
        const halves = [
          { from: dateAt(0), to: dateAt(cut) },
          { from: dateAt(cut), to: dateAt(365) },
        ].map((period, i) => issued(own, `B-${i}`, { ...input, exposure: known, period }));
        const adjusted = computeAdjustment(
          'A-1',
          halves,
          [],
          { ...input, cutOff: CUT_OFF, trips: [] },
          new Map([[own.hash, own]]),
        );
        const now = premiumOf(own, { ...input, period: { from: dateAt(0), to: dateAt(365) } });
        expect(adjusted.ok && adjusted.adjustment.premiumNow).toBe(now.total);
      }),
      runs(40),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adjustBills,
  issueBill,
  recalculateBill,
  type Bill,
} from '../../../src/core/premium/bill.ts';
import type { RatingInput } from '../../../src/core/premium/input.ts';
import type { Tariff } from '../../../src/core/premium/tariff.ts';
import { addingTariff, anyInput, anyTariff, dateAt, runs } from './generators.ts';
import { CUT_OFF, day, document, inputOf, premiumOf, tariffOf } from './tariffs.ts';

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

function issued(from: Tariff, number: string, input: RatingInput): { bill: Bill; bytes: string } {
  const result = issueBill(number, from, input, CUT_OFF, [
    { tripId: 't2', revision: 1 },
    { tripId: 't1', revision: 3 },
  ]);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result;
}

describe('an issued bill', () => {
  it('keeps its inputs, evidence, cut-off, tariff hash and engine', () => {
    const { bill } = issued(tariff, 'B-1', february([day('2026-02-03', 100_000)]));
    expect(bill.premium).toMatchObject({
      total: '33.00',
      dataCutoff: CUT_OFF,
      engine: 'odograph.premium/1',
    });
    expect(bill.premium.tariff.hash).toBe(tariff.hash);
    expect(bill.premium.inputsHash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(bill.trips.map((t) => t.tripId)).toEqual(['t1', 't2']);
    expect(bill.inputs.exposure).toHaveLength(1);
  });

  it('is recalculated to the same bytes', () => {
    fc.assert(
      fc.property(fc.oneof(addingTariff, anyTariff), anyInput, (text, input) => {
        const own = tariffOf(text);
        const { bytes } = issued(own, 'B-1', input);
        expect(recalculateBill(bytes, own)).toMatchObject({ ok: true, same: true, bytes });
      }),
      runs(60),
    );
  });

  it('is not recalculated by another tariff or engine, nor from changed inputs', () => {
    const { bytes } = issued(tariff, 'B-1', february([day('2026-02-03', 100_000)]));
    const codes = (text: string, by = tariff): string[] => {
      const result = recalculateBill(text, by);
      return result.ok ? [] : result.problems.map((p) => p.code);
    };
    expect(codes(bytes, tariffOf(document({ version: '2' })))).toEqual(['OTHER_TARIFF']);
    expect(codes(bytes.replaceAll('odograph.premium/1', 'odograph.premium/0'))).toEqual([
      'OTHER_ENGINE',
    ]);
    expect(codes(bytes.replace('"distanceM":100000', '"distanceM":100001'))).toEqual([
      'INPUTS_CHANGED',
    ]);
  });

  it('shows what was tampered with by other bytes', () => {
    const { bytes } = issued(tariff, 'B-1', february([day('2026-02-03', 100_000)]));
    const forged = bytes.replace('"total":"33.00"', '"total":"34.00"');
    expect(recalculateBill(forged, tariff)).toMatchObject({ ok: true, same: false, bytes });
  });
});

describe('an adjustment', () => {
  const rows = [day('2026-01-05', 40_000), day('2026-02-03', 100_000)];
  const bills = [
    issued(tariff, 'B-1', { ...february(rows), period: { from: '2026-01-01', to: '2026-02-01' } })
      .bill,
    issued(tariff, 'B-2', february(rows)).bill,
  ];
  const tariffs = new Map([[tariff.hash, tariff]]);
  const late = [...rows, day('2026-01-20', 10_000)];
  const { policy } = february(rows);

  it('charges late kilometres once and leaves the bills alone', () => {
    const before = JSON.stringify(bills);
    const first = adjustBills(bills, [], { policy, exposure: late, cutOff: CUT_OFF }, tariffs);
    if (!first.ok) throw new Error(JSON.stringify(first.problems));
    expect(first.adjustment).toMatchObject({ premiumNow: '66.50', billed: '66.00', total: '0.50' });
    expect(first.adjustment.lines.map((l) => l.difference)).toEqual(['0.50', '0.00']);
    const known = { policy, exposure: late, cutOff: CUT_OFF };
    const again = adjustBills(bills, [first.adjustment], known, tariffs);
    expect(again.ok && again.adjustment.total).toBe('0.00');
    expect(JSON.stringify(bills)).toBe(before);
  });

  it('gives back what a withdrawn trip had cost', () => {
    const known = { policy, exposure: rows.slice(1), cutOff: CUT_OFF };
    const back = adjustBills(bills, [], known, tariffs);
    expect(back.ok && back.adjustment.total).toBe('-2.00');
  });

  it('names a bill whose tariff is missing or that is of another policy', () => {
    const known = { policy, exposure: late, cutOff: CUT_OFF };
    const missing = adjustBills(bills, [], known, new Map());
    expect(missing).toMatchObject({
      ok: false,
      problems: [{ code: 'UNKNOWN_TARIFF', path: '/bills/0' }, {}],
    });
    const other = adjustBills(
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

  it('and the bills together make the premium of the whole time by what is known now', () => {
    fc.assert(
      fc.property(addingTariff, anyInput, fc.integer({ min: 1, max: 364 }), (text, input, cut) => {
        const own = tariffOf(text);
        const known = input.exposure.slice(0, Math.floor(input.exposure.length / 2));
        const halves = [
          { from: dateAt(0), to: dateAt(cut) },
          { from: dateAt(cut), to: dateAt(365) },
        ].map((period, i) => issued(own, `B-${i}`, { ...input, exposure: known, period }).bill);
        const adjusted = adjustBills(
          halves,
          [],
          { ...input, cutOff: CUT_OFF },
          new Map([[own.hash, own]]),
        );
        const now = premiumOf(own, { ...input, period: { from: dateAt(0), to: dateAt(365) } });
        expect(adjusted.ok && adjusted.adjustment.premiumNow).toBe(now.total);
      }),
      runs(40),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evidenceOf,
  composeBill,
  recomposeBill,
  type Bill,
} from '../../../../src/core/premium/bills/bill.ts';
import type { RatingInput } from '../../../../src/core/premium/rating/input.ts';
import type { Tariff } from '../../../../src/core/premium/tariff/tariff.ts';
import { addingTariff, anyInput, anyTariff, runs } from '../generators.ts';
import { CUT_OFF, day, document, inputOf, tariffOf } from '../tariffs.ts';

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
  const result = composeBill(number, from, input, CUT_OFF, [
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

  it('has its evidence by trip and revision, in whatever order it was given', () => {
    const revisions = [
      { tripId: 'b', revision: 1 },
      { tripId: 'a', revision: 12 },
      { tripId: 'a', revision: 3 },
    ];
    const ordered = [
      { tripId: 'a', revision: 3 },
      { tripId: 'a', revision: 12 },
      { tripId: 'b', revision: 1 },
    ];
    expect(evidenceOf(revisions)).toEqual(ordered);
    expect(evidenceOf(revisions.toReversed())).toEqual(ordered);
  });

  it('is not issued from input that cannot be rated', () => {
    const empty = inputOf(['2026-02-01', '2026-02-01'], []);
    const result = composeBill('B-1', tariff, empty, CUT_OFF, []);
    expect(result.ok ? [] : result.problems.map(({ code }) => code)).toEqual(['EMPTY_RANGE']);
  });

  it('is recalculated to the same bytes', () => {
    fc.assert(
      fc.property(fc.oneof(addingTariff, anyTariff), anyInput, (text, input) => {
        const own = tariffOf(text);
        const { bytes } = issued(own, 'B-1', input);
        expect(recomposeBill(bytes, own)).toMatchObject({ ok: true, same: true, bytes });
      }),
      runs(60),
    );
  });

  it('is not recalculated by another tariff or engine, nor from changed inputs', () => {
    const { bytes } = issued(tariff, 'B-1', february([day('2026-02-03', 100_000)]));
    const codes = (text: string, by = tariff): string[] => {
      const result = recomposeBill(text, by);
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
    expect(recomposeBill(forged, tariff)).toMatchObject({ ok: true, same: false, bytes });
  });
});

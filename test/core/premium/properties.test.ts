import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/core/premium/exact/canonical.ts';
import {
  add,
  compare,
  fractionOf,
  subtract,
  zero,
} from '../../../src/core/premium/exact/fraction.ts';
import type { ExposureDay } from '../../../src/core/premium/rating/input.ts';
import type { Premium } from '../../../src/core/premium/rating/premium.ts';
import { quote } from '../../../src/core/premium/rating/quote.ts';
import { parseTariff, parseTariffText } from '../../../src/core/premium/tariff/tariff.ts';
import { addingTariff, anyInput, anyTariff, dateAt, runs } from './generators.ts';
import { CUT_OFF, minorTotalOf, premiumOf, tariffOf } from './tariffs.ts';

const units = (premium: Premium): number => Number(premium.total.replace('.', ''));

/** Two of every three days as two trips. */
function splitTrip(row: ExposureDay, i: number): ExposureDay[] {
  if (i % 3 === 0) return [row];
  const part = (value: number): number => Math.floor(value / (1 + (i % 5)));
  const measures = Object.entries(row.measures);
  const first = {
    ...row,
    distanceM: part(row.distanceM),
    nightM: part(row.nightM),
    measures: Object.fromEntries(measures.map(([name, value]) => [name, part(value)])),
  };
  const rest = {
    ...row,
    distanceM: row.distanceM - first.distanceM,
    nightM: row.nightM - first.nightM,
    measures: Object.fromEntries(measures.map(([name, value]) => [name, value - part(value)])),
  };
  return [first, rest];
}

describe('every premium', () => {
  it('is the sum of its lines, to the last minor unit', () => {
    fc.assert(
      fc.property(fc.oneof(addingTariff, anyTariff), anyInput, (document, input) => {
        const premium = premiumOf(tariffOf(document), input);
        const sum = premium.lines.reduce((total, l) => add(total, fractionOf(l.amount)), zero);
        expect(subtract(sum, fractionOf(premium.total)).n).toBe(0n);
        // Exact: a habit's share before the limits may have more digits than a double.
        const most = fractionOf(premium.total.includes('.') ? '0.02' : '2');
        for (const { amount, unrounded } of premium.lines) {
          const off = subtract(fractionOf(amount), fractionOf(unrounded));
          expect(compare(off, most)).toBeLessThan(0);
          expect(compare(off, subtract(zero, most))).toBeGreaterThan(0);
        }
      }),
      runs(150),
    );
  });

  it('does not depend on the order of trips, facts and vehicles, nor on how many trips a day was', () => {
    const driven = anyInput.chain((input) => {
      const trips = input.exposure.flatMap(splitTrip);
      const shuffled = fc.shuffledSubarray(trips, { minLength: trips.length });
      return fc.tuple(fc.constant(input), shuffled);
    });
    fc.assert(
      fc.property(fc.oneof(addingTariff, anyTariff), driven, (document, [input, exposure]) => {
        const tariff = tariffOf(document);
        const { policy } = input;
        const turned = {
          ...input,
          exposure,
          policy: {
            ...policy,
            facts: [...policy.facts].reverse(),
            vehicles: [...policy.vehicles].reverse(),
          },
        };
        expect(premiumOf(tariff, turned)).toEqual(premiumOf(tariff, input));
      }),
      runs(100),
    );
  });

  it('does not fall when a day has more kilometres, with one rate and behaviour fixed', () => {
    fc.assert(
      fc.property(
        addingTariff,
        anyInput,
        fc.nat(),
        fc.integer({ min: 1, max: 500_000 }),
        (document, input, at, more) => {
          fc.pre(input.exposure.length > 0);
          // One rate a kilometre for all days that share a cap: the facts may not change in the year.
          const [first] = input.policy.facts;
          const facts = first === undefined ? [] : [{ ...first, to: dateAt(365) }];
          const charges = document['charges'] as { kind: string; bands?: unknown }[];
          fc.pre(charges.every((c) => c.bands === undefined));
          const tariff = tariffOf(document);
          const yearly = { from: dateAt(0), to: dateAt(365) };
          const less = { ...input, period: yearly, policy: { ...input.policy, facts } };
          const exposure = less.exposure.map((row, i) =>
            i === at % less.exposure.length ? { ...row, distanceM: row.distanceM + more } : row,
          );
          const before = minorTotalOf(tariff, less);
          expect(minorTotalOf(tariff, { ...less, exposure })).toBeGreaterThanOrEqual(before);
        },
      ),
      runs(100),
    );
  });

  it('bills no more than the daily and the yearly cap', () => {
    fc.assert(
      fc.property(addingTariff, anyInput, (document, input) => {
        const charges = document['charges'] as { dailyCap?: number; yearlyCap?: number }[];
        const { dailyCap = Infinity, yearlyCap = Infinity } = charges[1] ?? {};
        const premium = premiumOf(tariffOf(document), {
          ...input,
          period: { from: dateAt(0), to: dateAt(365) },
        });
        for (const vehicleId of ['car', 'van']) {
          const billed = premium.lines
            .filter((l) => l.vehicleId === vehicleId && l.id.startsWith('distance'))
            .reduce((sum, l) => sum + Number(l.quantity), 0);
          const days = new Set(
            input.exposure.filter((r) => r.vehicleId === vehicleId).map((r) => r.localDate),
          ).size;
          // Quantities of up to three bands are each shown to three decimals.
          expect(billed).toBeLessThanOrEqual(Math.min(yearlyCap, dailyCap * (days || 1)) + 0.002);
        }
        for (const vehicle of premium.worksheet.years[0]?.vehicles ?? [])
          for (const cap of vehicle.cappedDays)
            expect(Number(cap.billed)).toBeLessThanOrEqual(Math.min(dailyCap, Number(cap.driven)));
      }),
      runs(100),
    );
  });
});

describe('tariffs that add over time', () => {
  it('bill a year in any pieces to the very total of the year', () => {
    fc.assert(
      fc.property(
        addingTariff,
        anyInput,
        fc.uniqueArray(fc.integer({ min: 1, max: 364 }), { maxLength: 12 }),
        (document, input, cuts) => {
          const tariff = tariffOf(document);
          expect(tariff.addsOverTime).toBe(true);
          const ends = [0, ...cuts.sort((a, b) => a - b), 365];
          const pieces = ends.slice(1).map((to, i) =>
            minorTotalOf(tariff, {
              ...input,
              period: { from: dateAt(ends[i] ?? 0), to: dateAt(to) },
            }),
          );
          const year = premiumOf(tariff, {
            ...input,
            period: { from: dateAt(0), to: dateAt(365) },
          });
          expect(pieces.reduce((sum, piece) => sum + piece, 0)).toBe(units(year));
        },
      ),
      runs(60),
    );
  });
});

describe('tariff documents', () => {
  it('have one canonical text, whatever was done to the order of their fields', () => {
    fc.assert(
      fc.property(fc.oneof(addingTariff, anyTariff), (document) => {
        const tariff = tariffOf(document);
        const turned = Object.fromEntries(Object.entries(document).reverse());
        expect(tariffOf(JSON.stringify(turned, null, 2)).hash).toBe(tariff.hash);
        expect(tariffOf(tariff.canonical).canonical).toBe(tariff.canonical);
      }),
      runs(100),
    );
  });

  it('never make the parser throw, whatever JSON they hold', () => {
    const known = fc.oneof(addingTariff, anyTariff);
    const broken = fc
      .tuple(known, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), fc.jsonValue())
      .map(([document, path, value]) => {
        const root = structuredClone(document);
        let at: Record<string, unknown> = root;
        for (const [depth, step] of path.entries()) {
          const keys = Object.keys(at);
          const key = keys[step % keys.length];
          if (key === undefined) break;
          const next = at[key];
          if (depth === path.length - 1 || typeof next !== 'object' || next === null) {
            at[key] = value;
            break;
          }
          at = next as Record<string, unknown>;
        }
        return root;
      });
    fc.assert(
      fc.property(fc.oneof(broken, fc.jsonValue(), fc.anything()), anyInput, (document, input) => {
        const parsed = parseTariff(document);
        if (parsed.ok) quote(parsed.tariff, input, CUT_OFF);
        else {
          expect(parsed.problems.length).toBeGreaterThan(0);
          for (const problem of parsed.problems) expect(problem.message).not.toBe('');
        }
      }),
      runs(400),
    );
    expect(parseTariffText('{').ok).toBe(false);
    expect(parseTariffText('['.repeat(200_000)).ok).toBe(false);
    expect(canonicalJson('\ud800')).toBeUndefined();
  });
});

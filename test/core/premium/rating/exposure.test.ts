import { describe, expect, it } from 'vitest';
import type { DayPart } from '../../../../src/core/changes.ts';
import { exposureOf, exposureSince } from '../../../../src/core/premium/rating/exposure.ts';
import { behaviour, document, tariffOf } from '../tariffs.ts';

describe('the first day that a premium may depend on', () => {
  const plain = tariffOf(document({}));
  const by = (window: unknown) =>
    tariffOf(
      document({
        behaviour: { ...behaviour, window },
      }),
    );
  const since = (tariff: typeof plain, from: string, start = '2026-02-10') =>
    exposureSince(tariff, start, { from, to: '2030-01-01' });

  it('is that of the policy year in which the period begins', () => {
    expect(since(plain, '2026-05-01')).toBe('2026-02-10');
    expect(since(plain, '2027-02-09')).toBe('2026-02-10');
    expect(since(plain, '2027-02-10')).toBe('2027-02-10');
    expect(since(by('PERIOD'), '2027-05-01')).toBe('2027-02-10');
  });

  it('lies before it where habits look further back', () => {
    expect(since(by({ days: 90 }), '2027-03-01')).toBe('2026-12-01');
    expect(since(by({ days: 10 }), '2027-03-01')).toBe('2027-02-10');
  });

  it("is the period's own if no policy year holds it, or a date is invalid", () => {
    expect(since(plain, '2026-02-01')).toBe('2026-02-01');
    expect(since(plain, 'soon')).toBe('soon');
    expect(since(plain, '2026-05-01', 'once')).toBe('2026-05-01');
  });
});

describe('the exposure of a vehicle', () => {
  const part = (localDate: string, distanceM: number, more: Partial<DayPart> = {}): DayPart => ({
    localDate,
    distanceM,
    durationMs: 60_000,
    movingMs: 50_000,
    idleMs: 10_000,
    nightM: 0,
    measures: {},
    ...more,
  });
  const none = {
    harshBraking: 0,
    harshAcceleration: 0,
    harshCornering: 0,
    speeding: 0,
    phoneUse: 0,
    speedingMs: 0,
    phoneUseMs: 0,
    above130KmhMs: 0,
    idleMs: 10_000,
    nightM: 0,
  };
  const night = part('2026-03-02', 5_000, {
    nightM: 1_500,
    measures: { 'phone.ms': 4_000, 'above130Kmh.ms': 70 },
  });

  it('has a row for each local day, its parts added, in any order of arrival', () => {
    const parts = [part('2026-03-03', 700), night, part('2026-03-02', 1_000, { nightM: 10 })];
    const rows = [
      {
        vehicleId: 'car',
        localDate: '2026-03-02',
        distanceM: 6_000,
        nightM: 1_510,
        measures: {
          ...none,
          nightM: 1_510,
          phoneUseMs: 4_000,
          above130KmhMs: 70,
          idleMs: 20_000,
        },
      },
      { vehicleId: 'car', localDate: '2026-03-03', distanceM: 700, nightM: 0, measures: none },
    ];
    expect(exposureOf('car', parts)).toEqual(rows);
    expect(exposureOf('car', parts.toReversed())).toEqual(rows);
    expect(exposureOf('car', [])).toEqual([]);
  });

  it('leaves out what does not count, as if it had not been driven', () => {
    const other = part('2026-03-02', 1_000, { nightM: 10, measures: { 'phone.ms': 9 } });
    expect(exposureOf('car', [night, other], [night])).toEqual(exposureOf('car', [other]));
    expect(exposureOf('car', [night], [night])).toMatchObject([
      { distanceM: 0, nightM: 0, measures: { ...none, idleMs: 0 } },
    ]);
  });
});

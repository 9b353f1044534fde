import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeAdjustment } from '../../../../src/core/premium/bills/adjustment.ts';
import { composeBill, recomposeBill } from '../../../../src/core/premium/bills/bill.ts';
import { billStatement } from '../../../../src/core/premium/bills/bill-statement.ts';
import { adjustmentStatement } from '../../../../src/core/premium/bills/adjustment-statement.ts';
import { exposureSince } from '../../../../src/core/premium/rating/exposure.ts';
import { add, fractionOf, subtract, zero } from '../../../../src/core/premium/exact/fraction.ts';
import type { DeviceDays, RatingInput } from '../../../../src/core/premium/rating/input.ts';
import { quote } from '../../../../src/core/premium/rating/quote.ts';
import { parseTariff } from '../../../../src/core/premium/tariff/tariff.ts';
import { statementText } from '../../../../src/core/premium/bills/text.ts';
import { addingTariff, anyInput, anyTariff, dateAt, runs } from '../generators.ts';
import { CUT_OFF, day, document, inputOf, minorTotalOf, premiumOf, tariffOf } from '../tariffs.ts';

const RULE = {
  kind: 'mean/1',
  source: 'Policy wording, clause 7',
  fromDays: 3,
  upToDays: 30,
  windowDays: 10,
  leastHeardDays: 2,
  unit: 'km',
  otherwise: '15',
};
const byKm = (silentDays: unknown = RULE, more: Record<string, unknown> = {}) =>
  document({
    charges: [{ kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.10', ...more }],
    ...(silentDays === null ? {} : { silentDays }),
  });
const JUNE = ['2026-06-01', '2026-07-01'] as const;

/** Days of a car's device: heard but on those of the silent ranges. */
function deviceDays(
  from: string,
  to: string,
  ...silent: readonly [string, string][]
): DeviceDays[] {
  const cuts = [from, ...silent.flat(), to];
  return cuts.slice(1).flatMap((end, i) => {
    const start = cuts[i] ?? '';
    return start < end ? [{ vehicleId: 'car', from: start, to: end, heard: i % 2 === 0 }] : [];
  });
}

/** 20 km on 1 June and 40 km on 3 June, and a device that is silent for some days. */
function june(...silent: readonly [string, string][]): RatingInput {
  return {
    ...inputOf(JUNE, [day('2026-06-01', 20_000), day('2026-06-03', 40_000)]),
    deviceDays: deviceDays('2026-05-31', '2026-07-01', ...silent),
  };
}

const estimatesOf = (premium: ReturnType<typeof premiumOf>) =>
  premium.worksheet.years.flatMap((y) => y.vehicles.flatMap((v) => v.estimates ?? []));

describe('silent days', () => {
  it('are estimated at the mean of the days heard before, on a separate line', () => {
    const premium = premiumOf(tariffOf(byKm()), june(['2026-06-05', '2026-06-09']));
    // Five days were heard from 31 May on, with 60 km: 12 km on each of the four.
    expect(premium.lines).toEqual([
      expect.objectContaining({ id: 'distance', kind: 'CHARGE', quantity: '60', amount: '6.00' }),
      expect.objectContaining({
        id: 'distance.estimated',
        kind: 'ESTIMATED',
        label: 'Kilometres driven, estimated',
        quantity: '48',
        unit: 'km',
        amount: '4.80',
        explanation: '48 km at 0.10 a km, for 4 silent days',
      }),
    ]);
    expect(premium.total).toBe('10.80');
    expect(premium.worksheet.years[0]?.vehicles[0]?.estimatedKm).toBe('48');
    expect(estimatesOf(premium)).toEqual([
      {
        mark: 'ESTIMATED',
        from: '2026-06-05',
        to: '2026-06-09',
        days: 4,
        dailyM: 12_000,
        distanceM: 48_000,
        explanation:
          '12 km a day: 60 km on 5 days heard from 2026-05-26 to 2026-06-05 (not included)',
      },
    ]);
  });

  it('count as a parked car if there are fewer than the tariff asks for', () => {
    const premium = premiumOf(tariffOf(byKm()), june(['2026-06-05', '2026-06-07']));
    expect(estimatesOf(premium)).toEqual([]);
    expect(premium.total).toBe('6.00');
    const three = premiumOf(tariffOf(byKm()), june(['2026-06-05', '2026-06-08']));
    expect(estimatesOf(three)).toMatchObject([{ days: 3 }]);
  });

  it('are not silent if the car was driven, even if the input lists its device as silent', () => {
    const silent = june(['2026-06-05', '2026-06-11']);
    const exposure = [...silent.exposure, day('2026-06-08', 1000)];
    const premium = premiumOf(tariffOf(byKm()), { ...silent, exposure });
    // 5 to 8 June is three days long, 9 to 11 June only two.
    expect(estimatesOf(premium)).toMatchObject([{ from: '2026-06-05', to: '2026-06-08' }]);
  });

  it('count as heard in the mean if the car was driven, but not if that was an estimate', () => {
    const tariff = tariffOf(byKm({ ...RULE, leastHeardDays: 4 }));
    const known = (...rows: readonly ReturnType<typeof day>[]) =>
      estimatesOf(
        premiumOf(tariff, {
          ...inputOf(JUNE, rows),
          deviceDays: deviceDays('2026-06-03', '2026-07-01', ['2026-06-05', '2026-06-09']),
        }),
      )[0];
    // Of a device from 3 June on, two days; and those on which the car was driven before.
    const driven = [day('2026-06-01', 10_000), day('2026-06-02', 30_000)];
    expect(known(...driven)).toMatchObject({ dailyM: 10_000, days: 4 });
    expect(known(...driven.slice(1))).toMatchObject({ dailyM: 15_000 });
    const guess = day('2026-06-01', 10_000, { estimated: true });
    expect(known(guess, ...driven.slice(1))).toMatchObject({ dailyM: 15_000 });
    const one = tariffOf(byKm({ ...RULE, windowDays: 1, leastHeardDays: 1 }));
    expect(
      estimatesOf(premiumOf(one, june(['2026-06-05', '2026-06-09']))).map((e) => e.explanation),
    ).toEqual(['0 km a day: 0 km on 1 day heard from 2026-06-04 to 2026-06-05 (not included)']);
    // A row without metres is no driving.
    expect(known(...driven, day('2026-06-06', 0))).toMatchObject({ dailyM: 10_000, days: 4 });
  });

  it('are estimated only up to a number of days in a row', () => {
    const premium = premiumOf(
      tariffOf(byKm({ ...RULE, upToDays: 7 })),
      june(['2026-06-05', '2026-06-25']),
    );
    expect(estimatesOf(premium)).toMatchObject([
      { from: '2026-06-05', to: '2026-06-12', days: 7, distanceM: 84_000 },
    ]);
  });

  it('are no longer in a row than the policy lasts, however long the vehicle is named', () => {
    const silent = june(['2026-06-05', '2026-06-09']);
    const vehicles = [{ vehicleId: 'car', from: '2026-01-01', to: '2027-01-01' }];
    const until = (endDate: string) =>
      premiumOf(tariffOf(byKm()), {
        ...silent,
        period: { from: '2026-06-01', to: endDate },
        policy: { ...silent.policy, endDate, vehicles },
      }).total;
    expect(until('2026-06-08')).toBe('9.60');
    expect(until('2026-06-07')).toBe('6.00');
  });

  it("cost the tariff's fixed figure if too few days were heard", () => {
    const premium = premiumOf(
      tariffOf(byKm({ ...RULE, leastHeardDays: 6, unit: 'mi', otherwise: '10.5' })),
      june(['2026-06-05', '2026-06-09']),
    );
    expect(estimatesOf(premium)).toMatchObject([
      {
        dailyM: 16_898,
        explanation:
          '16.898 km a day by the tariff: only 5 days heard from 2026-05-26 to 2026-06-05 (not included)',
      },
    ]);
  });

  it('follow a mean in which a long drive counts no more than the cap says', () => {
    const capped = tariffOf(byKm({ ...RULE, dailyCap: 25 }));
    const premium = premiumOf(capped, june(['2026-06-05', '2026-06-09']));
    expect(estimatesOf(premium)).toMatchObject([{ dailyM: 9000 }]);
  });

  it('are billed up to the daily and the yearly cap, as driven ones are', () => {
    const silent = june(['2026-06-05', '2026-06-09']);
    const daily = premiumOf(tariffOf(byKm(RULE, { dailyCap: 10 })), silent);
    expect(daily.lines).toMatchObject([{ quantity: '20' }, { quantity: '40' }]);
    const yearly = premiumOf(tariffOf(byKm(RULE, { yearlyCap: 70 })), silent);
    expect(yearly.lines).toMatchObject([{ quantity: '60' }, { quantity: '10' }]);
  });

  it('of earlier bills use up the bands of the year', () => {
    const bands = [{ upTo: 100, rate: '1' }, { rate: '0.1' }];
    const banded = tariffOf(byKm(RULE, { rate: undefined, bands, bandsPer: 'YEAR' }));
    const premium = premiumOf(banded, {
      ...inputOf(
        ['2026-07-01', '2026-08-01'],
        [day('2026-06-01', 20_000), day('2026-06-03', 40_000), day('2026-07-02', 60_000)],
      ),
      deviceDays: deviceDays(
        '2026-05-31',
        '2026-08-01',
        ['2026-06-05', '2026-06-09'],
        ['2026-07-10', '2026-07-14'],
      ),
    });
    // 60 km driven and 4 × 12 km estimated in June are more than the first band.
    expect(premium.lines.map(({ id, quantity, amount }) => [id, quantity, amount])).toEqual([
      ['distance.1', '0', '0.00'],
      ['distance.2', '60', '6.00'],
      ['distance.2.estimated', '24', '2.40'],
    ]);
  });

  it('count from the first covered day, and by days heard before it', () => {
    // 13 to 19 May were heard, with 19 km.
    const silent = {
      ...june(),
      deviceDays: deviceDays('2026-05-01', '2026-06-08', ['2026-05-20', '2026-06-08']),
    };
    const premium = premiumOf(tariffOf(byKm({ ...RULE, windowDays: 20 })), {
      ...silent,
      exposure: [day('2026-05-19', 19_000)],
      policy: {
        ...silent.policy,
        vehicles: [{ vehicleId: 'car', from: '2026-06-02', to: '2027-01-01' }],
      },
    });
    expect(estimatesOf(premium)).toMatchObject([
      { from: '2026-06-02', to: '2026-06-08', dailyM: 2714 },
    ]);
  });

  it('do not count for behaviour', () => {
    const habits = {
      kind: 'habits/1',
      id: 'habits',
      window: 'PERIOD',
      habits: [{ id: 'b', measure: 'harshBraking', per: '100KM', coefficient: '0.1', mean: '1' }],
      floor: '0.5',
      cap: '2',
      priorKm: 100,
      places: 6,
    };
    const silent = june(['2026-06-05', '2026-06-09']);
    const heard = { ...silent, deviceDays: deviceDays('2026-05-31', '2026-07-01') };
    const tariff = tariffOf({ ...byKm(), behaviour: habits });
    const habitsOf = (input: RatingInput) =>
      premiumOf(tariff, input).worksheet.years[0]?.vehicles[0]?.habits;
    expect(habitsOf(silent)).toEqual(habitsOf(heard));
    expect(habitsOf(silent)).toMatchObject({ km: '60' });
  });

  it('need the days before the policy year that their mean uses', () => {
    const period = { from: '2026-06-01', to: '2026-07-01' };
    expect(exposureSince(tariffOf(byKm()), '2026-01-01', period)).toBe('2025-11-22');
    expect(exposureSince(tariffOf(byKm(null)), '2026-01-01', period)).toBe('2026-01-01');
  });

  it('are on the bill: a line, a remark by the day, and where the figure comes from', () => {
    const input = june(['2026-06-05', '2026-06-09']);
    const issued = composeBill('B-1', tariffOf(byKm()), input, CUT_OFF, []);
    if (!issued.ok) throw new Error('not issued');
    const text = statementText(billStatement(issued.bill));
    expect(text).toMatch(/^5 June 2026 +estimated +12\.000 +12\.000$/m);
    expect(text).toMatch(/^Together +108\.000 +108\.000$/m);
    expect(text.replace(/\s+/g, ' ')).toContain(
      '5 June 2026 to 8 June 2026, both days included: 12 km a day',
    );
  });
});

describe('a rule for silent days', () => {
  const problemsOf = (silentDays: unknown) => {
    const parsed = parseTariff(byKm(silentDays));
    return parsed.ok ? [] : parsed.problems.map(({ code, path }) => `${code} ${path}`);
  };

  it('is refused with every problem and its path', () => {
    expect(problemsOf(RULE)).toEqual([]);
    expect(problemsOf({ ...RULE, fromDays: 10, upToDays: 9, leastHeardDays: 11 })).toEqual([
      'BAD_SILENT_DAYS /silentDays/upToDays',
      'BAD_SILENT_DAYS /silentDays/leastHeardDays',
    ]);
    expect(problemsOf({ ...RULE, fromDays: 0, otherwise: 15 })).toEqual([
      'INVALID /silentDays/fromDays',
      'INVALID /silentDays/otherwise',
    ]);
    expect(problemsOf({ ...RULE, fromDays: 9, upToDays: 9, leastHeardDays: 10 })).toEqual([]);
    const { source: _, ...anonymous } = RULE;
    expect(problemsOf({ ...anonymous, cap: 5 })).toEqual([
      'MISSING /silentDays/source',
      'UNKNOWN_FIELD /silentDays/cap',
    ]);
  });
});

describe('device days', () => {
  const problemsOf = (...rows: DeviceDays[]) => {
    const quoted = quote(tariffOf(byKm()), { ...june(), deviceDays: rows }, CUT_OFF);
    return quoted.ok ? [] : quoted.problems.map(({ code, path }) => `${code} ${path}`);
  };
  const row = { vehicleId: 'car', from: '2026-06-05', to: '2026-06-09', heard: false };

  it('are refused if they overlap, have bad dates or an unknown vehicle', () => {
    expect(problemsOf(row, { ...row, from: '2026-06-09', to: '2026-06-12' })).toEqual([]);
    expect(problemsOf(row, { ...row, from: '2026-06-08', to: '2026-06-12', heard: true })).toEqual([
      'OVERLAPPING_DAYS /deviceDays/1',
    ]);
    expect(
      problemsOf(
        { ...row, vehicleId: 'van' },
        { ...row, from: 'June', to: '2026-05-01' },
        { ...row, to: row.from },
      ),
    ).toEqual([
      'UNKNOWN_VEHICLE /deviceDays/0',
      'BAD_DATE /deviceDays/1/from',
      'EMPTY_RANGE /deviceDays/2',
    ]);
  });
});

describe('a bill with silent days', () => {
  const tariff = tariffOf(byKm());
  const tariffs = new Map([[tariff.hash, tariff]]);
  const billed = june(['2026-06-05', '2026-06-09']);
  const made = composeBill('B-1', tariff, billed, CUT_OFF, []);
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  const { bill, bytes } = made;
  const known = (of: RatingInput) => ({
    policy: of.policy,
    exposure: of.exposure,
    deviceDays: of.deviceDays ?? [],
    cutOff: CUT_OFF,
    trips: [],
  });
  const adjust = (of: RatingInput, earlier: Parameters<typeof computeAdjustment>[2] = []) => {
    const adjusted = computeAdjustment('A-2', [bill], earlier, known(of), tariffs);
    if (!adjusted.ok) throw new Error(JSON.stringify(adjusted.problems));
    return adjusted.adjustment;
  };

  it('is recalculated to the same bytes', () => {
    expect(bill.inputs.deviceDays).toHaveLength(3);
    expect(recomposeBill(bytes, tariff)).toMatchObject({ ok: true, same: true });
  });

  it('is settled by a line once the true kilometres are known', () => {
    const late = { ...june(), exposure: [...billed.exposure, day('2026-06-06', 30_000)] };
    const adjustment = adjust(late);
    expect(adjustment.lines).toEqual([
      expect.objectContaining({ billNumber: 'B-1', billed: '10.80', now: '9.00' }),
    ]);
    expect(adjustment.lines[0]).not.toHaveProperty('estimates');
    expect(adjustment.total).toBe('-1.80');
    const text = statementText(adjustmentStatement(adjustment, [bill], []));
    expect(text).toMatch(/^5 June 2026 +12\.000 +0\.000$/m);
    expect(text).toMatch(/^6 June 2026 +12\.000 +30\.000$/m);
  });

  it('keeps in the adjustment what is still estimated, and the next adjustment starts from it', () => {
    const half = {
      ...june(['2026-06-06', '2026-06-09']),
      exposure: [...billed.exposure, day('2026-06-05', 60_000)],
    };
    const first = adjust(half);
    // Six days heard with 120 km: 20 km on each of the three that are still silent.
    expect(first.lines[0]).toMatchObject({
      now: '18.00',
      estimates: [{ vehicleId: 'car', from: '2026-06-06', dailyM: 20_000, distanceM: 60_000 }],
    });
    const second = adjust({ ...half, deviceDays: june().deviceDays ?? [] }, [first]);
    expect(second).toMatchObject({ premiumNow: '12.00', adjustedBefore: '7.20', total: '-6.00' });
    const text = statementText(adjustmentStatement(second, [bill], [first]));
    expect(text).toMatch(/^8 June 2026 +20\.000 +0\.000$/m);
    expect(text).not.toContain('5 June 2026');
  });
});

/** Device days of both vehicles that are silent here and there, the second heard less often. */
const anyDeviceDays = fc
  .tuple(...['car', 'van'].map(() => fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 })))
  .map((vehicles) =>
    vehicles.flatMap((lengths, v): DeviceDays[] => {
      let from = -60;
      return lengths.map((length, i) => {
        const row = {
          vehicleId: v === 0 ? 'car' : 'van',
          from: dateAt(from),
          to: dateAt(from + length),
          heard: (i + v) % 2 === 0,
        };
        from += length;
        return row;
      });
    }),
  );
const anyRule = fc
  .record({
    fromDays: fc.integer({ min: 1, max: 10 }),
    further: fc.integer({ min: 0, max: 60 }),
    windowDays: fc.integer({ min: 1, max: 60 }),
    least: fc.nat(),
    unit: fc.constantFrom('km', 'mi'),
    dailyCap: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
    otherwise: fc.integer({ min: 0, max: 200_000 }).map((n) => (n / 1000).toFixed(3)),
  })
  .map(({ further, least, dailyCap, ...rule }) => ({
    ...{ kind: 'mean/1', source: 'a property' },
    ...rule,
    upToDays: rule.fromDays + further,
    leastHeardDays: 1 + (least % rule.windowDays),
    ...(dailyCap === undefined ? {} : { dailyCap }),
  }));
const YEAR = { from: dateAt(0), to: dateAt(365) };
const units = (total: string): number => Number(total.replace('.', ''));

describe('with any rule for silent days, a premium', () => {
  it('is the sum of its lines, including those of estimates', () => {
    fc.assert(
      fc.property(
        fc.oneof(addingTariff, anyTariff),
        anyRule,
        anyInput,
        anyDeviceDays,
        (plain, silentDays, input, rows) => {
          const premium = premiumOf(tariffOf({ ...plain, silentDays }), {
            ...input,
            deviceDays: rows,
          });
          const sum = premium.lines.reduce((total, l) => add(total, fractionOf(l.amount)), zero);
          expect(subtract(sum, fractionOf(premium.total)).n).toBe(0n);
          const estimatedM = estimatesOf(premium).reduce((m, e) => m + e.distanceM, 0);
          const shown = premium.worksheet.years.flatMap((y) =>
            y.vehicles.map((v) => v.estimatedKm),
          );
          expect(Math.round(shown.reduce((km, of) => km + Number(of), 0) * 1000)).toBe(estimatedM);
          if (estimatedM === 0)
            expect(premium.lines.filter(({ kind }) => kind === 'ESTIMATED')).toEqual([]);
        },
      ),
      runs(150),
    );
  });

  it('adds over time as it does without', () => {
    fc.assert(
      fc.property(
        addingTariff,
        anyRule,
        anyInput,
        anyDeviceDays,
        fc.uniqueArray(fc.integer({ min: 1, max: 364 }), { maxLength: 12 }),
        (plain, silentDays, input, rows, cuts) => {
          const tariff = tariffOf({ ...plain, silentDays });
          expect(tariff.addsOverTime).toBe(true);
          const totalOf = (period: RatingInput['period']) =>
            minorTotalOf(tariff, { ...input, deviceDays: rows, period });
          const ends = [0, ...cuts.sort((a, b) => a - b), 365];
          const pieces = ends
            .slice(1)
            .map((to, i) => totalOf({ from: dateAt(ends[i] ?? 0), to: dateAt(to) }));
          expect(pieces.reduce((sum, piece) => sum + piece, 0)).toBe(totalOf(YEAR));
        },
      ),
      runs(60),
    );
  });

  it('with its adjustments is the same, once all silent days are heard, as if they had been heard at once', () => {
    fc.assert(
      fc.property(
        addingTariff,
        anyRule,
        anyInput,
        anyDeviceDays,
        (plain, silentDays, input, rows) => {
          const tariff = tariffOf({ ...plain, silentDays });
          const issued = composeBill('B-1', tariff, { ...input, deviceDays: rows }, CUT_OFF, []);
          if (!issued.ok) throw new Error(JSON.stringify(issued.problems));
          const heard = rows.map((row) => ({ ...row, heard: true }));
          const { policy, exposure } = input;
          const known = { policy, exposure, deviceDays: heard, cutOff: CUT_OFF, trips: [] };
          const tariffs = new Map([[tariff.hash, tariff]]);
          const settled = computeAdjustment('A-1', [issued.bill], [], known, tariffs);
          if (!settled.ok) throw new Error(JSON.stringify(settled.problems));
          const atOnce = premiumOf(tariff, { ...input, deviceDays: heard }).total;
          expect(settled.adjustment.premiumNow).toBe(atOnce);
          expect(units(issued.bill.premium.total) + units(settled.adjustment.total)).toBe(
            units(atOnce),
          );
          expect(premiumOf(tariffOf(plain), input).total).toBe(atOnce);
          expect(recomposeBill(issued.bytes, tariff)).toMatchObject({ same: true });
        },
      ),
      runs(60),
    );
  });

  it('never estimates without such a rule', () => {
    fc.assert(
      fc.property(
        fc.oneof(addingTariff, anyTariff),
        anyInput,
        anyDeviceDays,
        (plain, input, rows) => {
          const tariff = tariffOf(plain);
          const { inputsHash: _, ...told } = premiumOf(tariff, { ...input, deviceDays: rows });
          const { inputsHash: __, ...untold } = premiumOf(tariff, input);
          expect(told).toEqual(untold);
        },
      ),
      runs(100),
    );
  });
});

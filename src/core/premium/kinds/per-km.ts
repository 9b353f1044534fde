import * as z from 'zod';
import { fractionOf, multiply, ratio, zero } from '../exact/fraction.ts';
import type { CappedDay, Charge, Charged, ChargePart, Kind } from './kind.ts';
import type { Fault } from '../exact/fault.ts';
import { amount, id, label, wholeUnits } from './spec.ts';

export const perKmSchema = z
  .strictObject({
    kind: z.literal('perKm/1'),
    id,
    label: label.optional(),
    unit: z
      .enum(['km', 'mi'])
      .describe('Of the rate, the caps and the bands; a mile is 1,609.344 m'),
    rate: amount.optional().describe('Price of one unit; or else give bands'),
    bands: z
      .array(z.strictObject({ upTo: wholeUnits.optional(), rate: amount }))
      .min(1)
      .max(20)
      .optional()
      .describe('Marginal rates: each holds for the units up to upTo; the last has no upTo'),
    bandsPer: z.enum(['YEAR', 'PERIOD']).optional().describe('What the bands count over'),
    dailyCap: wholeUnits
      .optional()
      .describe('Units of one vehicle and local day beyond it are free'),
    yearlyCap: wholeUnits
      .optional()
      .describe('Units of one vehicle and policy year beyond it are free, days in order'),
  })
  .describe('A rate a kilometre or mile, with a daily and a yearly cap');
type Spec = z.infer<typeof perKmSchema>;

/** Millimetres of one unit: exact integers, a mile being 1,609.344 m by international agreement (1959). */
export const UNIT_MM = { km: 1_000_000, mi: 1_609_344 } as const;

interface Band {
  readonly upToMm: number;
  readonly rate: string;
}

function bandsOf(spec: Spec): readonly Band[] {
  if (spec.bands === undefined) return [{ upToMm: Infinity, rate: spec.rate ?? '0' }];
  return spec.bands.map(({ upTo, rate }) => ({
    upToMm: upTo === undefined ? Infinity : upTo * UNIT_MM[spec.unit],
    rate,
  }));
}

function partsOf(spec: Spec, bands: readonly Band[]): ChargePart[] {
  const unit = spec.unit;
  return bands.map((band, i) => {
    const base = spec.label ?? (unit === 'km' ? 'Kilometres driven' : 'Miles driven');
    const start = i === 0 ? 0 : (bands[i - 1]?.upToMm ?? 0) / UNIT_MM[unit];
    const end = band.upToMm === Infinity ? 'on' : `to ${band.upToMm / UNIT_MM[unit]}`;
    return {
      id: bands.length === 1 ? spec.id : `${spec.id}.${i + 1}`,
      label: bands.length === 1 ? base : `${base}, from ${start} ${end}`,
      perUnit: UNIT_MM[unit],
      unit,
      rate: band.rate,
      rateUnit: unit,
    };
  });
}

/** Shares out `mm` that follow on `usedMm` over the bands. */
function share(mm: number, usedMm: number, bands: readonly Band[], into: readonly Charged[]): void {
  let left = mm;
  let at = usedMm;
  for (let i = 0; left > 0 && i < bands.length; i++) {
    const part = Math.min(left, Math.max(0, (bands[i]?.upToMm ?? 0) - at));
    const charged = into[i];
    if (charged !== undefined) charged.quantity += part;
    left -= part;
    at += part;
  }
}

/** Σ over local days of min(distance, daily cap), cut at the yearly cap, at marginal rates. */
export const perKm: Kind<Spec, Charge> = {
  kind: 'perKm/1',

  check(spec, path) {
    const problems: Fault[] = [];
    const say = (at: string, message: string): void => {
      problems.push({ code: 'BAD_RATE', path: path + at, message });
    };
    if ((spec.rate === undefined) === (spec.bands === undefined))
      say('', 'needs exactly one of rate and bands');
    if ((spec.bandsPer === undefined) !== (spec.bands === undefined))
      say('/bandsPer', 'bandsPer (YEAR or PERIOD) goes with bands: give both or neither');
    spec.bands?.forEach((band, i, all) => {
      const last = i === all.length - 1;
      if (last !== (band.upTo === undefined))
        say(`/bands/${i}/upTo`, 'every band but the last has an upTo, and the last has none');
      else if (i > 0 && band.upTo !== undefined && band.upTo <= (all[i - 1]?.upTo ?? 0))
        say(`/bands/${i}/upTo`, `${band.upTo} is not above the band before it`);
    });
    return problems;
  },

  addsOverTime: (spec) =>
    spec.bandsPer === 'PERIOD'
      ? `the bands of "${spec.id}" start again with each billing period`
      : true,

  prepare(spec) {
    const unitMm = UNIT_MM[spec.unit];
    const bands = bandsOf(spec);
    const prices = bands.map(({ rate }) => multiply(fractionOf(rate), ratio(1, unitMm)));
    const dailyMm = (spec.dailyCap ?? Infinity) * unitMm;
    const yearlyMm = (spec.yearlyCap ?? Infinity) * unitMm;
    return {
      kind: spec.kind,
      id: spec.id,
      parts: partsOf(spec, bands),
      rate(vehicle) {
        const charged = vehicle.spans.map(() => bands.map(() => ({ quantity: 0, amount: zero })));
        const cappedDays: CappedDay[] = [];
        let usedMm = 0;
        let periodStartMm = 0;
        for (const { span, facts } of vehicle.days) {
          const inPeriod = facts.day >= vehicle.from;
          const drivenMm = facts.distanceM * 1000;
          const dayMm = Math.min(drivenMm, dailyMm);
          const billedMm = Math.min(dayMm, yearlyMm - usedMm);
          const bandFrom = spec.bandsPer === 'PERIOD' && inPeriod ? usedMm - periodStartMm : usedMm;
          share(billedMm, bandFrom, bands, charged[span] ?? []);
          usedMm += billedMm;
          if (!inPeriod) periodStartMm = usedMm;
          else if (billedMm < drivenMm) {
            const by = billedMm < dayMm ? 'YEAR' : 'DAY';
            cappedDays.push({ day: facts.day, drivenM: facts.distanceM, billedMm, by });
          }
        }
        for (const parts of charged)
          parts.forEach((part, i) => {
            part.amount = multiply(ratio(part.quantity, 1), prices[i] ?? zero);
          });
        return { charged, cappedDays };
      },
    };
  },
};

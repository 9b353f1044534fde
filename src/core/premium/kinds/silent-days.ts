import * as z from 'zod';
import { floorDivide, fractionOf, multiply, ratio } from '../exact/fraction.ts';
import type { CheckedVehicle, Days, Kind, VehicleDay } from './kind.ts';
import { UNIT_MM } from './per-km.ts';
import type { Fault } from '../exact/fault.ts';
import { amount, label, wholeUnits } from './spec.ts';

const dayCount = z.int().min(1).max(366);

export const meanSilentDaysSchema = z
  .strictObject({
    kind: z.literal('mean/1'),
    source: label.describe(
      'Where these figures come from, e.g. the clause of the policy or of a filing',
    ),
    fromDays: dayCount.describe(
      'Silent days in a row from which on they are estimated; fewer count as a parked car',
    ),
    upToDays: dayCount.describe(
      'At most this number of the silent days in a row are estimated, the first ones',
    ),
    windowDays: dayCount.describe(
      'An estimate is the mean of the days heard among this number of days before the first silent one',
    ),
    leastHeardDays: dayCount.describe(
      'Days heard that a mean needs; with fewer, otherwise applies',
    ),
    unit: z.enum(['km', 'mi']).describe('Of dailyCap and otherwise; a mile is 1,609.344 m'),
    dailyCap: wholeUnits.optional().describe('A day heard counts for no more units in the mean'),
    otherwise: amount.describe('Units for each silent day where there is no mean'),
  })
  .describe('Kilometres estimated where the device was silent for days, until they are known');
type Spec = z.infer<typeof meanSilentDaysSchema>;

/** Silent days in a row with the same estimate, half-open. */
export interface Estimate extends Days {
  /** Whole metres of each day. */
  readonly distanceM: number;
  /** The days looked at for the mean, half-open. */
  readonly windowFrom: number;
  readonly windowTo: number;
  /** Those of them that were heard, and what they count for together. */
  readonly heardDays: number;
  readonly heardM: number;
  /** False if too few days were heard, so that the tariff's fixed figure applies. */
  readonly isMean: boolean;
}

/** A tariff's rule for silent days, ready to rate. */
export interface SilentDays {
  /** How many days before a day its estimate may depend on. */
  readonly lookBackDays: number;
  /** The estimates of one vehicle, in order. */
  estimate(vehicle: CheckedVehicle): Estimate[];
}

/** The days of a vehicle on which it moved. */
function drivenDays(history: readonly VehicleDay[]): ReadonlyMap<number, VehicleDay> {
  return new Map(history.flatMap((day) => (day.distanceM > 0 ? [[day.day, day]] : [])));
}

/** Runs of silent days within the cover. A day with driving is not silent, even if the input lists its device as silent. */
function silentRuns(
  { cover, deviceDays }: CheckedVehicle,
  driven: ReadonlyMap<number, VehicleDay>,
): Days[] {
  const runs: { from: number; to: number }[] = [];
  for (const { from, to, heard } of deviceDays) {
    if (heard) continue;
    for (let day = Math.max(from, cover.from); day < Math.min(to, cover.to); day++) {
      if (driven.has(day)) continue;
      const last = runs.at(-1);
      if (last?.to === day) last.to++;
      else runs.push({ from: day, to: day + 1 });
    }
  }
  return runs;
}

/**
 * Estimates the days of longer silences by the mean of the days heard before. An estimate depends only on
 * the vehicle's data, not on the rated period, so that premiums of adjoining periods still add up.
 */
export const silentDays: Kind<Spec, SilentDays> = {
  kind: 'mean/1',

  check({ fromDays, upToDays, windowDays, leastHeardDays }, path) {
    const problems: Fault[] = [];
    const say = (field: string, message: string): void => {
      problems.push({ code: 'BAD_SILENT_DAYS', path: `${path}/${field}`, message });
    };
    if (upToDays < fromDays)
      say('upToDays', `${upToDays} is less than fromDays, ${fromDays}; it must be at least that`);
    if (leastHeardDays > windowDays)
      say(
        'leastHeardDays',
        `${leastHeardDays} is more than windowDays, ${windowDays}; it must be at most that`,
      );
    return problems;
  },

  addsOverTime: () => true,

  prepare(spec) {
    const unit = UNIT_MM[spec.unit];
    const metres = (units: string): number => {
      const { n, d } = multiply(fractionOf(units), ratio(unit, 1000));
      return Number(floorDivide(n, d));
    };
    const capM = spec.dailyCap === undefined ? Infinity : metres(String(spec.dailyCap));
    const otherwiseM = metres(spec.otherwise);
    return {
      lookBackDays: spec.upToDays + spec.windowDays,
      estimate(vehicle) {
        const driven = drivenDays(vehicle.history);
        return silentRuns(vehicle, driven).flatMap(({ from, to }) => {
          if (to - from < spec.fromDays) return [];
          const window = { windowFrom: from - spec.windowDays, windowTo: from };
          let heardDays = 0;
          let heardM = 0;
          for (let day = window.windowFrom; day < from; day++) {
            const { distanceM = 0, estimatedM = 0 } = driven.get(day) ?? {};
            if (estimatedM > 0 || (distanceM === 0 && !isHeard(vehicle, day))) continue;
            heardDays++;
            heardM += Math.min(distanceM, capM);
          }
          const isMean = heardDays >= spec.leastHeardDays;
          const distanceM = isMean ? Math.floor(heardM / heardDays + 0.5) : otherwiseM;
          const end = Math.min(to, from + spec.upToDays);
          return [{ from, to: end, distanceM, ...window, heardDays, heardM, isMean }];
        });
      },
    };
  },
};

function isHeard({ deviceDays }: CheckedVehicle, day: number): boolean {
  return deviceDays.some(({ from, to, heard }) => heard && from <= day && day < to);
}

/** Driven and estimated days, in order. An estimated day has no driven metres. */
export function withEstimates(
  history: readonly VehicleDay[],
  estimates: readonly Estimate[],
): VehicleDay[] {
  const days = new Map(history.map((known) => [known.day, known]));
  for (const { from, to, distanceM } of estimates) {
    if (distanceM === 0) continue;
    for (let day = from; day < to; day++) {
      const { nightM, measures } = days.get(day) ?? { nightM: 0, measures: {} };
      days.set(day, { day, distanceM, nightM, estimatedM: distanceM, measures });
    }
  }
  return [...days.values()].sort((a, b) => a.day - b.day);
}

import * as z from 'zod';
import {
  add,
  compare,
  divide,
  fractionOf,
  multiply,
  one,
  ratio,
  roundHalfUp,
  subtract,
  tenTo,
  zero,
  type Fraction,
} from '../exact/fraction.ts';
import type { Kind, VehicleDay, VehicleYear } from './kind.ts';
import { exponential, toLogScale } from '../exact/logarithm.ts';
import { measureOf } from '../exact/measures.ts';
import type { Fault } from '../exact/fault.ts';
import { appliesTo, id, label, positive, signed, wholeUnits } from './spec.ts';

export const habitsSchema = z
  .strictObject({
    kind: z.literal('habits/1'),
    id,
    label: label.optional(),
    appliesTo,
    window: z
      .union([z.literal('PERIOD'), z.strictObject({ days: z.int().min(1).max(1100) })])
      .describe(
        'The driving that counts: that of the billing period, or of this number of days up to its end',
      ),
    habits: z
      .array(
        z.strictObject({
          id,
          label: label.optional(),
          measure: id.describe('Name of a habit measure; or nightM'),
          per: z
            .enum(['100KM', 'DISTANCE'])
            .describe('z is the count per 100 km, or the share of all metres'),
          coefficient: signed.describe('b of exp(b·(z − z̄))'),
          mean: signed.describe('z̄, of the book the coefficients were fitted on'),
        }),
      )
      .min(1)
      .max(50),
    floor: positive,
    cap: positive,
    priorKm: wholeUnits.describe('β of the credibility Z = km / (km + β)'),
    places: z.int().min(2).max(9).describe('Decimals the final factor is rounded to, half up'),
  })
  .describe('Pay how you drive: 1 + Z·(clamp(exp(Σ b·(z − z̄)), floor, cap) − 1)');
type Spec = z.infer<typeof habitsSchema>;

/** One habit's part in the factor. */
export interface HabitPart {
  readonly id: string;
  readonly label: string;
  /** What was measured: per 100 km, or a share. */
  readonly z: Fraction;
  readonly mean: string;
  readonly coefficient: string;
  /** b·(z − z̄), times 10^30: the logarithm of the habit's own factor. */
  readonly lnScaled: bigint;
}

/** The behaviour factor of one vehicle with all that led to it. */
export interface HabitsOutcome {
  readonly windowFrom: number;
  readonly windowTo: number;
  readonly distanceM: number;
  readonly parts: readonly HabitPart[];
  /** exp(Σ b·(z − z̄)), 30 decimals. */
  readonly raw: Fraction;
  readonly clamped: Fraction;
  readonly credibility: Fraction;
  /** 1 + Z·(clamped − 1), rounded to the tariff's places. */
  readonly final: Fraction;
}

/** A tariff's behaviour factor, ready to rate. */
export interface Behaviour {
  readonly kind: string;
  readonly id: string;
  readonly label: string;
  readonly appliesTo: readonly string[] | undefined;
  readonly places: number;
  readonly floor: string;
  readonly cap: string;
  rate(vehicle: VehicleYear): HabitsOutcome;
}

/** An exponent beyond ±50 is cut there: exp(50) is far outside every floor and cap. */
const EXPONENT_LIMIT = ratio(50, 1);

function clamp(value: Fraction, low: Fraction, high: Fraction): Fraction {
  return compare(value, low) < 0 ? low : compare(value, high) > 0 ? high : value;
}

function measured(spec: Spec['habits'][number], days: readonly VehicleDay[]): number {
  let sum = 0;
  for (const day of days)
    sum += spec.measure === 'nightM' ? day.nightM : measureOf(day.measures, spec.measure);
  return sum;
}

/**
 * The classic premium corrected by how the car is driven (Ayuso, Guillén & Nielsen 2019): clamped
 * first, then shrunk towards 1 by how much driving there was. No driving: the factor is 1.
 */
export const habits: Kind<Spec, Behaviour> = {
  kind: 'habits/1',
  addsOverTime: (spec) =>
    `"${spec.id}" looks at a window of driving that moves with each billing period`,
  check(spec, path) {
    const problems: Fault[] = [];
    const floor = fractionOf(spec.floor);
    if (compare(floor, one) > 0 || compare(fractionOf(spec.cap), one) < 0)
      problems.push({
        code: 'BAD_CLAMP',
        path,
        message: `floor ${spec.floor} and cap ${spec.cap} must have 1 between them`,
      });
    return problems;
  },
  prepare(spec) {
    const floor = fractionOf(spec.floor);
    const cap = fractionOf(spec.cap);
    const terms = spec.habits.map((habit) => ({
      habit,
      b: fractionOf(habit.coefficient),
      mean: fractionOf(habit.mean),
    }));
    return {
      kind: spec.kind,
      id: spec.id,
      label: spec.label ?? 'How you drive',
      appliesTo: spec.appliesTo,
      places: spec.places,
      floor: spec.floor,
      cap: spec.cap,
      rate(vehicle) {
        const windowTo = vehicle.to;
        const windowFrom = spec.window === 'PERIOD' ? vehicle.from : windowTo - spec.window.days;
        const days = vehicle.history.filter(({ day }) => day >= windowFrom && day < windowTo);
        const distanceM = days.reduce((sum, day) => sum + day.distanceM, 0);
        const parts: HabitPart[] = [];
        let exponent = zero;
        for (const { habit, b, mean } of terms) {
          const count = measured(habit, days);
          const z =
            distanceM === 0
              ? mean
              : multiply(ratio(count, distanceM), ratio(habit.per === '100KM' ? 100_000 : 1, 1));
          const term = multiply(b, subtract(z, mean));
          exponent = add(exponent, term);
          parts.push({
            id: habit.id,
            label: habit.label ?? habit.id,
            z,
            mean: habit.mean,
            coefficient: habit.coefficient,
            lnScaled: toLogScale(term),
          });
        }
        const limit = EXPONENT_LIMIT;
        const raw = exponential(clamp(exponent, { n: -limit.n, d: limit.d }, limit));
        const clamped = clamp(raw, floor, cap);
        const credibility = ratio(distanceM, distanceM + spec.priorKm * 1000);
        const shrunk = add(one, multiply(credibility, subtract(clamped, one)));
        const final = divide(
          { n: roundHalfUp(shrunk, spec.places), d: 1n },
          { n: tenTo(spec.places), d: 1n },
        );
        return { windowFrom, windowTo, distanceM, parts, raw, clamped, credibility, final };
      },
    };
  },
};

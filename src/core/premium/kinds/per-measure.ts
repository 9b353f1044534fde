import * as z from 'zod';
import { fractionOf, multiply, ratio } from '../exact/fraction.ts';
import type { Charge, Kind } from './kind.ts';
import { measureOf } from '../exact/measures.ts';
import { UNIT_MM } from './per-km.ts';
import { shown } from '../exact/fault.ts';
import { amount, id, label, wholeUnits } from './spec.ts';

export const perMeasureSchema = z
  .strictObject({
    kind: z.literal('perMeasure/1'),
    id,
    label,
    measure: id.describe(
      'Name of a habit measure, e.g. harshBraking; or nightM, the metres at night',
    ),
    perUnits: wholeUnits.describe(
      'How many of the measure one charge is for; 1000 for nightM by km',
    ),
    unit: label.describe(
      'What people read after the quantity, e.g. "harsh brakes" or "km at night"; not "km" alone, which is all that was driven',
    ),
    rate: amount,
  })
  .describe('A charge for each of something counted: an event, or a metre at night');
type Spec = z.infer<typeof perMeasureSchema>;

/** A charge an event: base plus an amount for each near-miss (Guillén, Nielsen & Pérez-Marín 2021). */
export const perMeasure: Kind<Spec, Charge> = {
  kind: 'perMeasure/1',
  addsOverTime: () => true,
  check({ unit }, path) {
    if (!Object.hasOwn(UNIT_MM, unit)) return [];
    const message = `${shown(unit)} alone means all driving: name a measure, e.g. "km at night"`;
    return [{ code: 'BAD_UNIT', path: `${path}/unit`, message }];
  },
  prepare(spec) {
    const price = multiply(fractionOf(spec.rate), ratio(1, spec.perUnits));
    return {
      kind: spec.kind,
      id: spec.id,
      parts: [
        {
          id: spec.id,
          label: spec.label,
          perUnit: spec.perUnits,
          unit: spec.unit,
          rate: spec.rate,
          rateUnit: spec.unit,
        },
      ],
      rate(vehicle) {
        const counts = vehicle.spans.map(() => 0);
        for (const { span, facts } of vehicle.days) {
          const count =
            spec.measure === 'nightM' ? facts.nightM : measureOf(facts.measures, spec.measure);
          counts[span] = (counts[span] ?? 0) + count;
        }
        return {
          cappedDays: [],
          charged: counts.map((quantity) => [
            { quantity, amount: multiply(ratio(quantity, 1), price) },
          ]),
        };
      },
    };
  },
};

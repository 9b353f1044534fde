import * as z from 'zod';
import { fractionOf, multiply, ratio, zero, add, type Fraction } from '../exact/fraction.ts';
import type { Charge, Kind, Span, VehicleYear } from './kind.ts';
import { amount, id, label } from './spec.ts';

export const fixedSchema = z
  .strictObject({
    kind: z.literal('fixed/1'),
    id,
    label: label.optional(),
    amount,
    per: z.enum(['YEAR', 'MONTH', 'DAY']),
  })
  .describe(
    'A fixed part for each vehicle, pro rata by day: of the policy year, of the policy month, or a day',
  );
type Spec = z.infer<typeof fixedSchema>;

/** What part of months the span covers: a part of a month counts its days over that month's days. */
function monthsOf(span: Span, months: readonly number[]): Fraction {
  let sum = zero;
  for (let i = 0; i + 1 < months.length; i++) {
    const start = months[i] ?? 0;
    const end = months[i + 1] ?? 0;
    const days = Math.min(span.to, end) - Math.max(span.from, start);
    if (days > 0) sum = add(sum, ratio(days, end - start));
  }
  return sum;
}

function prorate(per: Spec['per'], span: Span, vehicle: VehicleYear): Fraction {
  if (per === 'MONTH') return monthsOf(span, vehicle.year.months);
  return ratio(span.to - span.from, per === 'DAY' ? 1 : vehicle.year.end - vehicle.year.start);
}

/** The part that is due whether the car is driven or not. */
export const fixed: Kind<Spec, Charge> = {
  kind: 'fixed/1',
  addsOverTime: () => true,
  prepare(spec) {
    const price = fractionOf(spec.amount);
    return {
      kind: spec.kind,
      id: spec.id,
      parts: [
        {
          id: spec.id,
          label: spec.label ?? 'Fixed part',
          perUnit: 1,
          unit: 'days',
          rate: spec.amount,
          rateUnit: { YEAR: 'policy year', MONTH: 'policy month', DAY: 'day' }[spec.per],
        },
      ],
      rate: (vehicle) => ({
        cappedDays: [],
        charged: vehicle.spans.map((span) => [
          {
            quantity: span.to - span.from,
            amount: multiply(price, prorate(spec.per, span, vehicle)),
          },
        ]),
      }),
    };
  },
};

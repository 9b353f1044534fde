import * as z from 'zod';
import { add, divide, fractionOf, multiply, one, ratio, subtract } from '../exact/fraction.ts';
import type { Adjustment, Kind } from './kind.ts';
import { amount, id, label, share } from './spec.ts';

export const loadingSchema = z
  .strictObject({
    kind: z.literal('loading/1'),
    id,
    label: label.optional(),
    fixedPerYear: amount.describe('Fixed expenses of a policy year, pro rata by day'),
    variable: share.describe('Variable expenses as a share of the office premium'),
    profit: share.describe('Profit and contingencies as a share of the office premium'),
  })
  .describe('From the pure to the office premium: (pure + fixed) / (1 − variable − profit)');
type Spec = z.infer<typeof loadingSchema>;

export const loading: Kind<Spec, Adjustment> = {
  kind: 'loading/1',
  addsOverTime: () => true,
  check(spec, path) {
    const kept = subtract(subtract(one, fractionOf(spec.variable)), fractionOf(spec.profit));
    if (kept.n > 0n) return [];
    return [
      {
        code: 'BAD_LOADING',
        path,
        message: `variable ${spec.variable} and profit ${spec.profit} must be below 1 together`,
      },
    ];
  },
  prepare(spec) {
    const kept = subtract(subtract(one, fractionOf(spec.variable)), fractionOf(spec.profit));
    const fixedPerYear = fractionOf(spec.fixedPerYear);
    return {
      kind: spec.kind,
      id: spec.id,
      label: spec.label ?? 'Expenses and profit',
      rate: spec.variable,
      explanation: `(premium + ${spec.fixedPerYear} a year) / (1 − ${spec.variable} − ${spec.profit})`,
      add(subtotal, { year, from, to }) {
        const fixed = multiply(fixedPerYear, ratio(to - from, year.end - year.start));
        return subtract(divide(add(subtotal, fixed), kept), subtotal);
      },
    };
  },
};

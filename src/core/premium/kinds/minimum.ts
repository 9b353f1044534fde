import * as z from 'zod';
import { compare, fractionOf, subtract, zero } from '../exact/fraction.ts';
import type { Adjustment, Kind } from './kind.ts';
import { amount, id, label } from './spec.ts';

export const minimumSchema = z
  .strictObject({
    kind: z.literal('minimum/1'),
    id,
    label: label.optional(),
    amount: amount.describe('What a billing period costs at least, before the steps that follow'),
  })
  .describe('A minimum premium of each billing period');
type Spec = z.infer<typeof minimumSchema>;

export const minimum: Kind<Spec, Adjustment> = {
  kind: 'minimum/1',
  addsOverTime: (spec) => `"${spec.id}" is a minimum of each billing period`,
  prepare(spec) {
    const least = fractionOf(spec.amount);
    return {
      kind: spec.kind,
      id: spec.id,
      label: spec.label ?? 'Up to the minimum',
      rate: spec.amount,
      explanation: `a billing period costs at least ${spec.amount}`,
      add: (subtotal) => (compare(subtotal, least) < 0 ? subtract(least, subtotal) : zero),
    };
  },
};

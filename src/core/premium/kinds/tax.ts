import * as z from 'zod';
import { fractionOf, multiply } from '../exact/fraction.ts';
import type { Adjustment, Kind } from './kind.ts';
import { amount, id, label } from './spec.ts';

export const taxSchema = z
  .strictObject({
    kind: z.literal('tax/1'),
    id,
    label,
    rate: amount.describe('Share of everything before it in the tariff, e.g. "0.12"'),
  })
  .describe('A tax on the sum of everything before it');
type Spec = z.infer<typeof taxSchema>;

export const tax: Kind<Spec, Adjustment> = {
  kind: 'tax/1',
  addsOverTime: () => true,
  prepare(spec) {
    const rate = fractionOf(spec.rate);
    return {
      kind: spec.kind,
      id: spec.id,
      label: spec.label,
      rate: spec.rate,
      explanation: `${spec.rate} of everything above`,
      add: (subtotal) => multiply(subtotal, rate),
    };
  },
};

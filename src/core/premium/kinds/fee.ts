import * as z from 'zod';
import { fractionOf, multiply, ratio } from '../exact/fraction.ts';
import type { Adjustment, Kind } from './kind.ts';
import { amount, id, label } from './spec.ts';

export const feeSchema = z
  .strictObject({
    kind: z.literal('fee/1'),
    id,
    label,
    amount,
    per: z
      .enum(['YEAR', 'PERIOD'])
      .describe('A policy year, pro rata by day, or each billing period'),
  })
  .describe('A fee of the policy');
type Spec = z.infer<typeof feeSchema>;

export const fee: Kind<Spec, Adjustment> = {
  kind: 'fee/1',
  addsOverTime: (spec) =>
    spec.per === 'PERIOD' ? `"${spec.id}" is due once in each billing period` : true,
  prepare(spec) {
    const amountDue = fractionOf(spec.amount);
    return {
      kind: spec.kind,
      id: spec.id,
      label: spec.label,
      rate: spec.amount,
      explanation: spec.per === 'YEAR' ? 'a policy year, pro rata by day' : 'each billing period',
      add: (_subtotal, { year, from, to }) =>
        spec.per === 'PERIOD'
          ? amountDue
          : multiply(amountDue, ratio(to - from, year.end - year.start)),
    };
  },
};

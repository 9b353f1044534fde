import * as z from 'zod';
import { fractionOf } from '../exact/fraction.ts';
import type { Factor, Kind, Relativity } from './kind.ts';
import { lnScaled } from '../exact/logarithm.ts';
import { appliesTo, id, label, positive } from './spec.ts';

export const relativitySchema = z
  .strictObject({
    kind: z.literal('relativity/1'),
    id,
    label: label.optional(),
    fact: id.describe('Name of the rating fact that is looked up, e.g. territory'),
    subject: z.enum(['VEHICLE', 'DRIVERS']).optional(),
    combine: z
      .enum(['HIGHEST', 'MEAN'])
      .optional()
      .describe('Of several named drivers: the highest relativity (the default) or their mean'),
    appliesTo,
    table: z
      .record(z.string().min(1).max(100), positive)
      .describe('Relativity by the value of the fact; 1 is the base'),
    otherwise: positive.optional().describe('For values the table does not name'),
  })
  .describe('A rating factor: a table from the value of a fact to a relativity');
type Spec = z.infer<typeof relativitySchema>;

/** A relativity from its decimal, with its logarithm. */
export function relativityOf(text: string): Relativity {
  const factor = fractionOf(text);
  return { text, factor, lnScaled: lnScaled(factor) };
}

export const relativity: Kind<Spec, Factor> = {
  kind: 'relativity/1',
  addsOverTime: () => true,
  check(spec, path) {
    const size = Object.keys(spec.table).length;
    if (size > 0 && size <= 20_000) return [];
    return [
      {
        code: 'BAD_TABLE',
        path: `${path}/table`,
        message: `a table has 1 to 20,000 values, this one ${size}`,
      },
    ];
  },
  prepare(spec) {
    const table = new Map(Object.entries(spec.table));
    const ready = new Map<string, Relativity>();
    return {
      kind: spec.kind,
      id: spec.id,
      label: spec.label ?? spec.id,
      fact: spec.fact,
      subject: spec.subject ?? 'VEHICLE',
      combine: spec.combine ?? 'HIGHEST',
      appliesTo: spec.appliesTo,
      expected: `one of ${[...table.keys()].slice(0, 12).join(', ')}${table.size > 12 ? ', …' : ''}`,
      find(value) {
        const text = table.get(String(value)) ?? spec.otherwise;
        if (text === undefined) return undefined;
        let found = ready.get(text);
        if (found === undefined) ready.set(text, (found = relativityOf(text)));
        return found;
      },
    };
  },
};

import * as z from 'zod';
import type { Factor, Kind, Relativity } from './kind.ts';
import type { Fault } from '../exact/fault.ts';
import { relativityOf } from './relativity.ts';
import { appliesTo, id, label, positive } from './spec.ts';

export const bandedSchema = z
  .strictObject({
    kind: z.literal('banded/1'),
    id,
    label: label.optional(),
    fact: id.describe('Name of a rating fact that is a whole number, e.g. age'),
    subject: z.enum(['VEHICLE', 'DRIVERS']).optional(),
    combine: z.enum(['HIGHEST', 'MEAN']).optional(),
    appliesTo,
    bands: z
      .array(z.strictObject({ below: z.int().optional(), relativity: positive }))
      .min(1)
      .max(1000)
      .describe('In order; each holds for values below its bound, the last has none'),
  })
  .describe('A rating factor: relativities by ranges of a whole number, such as an age');
type Spec = z.infer<typeof bandedSchema>;

export const banded: Kind<Spec, Factor> = {
  kind: 'banded/1',
  addsOverTime: () => true,
  check(spec, path) {
    const problems: Fault[] = [];
    spec.bands.forEach((band, i, all) => {
      const at = `${path}/bands/${i}/below`;
      if ((i === all.length - 1) !== (band.below === undefined))
        problems.push({
          code: 'BAD_BANDS',
          path: at,
          message: 'every band but the last has a below, and the last has none',
        });
      else if (band.below !== undefined && i > 0 && band.below <= (all[i - 1]?.below ?? Infinity))
        problems.push({
          code: 'BAD_BANDS',
          path: at,
          message: `${band.below} is not above the band before it`,
        });
    });
    return problems;
  },
  prepare(spec) {
    const bands: { readonly below: number; readonly relativity: Relativity }[] = spec.bands.map(
      (band) => ({ below: band.below ?? Infinity, relativity: relativityOf(band.relativity) }),
    );
    return {
      kind: spec.kind,
      id: spec.id,
      label: spec.label ?? spec.id,
      fact: spec.fact,
      subject: spec.subject ?? 'VEHICLE',
      combine: spec.combine ?? 'HIGHEST',
      appliesTo: spec.appliesTo,
      expected: 'a whole number',
      find: (value) =>
        typeof value === 'number' && Number.isSafeInteger(value)
          ? bands.find(({ below }) => value < below)?.relativity
          : undefined,
    };
  },
};

import * as z from 'zod';

/** A string of a given form; `says` tells people and the published schema what it is. */
export function textOf(form: RegExp, says: string) {
  return z
    .string({ error: `expected ${says}` })
    .regex(form, { error: `expected ${says}` })
    .describe(says);
}

/** Building blocks of a tariff document's schema. */
export const id = textOf(
  /^[A-Za-z][A-Za-z0-9_-]{0,63}$/,
  'a name: a letter, then letters, digits, _ or -, at most 64',
);
export const label = z.string().min(1).max(200).describe('What people read');
export const amount = textOf(
  /^\d{1,12}(\.\d{1,9})?$/,
  'a decimal of at least 0 as a string, e.g. "30.00"',
);
export const signed = textOf(/^-?\d{1,12}(\.\d{1,9})?$/, 'a decimal as a string, e.g. "-0.05"');
export const positive = textOf(
  /^(?=.*[1-9])\d{1,6}(\.\d{1,9})?$/,
  'a decimal above 0 as a string, e.g. "1.25"',
);
export const share = textOf(
  /^0(\.\d{1,9})?$/,
  'a decimal of at least 0 and below 1 as a string, e.g. "0.12"',
);
export const wholeUnits = z.int().min(1).max(10_000_000);
export const appliesTo = z
  .array(id)
  .min(1)
  .max(50)
  .optional()
  .describe('Ids of the charges the factor applies to; all where absent');

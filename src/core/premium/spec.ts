import * as z from 'zod';

/** Building blocks of a tariff document's schema. */
export const id = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/)
  .describe('A letter, then letters, digits, _ or -, at most 64');
export const label = z.string().min(1).max(200).describe('What people read');
export const amount = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,9})?$/)
  .describe('A decimal of at least 0 as a string, e.g. "30.00"');
export const signed = z
  .string()
  .regex(/^-?\d{1,12}(\.\d{1,9})?$/)
  .describe('A decimal as a string, e.g. "-0.05"');
export const positive = z
  .string()
  .regex(/^(?=.*[1-9])\d{1,6}(\.\d{1,9})?$/)
  .describe('A decimal above 0 as a string, e.g. "1.25"');
export const share = z
  .string()
  .regex(/^0(\.\d{1,9})?$/)
  .describe('A decimal of at least 0 and below 1 as a string, e.g. "0.12"');
export const wholeUnits = z.int().min(1).max(10_000_000);
export const appliesTo = z
  .array(id)
  .min(1)
  .max(50)
  .optional()
  .describe('Ids of the charges the factor applies to; all where absent');

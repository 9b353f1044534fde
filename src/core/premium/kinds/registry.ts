import * as z from 'zod';
import { banded, bandedSchema } from './banded.ts';
import { fee, feeSchema } from './fee.ts';
import { fixed, fixedSchema } from './fixed.ts';
import { habits, habitsSchema, type Behaviour } from './habits.ts';
import type { AddsOverTime, Adjustment, Charge, Factor } from './kind.ts';
import { loading, loadingSchema } from './loading.ts';
import { minimum, minimumSchema } from './minimum.ts';
import { perKm, perKmSchema } from './per-km.ts';
import { perMeasure, perMeasureSchema } from './per-measure.ts';
import type { Fault } from '../exact/fault.ts';
import { relativity, relativitySchema } from './relativity.ts';
import { silentDays, meanSilentDaysSchema, type SilentDays } from './silent-days.ts';
import { tax, taxSchema } from './tax.ts';

/**
 * Every kind a tariff may name. A kind's file is never changed once a tariff uses it: what is new
 * gets a new number ("perKm/2") and a line of its own here and below.
 */
export const chargeSchema = z.discriminatedUnion('kind', [
  fixedSchema,
  perKmSchema,
  perMeasureSchema,
]);
export const factorSchema = z.discriminatedUnion('kind', [relativitySchema, bandedSchema]);
export const behaviourSchema = z.discriminatedUnion('kind', [habitsSchema]);
export const silentDaysSchema = z.discriminatedUnion('kind', [meanSilentDaysSchema]);
export const adjustmentSchema = z.discriminatedUnion('kind', [
  loadingSchema,
  minimumSchema,
  feeSchema,
  taxSchema,
]);

type ChargeSpec = z.infer<typeof chargeSchema>;
type FactorSpec = z.infer<typeof factorSchema>;
type BehaviourSpec = z.infer<typeof behaviourSchema>;
type SilentDaysSpec = z.infer<typeof silentDaysSchema>;
type AdjustmentSpec = z.infer<typeof adjustmentSchema>;

/** A spec bound to its kind: what the tariff asks of it. */
export interface Bound<Ready> {
  check(path: string): Fault[];
  addsOverTime(): AddsOverTime;
  prepare(): Ready;
}

interface AnyKind<Spec, Ready> {
  check?(spec: Spec, path: string): Fault[];
  addsOverTime(spec: Spec): AddsOverTime;
  prepare(spec: Spec): Ready;
}

function bind<Spec, Ready>(kind: AnyKind<Spec, Ready>, spec: Spec): Bound<Ready> {
  return {
    check: (path) => kind.check?.(spec, path) ?? [],
    addsOverTime: () => kind.addsOverTime(spec),
    prepare: () => kind.prepare(spec),
  };
}

export function bindCharge(spec: ChargeSpec): Bound<Charge> {
  switch (spec.kind) {
    case 'fixed/1':
      return bind(fixed, spec);
    case 'perKm/1':
      return bind(perKm, spec);
    case 'perMeasure/1':
      return bind(perMeasure, spec);
  }
}

export function bindFactor(spec: FactorSpec): Bound<Factor> {
  switch (spec.kind) {
    case 'relativity/1':
      return bind(relativity, spec);
    case 'banded/1':
      return bind(banded, spec);
  }
}

export function bindBehaviour(spec: BehaviourSpec): Bound<Behaviour> {
  return bind(habits, spec);
}

export function bindSilentDays(spec: SilentDaysSpec): Bound<SilentDays> {
  return bind(silentDays, spec);
}

export function bindAdjustment(spec: AdjustmentSpec): Bound<Adjustment> {
  switch (spec.kind) {
    case 'loading/1':
      return bind(loading, spec);
    case 'minimum/1':
      return bind(minimum, spec);
    case 'fee/1':
      return bind(fee, spec);
    case 'tax/1':
      return bind(tax, spec);
  }
}

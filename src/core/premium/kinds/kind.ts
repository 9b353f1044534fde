import type { PolicyYear } from '../exact/calendar.ts';
import type { Fraction } from '../exact/fraction.ts';
import type { Fault } from '../exact/fault.ts';

/** One vehicle's day, merged over its rows. */
export interface VehicleDay {
  readonly day: number;
  readonly distanceM: number;
  readonly nightM: number;
  readonly estimatedM: number;
  readonly measures: Readonly<Record<string, number>>;
}

/** Days [from, to). */
export interface Days {
  readonly from: number;
  readonly to: number;
}

/** A vehicle of a rating input: its days in order, and those of its devices, which do not overlap. */
export interface CheckedVehicle {
  readonly vehicleId: string;
  readonly cover: Days;
  readonly history: readonly VehicleDay[];
  readonly deviceDays: readonly (Days & { readonly heard: boolean })[];
}

/** Days [from, to) of one vehicle's cover within which all rating facts are constant. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** False for the days of the policy year before the period asked for. */
  readonly inPeriod: boolean;
}

/** One vehicle in one policy year, up to the end of the period asked for. */
export interface VehicleYear {
  readonly vehicleId: string;
  readonly year: PolicyYear;
  /** First day of the period within this policy year. */
  readonly from: number;
  readonly to: number;
  /** In order, without gaps in the vehicle's cover, cut at `from`. */
  readonly spans: readonly Span[];
  /** Days with driving within the cover, in order, each with the index of its span. */
  readonly days: readonly { readonly span: number; readonly facts: VehicleDay }[];
  /** All days known of the vehicle, also before the policy year; for windows. */
  readonly history: readonly VehicleDay[];
}

/** How many of what, and what they cost before factors. */
export interface Charged {
  quantity: number;
  amount: Fraction;
}

/** A day on which fewer metres were billed than driven. */
export interface CappedDay {
  readonly day: number;
  readonly drivenM: number;
  readonly billedMm: number;
  readonly by: 'DAY' | 'YEAR';
}

/** A line that a charge always makes: a charge with bands makes one a band. */
export interface ChargePart {
  readonly id: string;
  readonly label: string;
  /** Base units of `quantity` in one shown unit: 1,000,000 mm in a km. */
  readonly perUnit: number;
  readonly unit: string;
  /** Price of one shown unit before factors, as the tariff writes it. */
  readonly rate: string;
  readonly rateUnit: string;
}

export interface ChargeOutcome {
  /** By span, then by part. */
  readonly charged: readonly (readonly Charged[])[];
  readonly cappedDays: readonly CappedDay[];
}

/** A charge of a tariff, ready to rate. */
export interface Charge {
  readonly kind: string;
  readonly id: string;
  readonly parts: readonly ChargePart[];
  rate(vehicle: VehicleYear): ChargeOutcome;
}

/** A relativity found in a table. `lnScaled` is its natural logarithm, times 10^30, rounded. */
export interface Relativity {
  readonly text: string;
  readonly factor: Fraction;
  readonly lnScaled: bigint;
}

/** A rating factor of a tariff: a table from a fact's value to a relativity. */
export interface Factor {
  readonly kind: string;
  readonly id: string;
  readonly label: string;
  /** Name of the rating fact that is looked up. */
  readonly fact: string;
  readonly subject: 'VEHICLE' | 'DRIVERS';
  readonly combine: 'HIGHEST' | 'MEAN';
  /** Charges the factor applies to; all where undefined. */
  readonly appliesTo: readonly string[] | undefined;
  /** Undefined where the table has no place for the value. */
  find(value: string | number): Relativity | undefined;
  /** The values that would have been right, for people. */
  readonly expected: string;
}

/** What a policy-level step sees. */
export interface AdjustmentContext {
  readonly year: PolicyYear;
  /** Days of the policy itself that are rated, half-open. */
  readonly from: number;
  readonly to: number;
}

/** A step on the policy's sum: what it adds to everything before it. */
export interface Adjustment {
  readonly kind: string;
  readonly id: string;
  readonly label: string;
  readonly rate: string;
  add(subtotal: Fraction, context: AdjustmentContext): Fraction;
  /** For people, why the step adds that much. */
  readonly explanation: string;
}

/** Charges to which the very same factors apply: they are added, then multiplied once. */
export interface ChargeGroup {
  /** Places in the tariff's charges. */
  readonly charges: readonly number[];
  /** Places in the tariff's factors. */
  readonly factors: readonly number[];
  /** Whether the behaviour factor applies too. */
  readonly behaves: boolean;
}

/** Whether premiums of adjoining periods add up to the premium of both: true, or why not. */
export type AddsOverTime = true | string;

/** What each kind registers; the kind's own file implements it. */
export interface Kind<Spec, Ready> {
  readonly kind: string;
  /** Problems a schema cannot see; `path` is the spec's JSON pointer. */
  check?(spec: Spec, path: string): Fault[];
  addsOverTime(spec: Spec): AddsOverTime;
  prepare(spec: Spec): Ready;
}

import { Decimal } from 'decimal.js';
import { tenTo, type Fraction } from './fraction.ts';

/**
 * exp and ln to 40 significant digits by decimal.js, correctly rounded and so the same on every
 * machine and Node version; Math.exp and Math.log promise neither.
 */
const Precise = Decimal.clone({
  precision: 40,
  rounding: Decimal.ROUND_HALF_UP,
  toExpNeg: -1000,
  toExpPos: 1000,
});

/** Decimals kept of logarithms and of exponentials. */
export const LOG_PLACES = 30;
const SCALE = tenTo(LOG_PLACES);

function scaled(value: Decimal): bigint {
  return BigInt(value.mul(new Precise(SCALE.toString())).toFixed(0));
}

function decimalOf(a: Fraction): Decimal {
  return new Precise(a.n.toString()).div(a.d.toString());
}

/** Natural logarithm of a positive fraction, times 10^30, rounded. */
export function lnScaled(a: Fraction): bigint {
  return a.n === a.d ? 0n : scaled(decimalOf(a).ln());
}

/** e to the power of a fraction, as a fraction with 30 decimals. */
export function exponential(a: Fraction): Fraction {
  if (a.n === 0n) return { n: SCALE, d: SCALE };
  return { n: scaled(decimalOf(a).exp()), d: SCALE };
}

/** A decimal that may be written with an exponent, as programs write them; undefined if it is not one. */
export function readNumeral(text: string): Fraction | undefined {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text)) return undefined;
  const value = new Precise(text);
  const places = value.decimalPlaces();
  return { n: BigInt(value.mul(new Precise(10).pow(places)).toFixed(0)), d: tenTo(places) };
}

/** A fraction times 10^30, cut. */
export function toLogScale(a: Fraction): bigint {
  return (a.n * SCALE) / a.d;
}

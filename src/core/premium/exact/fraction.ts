/**
 * An exact number. Money is added and multiplied as fractions and rounded once, so that no division
 * by days of a year or by the metres of a mile ever loses a part of a cent.
 */
export interface Fraction {
  readonly n: bigint;
  /** Always positive. */
  readonly d: bigint;
}

export const zero: Fraction = { n: 0n, d: 1n };
export const one: Fraction = { n: 1n, d: 1n };

/** 10 to the power of a small whole number, exactly. */
export function tenTo(places: number): bigint {
  let power = 1n;
  for (let i = 0; i < places; i++) power *= 10n;
  return power;
}

/** Reads a decimal such as "-0.032"; the caller has checked its form. */
export function fractionOf(decimal: string): Fraction {
  const point = decimal.indexOf('.');
  if (point < 0) return { n: BigInt(decimal), d: 1n };
  const places = decimal.length - point - 1;
  return { n: BigInt(decimal.slice(0, point) + decimal.slice(point + 1)), d: tenTo(places) };
}

export function ratio(n: number, d: number): Fraction {
  return { n: BigInt(n), d: BigInt(d) };
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

export function add(a: Fraction, b: Fraction): Fraction {
  if (a.n === 0n) return b;
  if (b.n === 0n) return a;
  if (a.d === b.d) return { n: a.n + b.n, d: a.d };
  const common = greatestCommonDivisor(a.d, b.d);
  const scale = b.d / common;
  return { n: a.n * scale + b.n * (a.d / common), d: a.d * scale };
}

export function subtract(a: Fraction, b: Fraction): Fraction {
  return add(a, { n: -b.n, d: b.d });
}

export function multiply(a: Fraction, b: Fraction): Fraction {
  return { n: a.n * b.n, d: a.d * b.d };
}

/** `b` must not be zero. */
export function divide(a: Fraction, b: Fraction): Fraction {
  return b.n < 0n ? { n: -a.n * b.d, d: -a.d * b.n } : { n: a.n * b.d, d: a.d * b.n };
}

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compare(a: Fraction, b: Fraction): number {
  const left = a.n * b.d;
  const right = b.n * a.d;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The largest whole number not above n/d; `d` is positive. */
export function floorDivide(n: bigint, d: bigint): bigint {
  const quotient = n / d;
  return n < 0n && quotient * d !== n ? quotient - 1n : quotient;
}

/** The one rounding rule: to the nearest, a half towards plus infinity. Counts units of 10^-places. */
export function roundHalfUp(a: Fraction, places: number): bigint {
  return floorDivide(2n * a.n * tenTo(places) + a.d, 2n * a.d);
}

/** Writes a count of units of 10^-places as a decimal: (4600n, 2) is "46.00". */
export function formatScaled(value: bigint, places: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  const sign = value < 0n ? '-' : '';
  return places === 0 ? sign + whole : `${sign}${whole}.${digits.slice(digits.length - places)}`;
}

/** Writes a fraction with at most `places` decimals and no trailing zeros. */
export function formatFraction(a: Fraction, places: number): string {
  const text = formatScaled(roundHalfUp(a, places), places);
  return places === 0 ? text : text.replace(/\.?0+$/, '');
}

/** The sum of decimals that all have as many places as the first. */
export function sumDecimals(decimals: readonly string[]): string {
  const places = decimals[0]?.split('.')[1]?.length ?? 0;
  const sum = decimals.reduce((total, decimal) => add(total, fractionOf(decimal)), zero);
  return formatScaled(roundHalfUp(sum, places), places);
}

import { readDate } from './premium/exact/calendar.ts';

/** The value of a field, or what is wrong with it and what would be correct. */
export type Read = { readonly value: string } | { readonly code: string; readonly message: string };

export type DecimalSign = '.' | ',';

/** Characters that can only group digits: apostrophes, spaces, no-break spaces. */
const GROUPS = /['’ \u00a0\u202f]/;
const NUMBER = /^(-|\u2212)?(\d[\d.,'’ \u00a0\u202f]*)$/;

/**
 * Reads an amount as spreadsheets of any country write it, or explains why it is ambiguous: "1.234"
 * is 1,234 in Germany and 1.234 in the United States.
 * @param decimals of the currency, by ISO 4217
 * @param sign the decimal separator, if the file's owner specifies it
 * @returns decimal text with a point, negative for a recovery
 */
export function readAmount(text: string, decimals: number, sign?: DecimalSign): Read {
  const parts = NUMBER.exec(text);
  const [, minus = '', digits = ''] = parts ?? [];
  if (parts === null) {
    return refuse('BAD_AMOUNT', `is not an amount; write it like ${exampleOf(decimals)}`);
  }
  const split = splitAt(digits, decimals, sign);
  if ('code' in split) return split;
  const [whole, fraction] = split.value;
  const plain = ungroup(whole);
  if (plain === undefined) {
    return refuse(
      'BAD_AMOUNT',
      `has digits that are not grouped by threes; write it like ${exampleOf(decimals)}`,
    );
  }
  if (fraction !== '' && !/^\d+$/.test(fraction)) {
    return refuse(
      'BAD_AMOUNT',
      `has signs after its decimal sign; write it like ${exampleOf(decimals)}`,
    );
  }
  if (fraction.length > decimals) {
    return refuse(
      'TOO_MANY_DECIMALS',
      `has ${fraction.length} decimals; its currency has ${decimals}`,
    );
  }
  if (plain.length > 14) return refuse('BAD_AMOUNT', 'has more than 14 digits');
  const amount = fraction === '' ? plain : `${plain}.${fraction}`;
  return { value: minus === '' || /^[0.]*$/.test(amount) ? amount : `-${amount}` };
}

function refuse(
  code: string,
  message: string,
): { readonly code: string; readonly message: string } {
  return { code, message };
}

function exampleOf(decimals: number): string {
  return decimals === 0 ? '1234' : `1234.${'5600'.slice(0, decimals)}`;
}

/** The parts before and after the decimal separator; '' if there is none. */
function splitAt(
  digits: string,
  decimals: number,
  sign: DecimalSign | undefined,
):
  | { readonly value: readonly [string, string] }
  | { readonly code: string; readonly message: string } {
  const points = digits.split('.').length - 1;
  const commas = digits.split(',').length - 1;
  if (sign !== undefined) {
    const [whole = '', fraction = '', more] = digits.split(sign);
    return more === undefined
      ? { value: [whole, fraction] }
      : refuse('BAD_AMOUNT', `has more than one ${sign}, which is said to be the decimal sign`);
  }
  if (points > 0 && commas > 0) {
    const last = digits.lastIndexOf('.') > digits.lastIndexOf(',') ? '.' : ',';
    return (last === '.' ? points : commas) > 1
      ? refuse('BAD_AMOUNT', `mixes points and commas; write it like ${exampleOf(decimals)}`)
      : { value: splitLast(digits, last) };
  }
  if (points + commas === 0) return { value: [digits, ''] };
  const only = points > 0 ? '.' : ',';
  // A separator that occurs twice can only group digits.
  if (points + commas > 1) return { value: [digits, ''] };
  const [whole, fraction] = splitLast(digits, only);
  // In 1234.567 and 1 234.567 the point cannot be a thousands separator.
  const couldGroup = fraction.length === 3 && whole.length <= 3 && !/^0/.test(whole);
  if (!couldGroup) return { value: [whole, fraction] };
  const thousands = `${whole}${fraction}${decimals === 0 ? '' : `.${'0'.repeat(decimals)}`}`;
  const readings =
    decimals < 3
      ? `as ${whole}${fraction}, or as ${whole}.${fraction} with more decimals than the ${decimals} of its currency; write ${thousands}`
      : `as ${whole}${fraction} and as ${whole}.${fraction}; write ${thousands} or ${whole}.${fraction.padEnd(decimals, '0')}`;
  return refuse(
    'AMBIGUOUS_AMOUNT',
    `can be read ${readings}, or name the decimal sign of the file with --decimal`,
  );
}

function splitLast(digits: string, sign: DecimalSign): readonly [string, string] {
  const at = digits.lastIndexOf(sign);
  return [digits.slice(0, at), digits.slice(at + 1)];
}

/** Digits without separators; undefined if not in groups of three, or with different separators. */
function ungroup(whole: string): string | undefined {
  const signs = new Set([...whole].filter((c) => c === '.' || c === ',' || GROUPS.test(c)));
  if (signs.size === 0) return whole;
  if (signs.size > 1) return undefined;
  const [sign = ''] = signs;
  const [first = '', ...groups] = whole.split(sign);
  const fits = /^\d{1,3}$/.test(first) && groups.every((group) => /^\d{3}$/.test(group));
  return fits ? first + groups.join('') : undefined;
}

/** Reads a date as YYYY-MM-DD or DD.MM.YYYY: with points, the day comes first in every country. */
export function readClaimDate(text: string): Read {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const dotted = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text);
  const [year = '', month = '', day = ''] = iso?.slice(1) ?? dotted?.slice(1).reverse() ?? [];
  if (year === '') {
    const both = text.includes('/')
      ? ', since day and month may come in either order with slashes'
      : '';
    return refuse('BAD_DATE', `is not a date that can be read; write it like 2026-03-14${both}`);
  }
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  return readDate(date) === undefined
    ? refuse('BAD_DATE', 'is a day that does not exist')
    : { value: date };
}

/** Decimals of currencies that do not have two, by ISO 4217. */
const DECIMALS: Readonly<Record<string, number>> = {
  ...{ BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0 },
  ...{ UYI: 0, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3 },
  ...{ OMR: 3, TND: 3, CLF: 4, UYW: 4 },
};

export function decimalsOf(currency: string): number {
  return DECIMALS[currency] ?? 2;
}

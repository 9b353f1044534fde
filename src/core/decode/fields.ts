import type { CanonicalEvent } from '../event.ts';
import { FASTEST_CKMH } from '../event.ts';
import type { LeftOut, LeftOutReason } from '../result.ts';
import { show } from './show.ts';

type EventField = Exclude<keyof CanonicalEvent, 'atMs' | 'digest'>;
type FlagField = 'ignition' | 'phoneInUse';

/**
 * The optional values of a message in the names and units of the wire format, not validated yet.
 * Null is the same as absent.
 */
export interface RawFields {
  readonly lat?: unknown;
  readonly lon?: unknown;
  readonly speedKmh?: unknown;
  readonly headingDeg?: unknown;
  readonly odometerKm?: unknown;
  readonly ignition?: unknown;
  /** An object with `forward`, `left` and `up`. */
  readonly accelMps2?: unknown;
  readonly speedLimitKmh?: unknown;
  readonly phoneInUse?: unknown;
  readonly accuracyM?: unknown;
}

/** An optional number of a message: its valid range, and how it is stored. */
interface NumberField {
  /** Its name in the message; an axis of the acceleration is named `accelMps2.axis`. */
  readonly from: string;
  readonly to: Exclude<EventField, FlagField>;
  /** Accepted from `least` to `most`, both included, in the units of the message. */
  readonly least: number;
  readonly most: number;
  /** Stored steps per unit of the message. */
  readonly scale: number;
  /** Values that devices send for "not known", within the range or not. */
  readonly unknown: readonly number[];
}

/** −1 m/s, −1 mph and −1 knot in km/h: "not known" after a conversion of units. */
const MINUS_ONE_CONVERTED = [-3.6, -1.609344, -1.852];
/** All bits set in 8, 16, 24 and 32 bits, and the largest signed numbers of 16 and 32 bits. */
const ALL_BITS = [255, 65_535, 16_777_215, 4_294_967_295, 32_767, 2_147_483_647];
const SMALLEST_SIGNED = [-32_768, -2_147_483_648];
/** The widest range of common accelerometers is 16 g. */
const MAX_ACCELERATION_MPS2 = 160;

/**
 * THE table of optional numbers. If a value is outside the range, means "not known" or is not a
 * number, the field is left out and counted, and the rest of the message is used.
 *
 * A value within the range that some device uses for "not known" is listed only if a real reading
 * of it is practically impossible: a limit of 255 km/h is, a speed or a heading of 255 is not.
 */
const NUMBERS: readonly NumberField[] = [
  { from: 'lat', to: 'latE7', least: -90, most: 90, scale: 1e7, unknown: [91] },
  { from: 'lon', to: 'lonE7', least: -180, most: 180, scale: 1e7, unknown: [181] },
  {
    from: 'speedKmh',
    to: 'speedCkmh',
    least: 0,
    most: FASTEST_CKMH / 100,
    scale: 100,
    unknown: [-1, ...MINUS_ONE_CONVERTED, ...ALL_BITS.slice(1), 655.35, 6_553.5],
  },
  {
    from: 'headingDeg',
    to: 'headingDdeg',
    least: 0,
    most: 360,
    scale: 10,
    unknown: [-1, 361, 511, 655.35, 6_553.5, ...ALL_BITS.slice(1)],
  },
  {
    from: 'odometerKm',
    to: 'odometerM',
    least: 0,
    most: 2_000_000,
    scale: 1000,
    unknown: [-1, 65_535, 16_777_215, 4_294_967.295, 4_294_967_295, 2_147_483.647, 2_147_483_647],
  },
  {
    from: 'speedLimitKmh',
    to: 'speedLimitCkmh',
    least: 1,
    most: 400,
    scale: 100,
    unknown: [0, -1, ...MINUS_ONE_CONVERTED, 999, ...ALL_BITS],
  },
  {
    from: 'accuracyM',
    to: 'accuracyDm',
    least: 0,
    most: 100_000,
    scale: 10,
    unknown: [-1, ...ALL_BITS.slice(1)],
  },
];

const acceleration = {
  least: -MAX_ACCELERATION_MPS2,
  most: MAX_ACCELERATION_MPS2,
  scale: 1000,
  unknown: [...ALL_BITS.slice(1), ...SMALLEST_SIGNED],
};
const AXES: readonly (NumberField & { readonly axis: string })[] = [
  { axis: 'forward', from: 'accelMps2.forward', to: 'accelForwardMmps2', ...acceleration },
  { axis: 'left', from: 'accelMps2.left', to: 'accelLeftMmps2', ...acceleration },
  { axis: 'up', from: 'accelMps2.up', to: 'accelUpMmps2', ...acceleration },
];

const FLAGS: readonly FlagField[] = ['ignition', 'phoneInUse'];
const TRUE: ReadonlySet<unknown> = new Set([true, 1, '1', 'true', 'on', 'yes']);
const FALSE: ReadonlySet<unknown> = new Set([false, 0, '0', 'false', 'off', 'no']);
/** Values that devices send for an unknown switch; 2 and 3 are "error" and "not available" on
 * vehicle buses. */
const UNKNOWN_FLAG: ReadonlySet<unknown> = new Set([-1, 2, 3, 255, 65_535, '']);
const NOT_A_NUMBER = /^[+-]?(?:nan|inf(?:inity)?)$/i;

/** Names that a message may use besides `deviceId` and `at`. */
export const optionalFields: readonly string[] = [
  ...NUMBERS.map((n) => n.from),
  ...FLAGS,
  'accelMps2',
];
export const accelerationAxes: readonly string[] = AXES.map((a) => a.axis);

export interface ReadFields {
  readonly content: Partial<Record<EventField, number | boolean>>;
  readonly leftOut: readonly LeftOut[];
}

const NOTHING_LEFT_OUT: readonly LeftOut[] = [];

/** Validates each optional field by the table. */
export function readFields(raw: RawFields): ReadFields {
  const content: Partial<Record<EventField, number | boolean>> = {};
  let leftOut = NOTHING_LEFT_OUT as LeftOut[];
  const leave = (field: string, reason: LeftOutReason, value: unknown) => {
    const entry = { field, reason, value: showValue(field, reason, value) };
    if (leftOut === NOTHING_LEFT_OUT) leftOut = [entry];
    else leftOut.push(entry);
  };
  const readNumber = (field: NumberField, value: unknown) => {
    if (value === undefined || value === null) return;
    const doubt = doubtNumber(value, field);
    if (doubt) leave(field.from, doubt, value);
    else content[field.to] = toSteps(value as number, field);
  };
  for (const field of NUMBERS) readNumber(field, raw[field.from as keyof RawFields]);
  const axes = raw.accelMps2;
  if (typeof axes === 'object' && axes !== null && !Array.isArray(axes)) {
    for (const field of AXES) readNumber(field, (axes as Record<string, unknown>)[field.axis]);
  } else if (axes !== undefined && axes !== null) leave('accelMps2', 'WRONG_TYPE', axes);
  if (content.headingDdeg === 3600) content.headingDdeg = 0;
  if ((content.latE7 === undefined) !== (content.lonE7 === undefined)) {
    const half = content.latE7 === undefined ? 'lon' : 'lat';
    leave(half, 'INCOMPLETE', raw[half]);
    delete content[half === 'lat' ? 'latE7' : 'lonE7'];
  }
  for (const field of FLAGS) {
    const value = raw[field];
    if (value === undefined || value === null) continue;
    const plain = typeof value === 'string' ? value.slice(0, 10).toLowerCase() : value;
    if (TRUE.has(plain)) content[field] = true;
    else if (FALSE.has(plain)) content[field] = false;
    else leave(field, UNKNOWN_FLAG.has(plain) ? 'UNKNOWN' : 'WRONG_TYPE', value);
  }
  return { content, leftOut };
}

/** Shows only the type of half a position or one as text: it still reveals where a car was. */
function showValue(field: string, reason: LeftOutReason, value: unknown): string {
  const isPlace = field === 'lat' || field === 'lon';
  if (!isPlace || (reason !== 'INCOMPLETE' && reason !== 'WRONG_TYPE')) return show(value);
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

function doubtNumber(value: unknown, field: NumberField): LeftOutReason | undefined {
  if (typeof value !== 'number') {
    if (value === '') return 'UNKNOWN';
    return typeof value === 'string' && NOT_A_NUMBER.test(value) ? 'NOT_A_NUMBER' : 'WRONG_TYPE';
  }
  if (Number.isNaN(value)) return 'NOT_A_NUMBER';
  if (value >= field.least && value <= field.most) {
    const steps = toSteps(value, field);
    return field.unknown.some((u) => toSteps(u, field) === steps) ? 'UNKNOWN' : undefined;
  }
  // Single precision and unit conversions change the last digits.
  const isUnknown = field.unknown.some((u) => Math.abs(value - u) <= 1e-6 * Math.abs(u));
  return isUnknown ? 'UNKNOWN' : 'OUT_OF_RANGE';
}

/** A value in stored steps; never −0. */
function toSteps(value: number, { scale }: NumberField): number {
  return Math.round(value * scale) + 0;
}

/** What was wrong with a field that was left out, for the message of a dead letter. */
export function describeLeftOut({ field, reason, value }: LeftOut): string {
  const number = [...NUMBERS, ...AXES].find((n) => n.from === field);
  switch (reason) {
    case 'UNKNOWN':
      return `${field} is ${value}, which devices send for "not known"`;
    case 'OUT_OF_RANGE':
      return `${field} is ${value}; it must be ${number!.least} to ${number!.most}`;
    case 'INCOMPLETE':
      return `${field} is ${value}, but a position needs lat and lon`;
    default:
      return `${field} is ${value}; it must be ${describeType(field)}`;
  }
}

function describeType(field: string): string {
  if (field === 'accelMps2') return 'an object with forward, left and up';
  return (FLAGS as readonly string[]).includes(field) ? 'true or false' : 'a number';
}

import { absent, type Reading } from '../reading.ts';

/** The conditions under which a change between readings is measured. */
export interface Gates {
  /** Below this speed a vehicle is only manoeuvring. */
  readonly fromCkmh: number;
  /** The greatest time between readings. */
  readonly farthestMs: number;
  /** What distinguishes a manoeuvre from a single wrong reading. */
  readonly steadiness?: Steadiness;
}

/** From version 3: a single reading is not enough for a flag. */
export interface Steadiness {
  /** Least share of the change in each of the two intervals, percent. */
  readonly eachPercent: number;
  /** The most that a car can do, mm/s². */
  readonly mostMmps2: number;
}

/** Whether both intervals contribute to a change, and a car can do it. */
export function isSteady(
  firstHalf: number,
  secondHalf: number,
  mmps2: number,
  steadiness: Steadiness | undefined,
): boolean {
  if (steadiness === undefined) return true;
  const { eachPercent, mostMmps2 } = steadiness;
  const whole = firstHalf + secondHalf;
  const least = (Math.abs(whole) * eachPercent) / 100;
  const sign = Math.sign(whole);
  return Math.abs(mmps2) <= mostMmps2 && firstHalf * sign >= least && secondHalf * sign >= least;
}

/** What confirms an accelerometer value: a jolt in one reading is a pothole or an error. */
export interface Confirmation {
  /** A neighbouring reading, at most this far away in time … */
  readonly besideMs: number;
  /** … with at least this much in the same direction, mm/s², … */
  readonly leastMmps2: number;
  /** … or, if a neighbour is further away, a change in the same direction from the reading before
   * to the one after: of speed, 0.01 km/h, or of course, 0.1°. */
  readonly leastChange: number;
}

/** Whether the readings beside `at` confirm its accelerometer value. */
export function isConfirmedBeside(
  before: Reading,
  at: Reading,
  after: Reading,
  felt: (reading: Reading) => number,
  change: (from: Reading, to: Reading) => number,
  { besideMs, leastMmps2, leastChange }: Confirmation,
): boolean {
  const sign = Math.sign(felt(at));
  const isFelt = (beside: Reading) => felt(beside) !== absent && felt(beside) * sign >= leastMmps2;
  const isNearBefore = at.atMs - before.atMs <= besideMs;
  const isNearAfter = after.atMs - at.atMs <= besideMs;
  if ((isNearBefore && isFelt(before)) || (isNearAfter && isFelt(after))) return true;
  // The reading's own speed or course cannot confirm it.
  return !(isNearBefore && isNearAfter) && change(before, after) * sign >= leastChange;
}

function feltForward({ accelForwardMmps2 }: Reading): number {
  return accelForwardMmps2;
}

/** Change of speed between two readings; 0 if not known. */
function speedGain(from: Reading, to: Reading): number {
  return from.speedCkmh === absent || to.speedCkmh === absent ? 0 : to.speedCkmh - from.speedCkmh;
}

/** Least speed at which Teltonika devices report braking and accelerating: 10 km/h. */
export const manoeuvringCkmh = 1_000;

/**
 * Central two-point difference of the speed, whole mm/s²; the least noisy method at 1 Hz (Wallace
 * et al. 2015). 0 if it is not measurable: a speed is missing, the readings are too far apart, or
 * the vehicle is too slow.
 */
export function accelerationMmps2(
  before: Reading,
  at: Reading,
  after: Reading,
  { fromCkmh, farthestMs, steadiness }: Gates,
): number {
  if (at.speedCkmh < fromCkmh || before.speedCkmh === absent || after.speedCkmh === absent)
    return 0;
  if (!areClose(before, at, after, farthestMs)) return 0;
  // 0.01 km/h = 25/9 mm/s.
  const changeMmps = ((after.speedCkmh - before.speedCkmh) * 25) / 9;
  const mmps2 = Math.round((changeMmps * 1000) / (after.atMs - before.atMs));
  const firstHalf = at.speedCkmh - before.speedCkmh;
  return isSteady(firstHalf, after.speedCkmh - at.speedCkmh, mmps2, steadiness) ? mmps2 : 0;
}

/** Whether three readings are near enough in time to measure a change between them. */
export function areClose(
  before: Reading,
  at: Reading,
  after: Reading,
  farthestMs: number,
): boolean {
  return at.atMs - before.atMs <= farthestMs && after.atMs - at.atMs <= farthestMs;
}

/** Forward acceleration as sent, mm/s²; 0 if not sent or confirmed, or the vehicle is too slow. */
export function feltForwardMmps2(
  before: Reading,
  at: Reading,
  after: Reading,
  fromCkmh: number,
  confirmation: Confirmation | undefined,
): number {
  if (at.accelForwardMmps2 === absent || at.speedCkmh < fromCkmh) return 0;
  const isConfirmed =
    confirmation === undefined ||
    isConfirmedBeside(before, at, after, feltForward, speedGain, confirmation);
  return isConfirmed ? at.accelForwardMmps2 : 0;
}

import { absent, type Reading } from '../reading.ts';

/** What a change between readings needs to be measured. */
export interface Gates {
  /** A slower vehicle manoeuvres. */
  readonly fromCkmh: number;
  /** Readings further apart than this measure no change. */
  readonly farthestMs: number;
}

/** Gate of Teltonika devices for braking and accelerating: 10 km/h. */
export const manoeuvringCkmh = 1_000;

/**
 * Central two-point difference of the speed, mm/s², whole; the least noisy one at 1 Hz (Wallace et
 * al. 2015). 0 where it is not measurable: a speed is missing, readings lie too far apart, or the
 * vehicle is too slow.
 */
export function accelerationMmps2(
  before: Reading,
  at: Reading,
  after: Reading,
  { fromCkmh, farthestMs }: Gates,
): number {
  if (at.speedCkmh < fromCkmh || before.speedCkmh === absent || after.speedCkmh === absent)
    return 0;
  if (!areClose(before, at, after, farthestMs)) return 0;
  // 0.01 km/h = 25/9 mm/s.
  const changeMmps = ((after.speedCkmh - before.speedCkmh) * 25) / 9;
  return Math.round((changeMmps * 1000) / (after.atMs - before.atMs));
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

/** Forward acceleration as sent, mm/s²; 0 where it was not, or the vehicle is too slow. */
export function feltForwardMmps2(at: Reading, fromCkmh: number): number {
  return at.accelForwardMmps2 !== absent && at.speedCkmh >= fromCkmh ? at.accelForwardMmps2 : 0;
}

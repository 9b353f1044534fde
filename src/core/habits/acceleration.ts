import { absent, type Reading } from '../reading.ts';

/** Braking and accelerating below 10 km/h is manoeuvring (gate of Teltonika devices). */
const gateCkmh = 1_000;
/** Fixes further apart than this measure no acceleration. */
const farthestMs = 2_000;

/**
 * Central two-point difference of the speed, mm/s², whole; the least noisy one at 1 Hz (Wallace et
 * al. 2015). 0 where it is not measurable: a speed is missing, fixes lie more than 2 s apart, or the
 * vehicle is slower than 10 km/h.
 */
export function accelerationMmps2(before: Reading, at: Reading, after: Reading): number {
  if (at.speedCkmh < gateCkmh || before.speedCkmh === absent || after.speedCkmh === absent)
    return 0;
  if (!areClose(before, at, after)) return 0;
  // 0.01 km/h = 25/9 mm/s.
  const changeMmps = ((after.speedCkmh - before.speedCkmh) * 25) / 9;
  return Math.round((changeMmps * 1000) / (after.atMs - before.atMs));
}

/** Whether three readings are near enough in time to measure a change between them. */
export function areClose(before: Reading, at: Reading, after: Reading): boolean {
  return at.atMs - before.atMs <= farthestMs && after.atMs - at.atMs <= farthestMs;
}

/** Whether forward acceleration was sent and the vehicle is fast enough for it to say something. */
export function isMeasuredFast(at: Reading): boolean {
  return at.accelForwardMmps2 !== absent && at.speedCkmh >= gateCkmh;
}

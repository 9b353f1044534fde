import { floorDivide, tenTo } from './fraction.ts';
import { LOG_PLACES } from './logarithm.ts';

/** Scale of logarithms and of amounts while they are shared out: 10^30. */
const LN_SCALE = tenTo(LOG_PLACES);

/** Below this logarithm (times 10^30) a product is so near 1 that the mean of both ends serves. */
const NEAR_ONE = 1_000_000_000_000_000_000n;

/**
 * Shares out what a product of factors does to an amount: part_i = L·ln f_i with the logarithmic
 * mean L = (after − before) / Σ ln f (LMDI, Ang 2004). Parts are signed, add up to after − before
 * and do not depend on the order of the factors.
 */
export function logMeanShares(before: bigint, after: bigint, lns: readonly bigint[]): bigint[] {
  let sum = 0n;
  for (const ln of lns) sum += ln;
  if (sum > NEAR_ONE || sum < -NEAR_ONE) {
    const change = after - before;
    return lns.map((ln) => (change * ln) / sum);
  }
  const twice = before + after;
  return lns.map((ln) => (twice * ln) / (2n * LN_SCALE));
}

/**
 * Whole minor units for amounts given in units of 10^-30, adding up to `total` exactly: each is
 * rounded down, then the largest remainders get one more; equal ones in the order of the list.
 */
export function apportion(amounts: readonly bigint[], total: bigint, places: number): bigint[] {
  const unit = LN_SCALE / tenTo(places);
  const floors: bigint[] = [];
  const rests: bigint[] = [];
  let left = total;
  for (const amount of amounts) {
    const floor = floorDivide(amount, unit);
    floors.push(floor);
    rests.push(amount - floor * unit);
    left -= floor;
  }
  if (left === 0n) return floors;
  const order = rests.map((_, i) => i);
  order.sort((a, b) => {
    const [restA, restB] = [rests[a] ?? 0n, rests[b] ?? 0n];
    return restA === restB ? a - b : restA > restB ? -1 : 1;
  });
  for (let at = 0; left !== 0n && order.length > 0; at = (at + 1) % order.length) {
    // A shortfall goes to the largest remainders; an excess is taken from the smallest.
    const i = order[left > 0n ? at : order.length - 1 - at] ?? 0;
    floors[i] = (floors[i] ?? 0n) + (left > 0n ? 1n : -1n);
    left += left > 0n ? -1n : 1n;
  }
  return floors;
}

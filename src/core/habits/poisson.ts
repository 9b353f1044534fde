/** The ends of an interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Exact (Garwood) interval for the mean of a Poisson distribution of which `count` was observed:
 * [χ²(a/2, 2n)/2, χ²(1 − a/2, 2n + 2)/2], found as the means at which n or more, and n or fewer,
 * have the probability a/2.
 */
export function poissonInterval(count: number, confidence: number): Interval {
  const tail = (1 - confidence) / 2;
  const most = count + 10 * Math.sqrt(count + 1) + 20;
  return {
    low: count === 0 ? 0 : solve((mean) => atLeast(count, mean) < tail, count),
    high: solve((mean) => atMost(count, mean) > tail, most),
  };
}

/** The mean in [0, most] up to which `isBelow` is true. */
function solve(isBelow: (mean: number) => boolean, most: number): number {
  let low = 0;
  let high = most;
  // Until no double lies between the two bounds.
  for (;;) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) return middle;
    if (isBelow(middle)) low = middle;
    else high = middle;
  }
}

function atMost(count: number, mean: number): number {
  let term = probability(count, mean);
  let sum = 0;
  for (let k = count; k >= 0 && term > 0; k--) {
    sum += term;
    term *= k / mean;
  }
  return sum;
}

function atLeast(count: number, mean: number): number {
  let term = probability(count, mean);
  let sum = 0;
  for (let k = count + 1; term > sum * 1e-17; k++) {
    sum += term;
    term *= mean / k;
  }
  return sum;
}

function probability(count: number, mean: number): number {
  if (mean <= 0) return count === 0 ? 1 : 0;
  let log = -mean;
  for (let k = 1; k <= count; k++) log += Math.log(mean / k);
  return Math.exp(log);
}

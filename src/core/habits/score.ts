import {
  countOf,
  credibilityOf,
  expectedPerKm,
  type HabitSums,
  leastScoredM,
  measure,
  speedingOf,
} from './summary.ts';

/** A driver's score with the reason for each lost point. */
export interface Score {
  /** 0 to 100 with one decimal, higher is better; absent if there is too little driving. */
  readonly value?: number;
  readonly status: 'SCORED' | 'NOT_ENOUGH_DATA';
  /** Weight of the driver's own record against the prior, 0 to 1. */
  readonly credibility: number;
  /** Points lost, with one decimal; with `value` they add up to exactly 100. */
  readonly parts: readonly ScorePart[];
  readonly version: string;
}

export interface ScorePart {
  readonly metric: string;
  readonly points: number;
  readonly reason: string;
}

/**
 * Version 1. The score is 100 · Π exp(−weight · x): x is how far a rate (events in 100 km) or a
 * share exceeds that of a driver with the same kilometres and no events, both weighted with
 * credibility. Weights and the least distance are our own figures: one harsh braking in 100 km
 * costs about 5 points, driving only at night 18, a tenth of the time above the limit 10, a
 * hundredth of the time on the phone 5. It is feedback to a driver about habits, not a tariff.
 */
const version = '1';

interface Term {
  readonly metric: string;
  readonly weight: number;
  /** Excess over a driver without events, weighted with credibility. */
  readonly excess: (sums: HabitSums) => number;
  readonly reason: (sums: HabitSums) => string;
}

const terms: readonly Term[] = [
  rateTerm('harshBraking', 'HARSH_BRAKING', 0.05, 'harsh braking'),
  rateTerm('harshAcceleration', 'HARSH_ACCELERATION', 0.03, 'harsh acceleration'),
  rateTerm('harshCornering', 'HARSH_CORNERING', 0.03, 'harsh cornering'),
  shareTerm('speeding', 1, 'of the time with a known limit above it', speedingOf),
  shareTerm('above130Kmh', 1, 'of the driving time above 130 km/h', (sums) => [
    measure(sums, 'above130Kmh.ms'),
    sums.durationMs,
  ]),
  shareTerm('phone', 5, 'of the driving time on the phone', (sums) => [
    measure(sums, 'phone.ms'),
    sums.durationMs,
  ]),
  shareTerm('night', 0.2, 'of the kilometres at night', (sums) => [sums.nightM, sums.distanceM]),
];

/** Events in 100 km above those of a driver without any, by Gamma-Poisson. */
function rateTerm(
  metric: string,
  kind: Parameters<typeof countOf>[1],
  weight: number,
  words: string,
): Term {
  return {
    metric,
    weight,
    excess: (sums) => {
      const expected = expectedPerKm(countOf(sums, kind), sums.distanceM);
      return (expected - expectedPerKm(0, sums.distanceM)) * 100;
    },
    reason: (sums) =>
      `${String(countOf(sums, kind))} × ${words} in ${String(Math.round(sums.distanceM / 1000))} km`,
  };
}

/** A share, shrunk by credibility. */
function shareTerm(
  metric: string,
  weight: number,
  words: string,
  of: (sums: HabitSums) => readonly [number, number],
): Term {
  const share = (sums: HabitSums) => {
    const [part, whole] = of(sums);
    return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
  };
  return {
    metric,
    weight,
    excess: (sums) => share(sums) * credibilityOf(sums.distanceM),
    reason: (sums) => `${String(Math.round(share(sums) * 1000) / 10)} % ${words}`,
  };
}

/** Scores the sums of a window of driving; more events never raise the score. */
export function scoreHabits(sums: HabitSums): Score {
  const credibility = credibilityOf(sums.distanceM);
  if (sums.distanceM < leastScoredM) {
    return { status: 'NOT_ENOUGH_DATA', credibility, parts: [], version };
  }
  const losses = terms.map((term) => term.weight * term.excess(sums));
  const total = losses.reduce((sum, loss) => sum + loss, 0);
  const exact = 100 * Math.exp(-total);
  const valueTenths = Math.round(exact * 10);
  // The score is a product: each factor's part of the loss is in proportion to its logarithm.
  const tenths = apportion(losses, 1_000 - valueTenths);
  return {
    value: valueTenths / 10,
    status: 'SCORED',
    credibility,
    parts: terms.flatMap((term, index) => {
      const points = (tenths[index] as number) / 10;
      return points === 0 ? [] : [{ metric: term.metric, points, reason: term.reason(sums) }];
    }),
    version,
  };
}

/** Divides an integer in proportion to weights by largest remainder; ties by order. */
function apportion(weights: readonly number[], whole: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total <= 0) return weights.map(() => 0);
  const exact = weights.map((weight) => (whole * weight) / total);
  const shares = exact.map((share) => Math.floor(share));
  const left = whole - shares.reduce((sum, share) => sum + share, 0);
  exact
    .map((share, index) => ({ index, remainder: share - Math.floor(share) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index)
    .slice(0, left)
    .forEach(({ index }) => (shares[index] = (shares[index] as number) + 1));
  return shares;
}

/** A claim rate with what is known of it from driving and from the book. */
export interface ShrunkRate {
  /** Posterior mean (α + n)/(β + exposure), per unit of exposure. */
  readonly rate: number;
  /** Z = exposure/(exposure + β): the weight of the driver's own experience, 0 to 1. */
  readonly credibility: number;
}

/** Gamma–Poisson: prior Gamma(α, rate β in units of exposure), n events seen in `exposure`. */
export function gammaPoisson(
  alpha: number,
  beta: number,
  events: number,
  exposure: number,
): ShrunkRate {
  return {
    rate: (alpha + events) / (beta + exposure),
    credibility: exposure / (exposure + beta),
  };
}

/** One observed average (a mean claim, a rate) and its weight (claims, exposure). */
export interface WeightedMean {
  readonly mean: number;
  readonly weight: number;
}

/** What a book of risks says of its parts. */
export interface BuhlmannStraub {
  /** The collective premium, weighted by credibility. */
  readonly collective: number;
  /** s²: variance within risks, per unit of weight. */
  readonly within: number;
  /** a: variance between risks; 0 where the estimate is negative. */
  readonly between: number;
  readonly risks: readonly {
    readonly mean: number;
    readonly weight: number;
    /** Z = w/(w + s²/a). */
    readonly credibility: number;
    /** Z·mean + (1 − Z)·collective. */
    readonly premium: number;
  }[];
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/**
 * Bühlmann–Straub with the unbiased estimators (Bühlmann & Gisler, A Course in Credibility Theory,
 * 2005, section 4.8). Rows are risks, columns periods; weights must be positive, and there must be
 * two risks and one risk with two periods at least: else undefined. Only + − × ÷, so the same on
 * every machine.
 */
export function buhlmannStraub(
  book: readonly (readonly WeightedMean[])[],
): BuhlmannStraub | undefined {
  const freedom = sum(book, (periods) => periods.length - 1);
  if (book.length < 2 || freedom < 1) return undefined;
  if (book.some((periods) => periods.length === 0 || periods.some((p) => !(p.weight > 0))))
    return undefined;
  const risks = book.map((periods) => {
    const weight = sum(periods, (p) => p.weight);
    return { periods, weight, mean: sum(periods, (p) => p.weight * p.mean) / weight };
  });
  const total = sum(risks, (r) => r.weight);
  const overall = sum(risks, (r) => r.weight * r.mean) / total;
  const within =
    sum(risks, (r) => sum(r.periods, (p) => p.weight * (p.mean - r.mean) * (p.mean - r.mean))) /
    freedom;
  const spread = sum(risks, (r) => r.weight * (r.mean - overall) * (r.mean - overall));
  const estimate =
    (total * (spread - (risks.length - 1) * within)) /
    (total * total - sum(risks, (r) => r.weight * r.weight));
  const between = estimate > 0 ? estimate : 0;
  const weighed = risks.map(({ mean, weight }) => ({
    mean,
    weight,
    credibility: between === 0 ? 0 : weight / (weight + within / between),
  }));
  const collective =
    between === 0
      ? overall
      : sum(weighed, (r) => r.credibility * r.mean) / sum(weighed, (r) => r.credibility);
  return {
    collective,
    within,
    between,
    risks: weighed.map((r) => ({
      ...r,
      premium: r.credibility * r.mean + (1 - r.credibility) * collective,
    })),
  };
}

import { absent, type Reading } from '../reading.ts';
import type { Rules } from '../rules.ts';
import { type EpisodeMetric, follows, type TimeMetric } from './metric.ts';

/**
 * Speeding above the absolute cap of the rules where no limit was sent; without a cap in the rules
 * it is not measured. (Tesla counts the time above 85 mph, whatever the limit.)
 */
function excessCkmh(reading: Reading, capCkmh: number): number {
  return reading.speedLimitCkmh === absent ? Math.max(0, reading.speedCkmh - capCkmh) : 0;
}

function whereCapped<Rule>(
  make: (capCkmh: number, checks: Rules['checks']) => Rule,
): (rules: Rules) => Rule | undefined {
  return ({ capCkmh, checks }) => (capCkmh === undefined ? undefined : make(capCkmh, checks));
}

/** Time above the cap; a stretch is judged by its first reading. */
export const overCapTime: TimeMetric = {
  shape: 'time',
  measure: 'speedingCap.ms',
  under: whereCapped((capCkmh) => (from, to) => excessCkmh(from, capCkmh) > 0 && follows(from, to)),
};

/** Time with a speed and no limit, in which the cap is used instead. */
export const capWatchedTime: TimeMetric = {
  shape: 'time',
  measure: 'speedingCap.measurable.ms',
  under: whereCapped(
    () => (from, to) =>
      from.speedLimitCkmh === absent && from.speedCkmh !== absent && follows(from, to),
  ),
};

/** Same severities and durations as speeding above a limit that was sent. */
export const overCapFlags: EpisodeMetric = {
  shape: 'episode',
  kind: 'SPEEDING',
  source: 'GPS',
  measure: 'speedingCap.count',
  measurable: capWatchedTime.measure,
  under: whereCapped((capCkmh, checks) => ({
    byPairs: checks !== undefined,
    excess: (reading) => excessCkmh(reading, capCkmh),
    allowed: () => capCkmh,
    thresholds: [0, 900, 1_601],
    leastMs: [60_000, 60_000, 10_000],
  })),
};

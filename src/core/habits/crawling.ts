import { follows, fromVersion, type TimeMetric } from './metric.ts';

/** Below 15 km/h a car is in slow traffic, 0.01 km/h; our own figure, half of a 30 km/h limit. */
const crawlCkmh = 1_500;

/**
 * Time in motion below 15 km/h, in traffic jams and car parks; a stretch is judged by its first
 * reading. Together with standing it covers all slow time: a standstill of a minute or more is
 * idling, a shorter one is a stop, and this is slow motion.
 */
export const crawling: TimeMetric = {
  shape: 'time',
  measure: 'crawling.ms',
  under: fromVersion({
    2: (from, to, during) =>
      !during.still && from.speedCkmh >= 0 && from.speedCkmh < crawlCkmh && follows(from, to),
  }),
};

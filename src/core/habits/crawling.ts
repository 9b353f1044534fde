import { follows, fromVersion, type TimeMetric } from './metric.ts';

/** Below 15 km/h a car moves with the jam, 0.01 km/h; our own figure, half of a 30 km/h zone. */
const crawlCkmh = 1_500;

/**
 * Time in motion below 15 km/h, in jams and on car parks; a stretch is judged by its first reading.
 * With standing it shares out all slow time: idle is standing from a minute on, stops are the rest
 * of the standing, and this is motion.
 */
export const crawling: TimeMetric = {
  shape: 'time',
  measure: 'crawling.ms',
  under: fromVersion({
    2: (from, to, during) =>
      !during.still && from.speedCkmh >= 0 && from.speedCkmh < crawlCkmh && follows(from, to),
  }),
};

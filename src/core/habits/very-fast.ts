import { follows, fromVersion, type TimeMetric } from './metric.ts';

/** Time above 130 km/h, the usual motorway limit of the European continent, where no limit is sent. */
export const veryFast: TimeMetric = {
  shape: 'time',
  measure: 'above130Kmh.ms',
  under: fromVersion({ 1: (from, to) => from.speedCkmh > 13_000 && follows(from, to) }),
};

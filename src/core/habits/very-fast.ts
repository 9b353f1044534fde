import { follows, fromVersion, type TimeMetric, type TimeRule, type WayMetric } from './metric.ts';

/**
 * Above 130 km/h, the usual motorway limit in continental Europe, whether or not a limit is sent; a
 * stretch is judged by its first reading.
 */
const isVeryFast: TimeRule = (from, to) => from.speedCkmh > 13_000 && follows(from, to);

export const veryFastTime: TimeMetric = {
  shape: 'time',
  measure: 'above130Kmh.ms',
  under: fromVersion({ 1: isVeryFast }),
};

export const veryFastWay: WayMetric = {
  shape: 'way',
  measure: 'above130Kmh.mm',
  under: fromVersion({ 2: isVeryFast }),
};

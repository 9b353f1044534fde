import { fromVersion, type TimeMetric } from './metric.ts';

/**
 * All time standing still within a trip. Standstills that last long enough are the trip's idle
 * time; the rest are stops in traffic.
 */
export const standing: TimeMetric = {
  shape: 'time',
  measure: 'standing.ms',
  under: fromVersion({ 1: (_from, _to, during) => during.still }),
};

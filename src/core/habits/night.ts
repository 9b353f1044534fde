import { fromVersion, type TimeMetric } from './metric.ts';

/** Time driven at night, local time at the vehicle; the rules define the hours. */
export const night: TimeMetric = {
  shape: 'time',
  measure: 'night.ms',
  under: fromVersion({ 1: (_from, _to, during) => during.night }),
};

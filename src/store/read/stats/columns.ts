import type { DrivingEventKind } from '../../../core/changes.ts';
import type { Quantity } from '../../../core/stats/figure.ts';

/** A quantity's column, in the store's integers; with `_sq` behind it that of its square. */
export const COLUMN: Readonly<Record<Quantity, string>> = {
  DISTANCE_KM: 'distance_m',
  DURATION_S: 'duration_ms',
  MOVING_S: 'moving_ms',
  IDLE_S: 'idle_ms',
  NIGHT_KM: 'night_m',
  MAX_SPEED_KMH: 'max_speed_ckmh',
};
/** A kind's column. */
export const FLAGS: Readonly<Record<DrivingEventKind, string>> = {
  HARSH_BRAKING: 'harsh_braking',
  HARSH_ACCELERATION: 'harsh_acceleration',
  HARSH_CORNERING: 'harsh_cornering',
  SPEEDING: 'speeding',
  PHONE_USE: 'phone_use',
};
export const flagKinds = Object.keys(FLAGS) as readonly DrivingEventKind[];

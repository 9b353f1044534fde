/**
 * The canonical event: the content of one telematics message, as integers at the stored resolution.
 *
 * Decoding quantises before any other code uses the event, so that the live path, a replay from the
 * store and any other engine fold exactly the same numbers.
 */
export interface CanonicalEvent {
  /** Instant of the measurement, Unix epoch milliseconds, UTC. */
  readonly atMs: number;
  /** 53-bit hash of the canonical bytes without device and instant; see `digestOf`. */
  readonly digest: number;
  /** Latitude, WGS 84, 1e-7 degree; present exactly when `lonE7` is. */
  readonly latE7?: number;
  /** Longitude, WGS 84, 1e-7 degree. */
  readonly lonE7?: number;
  /** Speed over ground, 0.01 km/h. */
  readonly speedCkmh?: number;
  /** Course over ground, 0.1 degree clockwise from true north, 0 to 3599. */
  readonly headingDdeg?: number;
  /** Odometer reading, metres. */
  readonly odometerM?: number;
  readonly ignition?: boolean;
  /** Acceleration along the vehicle's axes, mm/s²; forward is positive when speeding up. */
  readonly accelForwardMmps2?: number;
  readonly accelLeftMmps2?: number;
  readonly accelUpMmps2?: number;
  /** Posted speed limit sent with the fix, 0.01 km/h. */
  readonly speedLimitCkmh?: number;
  readonly phoneInUse?: boolean;
  /** Horizontal accuracy (one sigma) of the position, 0.1 m. */
  readonly accuracyDm?: number;
}

/** The highest speed of a car that decoding and the fold accept, 0.01 km/h. */
export const FASTEST_CKMH = 40_000;

/** An event's position in the order of its device: by instant, then by digest. Events with equal
 * keys are duplicates. */
export interface EventKey {
  readonly atMs: number;
  readonly digest: number;
}

/** Negative if `a` comes before `b` in a device's order, 0 if they are the same event. */
export function compareKeys(a: EventKey, b: EventKey): number {
  return a.atMs - b.atMs || a.digest - b.digest;
}

import type { EventKey } from './event.ts';

/** Why a trip ended, in the order in which the causes are checked. */
export type EndReason = 'IGNITION' | 'SILENCE' | 'STANDSTILL' | 'LENGTH';

/** Where a trip's kilometres come from: the car's odometer, integrated speed, or positions. */
export type DistanceSource = 'ODOMETER' | 'SPEED' | 'GPS';

/** Why a value that was sent is not used: the first five are about positions. */
export type RejectionReason =
  | 'SAME_INSTANT'
  | 'NULL_ISLAND'
  | 'JUMP'
  | 'INACCURATE'
  | 'REPEATED'
  | 'IMPOSSIBLE_SPEED'
  | 'IMPOSSIBLE_ACCELERATION'
  | 'IMPOSSIBLE_ODOMETER';

/** A position, 1e-7 degree. */
export interface Position {
  readonly latE7: number;
  readonly lonE7: number;
}

/**
 * What one trip adds to one local day. All values are integers with exact sums over trips and days.
 * `measures` holds the sums of the habit registry by name; the name ends in the unit.
 */
export interface DayPart {
  /** Local calendar date at the vehicle, YYYY-MM-DD. */
  readonly localDate: string;
  readonly distanceM: number;
  readonly durationMs: number;
  readonly movingMs: number;
  readonly idleMs: number;
  readonly nightM: number;
  readonly measures: Readonly<Record<string, number>>;
}

/** The facts of one trip; they do not depend on the order in which its events arrived. */
export interface TripFacts {
  readonly startedAtMs: number;
  /** The event that opened the trip. */
  readonly anchor: EventKey;
  /** The last event that belongs to the trip. */
  readonly last: EventKey;
  readonly endedAtMs: number;
  /** An event at or after this instant belongs to the next trip. */
  readonly closesAtMs: number;
  /** The event that closed the trip; absent while it is open. */
  readonly decidedBy?: EventKey;
  /** Absent while the trip is open, unless the ignition is already off. */
  readonly endReason?: EndReason;
  /** IANA zone of the trip's start. */
  readonly timeZone: string;
  /** Local date of the trip's start, YYYY-MM-DD. */
  readonly localDate: string;
  readonly distanceM: number;
  readonly distanceSource: DistanceSource;
  /** Metres across silences, where the route between two fixes is not known. */
  readonly bridgedM: number;
  readonly movingMs: number;
  readonly idleMs: number;
  readonly maxSpeedCkmh: number;
  readonly nightM: number;
  /** Accepted positions. */
  readonly fixes: number;
  /** Stored events that belong to the trip, fixes or not. */
  readonly events: number;
  readonly start?: Position;
  readonly end?: Position;
  readonly rejectedFixes: Readonly<Partial<Record<RejectionReason, number>>>;
  readonly rulesVersion: string;
  /** In date order; distance, times and measures add up to those of the trip. */
  readonly days: readonly DayPart[];
}

export type DrivingEventKind =
  'HARSH_BRAKING' | 'HARSH_ACCELERATION' | 'HARSH_CORNERING' | 'SPEEDING' | 'PHONE_USE';
export type Severity = 'LOW' | 'MEDIUM' | 'HIGH';
export type MeasurementSource = 'ACCELEROMETER' | 'GPS' | 'DEVICE';

/** One flag with everything needed to answer "why was this flagged?". */
export interface DrivingEventFacts {
  readonly kind: DrivingEventKind;
  readonly source: MeasurementSource;
  readonly severity: Severity;
  /** The instant that identifies it: the peak of a momentary flag, the start of a lasting one. */
  readonly atMs: number;
  readonly endedAtMs: number;
  /** From the first reading beyond the threshold to the last; 0 if there is only one. */
  readonly durationMs: number;
  /** Start of the trip it belongs to. */
  readonly tripStartedAtMs: number;
  /** The event that decided the flag. */
  readonly decidedBy: EventKey;
  readonly position?: Position;
  readonly speedBeforeCkmh?: number;
  readonly speedAfterCkmh?: number;
  /** Largest magnitude of the acceleration, mm/s². */
  readonly peakMmps2?: number;
  /** Highest speed while it lasted; for speeding, the speed furthest above the limit. 0.01 km/h. */
  readonly peakCkmh?: number;
  /** The threshold that was passed, and that of this severity: mm/s² if harsh, else 0.01 km/h. */
  readonly threshold: number;
  readonly severityThreshold: number;
  /** How long it had to last, if the rule requires a duration. */
  readonly leastMs?: number;
  readonly localDate: string;
  readonly rulesVersion: string;
}

/** Why kilometres are in no trip: the vehicle was carried, or no message reported the drive. */
export type UntrackedKind = 'CARRIED' | 'UNCOVERED';

/** A stretch in which the vehicle changed place outside any trip. */
export interface UntrackedFacts {
  readonly kind: UntrackedKind;
  /** By the odometer, or by the distance between positions. */
  readonly source: 'ODOMETER' | 'GPS';
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly distanceM: number;
  /** IANA zone of the vehicle's last known position; Etc/UTC if none is known. */
  readonly timeZone: string;
  /** In date order, divided in proportion to time; they add up to the distance. */
  readonly days: readonly { readonly localDate: string; readonly distanceM: number }[];
  /** The event that decided it; absent if it is not decided yet and a later event may change it. */
  readonly decidedBy?: EventKey;
  readonly rulesVersion: string;
}

/** What the fold decides besides the new state: final as long as events come in order. */
export type Change =
  | { readonly type: 'tripClosed'; readonly trip: TripFacts }
  | { readonly type: 'drivingEvent'; readonly event: DrivingEventFacts }
  | { readonly type: 'untracked'; readonly untracked: UntrackedFacts };

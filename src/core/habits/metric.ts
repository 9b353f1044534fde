import type { DrivingEventKind, MeasurementSource, Severity } from '../changes.ts';
import type { Reading } from '../reading.ts';

/**
 * A metric that adds time: the stretch between two readings counts where `counts` says so. What it
 * says is cut at each local midnight, so it must not depend on how long the stretch is.
 */
export interface TimeMetric {
  readonly shape: 'time';
  /** Name of the sum it adds to, ending in ms. */
  readonly measure: `${string}.ms`;
  readonly counts: (from: Reading, to: Reading, during: During) => boolean;
}

/** What is known of a stretch between two readings besides the readings. */
export interface During {
  /** Local time at the vehicle is night. */
  night: boolean;
  /** The vehicle stood still at both ends and in between. */
  still: boolean;
}

interface Flagging {
  readonly kind: DrivingEventKind;
  readonly source: MeasurementSource;
  /** Name of the sum that counts the flags. */
  readonly measure: `${string}.count`;
}

/** A metric that flags moments, each decided by the readings before and after it. */
export interface PeakMetric extends Flagging {
  readonly shape: 'peak';
  /** Magnitude at `at`, mm/s²; 0 where it is not measurable or not of this kind. */
  readonly peak: (before: Reading, at: Reading, after: Reading) => number;
  /** From these magnitudes on the flag is of low, medium and high severity, mm/s². */
  readonly thresholds: readonly [number, number, number];
}

/** Readings further apart than the shortest silence do not tell what was between them. */
export const longestStepMs = 120_000;

/** Whether the second reading follows near enough to let the first stand for the time between. */
export function follows(from: Reading, to: Reading): boolean {
  return to.atMs - from.atMs <= longestStepMs;
}

/** A metric that flags what lasts: readings in a row that hold, none far from the last. */
export interface EpisodeMetric extends Flagging {
  readonly shape: 'episode';
  /** How much the reading is beyond what is allowed, in the metric's unit; 0 where it is not. */
  readonly excess: (reading: Reading) => number;
  /** What was allowed at the reading, in the same unit. */
  readonly allowed: (reading: Reading) => number;
  /** Severity by the largest excess. */
  readonly severity: (peak: number) => Severity;
  /** How long it must last to be a flag. */
  readonly leastMs: (peak: number) => number;
}

export type Metric = TimeMetric | PeakMetric | EpisodeMetric;
export type FlaggingMetric = PeakMetric | EpisodeMetric;

/** A flag under way: numbers only, so that the codec need not know the metric. */
export interface FlagMemory {
  /** First candidate; `never` where nothing is under way. */
  firstAtMs: number;
  lastAtMs: number;
  peakAtMs: number;
  peak: number;
  /** What was allowed at the peak. */
  allowed: number;
  speedBeforeCkmh: number;
  speedAfterCkmh: number;
  latE7: number;
  lonE7: number;
  /** Local date of the flag, days since 1970-01-01. */
  day: number;
}

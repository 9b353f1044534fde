import type { DrivingEventKind, MeasurementSource, Severity } from '../changes.ts';
import type { Reading } from '../reading.ts';
import type { Rules } from '../rules.ts';

/** How a metric measures under one version of the rules; undefined if it does not measure. */
export type Under<Rule> = (rules: Rules) => Rule | undefined;

/**
 * The rule by rules version: each entry applies from its version until the next entry. An entry is
 * never edited once its version has been in force: a change is a new entry.
 */
export function fromVersion<Rule>(entries: Readonly<Record<number, Rule>>): Under<Rule> {
  const newestFirst = Object.entries(entries)
    .map(([version, rule]) => ({ version: Number(version), rule }))
    .sort((a, b) => b.version - a.version);
  return ({ version }) => {
    const number = Number.parseInt(version, 10);
    return newestFirst.find((entry) => entry.version <= number)?.rule;
  };
}

/** What is known about a stretch between two readings besides the readings. */
export interface During {
  /** Local time at the vehicle is night. */
  night: boolean;
  /** The vehicle stood still at both ends and in between. */
  still: boolean;
}

/**
 * Whether a stretch between two readings counts. The stretch may be split, for example at local
 * midnight, so the answer must not depend on the length of the piece.
 */
export type TimeRule = (from: Reading, to: Reading, during: During) => boolean;

/** A metric that adds time. */
export interface TimeMetric {
  readonly shape: 'time';
  /** Name of the sum it adds to, ending in ms. */
  readonly measure: `${string}.ms`;
  readonly under: Under<TimeRule>;
}

/** A metric that adds the distance given by the speeds of a stretch. */
export interface WayMetric {
  readonly shape: 'way';
  /** Name of the sum it adds to, ending in mm. */
  readonly measure: `${string}.mm`;
  readonly under: Under<TimeRule>;
}

interface Flagging {
  readonly kind: DrivingEventKind;
  readonly source: MeasurementSource;
  /** Name of the sum that counts the flags. */
  readonly measure: `${string}.count`;
  /** Name of the sum of the time in which such flags can be raised at all. */
  readonly measurable: TimeMetric['measure'];
}

/** Figures for low, medium and high severity. */
export type BySeverity = readonly [low: number, medium: number, high: number];

const severities: readonly Severity[] = ['LOW', 'MEDIUM', 'HIGH'];

/** The highest step that the magnitude reaches, 0 to 2; 0 if it reaches none. */
export function stepOf(steps: BySeverity, magnitude: number): 0 | 1 | 2 {
  if (magnitude >= steps[2]) return 2;
  return magnitude >= steps[1] ? 1 : 0;
}

export function severityAt(step: 0 | 1 | 2): Severity {
  return severities[step] as Severity;
}

/** How moments are flagged. */
export interface PeakRule {
  /** Magnitude at `at`, mm/s²; 0 if not measurable or not of this kind. */
  readonly peak: (before: Reading, at: Reading, after: Reading) => number;
  /** Least magnitudes of a flag of low, medium and high severity, mm/s². */
  readonly thresholds: BySeverity;
  /** Candidates less than this apart form one flag, at their peak. */
  readonly mergeMs: number;
}

/** A metric that flags moments, each decided by the readings before and after it. */
export interface PeakMetric extends Flagging {
  readonly shape: 'peak';
  readonly under: Under<PeakRule>;
}

/** How lasting events are flagged; all speeds are in 0.01 km/h. */
export interface EpisodeRule {
  /** How far the reading's speed exceeds what is allowed; 0 if it does not count. */
  readonly excess: (reading: Reading) => number;
  /** What was allowed at the reading. */
  readonly allowed: (reading: Reading) => number;
  /** Least peak excesses of a flag of low, medium and high severity. */
  readonly thresholds: BySeverity;
  /** How long it must last to be a flag of low, medium and high severity, ms. */
  readonly leastMs: BySeverity;
  /** The severity needs two readings in a row: it uses the smaller excess of each pair. */
  readonly byPairs?: boolean;
}

/** A metric that flags lasting events: successive readings that count, with no long gap. */
export interface EpisodeMetric extends Flagging {
  readonly shape: 'episode';
  readonly under: Under<EpisodeRule>;
}

export type FlaggingMetric = PeakMetric | EpisodeMetric;
export type Metric = TimeMetric | WayMetric | FlaggingMetric;

/** Readings further apart than this, the shortest silence, do not show what was between them. */
export const longestStepMs = 120_000;

/** Whether the second reading is soon enough for the first to represent the time in between. */
export function follows(from: Reading, to: Reading): boolean {
  return to.atMs - from.atMs <= longestStepMs;
}

/** An unfinished flag: numbers only, so that the codec need not know the metric. */
export interface FlagMemory {
  /** First candidate; `never` if there is no unfinished flag. */
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

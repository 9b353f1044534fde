import type { DrivingEventKind, MeasurementSource, Severity } from '../changes.ts';
import type { Reading } from '../reading.ts';
import type { Rules } from '../rules.ts';

/** How a metric measures under one version of the rules; absent where it does not measure at all. */
export type Under<Rule> = (rules: Rules) => Rule | undefined;

/**
 * What holds by rules version: each entry from its version on, until the next. A figure is never
 * edited once its version was in force: a change is a further entry.
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

/** What is known of a stretch between two readings besides the readings. */
export interface During {
  /** Local time at the vehicle is night. */
  night: boolean;
  /** The vehicle stood still at both ends and in between. */
  still: boolean;
}

/**
 * Whether a stretch between two readings counts. What it says is cut at each local midnight, so it
 * must not depend on how much of the stretch is asked for.
 */
export type TimeRule = (from: Reading, to: Reading, during: During) => boolean;

/** A metric that adds time. */
export interface TimeMetric {
  readonly shape: 'time';
  /** Name of the sum it adds to, ending in ms. */
  readonly measure: `${string}.ms`;
  readonly under: Under<TimeRule>;
}

/** A metric that adds the way that the speeds of a stretch come to. */
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

/** Figures of low, medium and high. */
export type BySeverity = readonly [low: number, medium: number, high: number];

const severities: readonly Severity[] = ['LOW', 'MEDIUM', 'HIGH'];

/** The highest step that the magnitude reaches, 0 to 2; the lowest where it reaches none. */
export function stepOf(steps: BySeverity, magnitude: number): 0 | 1 | 2 {
  if (magnitude >= steps[2]) return 2;
  return magnitude >= steps[1] ? 1 : 0;
}

export function severityAt(step: 0 | 1 | 2): Severity {
  return severities[step] as Severity;
}

/** How moments are flagged. */
export interface PeakRule {
  /** Magnitude at `at`, mm/s²; 0 where it is not measurable or not of this kind. */
  readonly peak: (before: Reading, at: Reading, after: Reading) => number;
  /** From these magnitudes on the flag is of low, medium and high severity, mm/s². */
  readonly thresholds: BySeverity;
  /** Candidates less than this apart are one flag, at its peak. */
  readonly mergeMs: number;
}

/** A metric that flags moments, each decided by the readings before and after it. */
export interface PeakMetric extends Flagging {
  readonly shape: 'peak';
  readonly under: Under<PeakRule>;
}

/** How what lasts is flagged; all speeds are in 0.01 km/h. */
export interface EpisodeRule {
  /** How much faster the reading is than what is allowed; 0 where it does not count. */
  readonly excess: (reading: Reading) => number;
  /** What was allowed at the reading. */
  readonly allowed: (reading: Reading) => number;
  /** From these largest excesses on the flag is of low, medium and high severity. */
  readonly thresholds: BySeverity;
  /** How long it must last to be a flag of low, medium and high severity, ms. */
  readonly leastMs: BySeverity;
  /** Only what two readings in a row show has a severity: the lesser excess of each pair. */
  readonly byPairs?: boolean;
}

/** A metric that flags what lasts: readings in a row that hold, none far from the last. */
export interface EpisodeMetric extends Flagging {
  readonly shape: 'episode';
  readonly under: Under<EpisodeRule>;
}

export type FlaggingMetric = PeakMetric | EpisodeMetric;
export type Metric = TimeMetric | WayMetric | FlaggingMetric;

/** Readings further apart than the shortest silence do not tell what was between them. */
export const longestStepMs = 120_000;

/** Whether the second reading follows near enough to let the first stand for the time between. */
export function follows(from: Reading, to: Reading): boolean {
  return to.atMs - from.atMs <= longestStepMs;
}

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

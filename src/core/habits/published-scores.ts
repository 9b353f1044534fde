import { countOf, type HabitSums, leastScoredM, measure } from './summary.ts';

/** Published scores of other companies, for comparison, with the inputs that each company names. */

function clip(value: number): number {
  return Math.min(100, Math.max(0, value));
}

/** Inputs of Tesla's Safety Score, version 1.0. */
export interface TeslaInput {
  /** Forward collision warnings in 1,000 miles. */
  readonly forwardCollisionWarnings: number;
  /** Percent of braking above 0.3 g. */
  readonly hardBrakingPercent: number;
  /** Percent of turning above 0.4 g. */
  readonly aggressiveTurningPercent: number;
  /** Percent of the time with a headway below 1 s. */
  readonly unsafeFollowingPercent: number;
  /** 1 for each forced disengagement of the autopilot. */
  readonly forcedDisengagements: number;
}

/** Tesla Safety Score 1.0 as published: 115.382324 − 22.526504 × predicted collision frequency. */
export function teslaScoreV1(input: TeslaInput): number {
  const collisions =
    0.682854 *
    Math.exp(
      input.forwardCollisionWarnings * Math.log(1.014495) +
        input.hardBrakingPercent * Math.log(1.127294) +
        input.aggressiveTurningPercent * Math.log(1.01963) +
        input.unsafeFollowingPercent * Math.log(1.001444) +
        input.forcedDisengagements * Math.log(1.317958),
    );
  return clip(115.382324 - 22.526504 * collisions);
}

/** Samsara: 100 − harsh events in 1,000 miles − percent of the time over the limit. */
export function samsaraScore(input: {
  readonly harshEvents: number;
  readonly miles: number;
  readonly minutes: number;
  readonly speedingMinutes: number;
}): number {
  if (input.miles <= 0 || input.minutes <= 0) return 100;
  return clip(
    100 - (input.harshEvents * 1000) / input.miles - (input.speedingMinutes * 100) / input.minutes,
  );
}

/**
 * Momentum: the share of the miles left after 25 for each harsh braking, 75 for each harsh
 * acceleration and 10 for each speeding event are taken off.
 */
export function momentumScore(input: {
  readonly miles: number;
  readonly brakings: number;
  readonly accelerations: number;
  readonly speedings: number;
}): number {
  if (input.miles <= 0) return 100;
  const penalty = 25 * input.brakings + 75 * input.accelerations + 10 * input.speedings;
  return clip((100 * (input.miles - penalty)) / input.miles);
}

/** A score by another company's formula over our sums. */
export interface ScoreByOthers {
  readonly name: string;
  /** 0 to 100; absent if there is too little driving for a score. */
  readonly value?: number;
  /** Inputs that devices do not send; assumed to be zero. */
  readonly lacks: readonly string[];
}

interface PublishedScore {
  readonly name: string;
  readonly lacks: readonly string[];
  readonly of: (sums: HabitSums) => number;
}

const metresAMile = 1_609.344;

/** To add a published score, write its formula above and a line here. */
const published: readonly PublishedScore[] = [
  {
    name: 'Tesla Safety Score 1.0',
    lacks: ['forward collision warnings', 'unsafe following', 'forced disengagements'],
    of: (sums) =>
      teslaScoreV1({
        forwardCollisionWarnings: 0,
        hardBrakingPercent: percent(measure(sums, 'braking03g.ms'), measure(sums, 'braking01g.ms')),
        aggressiveTurningPercent: percent(
          measure(sums, 'turning04g.ms'),
          measure(sums, 'turning02g.ms'),
        ),
        unsafeFollowingPercent: 0,
        forcedDisengagements: 0,
      }),
  },
  {
    name: 'Samsara Safety Score',
    lacks: ['crashes', 'what cameras see'],
    of: (sums) =>
      samsaraScore({
        harshEvents:
          countOf(sums, 'HARSH_BRAKING') +
          countOf(sums, 'HARSH_ACCELERATION') +
          countOf(sums, 'HARSH_CORNERING'),
        miles: sums.distanceM / metresAMile,
        minutes: sums.durationMs / 60_000,
        speedingMinutes: measure(sums, 'speeding.ms') / 60_000,
      }),
  },
  {
    name: 'Momentum',
    lacks: [],
    of: (sums) =>
      momentumScore({
        miles: sums.distanceM / metresAMile,
        brakings: countOf(sums, 'HARSH_BRAKING'),
        accelerations: countOf(sums, 'HARSH_ACCELERATION'),
        speedings: countOf(sums, 'SPEEDING'),
      }),
  },
];

function percent(part: number, whole: number): number {
  return whole > 0 ? (100 * part) / whole : 0;
}

/** The published scores of the same driving, to two decimals; without values if ours has none. */
export function scoreByOthers(sums: HabitSums): readonly ScoreByOthers[] {
  return published.map(({ name, lacks, of }) =>
    sums.distanceM < leastScoredM
      ? { name, lacks }
      : { name, lacks, value: Math.round(of(sums) * 100) / 100 },
  );
}

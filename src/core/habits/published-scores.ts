/** Published scores of others, for comparison; each with the inputs that its publisher names. */

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

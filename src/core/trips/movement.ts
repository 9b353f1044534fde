import type { CanonicalEvent } from '../event.ts';
import { distanceMm } from '../geo.ts';
import { absent, forget, never, setFix } from '../reading.ts';
import type { Rules } from '../rules.ts';
import type { DeviceState } from '../state.ts';
import { isSameHour, type Judgement, verdict } from './fixes.ts';

/** What an event shows about movement. */
export interface Step {
  /** The position is accepted, … */
  isFix: boolean;
  /** … although no car could have reached it: it adds no kilometres. */
  leapt: boolean;
  /** Distance to add to the distance by positions. */
  wayMm: number;
  /** The position is near the last accepted one. */
  stayed: boolean;
  /** Instant of the last accepted position before this one. */
  wayFromMs: number;
  /** The accepted speed, or `absent`. */
  speedCkmh: number;
  /** The vehicle stands still, as far as is known. */
  still: boolean;
  moving: boolean;
  /** Time zone of the last position accepted before this event. */
  zone: string;
  /** A longer stretch is a silence; its distance counts as bridged. */
  bridgedFromMs: number;
}

/** An empty step. */
export function noStep(): Step {
  return {
    isFix: false,
    leapt: false,
    stayed: false,
    wayMm: 0,
    wayFromMs: 0,
    speedCkmh: absent,
    still: false,
    moving: false,
    zone: '',
    bridgedFromMs: 0,
  };
}

/** The interval since the last event, and what was usual before it. */
export interface Passed {
  /** 0 for the first event and for another event of the same instant. */
  intervalMs: number;
  /** The usual interval without this one, or `absent`. */
  usualMs: number;
}

/** Determines what the event shows about movement, into `step`. */
export function weigh(
  step: Step,
  judged: Judgement,
  passed: Passed,
  state: DeviceState,
  event: CanonicalEvent,
  rules: Rules,
): void {
  const { last, trip, place } = state;
  const { verdict: worth, stepMm } = judged;
  const { speedCkmh, atMs } = event;
  step.isFix = worth >= verdict.believed;
  step.leapt = worth === verdict.leapt;
  const isSpeed =
    speedCkmh !== undefined &&
    worth >= verdict.none &&
    speedCkmh >= 0 &&
    speedCkmh <= rules.fastestCkmh;
  step.speedCkmh = isSpeed ? speedCkmh : absent;
  step.bridgedFromMs = Math.max(
    rules.bridgeFromMs,
    passed.usualMs === absent ? 0 : passed.usualMs * rules.bridgeIntervals,
  );
  step.moving = isSpeed && speedCkmh >= rules.movingCkmh;
  // Without a trip and with the ignition off a speed is stale: only a new place shows movement.
  if (trip === undefined && event.ignition === false && state.ignitionOnAtMs === never) {
    step.moving = false;
  }
  const resting = state.restingFromMs !== never;
  let fromPlaceMm = 0;
  if (step.isFix && place.atMs !== never && (resting || !isSpeed)) {
    fromPlaceMm = distanceMm(
      place.latE7,
      place.lonE7,
      event.latE7 as number,
      event.lonE7 as number,
    );
    if (!step.leapt && isSameHour(place.atMs, atMs) && fromPlaceMm >= rules.movingMm) {
      step.moving = true;
    }
  }
  // Drift at rest adds no distance; from the resting place to the first moving fix does.
  step.wayMm = step.leapt ? 0 : !resting ? stepMm : step.moving ? fromPlaceMm : 0;
  step.stayed = step.isFix && !step.leapt && stepMm < rules.movingMm;
  step.wayFromMs = last.atMs;
  step.zone = state.zone;
  // mm / ms * 360 = 0.01 km/h.
  if (isSpeed) step.still = speedCkmh < rules.stillCkmh;
  else if (step.isFix) {
    step.still = !step.moving && stepMm * 360 < rules.movingCkmh * (atMs - last.atMs);
  } else step.still = trip !== undefined && trip.stillFromMs !== never;
}

/** Records where the vehicle last moved or came to rest, and since when it has rested. */
export function settleMovement(
  step: Step,
  state: DeviceState,
  event: CanonicalEvent,
  rules: Rules,
): void {
  const { place } = state;
  const { atMs } = event;
  const { moving, isFix, leapt, speedCkmh } = step;
  const comesToStand = !moving && (isFix || speedCkmh !== absent) && state.standingFromMs === never;
  if (isFix && (moving || leapt || comesToStand || !isSameHour(place.atMs, atMs))) {
    setFix(place, atMs, event.latE7 as number, event.lonE7 as number);
  }
  if (moving) {
    state.restingFromMs = never;
    state.standingFromMs = never;
    state.slowIntervals = 0;
    return;
  }
  if (state.restingFromMs === never) state.restingFromMs = atMs;
  if (comesToStand) state.standingFromMs = atMs;
  if (
    state.quietAtMs !== never &&
    state.slowIntervals < rules.slowIntervals &&
    state.standingFromMs !== never &&
    atMs - state.standingFromMs >= rules.quietStandstillMs
  ) {
    // It stands and reports at its usual rate: this device does not reveal when it parks.
    state.quietAtMs = never;
  }
}

/** Counts slow intervals from the first signs of rest. */
export function noteSlowness(
  step: Step,
  passed: Passed,
  state: DeviceState,
  atMs: number,
  rules: Rules,
): void {
  if (step.moving || passed.intervalMs === 0 || state.slowIntervals >= rules.slowIntervals) return;
  const { standingFromMs } = state;
  const isSlow =
    passed.usualMs !== absent &&
    passed.intervalMs >= Math.max(rules.slowFromMs, passed.usualMs * rules.slowFactor);
  const isEarly =
    state.slowIntervals > 0 ||
    standingFromMs === never ||
    state.headAtMs - standingFromMs < rules.quietWithinMs;
  state.slowIntervals = isSlow && isEarly ? state.slowIntervals + 1 : 0;
  if (state.slowIntervals >= rules.slowIntervals) state.quietAtMs = atMs;
}

/** Whether the current rest is long enough to count as parking rather than a stop. */
export function isParked(state: DeviceState, atMs: number, rules: Rules): boolean {
  const { ignitionOnAtMs, standingFromMs } = state;
  // With the ignition reported on, the vehicle idles.
  if (ignitionOnAtMs !== never && atMs - ignitionOnAtMs <= rules.longestSilenceMs) return false;
  if (atMs - state.restingFromMs >= rules.longestSilenceMs) return true;
  if (ignitionOnAtMs !== never || standingFromMs === never) return false;
  if (state.slowIntervals >= rules.slowIntervals) return true;
  const isQuiet = state.quietAtMs !== never;
  return atMs - standingFromMs >= (isQuiet ? rules.quietStandstillMs : rules.standstillMs);
}

/** Forgets the resting place: a new rest begins with the next fix. */
export function leavePlace(state: DeviceState): void {
  state.restingFromMs = never;
  state.standingFromMs = never;
  state.slowIntervals = 0;
  forget(state.place);
}

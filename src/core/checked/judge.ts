import { distanceMm } from '../geo.ts';
import { absent, forget, never, setFix } from '../reading.ts';
import type { Checks, Rules } from '../rules.ts';
import type { DeviceState } from '../state.ts';
import { isSameHour } from '../trips/fixes.ts';
import { rejectionReasons } from '../trips/totals.ts';
import { countRejected, type Held, nextWith } from './held.ts';

/** The verdict on a reading, from the readings before and after it. */
export interface Judged {
  isFix: boolean;
  /** Accepted although no car could have reached it: adds no kilometres. */
  leapt: boolean;
  /** The position repeats itself while the speed shows movement: a tunnel, or a stuck speed. */
  repeated: boolean;
  /** Distance from the last accepted position, and the instant of that position. */
  stepMm: number;
  wayFromMs: number;
  speedCkmh: number;
  odometerM: number;
}

export function noJudged(): Judged {
  return {
    isFix: false,
    leapt: false,
    repeated: false,
    stepMm: 0,
    wayFromMs: never,
    speedCkmh: absent,
    odometerM: absent,
  };
}

const reason = {
  jump: rejectionReasons.indexOf('JUMP'),
  repeated: rejectionReasons.indexOf('REPEATED'),
  speed: rejectionReasons.indexOf('IMPOSSIBLE_SPEED'),
  odometer: rejectionReasons.indexOf('IMPOSSIBLE_ODOMETER'),
};

/** Judges the oldest held reading by the state before it and by the readings after it. */
export function judge(
  judged: Judged,
  state: DeviceState,
  held: readonly Held[],
  rules: Rules,
  checks: Checks,
): void {
  const reading = held[0] as Held;
  judgePosition(judged, state, reading, nextWith(held, 'latE7'), rules, checks);
  judgeSpeed(judged, state, held, checks);
  judged.odometerM = reading.odometerM;
  if (reading.odometerM !== absent) {
    const next = nextWith(held, 'odometerM');
    if (next !== undefined && isOdd(state, reading, next, rules)) {
      judged.odometerM = absent;
      countRejected(reading, reason.odometer);
    }
  }
}

function judgePosition(
  judged: Judged,
  state: DeviceState,
  reading: Held,
  next: Held | undefined,
  rules: Rules,
  checks: Checks,
): void {
  judged.isFix = false;
  judged.leapt = false;
  judged.repeated = false;
  judged.stepMm = 0;
  judged.wayFromMs = state.last.atMs;
  if (reading.latE7 === absent) return;
  const { last } = state;
  const { atMs } = reading;
  if (
    last.atMs !== never &&
    isSamePlace(last, reading) &&
    claimsToMove(reading, rules) &&
    (next === undefined || isSamePlace(reading, next) || !canReach(reading, next, rules))
  ) {
    judged.repeated = true;
    countRejected(reading, reason.repeated);
    return;
  }
  if (last.atMs === never || !isSameHour(last.atMs, atMs)) {
    // A position that contradicts the next one is rejected, whatever came before.
    if (next !== undefined && !canReach(reading, next, rules)) {
      countRejected(reading, reason.jump);
      return;
    }
    judged.isFix = true;
    if (last.atMs !== never) wayFromLast(judged, state, reading, rules);
    return;
  }
  wayFromLast(judged, state, reading, rules);
  if (judged.leapt) {
    if (isConfirmed(state, reading, rules)) judged.isFix = true;
    else {
      judged.leapt = false;
      countRejected(reading, reason.jump);
    }
    return;
  }
  if (next !== undefined && isOutOfLine(judged, state, reading, next, rules, checks)) {
    judged.stepMm = 0;
    countRejected(reading, reason.jump);
    return;
  }
  judged.isFix = true;
}

interface Place {
  readonly atMs: number;
  readonly latE7: number;
  readonly lonE7: number;
}

function isSamePlace(a: Place, b: Place): boolean {
  return a.latE7 === b.latE7 && a.lonE7 === b.lonE7;
}

export function claimsToMove({ speedCkmh }: Held, { movingCkmh }: Rules): boolean {
  return speedCkmh !== absent && speedCkmh >= movingCkmh;
}

/** Whether this and the next reading report a moving speed at exactly the same position. */
export function isFrozen(reading: Held, next: Held | undefined, rules: Rules): boolean {
  return (
    next !== undefined &&
    claimsToMove(reading, rules) &&
    claimsToMove(next, rules) &&
    isSamePlace(reading, next)
  );
}

/** The step from the last accepted position; if needed, timed from when that was first repeated. */
function wayFromLast(judged: Judged, state: DeviceState, reading: Held, rules: Rules): void {
  const { last } = state;
  const stepMm = distanceMm(last.latE7, last.lonE7, reading.latE7, reading.lonE7);
  if (isWithin(stepMm, reading.atMs - last.atMs, rules)) {
    judged.stepMm = stepMm;
  } else if (isWithin(stepMm, reading.atMs - state.lastSinceMs, rules)) {
    judged.stepMm = stepMm;
    judged.wayFromMs = state.lastSinceMs;
  } else judged.leapt = true;
}

function isWithin(stepMm: number, elapsedMs: number, rules: Rules): boolean {
  return stepMm <= (rules.jumpMmps * elapsedMs) / 1000 + rules.jumpSlackMm;
}

/** 67 m of latitude and at most as much of longitude: always within the slack of a jump. */
const nearE7 = 6_000;

function canReach(from: Place, to: Place, rules: Rules): boolean {
  if (Math.abs(to.latE7 - from.latE7) < nearE7 && Math.abs(to.lonE7 - from.lonE7) < nearE7) {
    return true;
  }
  return isWithin(
    distanceMm(from.latE7, from.lonE7, to.latE7, to.lonE7),
    to.atMs - from.atMs,
    rules,
  );
}

/** Whether the position is far off the route from the last one to the next. */
function isOutOfLine(
  judged: Judged,
  state: DeviceState,
  reading: Held,
  next: Held,
  rules: Rules,
  checks: Checks,
): boolean {
  const { last } = state;
  if (!canReach(reading, next, rules) && canReach(last, next, rules)) return true;
  const slackMm = checks.detourSlackMm + 100 * (known(reading.accuracyDm) + state.lastAccuracyDm);
  if (judged.stepMm <= slackMm) return false;
  const acrossMm = distanceMm(last.latE7, last.lonE7, next.latE7, next.lonE7);
  const acrossMs = next.atMs - last.atMs;
  // mm / ms * 360 = 0.01 km/h.
  const fastestCkmh = Math.max(
    known(state.speedCkmh),
    known(reading.speedCkmh),
    known(next.speedCkmh),
    state.wayCkmh,
    (acrossMm * 360) / acrossMs,
  );
  const allowedMm = (elapsedMs: number) =>
    (fastestCkmh * elapsedMs * checks.detourPercent) / 36_000 + slackMm;
  if (judged.stepMm <= allowedMm(reading.atMs - last.atMs)) return false;
  const backMm = distanceMm(reading.latE7, reading.lonE7, next.latE7, next.lonE7);
  return backMm > allowedMm(next.atMs - reading.atMs) && acrossMm <= allowedMm(acrossMs);
}

function known(value: number): number {
  return value === absent ? 0 : value;
}

/** Counts jumps in a row that agree; returns whether there are now enough to accept them. */
function isConfirmed({ doubt }: DeviceState, reading: Held, rules: Rules): boolean {
  const agrees = doubt.atMs !== never && canReach(doubt, reading, rules);
  doubt.agreeing = agrees ? doubt.agreeing + 1 : 1;
  setFix(doubt, reading.atMs, reading.latE7, reading.lonE7);
  return doubt.agreeing >= rules.jumpsToBelieve;
}

function judgeSpeed(
  judged: Judged,
  state: DeviceState,
  held: readonly Held[],
  checks: Checks,
): void {
  const reading = held[0] as Held;
  const { speedCkmh } = reading;
  judged.speedCkmh = absent;
  if (speedCkmh === absent) return;
  const next = nextWith(held, 'speedCkmh');
  // Sent with a position that was rejected.
  if (reading.latE7 !== absent && !judged.isFix && !judged.repeated) return;
  const isImpossible =
    isOutOfReach(state, reading, next, checks) ||
    (state.speedCkmh === absent && isFastAtFirst(judged, held, checks)) ||
    (next !== undefined &&
      (isSpike(state, reading, next, checks) ||
        isContradicted(judged, state, reading, next, checks)));
  if (isImpossible) {
    countRejected(reading, reason.speed);
    return;
  }
  judged.speedCkmh = speedCkmh;
}

/** Whether a speed without a predecessor is far above the next speed and the positions' speeds. */
function isFastAtFirst(
  { isFix, leapt, stepMm, wayFromMs }: Judged,
  held: readonly Held[],
  { burstPercent, burstCkmh }: Checks,
): boolean {
  const reading = held[0] as Held;
  let fastestCkmh = nextWith(held, 'speedCkmh')?.speedCkmh ?? absent;
  if (isFix && !leapt) {
    const next = nextWith(held, 'latE7');
    if (wayFromMs !== never) {
      fastestCkmh = Math.max(fastestCkmh, (stepMm * 360) / (reading.atMs - wayFromMs));
    }
    if (next !== undefined) {
      const onMm = distanceMm(reading.latE7, reading.lonE7, next.latE7, next.lonE7);
      fastestCkmh = Math.max(fastestCkmh, (onMm * 360) / (next.atMs - reading.atMs));
    }
  }
  if (fastestCkmh === absent) return false;
  return reading.speedCkmh * 100 > fastestCkmh * burstPercent + burstCkmh * 100;
}

/** 0.01 km/h = 25/9 mm/s. */
function mmpsOf(ckmh: number): number {
  return (ckmh * 25) / 9;
}

/** Whether no car changes speed this fast: since the last speed or, without one, until the next. */
function isOutOfReach(
  state: DeviceState,
  reading: Held,
  next: Held | undefined,
  checks: Checks,
): boolean {
  if (state.speedCkmh !== absent) {
    return isTooFast(reading.speedCkmh - state.speedCkmh, reading.atMs - state.speedAtMs, checks);
  }
  return (
    next !== undefined &&
    isTooFast(next.speedCkmh - reading.speedCkmh, next.atMs - reading.atMs, checks)
  );
}

/** Whether no car changes its speed by so much in this time. */
export function isTooFast(changeCkmh: number, elapsedMs: number, checks: Checks): boolean {
  const changeMmps = mmpsOf(changeCkmh);
  const { fastestGainMmps2, fastestLossMmps2, speedSlackMmps } = checks;
  return (
    changeMmps > (fastestGainMmps2 * elapsedMs) / 1000 + speedSlackMmps ||
    -changeMmps > (fastestLossMmps2 * elapsedMs) / 1000 + speedSlackMmps
  );
}

/** Whether the speed changes and changes back faster than a car can. */
function isSpike(state: DeviceState, reading: Held, next: Held, checks: Checks): boolean {
  if (state.speedCkmh === absent) return false;
  const there = reading.speedCkmh - state.speedCkmh;
  const back = next.speedCkmh - reading.speedCkmh;
  if (there > 0 === back > 0) return false;
  const isSteep = (change: number, elapsedMs: number) =>
    Math.abs(change) >= checks.spikeCkmh &&
    mmpsOf(Math.abs(change)) * 1000 >= checks.spikeMmps2 * elapsedMs;
  return isSteep(there, reading.atMs - state.speedAtMs) && isSteep(back, next.atMs - reading.atMs);
}

/** Whether the positions on both sides show that the vehicle was faster, or slower, than this. */
function isContradicted(
  judged: Judged,
  state: DeviceState,
  reading: Held,
  next: Held,
  checks: Checks,
): boolean {
  const { last, speedAtMs, speedCkmh } = state;
  if (!judged.isFix || judged.leapt || last.atMs === never) return false;
  if (speedCkmh === absent || speedAtMs !== judged.wayFromMs) return false;
  const beforeMs = reading.atMs - speedAtMs;
  const beforeMm = wayMm(speedCkmh, reading.speedCkmh, beforeMs);
  const slackMm =
    checks.contradictedSlackMm + 100 * (known(reading.accuracyDm) + state.lastAccuracyDm);
  const isLess = isFarLess(judged.stepMm, beforeMm, slackMm, checks);
  if (!isLess && !isFarLess(beforeMm, judged.stepMm, slackMm, checks)) return false;
  if (next.latE7 === absent || isSamePlace(reading, next)) return false;
  const afterMs = next.atMs - reading.atMs;
  const afterMm = wayMm(reading.speedCkmh, next.speedCkmh, afterMs);
  const stepMm = distanceMm(reading.latE7, reading.lonE7, next.latE7, next.lonE7);
  const isOnBothSides = isLess
    ? isFarLess(stepMm, afterMm, slackMm, checks)
    : isFarLess(afterMm, stepMm, slackMm, checks);
  if (!isOnBothSides) return false;
  if (Math.max(beforeMs, afterMs) <= checks.contradictedAloneMs) return true;
  // Between readings far apart a car may have been slower or faster than at the readings.
  const fastestCkmh = Math.max(
    speedCkmh,
    next.speedCkmh,
    (judged.stepMm * 360) / beforeMs,
    (stepMm * 360) / afterMs,
  );
  const { burstPercent, burstCkmh } = checks;
  if (isLess && reading.speedCkmh * 100 <= fastestCkmh * burstPercent + burstCkmh * 100)
    return false;
  const wholeMm = judged.stepMm + stepMm;
  const withoutMm = wayMm(speedCkmh, next.speedCkmh, beforeMs + afterMs);
  return (
    Math.abs(withoutMm - wholeMm) * 100 <= wholeMm * checks.agreeWithoutPercent + slackMm * 100
  );
}

/** Distance at the mean of two speeds. */
function wayMm(fromCkmh: number, toCkmh: number, elapsedMs: number): number {
  return ((fromCkmh + toCkmh) * elapsedMs) / 720;
}

function isFarLess(lessMm: number, moreMm: number, slackMm: number, checks: Checks): boolean {
  return moreMm * 100 > lessMm * checks.contradictedPercent + slackMm * 100;
}

/** Whether only this reading's odometer is out of order, not its neighbours. */
function isOdd({ odometer }: DeviceState, reading: Held, next: Held, rules: Rules): boolean {
  if (odometer.atMs === never) return reading.odometerM > next.odometerM;
  const wayM = next.odometerM - odometer.readM;
  const mostM = (rules.jumpMmps * (next.atMs - odometer.atMs)) / 1_000_000 + rules.odometerTickM;
  if (wayM < 0 || wayM > mostM) return false;
  return reading.odometerM < odometer.readM || reading.odometerM > next.odometerM;
}

/** Accepts the values judged plausible: the next readings are judged against them. */
export function believe(judged: Judged, state: DeviceState, reading: Held): void {
  const { last, doubt } = state;
  if (judged.isFix) {
    const isSame = last.atMs !== never && isSamePlace(last, reading);
    if (!isSame) state.lastSinceMs = reading.atMs;
    const elapsedMs = reading.atMs - judged.wayFromMs;
    state.wayCkmh =
      judged.leapt || judged.wayFromMs === never || elapsedMs === 0
        ? 0
        : Math.round((judged.stepMm * 360) / elapsedMs);
    setFix(last, reading.atMs, reading.latE7, reading.lonE7);
    state.lastAccuracyDm = known(reading.accuracyDm);
    state.zone = '';
    if (doubt.atMs !== never) {
      forget(doubt);
      doubt.agreeing = 0;
    }
  }
  if (judged.speedCkmh !== absent) {
    state.speedAtMs = reading.atMs;
    state.speedCkmh = judged.speedCkmh;
  }
}

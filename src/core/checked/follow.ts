import { calendarOf } from '../calendar.ts';
import type { Change, EndReason } from '../changes.ts';
import type { CanonicalEvent, EventKey } from '../event.ts';
import { finishAll, noFlag } from '../habits/flags.ts';
import { flaggingMetrics, habitsUnder } from '../habits/registry.ts';
import { distanceMm } from '../geo.ts';
import { absent, never, noReading, type Reading, setFix } from '../reading.ts';
import type { Checks, Rules } from '../rules.ts';
import type { DeviceState, OpenTrip } from '../state.ts';
import { describeTrip } from '../trips/facts.ts';
import { isSameHour } from '../trips/fixes.ts';
import { addRest, grow } from '../trips/grow.ts';
import { isParked, leavePlace, noStep, noteSlowness, type Passed } from '../trips/movement.ts';
import { copyTotals, emptyTotals, type Totals } from '../trips/totals.ts';
import type { Zones } from '../zones.ts';
import { type Held, nextWith, noneRejected } from './held.ts';
import { believe, claimsToMove, isFrozen, judge, noJudged } from './judge.ts';
import { addCarried, endCarried, noteUntracked, type Reporting, zoneSeen } from './untracked.ts';

const judged = noJudged();
const step = noStep();
const passed: Passed = { intervalMs: 0, usualMs: absent };

const dayMs = 86_400_000;

/** The event being processed, the rules for the oldest held reading, and the list of changes. */
export interface Following extends Reporting {
  readonly decidedBy: CanonicalEvent;
}

/** Applies the oldest held reading to the device's state and its trip. */
export function follow(state: DeviceState, following: Following): void {
  const { rules, checks } = following;
  const { held } = state;
  const reading = held[0] as Held;
  const { atMs } = reading;
  passed.intervalMs = reading.intervalMs;
  passed.usualMs = reading.usualMs;
  forgetOld(state, atMs, rules, checks);
  const cut = state.trip === undefined ? undefined : endBefore(state, state.trip, atMs, following);
  judge(judged, state, held, rules, checks);
  weigh(state, reading, rules, checks);
  noteSlowness(step, passed, state, atMs, rules);
  const carried = state.trip === undefined && isCarried(state, reading);
  const opens =
    state.trip === undefined && step.moving && !judged.repeated && !carried && canOpen(state);
  if (carried && step.moving && !judged.repeated) {
    addCarried(state, step.wayFromMs, atMs, step.wayMm);
  } else if (!carried || atMs - state.carriedToMs > rules.longestSilenceMs) {
    endCarried(state, following);
  }
  if (state.trip !== undefined) continueTrip(state, state.trip, reading, following);
  else if (opens) open(state, reading, cut, following);
  else countBetween(state, reading);
  noteUntracked(judged, reading, state, following);
  settle(state, reading);
  believe(judged, state, reading);
  hearIgnition(state, reading);
  held.shift();
}

/** Without positions, a speed alone can open a trip. */
function canOpen({ last }: DeviceState): boolean {
  return judged.isFix || (step.speedCkmh !== absent && last.atMs === never);
}

/** Erases what can no longer have an effect, so that equal recent events leave equal bytes. */
function forgetOld(state: DeviceState, atMs: number, rules: Rules, checks: Checks): void {
  const isOld = (sinceMs: number, forMs: number) => sinceMs !== never && atMs - sinceMs > forMs;
  const { last, place, seen, odometer } = state;
  if (isOld(state.ignitionOnAtMs, rules.ignitionBelievedMs)) state.ignitionOnAtMs = never;
  if (isOld(state.offHeardAtMs, rules.ignitionBelievedMs)) state.offHeardAtMs = never;
  if (isOld(state.wiredAtMs, checks.wiredMs)) state.wiredAtMs = never;
  if (isOld(state.quietAtMs, rules.quietBelievedMs)) state.quietAtMs = never;
  if (isOld(last.atMs, hourMs)) forgetPlace(last);
  if (last.atMs === never) {
    state.lastSinceMs = never;
    state.lastAccuracyDm = 0;
    state.wayCkmh = 0;
    state.zone = '';
    forgetPlace(state.doubt);
    state.doubt.agreeing = 0;
  }
  if (isOld(state.lastSinceMs, hourMs)) state.lastSinceMs = atMs - hourMs;
  if (isOld(state.speedAtMs, rules.longestIntervalMs)) {
    state.speedAtMs = never;
    state.speedCkmh = absent;
  }
  if (isOld(place.atMs, 2 * hourMs)) {
    forgetPlace(place);
    state.placeAccuracyDm = 0;
  }
  if (isOld(state.rejectedAtMs, hourMs)) {
    state.rejectedAtMs = never;
    state.rejectedBefore.fill(0);
  }
  if (isOld(seen.atMs, checks.untrackedMs)) forgetPlace(seen);
  if (isOld(odometer.atMs, checks.untrackedMs)) {
    odometer.atMs = never;
    odometer.readM = 0;
    odometer.roadMm = 0;
  }
  const oldestMs = atMs - rules.longestSilenceMs;
  if (state.restingFromMs !== never && state.restingFromMs <= oldestMs) {
    state.restingFromMs = oldestMs;
    state.standingFromMs = oldestMs;
  }
  if (
    state.quietAtMs === never &&
    state.standingFromMs !== never &&
    atMs - state.standingFromMs >= rules.quietStandstillMs
  ) {
    state.slowIntervals = 0;
  }
}

const hourMs = 3_600_000;

function forgetPlace(fix: { atMs: number; latE7: number; lonE7: number }): void {
  setFix(fix, never, 0, 0);
}

/** Ends the trip if it ended before this reading; returns the trip if it was cut. */
function endBefore(
  state: DeviceState,
  trip: OpenTrip,
  atMs: number,
  following: Following,
): OpenTrip | undefined {
  const { rules, checks } = following;
  if (isOff(trip, atMs, checks)) {
    close(state, trip, 'IGNITION', trip.offAtMs + checks.leastOffMs, following);
    leavePlace(state);
  } else if (atMs >= cutAtMs(trip, rules)) {
    close(state, trip, 'LENGTH', cutAtMs(trip, rules), following);
    return trip;
  }
  return undefined;
}

/** Whether "off" has lasted long enough to end the trip. */
export function isOff({ offAtMs }: OpenTrip, atMs: number, { leastOffMs }: Checks): boolean {
  return offAtMs !== never && atMs - offAtMs >= leastOffMs;
}

/** The first UTC midnight at which the trip has reached its maximum duration. */
export function cutAtMs(trip: OpenTrip, rules: Rules): number {
  return Math.ceil((trip.startedAtMs + rules.longTripMs) / dayMs) * dayMs;
}

/** Determines what the reading shows about movement. */
function weigh(state: DeviceState, reading: Held, rules: Rules, checks: Checks): void {
  const { last, place, trip } = state;
  const { atMs } = reading;
  const { speedCkmh, stepMm, isFix, leapt } = judged;
  step.isFix = isFix;
  step.leapt = leapt;
  step.speedCkmh = speedCkmh;
  step.zone = state.zone;
  step.wayFromMs = judged.wayFromMs;
  step.bridgedFromMs = Math.max(
    rules.bridgeFromMs,
    passed.usualMs === absent ? 0 : passed.usualMs * rules.bridgeIntervals,
  );
  const isSpeed = speedCkmh !== absent;
  step.moving =
    isSpeed &&
    claimsToMove(reading, rules) &&
    !(last.atMs === never && isFrozen(reading, nextWith(state.held, 'latE7'), rules));
  const stands = state.standingFromMs !== never;
  let fromPlaceMm = 0;
  if (isFix && place.atMs !== never && (stands || !isSpeed)) {
    fromPlaceMm = distanceMm(place.latE7, place.lonE7, reading.latE7, reading.lonE7);
    const accuracyDm = state.placeAccuracyDm + Math.max(0, reading.accuracyDm);
    const awayMm = Math.max(rules.movingMm, accuracyDm * checks.driftPercent);
    if (!leapt && fromPlaceMm >= awayMm) step.moving = true;
  }
  if (isFix && !leapt && !isSpeed && isUnderWay(state, reading, checks)) step.moving = true;
  // Drift at rest adds no distance; from the resting place to the first moving fix does.
  step.wayMm = leapt ? 0 : !stands ? stepMm : step.moving ? fromPlaceMm : 0;
  if (step.wayMm > 0 && step.wayFromMs === never) step.wayFromMs = place.atMs;
  step.stayed = isFix && !leapt && stepMm < rules.movingMm;
  if (isSpeed) step.still = speedCkmh < rules.stillCkmh;
  else if (isFix) {
    // mm / ms * 360 = 0.01 km/h.
    step.still = !step.moving && stepMm * 360 < rules.movingCkmh * (atMs - judged.wayFromMs);
  } else step.still = trip !== undefined && trip.stillFromMs !== never;
}

/** If no speed is sent: whether the steps to or from the position are those of a moving vehicle. */
function isUnderWay({ trip, held, last }: DeviceState, reading: Held, checks: Checks): boolean {
  if (trip !== undefined)
    return last.atMs !== never && isStep(last, reading, judged.stepMm, checks);
  const next = nextWith(held, 'latE7');
  const then = nextWith(held, 'latE7', 1);
  if (next === undefined || then === undefined) return false;
  return (
    isStepTo(reading, next, checks) &&
    isStepTo(next, then, checks) &&
    isStepTo(reading, then, checks)
  );
}

function isStepTo(from: Held, to: Held, checks: Checks): boolean {
  const stepMm = distanceMm(from.latE7, from.lonE7, to.latE7, to.lonE7);
  return to.speedCkmh === absent && isStep(from, to, stepMm, checks);
}

function isStep(from: { atMs: number }, to: Held, stepMm: number, checks: Checks): boolean {
  const accuracyMm = Math.max(0, to.accuracyDm) * checks.driftPercent;
  // mm / ms * 360 = 0.01 km/h.
  return (
    stepMm >= Math.max(checks.leastStepMm, accuracyMm) &&
    stepMm * 360 >= checks.leastStepCkmh * (to.atMs - from.atMs)
  );
}

/** Records where the vehicle last moved or came to rest, and since when it has rested. */
function settle(state: DeviceState, reading: Held): void {
  const { place } = state;
  const { atMs } = reading;
  const { isFix, leapt, speedCkmh } = step;
  const says = isFix || speedCkmh !== absent;
  const moves = step.moving && !judged.repeated;
  const comesToStand = says && !step.moving && state.standingFromMs === never;
  if (isFix && (moves || leapt || comesToStand || !isSameHour(place.atMs, atMs))) {
    setFix(place, atMs, reading.latE7, reading.lonE7);
    state.placeAccuracyDm = Math.max(0, reading.accuracyDm);
  }
  if (moves) {
    state.restingFromMs = never;
    state.standingFromMs = never;
    state.slowIntervals = 0;
    return;
  }
  if (state.restingFromMs === never) state.restingFromMs = atMs;
  // A speed that may be stuck shows neither movement nor standing.
  if (judged.repeated) state.standingFromMs = never;
  else if (comesToStand) state.standingFromMs = atMs;
}

/** Whether the ignition was off until this reading, on a device that does report when it is on. */
function isCarried(state: DeviceState, reading: Held): boolean {
  return reading.ignition !== 1 && state.offHeardAtMs !== never && state.wiredAtMs !== never;
}

function continueTrip(
  state: DeviceState,
  trip: OpenTrip,
  reading: Held,
  following: Following,
): void {
  const { rules, zones } = following;
  const { atMs } = reading;
  const { last } = state;
  if (state.zone === '') {
    state.zone =
      last.atMs === never ? zoneSeen(state, zones) : zones.zoneAt(last.latE7, last.lonE7);
  }
  step.zone = state.zone;
  const rests = !step.moving || judged.repeated;
  const comesToRest = rests && state.restingFromMs === never;
  if (rests && !comesToRest && isParked(state, atMs, rules)) {
    close(state, trip, 'STANDSTILL', atMs, following);
    countBetween(state, reading);
    return;
  }
  if (trip.unprovenMm !== never && step.isFix) settleUnproven(trip, rules, zones, following.checks);
  // After a slow interval the rest began at the previous reading, not at this one.
  const restsSince = state.slowIntervals > 0 || judged.repeated;
  if (comesToRest && restsSince) copyTotals(trip.mark, trip.totals);
  if (judged.repeated) addUnproven(trip, atMs);
  growBy(trip, reading, following);
  if (comesToRest && !restsSince) copyTotals(trip.mark, trip.totals);
  if (trip.offAtMs !== never && step.moving && !judged.repeated) trip.offAtMs = never;
}

function growBy(
  trip: OpenTrip,
  reading: Held,
  { rules, zones, decidedBy, changes }: Following,
): void {
  fill(trip.spare, reading);
  addRejected(trip.totals, reading.rejected);
  grow(
    trip,
    {
      last: { atMs: reading.atMs, digest: reading.lastDigest },
      events: reading.events,
      odometerM: judged.odometerM,
      decidedBy,
    },
    step,
    rules,
    zones,
    changes,
  );
  if (step.isFix && trip.startLatE7 === absent) {
    trip.startLatE7 = reading.latE7;
    trip.startLonE7 = reading.lonE7;
  }
}

/** Fills the reading that habits use; a speed that may be stuck is left out. */
function fill(target: Reading, reading: Held): void {
  target.atMs = reading.atMs;
  target.latE7 = judged.isFix ? reading.latE7 : absent;
  target.lonE7 = judged.isFix ? reading.lonE7 : absent;
  target.speedCkmh = judged.repeated ? absent : judged.speedCkmh;
  target.headingDdeg = judged.isFix ? reading.headingDdeg : absent;
  target.accelForwardMmps2 = reading.accelForwardMmps2;
  target.accelLeftMmps2 = reading.accelLeftMmps2;
  target.speedLimitCkmh = reading.speedLimitCkmh;
  target.phoneInUse = reading.phoneInUse;
}

function addRejected({ rejected }: Totals, more: readonly number[]): void {
  if (more === noneRejected) return;
  for (let i = 0; i < more.length; i++) {
    const count = more[i] as number;
    if (count > 0) rejected[i] = (rejected[i] as number) + count;
  }
}

/** Rejections since the last accepted position count for the trip that opens next. */
function countBetween(state: DeviceState, { atMs, rejected }: Held): void {
  if (judged.isFix) state.rejectedBefore.fill(0);
  state.rejectedAtMs = atMs;
  for (let i = 0; i < rejected.length; i++) {
    const count = rejected[i] as number;
    if (count > 0)
      state.rejectedBefore[i] = Math.min(1000, (state.rejectedBefore[i] as number) + count);
  }
}

/** Adds the distance of a speed that may be stuck. */
function addUnproven(trip: OpenTrip, atMs: number): void {
  if (trip.unprovenMm === never) trip.unprovenMm = 0;
  if (trip.speedAtMs === never || step.speedCkmh === absent) return;
  trip.unprovenMm += Math.floor(
    ((trip.speedCkmh + step.speedCkmh) * (atMs - trip.speedAtMs)) / 720,
  );
}

/** Decides by the next position whether it was a tunnel or a stuck speed. */
function settleUnproven(
  trip: OpenTrip,
  rules: Rules,
  zones: Zones,
  { tunnelPercent, tunnelSlackMm }: Checks,
): void {
  const saidMm = trip.unprovenMm;
  trip.unprovenMm = never;
  if ((judged.stepMm + tunnelSlackMm) * 100 >= saidMm * tunnelPercent) return;
  const { lastAtMs, lastDigest, events, rejected } = trip.totals;
  const kept = { lastAtMs, lastDigest, events, rejected: rejected.slice() };
  copyTotals(trip.totals, trip.mark);
  addRest(trip, lastAtMs, step.zone, rules, zones);
  Object.assign(trip.totals, kept);
  trip.roadMm = Math.max(0, trip.roadMm - saidMm);
  trip.speedAtMs = never;
}

function open(
  state: DeviceState,
  reading: Held,
  cut: OpenTrip | undefined,
  following: Following,
): void {
  const { rules, zones } = following;
  const { atMs, latE7, lonE7 } = reading;
  const isPlace = judged.isFix;
  const timeZone = isPlace ? zones.zoneAt(latE7, lonE7) : zoneSeen(state, zones);
  step.zone = timeZone;
  // The distance across a length cut belongs to the later trip. So does the distance from the
  // resting place if only positions show that the vehicle moves.
  if (cut === undefined && step.speedCkmh !== absent) step.wayMm = 0;
  const trip: OpenTrip = {
    startedAtMs: atMs,
    anchorDigest: reading.firstDigest,
    startLatE7: isPlace ? latE7 : absent,
    startLonE7: isPlace ? lonE7 : absent,
    timeZone: isPlace ? '' : timeZone,
    rulesVersion: `${rules.version}+${zones.version}`,
    ignitionDistrusted: false,
    totals: emptyTotals(atMs),
    mark: emptyTotals(atMs),
    stillFromMs: step.still ? atMs : never,
    speedAtMs: never,
    speedCkmh: 0,
    odometerAtMs: never,
    odometerM: 0,
    roadMm: 0,
    unprovenMm: never,
    offAtMs: never,
    atOff: emptyTotals(atMs),
    before: noReading(),
    at: noReading(),
    spare: noReading(),
    flags: flaggingMetrics.map(noFlag),
    rules,
    calendar: calendarOf(zones, rules),
  };
  if (cut !== undefined) goOn(trip, cut);
  state.trip = trip;
  addRejected(trip.totals, state.rejectedBefore);
  state.rejectedBefore.fill(0);
  state.rejectedAtMs = never;
  growBy(trip, reading, following);
}

/** Measures the interval across a length cut from the last reading of the trip that was cut. */
function goOn(trip: OpenTrip, cut: OpenTrip): void {
  const { lastAtMs } = cut.totals;
  if (cut.speedAtMs === lastAtMs) {
    trip.speedAtMs = lastAtMs;
    trip.speedCkmh = cut.speedCkmh;
  }
  if (cut.odometerAtMs === lastAtMs) {
    trip.odometerAtMs = lastAtMs;
    trip.odometerM = cut.odometerM;
  }
}

/** Applies the ignition state: on keeps a trip open for a while; off ends it once it has lasted. */
function hearIgnition(state: DeviceState, reading: Held): void {
  const { ignition, atMs } = reading;
  if (ignition === absent) return;
  const { trip } = state;
  if (ignition === 1) {
    state.ignitionOnAtMs = atMs;
    state.wiredAtMs = atMs;
    state.offHeardAtMs = never;
    if (trip !== undefined) trip.offAtMs = never;
    return;
  }
  const moves = step.moving && !judged.repeated;
  const isWired = state.wiredAtMs !== never;
  // "Off" from a moving car that never reported "on": the input is not wired.
  if (trip !== undefined && !isWired && moves) trip.ignitionDistrusted = true;
  if (trip?.offAtMs === never && (isWired || !trip.ignitionDistrusted)) {
    trip.offAtMs = atMs;
    copyTotals(trip.atOff, trip.totals);
  }
  state.ignitionOnAtMs = never;
  state.offHeardAtMs = atMs;
}

/** The totals that become final if the trip ends now for this reason. */
export function totalsAtEnd(trip: OpenTrip, reason: EndReason | undefined): Totals {
  if (reason === 'IGNITION') return trip.atOff;
  return reason === 'STANDSTILL' || trip.unprovenMm !== never ? trip.mark : trip.totals;
}

export function close(
  state: DeviceState,
  trip: OpenTrip,
  reason: EndReason,
  closesAtMs: number,
  {
    rules,
    zones,
    decidedBy,
    changes,
  }: { rules: Rules; zones: Zones; decidedBy: EventKey; changes: Change[] },
): void {
  const totals = totalsAtEnd(trip, reason);
  if (totals !== trip.totals) copyTotals(trip.totals, totals);
  finishAll({ trip, habits: habitsUnder(rules), decidedBy, changes });
  changes.push({
    type: 'tripClosed',
    trip: describeTrip(trip, trip.totals, closesAtMs, { reason, decidedBy }, rules, zones),
  });
  if (state.odometer.atMs !== never) state.odometer.roadMm += trip.roadMm;
  state.trip = undefined;
}

import type { Change, EndReason, TripFacts } from './changes.ts';
import type { CanonicalEvent } from './event.ts';
import { distanceMm } from './geo.ts';
import { countPending, finishAll, noFlag } from './habits/flags.ts';
import { flaggingMetrics } from './habits/registry.ts';
import { absent, forget, never, noReading, setFix } from './reading.ts';
import type { Rules } from './rules.ts';
import { type DeviceState, emptyState, type OpenTrip } from './state.ts';
import { describeTrip } from './trips/facts.ts';
import { believe, isSameHour, judgeFix, verdict, type Verdict } from './trips/fixes.ts';
import { grow, type Step } from './trips/grow.ts';
import { noteInterval, silenceThresholdMs } from './trips/intervals.ts';
import { copyTotals, emptyTotals } from './trips/totals.ts';
import type { Zones } from './zones.ts';

export { decodeState, encodeState } from './codec.ts';
export { emptyState } from './state.ts';
export type { DeviceState } from './state.ts';

/** What the fold asks for besides the events: the rules in force at an instant, and time zones. */
export interface FoldContext {
  readonly rulesAt: (atMs: number) => Rules;
  readonly zones: Zones;
}

const nothing: readonly Change[] = Object.freeze([]);
const dayMs = 86_400_000;

const judged: { verdict: Verdict; stepMm: number } = { verdict: verdict.none, stepMm: 0 };
const step: Step = {
  stayed: false,
  isFix: false,
  leapt: false,
  wayMm: 0,
  wayFromMs: 0,
  speedCkmh: absent,
  still: false,
  moving: false,
  zone: '',
  bridgedFromMs: 0,
};
let changes: Change[] = [];

/**
 * THE fold: takes one event into the device's state, in place, and says what it decided.
 *
 * Events come in the order of `compareKeys`, each once. The same events give the same state and the
 * same changes, always: no clock, no order of arrival, nothing of the machine has a say. Never
 * throws on a canonical event.
 */
export function advance(
  state: DeviceState,
  event: CanonicalEvent,
  context: FoldContext,
): readonly Change[] {
  if (changes.length > 0) changes = [];
  const { atMs } = event;
  const before = passTime(state, event, context);
  const rules = tripRules(state, context) ?? useRules(state, atMs, context);
  judgeFix(state, event, rules, judged);
  weigh(state, event, rules, before);
  noteSlowness(state, atMs, rules);
  if (state.trip !== undefined) continueTrip(state, state.trip, event, rules, context);
  else if (step.moving && step.isFix && atMs !== state.blockedAtMs) {
    open(state, event, rules, context);
  }
  settle(state, event, rules);
  if (step.isFix) believe(state, atMs, event.latE7 as number, event.lonE7 as number);
  hearIgnition(state, event, context);
  state.headAtMs = atMs;
  useRules(state, atMs, context);
  return changes.length > 0 ? changes : nothing;
}

/** What the interval since the last event says. */
interface Before {
  intervalMs: number;
  usualMs: number;
}
const passed: Before = { intervalMs: 0, usualMs: absent };

/** Lets the time since the last event pass: closes a trip that it ended, forgets what is too old. */
function passTime(state: DeviceState, event: CanonicalEvent, context: FoldContext): Before {
  const { atMs } = event;
  const { headAtMs, trip } = state;
  passed.intervalMs = atMs - headAtMs;
  passed.usualMs = state.usualMs;
  if (headAtMs === never) {
    passed.intervalMs = 0;
    return passed;
  }
  if (passed.intervalMs === 0) return passed;
  const rules = tripRules(state, context) ?? useRules(state, headAtMs, context);
  const thresholdMs = silenceThresholdMs(state, rules);
  const isSilence = passed.intervalMs >= thresholdMs;
  if (trip !== undefined) {
    if (isSilence) close(state, trip, 'SILENCE', event, headAtMs + thresholdMs, context);
    else if (atMs >= cutAtMs(trip, rules)) {
      close(state, trip, 'LENGTH', event, cutAtMs(trip, rules), context);
    }
  }
  if (isSilence) fallSilent(state, atMs, rules);
  if (passed.intervalMs > rules.longestIntervalMs) {
    const { rulesVersion, quietAtMs } = state;
    Object.assign(state, emptyState(), { rulesVersion, quietAtMs, rules: state.rules });
    passed.usualMs = absent;
  } else noteInterval(state, passed.intervalMs, rules);
  forgetOld(state, atMs, rules);
  return passed;
}

/** Notes whether the silence was how parking began, and that where it rested is over. */
function fallSilent(state: DeviceState, atMs: number, rules: Rules): void {
  const { standingFromMs } = state;
  const isParking =
    standingFromMs === never || state.headAtMs - standingFromMs < rules.quietWithinMs;
  if (isParking) state.quietAtMs = atMs;
  leavePlace(state);
}

/** A new rest begins with the next fix. */
function leavePlace(state: DeviceState): void {
  state.restingFromMs = never;
  state.standingFromMs = never;
  state.slowIntervals = 0;
  forget(state.place);
}

/** Erases what can act no longer, so that the same recent events leave the same bytes. */
function forgetOld(state: DeviceState, atMs: number, rules: Rules): void {
  state.blockedAtMs = never;
  if (state.ignitionOnAtMs !== never && atMs - state.ignitionOnAtMs > rules.ignitionBelievedMs) {
    state.ignitionOnAtMs = never;
  }
  if (state.quietAtMs !== never && atMs - state.quietAtMs > rules.quietBelievedMs) {
    state.quietAtMs = never;
  }
  // A longer rest says no more than one that is long enough for everything.
  const oldestMs = atMs - rules.longestSilenceMs;
  if (state.restingFromMs !== never) state.restingFromMs = Math.max(state.restingFromMs, oldestMs);
  if (state.standingFromMs !== never) {
    state.standingFromMs = Math.max(state.standingFromMs, oldestMs);
  }
  if (
    state.quietAtMs === never &&
    state.standingFromMs !== never &&
    atMs - state.standingFromMs >= rules.quietStandstillMs
  ) {
    state.slowIntervals = 0;
  }
  const { last, doubt, place } = state;
  if (last.atMs !== never && !isSameHour(last.atMs, atMs)) {
    if (doubt.atMs !== never) {
      forget(doubt);
      doubt.agreeing = 0;
    }
    if (state.trip === undefined) {
      forget(last);
      state.zone = '';
    }
  }
  if (state.trip === undefined && place.atMs !== never && !isSameHour(place.atMs, atMs)) {
    forget(place);
  }
}

/** Works out what the event says about movement, into `step`. */
function weigh(state: DeviceState, event: CanonicalEvent, rules: Rules, before: Before): void {
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
    before.usualMs === absent ? 0 : before.usualMs * rules.bridgeIntervals,
  );
  step.moving = isSpeed && speedCkmh >= rules.movingCkmh;
  // Without a trip and with the ignition off a speed is stale: only having gone somewhere moves.
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
  // At rest drift is no way; what lies between the place and the first moving fix is one.
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

/** Notes where the vehicle moved last or came to rest, and for how long it has rested. */
function settle(state: DeviceState, event: CanonicalEvent, rules: Rules): void {
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
    // It stands and reports as ever: its parking does not show by itself.
    state.quietAtMs = never;
  }
}

/** Counts slow intervals to the first signs of rest. */
function noteSlowness(state: DeviceState, atMs: number, rules: Rules): void {
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

function continueTrip(
  state: DeviceState,
  trip: OpenTrip,
  event: CanonicalEvent,
  rules: Rules,
  context: FoldContext,
): void {
  const { atMs } = event;
  if (state.zone === '') state.zone = context.zones.zoneAt(state.last.latE7, state.last.lonE7);
  step.zone = state.zone;
  const comesToRest = !step.moving && state.restingFromMs === never;
  if (!step.moving && !comesToRest && isParked(state, atMs, rules)) {
    copyTotals(trip.totals, trip.mark);
    close(state, trip, 'STANDSTILL', event, atMs, context);
    return;
  }
  // After a slow interval the rest began with the event before, not with this one.
  if (comesToRest && state.slowIntervals > 0) copyTotals(trip.mark, trip.totals);
  if (judged.verdict < verdict.none) {
    const { rejected } = trip.totals;
    rejected[judged.verdict] = (rejected[judged.verdict] as number) + 1;
  }
  grow(trip, event, step, rules, context.zones, changes);
  if (comesToRest && state.slowIntervals === 0) copyTotals(trip.mark, trip.totals);
}

/** Whether the rest under way is no stop any more. */
function isParked(state: DeviceState, atMs: number, rules: Rules): boolean {
  const { ignitionOnAtMs, standingFromMs } = state;
  // With the engine said to run it idles.
  if (ignitionOnAtMs !== never && atMs - ignitionOnAtMs <= rules.longestSilenceMs) return false;
  if (atMs - state.restingFromMs >= rules.longestSilenceMs) return true;
  if (ignitionOnAtMs !== never || standingFromMs === never) return false;
  if (state.slowIntervals >= rules.slowIntervals) return true;
  const isQuiet = state.quietAtMs !== never;
  return atMs - standingFromMs >= (isQuiet ? rules.quietStandstillMs : rules.standstillMs);
}

function open(
  state: DeviceState,
  event: CanonicalEvent,
  rules: Rules,
  { zones }: FoldContext,
): void {
  const { atMs } = event;
  const latE7 = event.latE7 as number;
  const lonE7 = event.lonE7 as number;
  step.zone = zones.zoneAt(latE7, lonE7);
  step.wayMm = 0;
  const trip: OpenTrip = {
    startedAtMs: atMs,
    anchorDigest: event.digest,
    startLatE7: latE7,
    startLonE7: lonE7,
    rulesVersion: `${rules.version}+${zones.version}`,
    deaf: false,
    totals: emptyTotals(atMs),
    mark: emptyTotals(atMs),
    stillFromMs: step.still ? atMs : never,
    speedAtMs: never,
    speedCkmh: 0,
    odometerAtMs: never,
    odometerM: 0,
    before: noReading(),
    at: noReading(),
    spare: noReading(),
    flags: flaggingMetrics.map(noFlag),
    rules,
    calendar: undefined,
  };
  state.trip = trip;
  grow(trip, event, step, rules, zones, changes);
}

/** The ignition's word: off ends a trip; on holds it together and is remembered for a while. */
function hearIgnition(state: DeviceState, event: CanonicalEvent, context: FoldContext): void {
  const { ignition, atMs } = event;
  if (ignition === undefined) return;
  const { trip } = state;
  if (ignition) {
    state.ignitionOnAtMs = atMs;
    return;
  }
  if (trip !== undefined) {
    // Off from a car that was never on and moves is an input that is not wired.
    if (state.ignitionOnAtMs === never && step.moving) trip.deaf = true;
    else if (state.ignitionOnAtMs !== never || !trip.deaf) {
      close(state, trip, 'IGNITION', event, atMs, context);
      leavePlace(state);
    }
  }
  state.ignitionOnAtMs = never;
}

function close(
  state: DeviceState,
  trip: OpenTrip,
  reason: EndReason,
  decidedBy: CanonicalEvent,
  closesAtMs: number,
  context: FoldContext,
): void {
  const rules = tripRules(state, context) as Rules;
  finishAll(trip, decidedBy, changes);
  const ending = { reason, decidedBy };
  const { totals } = trip;
  changes.push({
    type: 'tripClosed',
    trip: describeTrip(trip, totals, closesAtMs, ending, rules, context.zones),
  });
  state.trip = undefined;
  state.blockedAtMs = totals.lastAtMs;
}

/** The first UTC midnight at which the trip has run its longest. */
function cutAtMs(trip: OpenTrip, rules: Rules): number {
  return Math.ceil((trip.startedAtMs + rules.longTripMs) / dayMs) * dayMs;
}

/** A trip keeps the rules of its start. */
function tripRules({ trip }: DeviceState, { rulesAt }: FoldContext): Rules | undefined {
  if (trip === undefined) return undefined;
  return (trip.rules ??= rulesAt(trip.startedAtMs));
}

function useRules(state: DeviceState, atMs: number, { rulesAt, zones }: FoldContext): Rules {
  const rules = rulesAt(atMs);
  if (state.rules !== rules) {
    state.rules = rules;
    state.rulesVersion = `${rules.version}+${zones.version}`;
  }
  return rules;
}

/**
 * The facts of the trip under way as they stand after the last event: what they will be if nothing
 * more comes. Absent where no trip is open.
 */
export function openTrip(state: DeviceState, context: FoldContext): TripFacts | undefined {
  const { trip } = state;
  if (trip === undefined) return undefined;
  const rules = tripRules(state, context) as Rules;
  const totals = emptyTotals(trip.startedAtMs);
  copyTotals(totals, trip.totals);
  countPending(trip, totals);
  const closesAtMs = Math.min(
    state.headAtMs + silenceThresholdMs(state, rules),
    cutAtMs(trip, rules),
  );
  return describeTrip(trip, totals, closesAtMs, undefined, rules, context.zones);
}

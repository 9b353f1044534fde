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
import { copyTotals, emptyTotals, sumsOf } from './trips/totals.ts';
import { calendarOf } from './calendar.ts';
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
  if (state.trip !== undefined) continueTrip(state, state.trip, event, rules, context);
  if (state.trip === undefined) rest(state, event, rules, context);
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
    state.quietAtMs = atMs;
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
  if (passed.intervalMs > rules.longestIntervalMs) {
    const rulesVersion = state.rulesVersion;
    Object.assign(state, emptyState(), { rulesVersion, rules: state.rules });
    passed.usualMs = absent;
  } else {
    noteInterval(state, passed.intervalMs, rules);
    forgetOld(state, atMs, rules);
  }
  if (isSilence) state.quietAtMs = atMs;
  return passed;
}

/** Erases what can act no longer, so that the same recent events leave the same bytes. */
function forgetOld(state: DeviceState, atMs: number, rules: Rules): void {
  state.blockedAtMs = never;
  if (state.ignitionOnAtMs !== never && atMs - state.ignitionOnAtMs > rules.ignitionBelievedMs) {
    state.ignitionOnAtMs = never;
  }
  if (state.quietAtMs !== never && atMs - state.quietAtMs > rules.ignitionBelievedMs) {
    state.quietAtMs = never;
  }
  const { last, doubt } = state;
  if (last.atMs !== never && !isSameHour(last.atMs, atMs)) {
    if (doubt.atMs !== never) {
      forget(doubt);
      doubt.agreeing = 0;
    }
    if (state.trip === undefined) {
      forget(last);
      forget(state.rest);
      state.zone = '';
    }
  }
}

/** Works out what the event says about movement, into `step`. */
function weigh(state: DeviceState, event: CanonicalEvent, rules: Rules, before: Before): void {
  const { last, trip } = state;
  const { verdict: worth } = judged;
  step.isFix = worth >= verdict.believed;
  step.leapt = worth === verdict.leapt;
  const { speedCkmh } = event;
  step.speedCkmh =
    speedCkmh !== undefined &&
    worth >= verdict.none &&
    speedCkmh >= 0 &&
    speedCkmh <= rules.fastestCkmh
      ? speedCkmh
      : absent;
  step.bridgedFromMs = Math.max(
    rules.bridgeFromMs,
    before.usualMs === absent ? 0 : before.usualMs * rules.bridgeIntervals,
  );
  step.moving = step.speedCkmh !== absent && step.speedCkmh >= rules.movingCkmh;
  step.wayMm = step.leapt ? 0 : judged.stepMm;
  step.wayFromMs = last.atMs;
  if (trip === undefined) {
    weighRest(state, event, rules);
    return;
  }
  // Where the trip rests, drift adds no way until the car has really gone; see `place`.
  const resting = trip.restingFromMs !== never;
  const { place } = trip;
  const anew = step.isFix && (step.leapt || !isSameHour(place.atMs, event.atMs));
  if (step.isFix && !anew && !step.moving && (resting || step.speedCkmh === absent)) {
    step.moving =
      distanceMm(place.latE7, place.lonE7, event.latE7 as number, event.lonE7 as number) >=
      rules.movingMm;
  }
  if (resting && step.isFix && !step.leapt) {
    step.wayMm = step.moving
      ? distanceMm(place.latE7, place.lonE7, event.latE7 as number, event.lonE7 as number)
      : 0;
  }
  if (step.isFix && step.speedCkmh === absent) {
    const elapsedMs = event.atMs - last.atMs;
    // mm/ms * 360 = 0.01 km/h.
    step.still = !step.moving && judged.stepMm * 360 < rules.movingCkmh * elapsedMs;
  } else if (step.speedCkmh !== absent) step.still = step.speedCkmh < rules.stillCkmh;
  else step.still = trip.stillFromMs !== never;
}

/** Whether a device without a trip has begun to move. */
function weighRest(state: DeviceState, event: CanonicalEvent, rules: Rules): void {
  const { rest } = state;
  if (!step.isFix) {
    step.moving = false;
    return;
  }
  // With the ignition off a speed is a stale one; only having gone somewhere is moving.
  if (event.ignition === false) step.moving = false;
  if (!step.moving && rest.atMs !== never && !step.leapt && isSameHour(rest.atMs, event.atMs)) {
    step.moving =
      distanceMm(rest.latE7, rest.lonE7, event.latE7 as number, event.lonE7 as number) >=
      rules.movingMm;
  }
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
  if (step.moving) {
    trip.restingFromMs = never;
    trip.standingFromMs = never;
    trip.slowIntervals = 0;
  } else if (trip.restingFromMs !== never) {
    if (passed.intervalMs > 0) trip.slowIntervals = isSlow(rules) ? trip.slowIntervals + 1 : 0;
    if (isParked(state, trip, atMs, rules)) {
      copyTotals(trip.totals, trip.mark);
      const { place } = trip;
      close(state, trip, 'STANDSTILL', event, atMs, context);
      if (isSameHour(place.atMs, atMs)) setFix(state.rest, place.atMs, place.latE7, place.lonE7);
      return;
    }
  }
  if (judged.verdict < verdict.none) {
    const { rejected } = trip.totals;
    rejected[judged.verdict] = (rejected[judged.verdict] as number) + 1;
  }
  grow(trip, event, step, rules, context.zones, changes);
  settle(trip, event, step);
}

/** Notes where the trip moved last or came to rest. */
function settle(trip: OpenTrip, event: CanonicalEvent, { moving, isFix, leapt, speedCkmh }: Step) {
  const { place } = trip;
  const { atMs } = event;
  const isEvidence = !moving && (isFix || speedCkmh !== absent);
  const comesToStand = isEvidence && trip.standingFromMs === never;
  if (isFix && (moving || leapt || comesToStand || !isSameHour(place.atMs, atMs))) {
    setFix(place, atMs, event.latE7 as number, event.lonE7 as number);
  }
  if (moving) return;
  if (comesToStand) trip.standingFromMs = atMs;
  if (trip.restingFromMs !== never) return;
  trip.restingFromMs = atMs;
  copyTotals(trip.mark, trip.totals);
}

function isSlow(rules: Rules): boolean {
  return (
    passed.usualMs !== absent &&
    passed.intervalMs >= Math.max(rules.slowFromMs, passed.usualMs * rules.slowFactor)
  );
}

/** Whether what the trip rests in is no stop any more. */
function isParked(state: DeviceState, trip: OpenTrip, atMs: number, rules: Rules): boolean {
  const { ignitionOnAtMs } = state;
  // With the engine said to run it idles.
  if (ignitionOnAtMs !== never && atMs - ignitionOnAtMs <= rules.longStandstillMs) return false;
  if (atMs - trip.restingFromMs >= rules.longStandstillMs) return true;
  if (ignitionOnAtMs !== never || trip.standingFromMs === never) return false;
  if (trip.slowIntervals >= rules.slowIntervals) return true;
  return !trip.quiet && atMs - trip.standingFromMs >= rules.shortStandstillMs;
}

/** Takes an event while no trip is open: it opens one, or shows where the device rests. */
function rest(state: DeviceState, event: CanonicalEvent, rules: Rules, context: FoldContext): void {
  if (!step.isFix) return;
  const { atMs } = event;
  const latE7 = event.latE7 as number;
  const lonE7 = event.lonE7 as number;
  if (step.moving && atMs !== state.blockedAtMs) {
    open(state, event, rules, context);
    return;
  }
  const { rest } = state;
  if (rest.atMs === never || step.leapt || !isSameHour(rest.atMs, atMs)) {
    setFix(rest, atMs, latE7, lonE7);
  }
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
  const zone = zones.zoneAt(latE7, lonE7);
  step.zone = zone;
  step.wayMm = 0;
  step.still = step.speedCkmh !== absent && step.speedCkmh < rules.stillCkmh;
  const totals = emptyTotals(atMs);
  const calendar = calendarOf(zones, rules);
  sumsOf(totals, calendar.spanAt(zone, atMs).day);
  const trip: OpenTrip = {
    startedAtMs: atMs,
    anchorDigest: event.digest,
    startLatE7: latE7,
    startLonE7: lonE7,
    rulesVersion: `${rules.version}+${zones.version}`,
    quiet: state.quietAtMs !== never,
    deaf: false,
    totals,
    restingFromMs: never,
    standingFromMs: never,
    mark: emptyTotals(atMs),
    place: { atMs, latE7, lonE7 },
    stillFromMs: step.still ? atMs : never,
    slowIntervals: 0,
    speedAtMs: never,
    speedCkmh: 0,
    odometerAtMs: never,
    odometerM: 0,
    before: noReading(),
    at: noReading(),
    spare: noReading(),
    flags: flaggingMetrics.map(noFlag),
    rules,
    calendar,
  };
  state.trip = trip;
  state.quietAtMs = never;
  forget(state.rest);
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
  forget(state.rest);
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

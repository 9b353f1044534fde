import type { Change, EndReason, TripFacts, UntrackedFacts } from './changes.ts';
import { close as closeChecked, cutAtMs, follow, isOff, totalsAtEnd } from './checked/follow.ts';
import { emptyHeld, type Held, isReady, mergeEvent } from './checked/held.ts';
import { endCarried } from './checked/untracked.ts';
import { decodeState, encodeState } from './codec.ts';
import type { CanonicalEvent } from './event.ts';
import { countPending, finishAll, noFlag } from './habits/flags.ts';
import { flaggingMetrics, habitsUnder } from './habits/registry.ts';
import { absent, forget, never, noReading } from './reading.ts';
import { type Checks, firstCheckedRules, type Rules } from './rules.ts';
import { type DeviceState, emptyState, type OpenTrip } from './state.ts';
import { describeTrip } from './trips/facts.ts';
import { believe, isSameHour, judgeFix, type Judgement, verdict } from './trips/fixes.ts';
import { fillReading, grow, type Grown } from './trips/grow.ts';
import {
  isParked,
  leavePlace,
  noStep,
  noteSlowness,
  type Passed,
  settleMovement,
  weigh,
} from './trips/movement.ts';
import { noteInterval, silenceThresholdMs } from './trips/intervals.ts';
import { copyTotals, emptyTotals } from './trips/totals.ts';
import type { Zones } from './zones.ts';

export { decodeState, encodeState };
export { emptyState } from './state.ts';
export type { DeviceState } from './state.ts';

/** What the fold needs besides the events: the rules at an instant, and their time zones. */
export interface FoldContext {
  readonly rulesAt: (atMs: number) => Rules;
  /** Zone data of the release that the rules name; without a name, the data of the first rules. */
  readonly zonesOf: (zoneData: string | undefined) => Zones;
}

const nothing: readonly Change[] = Object.freeze([]);

// Scratch objects for the current event, shared by all calls: a call is never interrupted.
const judged: Judgement = { verdict: verdict.none, stepMm: 0 };
const passed: Passed = { intervalMs: 0, usualMs: absent };
const step = noStep();
let changes: Change[] = [];

/**
 * THE fold: adds one event to the device's state, in place, and returns what it decided.
 *
 * Call it with the events in the order of `compareKeys`, each once. The same events always give the
 * same state and the same changes; the clock, the order of arrival and the machine have no
 * influence. Never throws on a canonical event.
 *
 * @returns the changes; later calls do not overwrite them. An empty result is one frozen array.
 */
export function advance(
  state: DeviceState,
  event: CanonicalEvent,
  context: FoldContext,
): readonly Change[] {
  if (changes.length > 0) changes = [];
  const rules = tripRules(state, context) ?? context.rulesAt(event.atMs);
  if (rules.checks === undefined) {
    if (state.held.length > 0) followAll(state, event, context);
    takeUnchecked(state, event, context);
  } else takeChecked(state, event, rules, rules.checks, context);
  return changes.length > 0 ? changes : nothing;
}

/** Versions 1 and 2: each event counts immediately. */
function takeUnchecked(state: DeviceState, event: CanonicalEvent, context: FoldContext): void {
  const { atMs } = event;
  passTime(state, event, context);
  const rules = tripRules(state, context) ?? useRules(state, atMs, context);
  judgeFix(state, event, rules, judged);
  weigh(step, judged, passed, state, event, rules);
  noteSlowness(step, passed, state, atMs, rules);
  if (state.trip !== undefined) continueTrip(state, state.trip, event, rules, context);
  else if (step.moving && step.isFix && atMs !== state.blockedAtMs) {
    open(state, event, rules, context);
  }
  settleMovement(step, state, event, rules);
  if (step.isFix) believe(state, atMs, event.latE7 as number, event.lonE7 as number);
  hearIgnition(state, event, context);
  state.headAtMs = atMs;
  useRules(state, atMs, context);
}

/** From version 3: adds an event to the reading of its instant, which waits for later readings. */
function takeChecked(
  state: DeviceState,
  event: CanonicalEvent,
  rules: Rules,
  checks: Checks,
  context: FoldContext,
): void {
  const { atMs, digest } = event;
  const { held } = state;
  useRules(state, atMs, context);
  const newest = held[held.length - 1];
  if (newest?.atMs === atMs) mergeEvent(newest, event, rules);
  else {
    const { headAtMs, usualMs } = state;
    const intervalMs = headAtMs === never ? 0 : atMs - headAtMs;
    if (intervalMs > 0) passInterval(state, intervalMs, event, rules, checks, context);
    const isGap = intervalMs > rules.longestIntervalMs;
    const reading = emptyHeld(atMs, digest, intervalMs, isGap ? absent : usualMs);
    mergeEvent(reading, event, rules);
    held.push(reading);
    state.headAtMs = atMs;
  }
  while (isReady(held, state.trip !== undefined, rules)) followOldest(state, event, context);
}

function followOldest(state: DeviceState, event: CanonicalEvent, context: FoldContext): void {
  const { atMs } = state.held[0] as Held;
  const rules = tripRules(state, context) ?? checkedRulesAt(atMs, event.atMs, context);
  follow(state, {
    decidedBy: event,
    rules,
    checks: rules.checks as Checks,
    zones: context.zonesOf(rules.zoneData),
    changes,
  });
}

/** Held readings are checked even if the rules went back to a version without checks. */
function checkedRulesAt(atMs: number, nextMs: number, { rulesAt }: FoldContext): Rules {
  for (const rules of [rulesAt(atMs), rulesAt(nextMs)])
    if (rules.checks !== undefined) return rules;
  return firstCheckedRules;
}

function followAll(state: DeviceState, event: CanonicalEvent, context: FoldContext): void {
  while (state.held.length > 0) followOldest(state, event, context);
}

/** Handles the time between two instants: a silence ends a trip, a long gap resets most state. */
function passInterval(
  state: DeviceState,
  intervalMs: number,
  event: CanonicalEvent,
  rules: Rules,
  checks: Checks,
  context: FoldContext,
): void {
  const { atMs } = event;
  const { headAtMs } = state;
  const thresholdMs = silenceThresholdMs(state, rules);
  if (intervalMs >= thresholdMs) {
    followAll(state, event, context);
    const following = {
      decidedBy: event,
      rules,
      checks,
      zones: context.zonesOf(rules.zoneData),
      changes,
    };
    const { trip } = state;
    if (trip !== undefined) {
      const isIgnition = isOff(trip, atMs, checks);
      const closesAtMs = isIgnition ? trip.offAtMs + checks.leastOffMs : headAtMs + thresholdMs;
      closeChecked(state, trip, isIgnition ? 'IGNITION' : 'SILENCE', closesAtMs, following);
    }
    endCarried(state, following);
    fallSilent(state, atMs, rules);
  }
  if (intervalMs > rules.longestIntervalMs) {
    const { rulesVersion, quietAtMs, ignitionOnAtMs, wiredAtMs, offHeardAtMs, seen, odometer } =
      state;
    const kept = {
      rulesVersion,
      quietAtMs,
      ignitionOnAtMs,
      wiredAtMs,
      offHeardAtMs,
      seen,
      odometer,
    };
    const { held } = state;
    Object.assign(state, emptyState(), kept, { held, headAtMs, rules: state.rules });
  } else noteInterval(state, intervalMs, rules);
}

/** Handles the time since the last event: closes a trip that it ended, erases what is too old. */
function passTime(state: DeviceState, event: CanonicalEvent, context: FoldContext): void {
  const { atMs } = event;
  const { headAtMs, trip } = state;
  passed.intervalMs = atMs - headAtMs;
  passed.usualMs = state.usualMs;
  if (headAtMs === never) {
    passed.intervalMs = 0;
    return;
  }
  if (passed.intervalMs === 0) return;
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
}

/** Records whether the device fell silent because it parked, and forgets the resting place. */
function fallSilent(state: DeviceState, atMs: number, rules: Rules): void {
  const { standingFromMs } = state;
  const isParking =
    standingFromMs === never || state.headAtMs - standingFromMs < rules.quietWithinMs;
  if (isParking) state.quietAtMs = atMs;
  leavePlace(state);
}

/** Erases what can no longer have an effect, so that equal recent events leave equal bytes. */
function forgetOld(state: DeviceState, atMs: number, rules: Rules): void {
  state.blockedAtMs = never;
  if (state.ignitionOnAtMs !== never && atMs - state.ignitionOnAtMs > rules.ignitionBelievedMs) {
    state.ignitionOnAtMs = never;
  }
  if (state.quietAtMs !== never && atMs - state.quietAtMs > rules.quietBelievedMs) {
    state.quietAtMs = never;
  }
  // A rest longer than every threshold has the same effect as one at the longest threshold.
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

function continueTrip(
  state: DeviceState,
  trip: OpenTrip,
  event: CanonicalEvent,
  rules: Rules,
  context: FoldContext,
): void {
  const { atMs } = event;
  const zones = context.zonesOf(rules.zoneData);
  if (state.zone === '') state.zone = zones.zoneAt(state.last.latE7, state.last.lonE7);
  step.zone = state.zone;
  const comesToRest = !step.moving && state.restingFromMs === never;
  if (!step.moving && !comesToRest && isParked(state, atMs, rules)) {
    copyTotals(trip.totals, trip.mark);
    close(state, trip, 'STANDSTILL', event, atMs, context);
    return;
  }
  // After a slow interval the rest began at the previous event, not at this one.
  if (comesToRest && state.slowIntervals > 0) copyTotals(trip.mark, trip.totals);
  if (judged.verdict < verdict.none) {
    const { rejected } = trip.totals;
    rejected[judged.verdict] = (rejected[judged.verdict] as number) + 1;
  }
  fillReading(trip.spare, event, step);
  grow(trip, single(event), step, rules, zones, changes);
  if (comesToRest && state.slowIntervals === 0) copyTotals(trip.mark, trip.totals);
}

function open(
  state: DeviceState,
  event: CanonicalEvent,
  rules: Rules,
  { zonesOf }: FoldContext,
): void {
  const { atMs } = event;
  const zones = zonesOf(rules.zoneData);
  const latE7 = event.latE7 as number;
  const lonE7 = event.lonE7 as number;
  step.zone = zones.zoneAt(latE7, lonE7);
  step.wayMm = 0;
  const trip: OpenTrip = {
    startedAtMs: atMs,
    anchorDigest: event.digest,
    startLatE7: latE7,
    startLonE7: lonE7,
    timeZone: '',
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
    calendar: undefined,
  };
  state.trip = trip;
  fillReading(trip.spare, event, step);
  grow(trip, single(event), step, rules, zones, changes);
}

/** Applies the ignition state: off ends a trip; on keeps it open and is remembered for a while. */
function hearIgnition(state: DeviceState, event: CanonicalEvent, context: FoldContext): void {
  const { ignition, atMs } = event;
  if (ignition === undefined) return;
  const { trip } = state;
  if (ignition) {
    state.ignitionOnAtMs = atMs;
    return;
  }
  if (trip !== undefined) {
    // "Off" from a moving car that never reported "on": the input is not wired.
    if (state.ignitionOnAtMs === never && step.moving) trip.ignitionDistrusted = true;
    else if (state.ignitionOnAtMs !== never || !trip.ignitionDistrusted) {
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
  finishAll({ trip, habits: habitsUnder(rules), decidedBy, changes });
  const ending = { reason, decidedBy };
  const { totals } = trip;
  changes.push({
    type: 'tripClosed',
    trip: describeTrip(trip, totals, closesAtMs, ending, rules, context.zonesOf(rules.zoneData)),
  });
  state.trip = undefined;
  state.blockedAtMs = totals.lastAtMs;
}

/** A trip keeps the rules of its start. */
function tripRules({ trip }: DeviceState, { rulesAt }: FoldContext): Rules | undefined {
  if (trip === undefined) return undefined;
  return (trip.rules ??= rulesAt(trip.startedAtMs));
}

function useRules(state: DeviceState, atMs: number, { rulesAt, zonesOf }: FoldContext): Rules {
  const rules = rulesAt(atMs);
  if (state.rules !== rules) {
    state.rules = rules;
    state.rulesVersion = `${rules.version}+${zonesOf(rules.zoneData).version}`;
  }
  return rules;
}

/**
 * The facts of the open trip after the last event: what they will be if no further event comes.
 * Undefined if no trip is open.
 */
export function openTrip(state: DeviceState, context: FoldContext): TripFacts | undefined {
  if (state.held.length > 0) return expected(state, context).openTrip;
  const { trip } = state;
  if (trip === undefined) return undefined;
  const rules = tripRules(state, context) as Rules;
  const totals = emptyTotals(trip.startedAtMs);
  copyTotals(totals, trip.totals);
  countPending(trip, habitsUnder(rules), totals);
  const closesAtMs = Math.min(
    state.headAtMs + silenceThresholdMs(state, rules),
    cutAtMs(trip, rules),
  );
  return describeTrip(trip, totals, closesAtMs, undefined, rules, context.zonesOf(rules.zoneData));
}

/** What the fold would return if no further event came: none of it is decided yet. */
export interface Expected {
  readonly openTrip: TripFacts | undefined;
  readonly untracked: readonly UntrackedFacts[];
}

/** The result if no further event comes: held readings are processed as they are. */
export function expected(state: DeviceState, context: FoldContext): Expected {
  if (state.held.length === 0) return { openTrip: openTrip(state, context), untracked: [] };
  const ahead = decodeState(encodeState(state)) as DeviceState;
  const decided = changes;
  changes = [];
  const trip = followAhead(ahead, context);
  const untracked = changes.flatMap((change) => {
    if (change.type !== 'untracked') return [];
    const { decidedBy: _, ...facts } = change.untracked;
    return [facts];
  });
  changes = decided;
  return { openTrip: trip, untracked };
}

/** Processes the held readings, up to where the open trip would end. */
function followAhead(ahead: DeviceState, context: FoldContext): TripFacts | undefined {
  const newest = ahead.held[ahead.held.length - 1] as Held;
  const event = { atMs: newest.atMs, digest: newest.lastDigest };
  while (ahead.held.length > 0) {
    followOldest(ahead, event, context);
    const closed = changes.find((change) => change.type === 'tripClosed');
    if (closed === undefined) continue;
    const { decidedBy: _, ...facts } = closed.trip;
    return facts;
  }
  const { trip } = ahead;
  if (trip === undefined) return undefined;
  const rules = tripRules(ahead, context) as Rules;
  const { leastOffMs } = rules.checks as Checks;
  const isIgnition = trip.offAtMs !== never;
  const totals = totalsAtEnd(trip, isIgnition ? 'IGNITION' : undefined);
  countPending(trip, habitsUnder(rules), totals);
  const closesAtMs = Math.min(
    ahead.headAtMs + silenceThresholdMs(ahead, rules),
    cutAtMs(trip, rules),
    isIgnition ? trip.offAtMs + leastOffMs : Infinity,
  );
  const ending = isIgnition ? { reason: 'IGNITION' as const, decidedBy: undefined } : undefined;
  return describeTrip(trip, totals, closesAtMs, ending, rules, context.zonesOf(rules.zoneData));
}

/** An event that is the only one of its instant. */
function single(event: CanonicalEvent): Grown {
  return { last: event, events: 1, odometerM: event.odometerM ?? absent, decidedBy: event };
}

import { type Calendar, calendarOf, type LocalSpan } from '../calendar.ts';
import type { Change } from '../changes.ts';
import type { CanonicalEvent } from '../event.ts';
import { watch } from '../habits/flags.ts';
import type { During } from '../habits/metric.ts';
import { type Habits, habitsUnder } from '../habits/registry.ts';
import { absent, never, type Reading } from '../reading.ts';
import type { Rules } from '../rules.ts';
import type { OpenTrip } from '../state.ts';
import type { Zones } from '../zones.ts';
import {
  addToHour,
  mmAM,
  partOf,
  slot,
  speedUnitsAM,
  speedUnitsAMm,
  sumsOf,
  type Totals,
} from './totals.ts';

/** What an event of an open trip turned out to say. */
export interface Step {
  /** The position was believed, … */
  isFix: boolean;
  /** … though no car could have come to it: it adds no kilometres. */
  leapt: boolean;
  /** Way to add to the positions' distance. */
  wayMm: number;
  /** The position is where the last one was, by and large. */
  stayed: boolean;
  /** When the last believed position was before this one. */
  wayFromMs: number;
  /** The believed speed or `absent`. */
  speedCkmh: number;
  /** The vehicle stands still, as far as is known. */
  still: boolean;
  moving: boolean;
  /** Zone of the last position believed before this event. */
  zone: string;
  /** A longer stretch is a silence that the distance bridges. */
  bridgedFromMs: number;
}

/** A step that says nothing yet. */
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

/** Adds an event to its trip. */
export function grow(
  trip: OpenTrip,
  event: CanonicalEvent,
  step: Step,
  rules: Rules,
  zones: Zones,
  changes: Change[],
): void {
  const { totals } = trip;
  const { atMs } = event;
  const calendar = (trip.calendar ??= calendarOf(zones, rules));
  const habits = habitsUnder(rules);
  const fromMs = totals.lastAtMs;
  const reading = read(trip.spare, event, step);
  totals.events += 1;
  if (atMs > fromMs) {
    addTime(trip, fromMs, atMs, step, reading, rules, habits, calendar);
  }
  if (step.isFix) addFix(trip, event, step, atMs, habits, calendar);
  if (step.speedCkmh !== absent) addSpeed(trip, step, atMs, habits, calendar);
  if (event.odometerM !== undefined)
    addOdometer(trip, event.odometerM, step, atMs, rules, habits, calendar);
  totals.lastAtMs = atMs;
  totals.lastDigest = event.digest;
  if (atMs > trip.at.atMs) {
    const dayOf = (at: number) => calendar.spanAt(step.zone, at).day;
    watch(reading, { trip, habits, decidedBy: event, dayOf, changes });
    trip.spare = trip.before;
    trip.before = trip.at;
    trip.at = reading;
  }
}

/** Fills the spare reading; what was not believed is not in it. */
function read(reading: Reading, event: CanonicalEvent, step: Step): Reading {
  reading.atMs = event.atMs;
  reading.latE7 = step.isFix ? (event.latE7 ?? absent) : absent;
  reading.lonE7 = step.isFix ? (event.lonE7 ?? absent) : absent;
  reading.speedCkmh = step.speedCkmh;
  reading.headingDdeg = step.isFix ? (event.headingDdeg ?? absent) : absent;
  reading.accelForwardMmps2 = event.accelForwardMmps2 ?? absent;
  reading.accelLeftMmps2 = event.accelLeftMmps2 ?? absent;
  reading.speedLimitCkmh = event.speedLimitCkmh ?? absent;
  reading.phoneInUse = event.phoneInUse === undefined ? absent : event.phoneInUse ? 1 : 0;
  return reading;
}

const during: During = { night: false, still: false };

function addTime(
  trip: OpenTrip,
  fromMs: number,
  toMs: number,
  step: Step,
  reading: Reading,
  rules: Rules,
  { times, ways }: Habits,
  calendar: Calendar,
): void {
  const { totals, stillFromMs } = trip;
  const still = stillFromMs !== never && step.still && !step.moving;
  for (let atMs = fromMs; atMs < toMs;) {
    const span = calendar.spanAt(step.zone, atMs);
    const endMs = Math.min(toMs, span.toMs);
    const sums = sumsOf(totals, span.day);
    const pieceMs = endMs - atMs;
    sums[slot.durationMs] = (sums[slot.durationMs] as number) + pieceMs;
    if (!still) sums[slot.movingMs] = (sums[slot.movingMs] as number) + pieceMs;
    during.night = span.night;
    during.still = still;
    for (let i = 0; i < times.length; i++) {
      if (times[i]?.(trip.at, reading, during) !== true) continue;
      sums[slot.measures + i] = (sums[slot.measures + i] as number) + pieceMs;
    }
    for (let i = 0; i < ways.length; i++) {
      if (ways[i]?.(trip.at, reading, during) !== true) continue;
      if (trip.at.speedCkmh === absent || reading.speedCkmh === absent) continue;
      const twiceCkmh = trip.at.speedCkmh + reading.speedCkmh;
      const to = slot.measures + times.length + i;
      const wayMm = mmOf(twiceCkmh, endMs - fromMs) - mmOf(twiceCkmh, atMs - fromMs);
      sums[to] = (sums[to] as number) + wayMm;
    }
    atMs = endMs;
  }
  if (still && toMs - stillFromMs >= rules.idleFromMs) {
    // It has become idling: from its beginning if it was a mere stop until now.
    const idleFromMs = fromMs - stillFromMs >= rules.idleFromMs ? fromMs : stillFromMs;
    share(totals, calendar, step.zone, idleFromMs, toMs, toMs - idleFromMs, slot.idleMs, absent);
  }
  if (!step.still) trip.stillFromMs = never;
  else if (!still) trip.stillFromMs = toMs;
}

/** Whole millimetres of so much time at twice a mean speed of so many 0.01 km/h. */
function mmOf(twiceCkmh: number, ms: number): number {
  return Math.floor((twiceCkmh * ms) / speedUnitsAMm);
}

/**
 * Shares out a whole amount by time over the local days of a stretch; what falls to a cut is the
 * floor of the cumulative amount, so the parts always add up.
 */
function share(
  totals: Totals,
  calendar: Calendar,
  zone: string,
  fromMs: number,
  toMs: number,
  amount: number,
  to: number,
  nightTo: number,
  rest = 0,
  unit = 1,
  /** The source of the way where it is kept by hour, too. */
  hourTo: number = absent,
): void {
  let given = Math.floor(rest / unit);
  let atMs = fromMs;
  let span: LocalSpan;
  do {
    span = calendar.spanAt(zone, atMs);
    const isLast = toMs <= span.toMs;
    const passed = isLast ? amount : Math.floor((amount * (span.toMs - fromMs)) / (toMs - fromMs));
    const whole = Math.floor((rest + passed) / unit);
    const part = partOf(totals, span.day);
    const { sums } = part;
    sums[to] = (sums[to] as number) + whole - given;
    if (hourTo !== absent && whole > given) addToHour(part, span.hour, hourTo, whole - given);
    if (span.night && nightTo !== absent) {
      sums[nightTo] = (sums[nightTo] as number) + whole - given;
    }
    given = whole;
    atMs = span.toMs;
  } while (atMs < toMs);
}

function addFix(
  trip: OpenTrip,
  event: CanonicalEvent,
  step: Step,
  atMs: number,
  habits: Habits,
  calendar: Calendar,
): void {
  const { totals } = trip;
  totals.fixes += 1;
  if (step.speedCkmh !== absent) totals.speedFixes += 1;
  totals.endLatE7 = event.latE7 ?? 0;
  totals.endLonE7 = event.lonE7 ?? 0;
  if (step.wayMm === 0) return;
  const rest = totals.gpsRestMm;
  // Positions of one instant lie at one place, so a way takes time.
  share(
    totals,
    calendar,
    step.zone,
    step.wayFromMs,
    atMs,
    step.wayMm,
    slot.gpsM,
    slot.gpsNightM,
    rest,
    mmAM,
    habits.hours ? 0 : absent,
  );
  totals.gpsRestMm = (rest + step.wayMm) % mmAM;
  if (atMs - step.wayFromMs > step.bridgedFromMs) totals.gpsBridgedMm += step.wayMm;
}

function addSpeed(
  trip: OpenTrip,
  step: Step,
  atMs: number,
  habits: Habits,
  calendar: Calendar,
): void {
  const { totals, speedAtMs } = trip;
  if (step.speedCkmh > totals.maxSpeedCkmh) totals.maxSpeedCkmh = step.speedCkmh;
  if (speedAtMs !== never && !step.leapt && atMs > speedAtMs) {
    // Across a silence speeds do not tell when the vehicle stopped, but where it did.
    const isBridged = atMs - speedAtMs > step.bridgedFromMs;
    const units =
      isBridged && step.stayed ? 0 : (trip.speedCkmh + step.speedCkmh) * (atMs - speedAtMs);
    const rest = totals.speedRestUnits;
    share(
      totals,
      calendar,
      step.zone,
      speedAtMs,
      atMs,
      units,
      slot.speedM,
      slot.speedNightM,
      rest,
      speedUnitsAM,
      habits.hours ? 1 : absent,
    );
    totals.speedRestUnits = (rest + units) % speedUnitsAM;
    if (isBridged) totals.speedBridgedUnits += units;
  }
  trip.speedAtMs = atMs;
  trip.speedCkmh = step.speedCkmh;
}

function addOdometer(
  trip: OpenTrip,
  odometerM: number,
  step: Step,
  atMs: number,
  rules: Rules,
  habits: Habits,
  calendar: Calendar,
): void {
  const { totals, odometerAtMs } = trip;
  if (odometerAtMs !== never) {
    const elapsedMs = atMs - odometerAtMs;
    const wayM = odometerM - trip.odometerM;
    // An odometer may count whole kilometres.
    const mostM = (rules.jumpMmps * elapsedMs) / 1_000_000 + 1_000;
    if (wayM < 0 || wayM > mostM) totals.odometerBroken = 1;
    else if (elapsedMs > 0 && wayM > 0) {
      share(
        totals,
        calendar,
        step.zone,
        odometerAtMs,
        atMs,
        wayM,
        slot.odometerM,
        slot.odometerNightM,
        0,
        1,
        habits.hours ? 2 : absent,
      );
      if (elapsedMs > step.bridgedFromMs) totals.odometerBridgedM += wayM;
    } else if (wayM > 0) totals.odometerBroken = 1;
    totals.odometerCoveredMs += elapsedMs;
  }
  trip.odometerAtMs = atMs;
  trip.odometerM = odometerM;
}

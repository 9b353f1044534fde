import { type Calendar, calendarOf, type LocalSpan } from '../calendar.ts';
import type { Change } from '../changes.ts';
import type { CanonicalEvent, EventKey } from '../event.ts';
import { watch } from '../habits/flags.ts';
import { type During, longestStepMs } from '../habits/metric.ts';
import { type Habits, habitsUnder } from '../habits/registry.ts';
import { absent, never, noReading, type Reading } from '../reading.ts';
import type { Rules } from '../rules.ts';
import type { OpenTrip } from '../state.ts';
import type { Zones } from '../zones.ts';
import { noStep, type Step } from './movement.ts';
import {
  addToHour,
  mmAM,
  partOf,
  slot,
  speedUnitsAM,
  speedUnitsAMm,
  sumsOf,
  sumsOfWay,
  type Totals,
} from './totals.ts';

/** One or more events of one instant, with the key of the last of them. */
export interface Grown {
  readonly last: EventKey;
  readonly events: number;
  /** The odometer reading to use, or `absent`. */
  readonly odometerM: number;
  /** The event being processed, recorded as the one that decided a finding. */
  readonly decidedBy: EventKey;
}

/** Adds `trip.spare` and `step`, which describe one instant, to the trip. */
export function grow(
  trip: OpenTrip,
  { last, events, odometerM, decidedBy }: Grown,
  step: Step,
  rules: Rules,
  zones: Zones,
  changes: Change[],
): void {
  const { totals, spare: reading } = trip;
  const { atMs } = last;
  const calendar = (trip.calendar ??= calendarOf(zones, rules));
  const habits = habitsUnder(rules);
  const fromMs = totals.lastAtMs;
  totals.events += events;
  if (atMs > fromMs) {
    addTime(trip, fromMs, atMs, step, reading, rules, habits, calendar);
  }
  if (step.isFix) addFix(trip, reading, step, habits, calendar);
  if (step.speedCkmh !== absent) addSpeed(trip, step, atMs, habits, calendar);
  if (odometerM !== absent) addOdometer(trip, odometerM, step, atMs, rules, habits, calendar);
  totals.lastAtMs = atMs;
  totals.lastDigest = last.digest;
  if (atMs > trip.at.atMs) {
    const dayOf = (at: number) => calendar.spanAt(step.zone, at).day;
    watch(reading, { trip, habits, decidedBy, dayOf, changes });
    trip.spare = trip.before;
    trip.before = trip.at;
    trip.at = reading;
  }
}

/** Fills a reading from an event; rejected values are left out. */
export function fillReading(reading: Reading, event: CanonicalEvent, step: Step): void {
  reading.atMs = event.atMs;
  reading.latE7 = step.isFix ? (event.latE7 ?? absent) : absent;
  reading.lonE7 = step.isFix ? (event.lonE7 ?? absent) : absent;
  reading.speedCkmh = step.speedCkmh;
  reading.headingDdeg = step.isFix ? (event.headingDdeg ?? absent) : absent;
  reading.accelForwardMmps2 = event.accelForwardMmps2 ?? absent;
  reading.accelLeftMmps2 = event.accelLeftMmps2 ?? absent;
  reading.speedLimitCkmh = event.speedLimitCkmh ?? absent;
  reading.phoneInUse = event.phoneInUse === undefined ? absent : event.phoneInUse ? 1 : 0;
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
    // It now counts as idling: from its beginning if it was only a stop until now.
    const idleFromMs = fromMs - stillFromMs >= rules.idleFromMs ? fromMs : stillFromMs;
    const idleMs = toMs - idleFromMs;
    share(totals, calendar, step.zone, {
      fromMs: idleFromMs,
      toMs,
      amount: idleMs,
      rest: 0,
      unit: 1,
      to: idleSums,
    });
  }
  if (!step.still) trip.stillFromMs = never;
  else if (!still) trip.stillFromMs = toMs;
}

const resting: Step = { ...noStep(), still: true };
const silent = noReading();

/** Adds a rest up to an instant, where nothing else is known about that time. */
export function addRest(
  trip: OpenTrip,
  toMs: number,
  zone: string,
  rules: Rules,
  zones: Zones,
): void {
  const fromMs = trip.totals.lastAtMs;
  if (toMs <= fromMs) return;
  resting.zone = zone;
  trip.stillFromMs = fromMs;
  const { at } = trip;
  trip.at = silent;
  const calendar = (trip.calendar ??= calendarOf(zones, rules));
  addTime(trip, fromMs, toMs, resting, silent, rules, habitsUnder(rules), calendar);
  trip.at = at;
}

/** Whole millimetres driven in a time at a mean speed of `twiceCkmh` / 2. */
function mmOf(twiceCkmh: number, ms: number): number {
  return Math.floor((twiceCkmh * ms) / speedUnitsAMm);
}

/** The sums that an amount is added to. */
interface Sums {
  readonly day: number;
  /** The sum of its part at night, or `absent` if that is not kept. */
  readonly night: number;
  /** Its index in `HourPart.metres`, or `absent` if it is not kept by hour. */
  readonly hour: number;
}

const idleSums: Sums = { day: slot.idleMs, night: absent, hour: absent };

/** An amount to divide, in fractions of a unit. */
interface Amount {
  readonly fromMs: number;
  readonly toMs: number;
  readonly amount: number;
  /** The remainder below a whole unit of the amounts before. */
  readonly rest: number;
  /** How many fractions make one unit of the sum. */
  readonly unit: number;
  readonly to: Sums;
}

/**
 * Divides an amount over the local days of a stretch in proportion to time. The amount up to each
 * day boundary is rounded down, so the parts always add up to the whole.
 */
function share(
  totals: Totals,
  calendar: Calendar,
  zone: string,
  { fromMs, toMs, amount, rest, unit, to }: Amount,
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
    sums[to.day] = (sums[to.day] as number) + whole - given;
    if (to.hour !== absent && whole > given) addToHour(part, span.hour, to.hour, whole - given);
    if (span.night && to.night !== absent) {
      sums[to.night] = (sums[to.night] as number) + whole - given;
    }
    given = whole;
    atMs = span.toMs;
  } while (atMs < toMs);
}

/** The sums of a source of distance, with and without those by hour. */
function wayTo(source: keyof typeof sumsOfWay): { with: Sums; without: Sums } {
  const { way, night, hour } = sumsOfWay[source];
  return { with: { day: way, night, hour }, without: { day: way, night, hour: absent } };
}

const gpsSums = wayTo('GPS');
const speedSums = wayTo('SPEED');
const odometerSums = wayTo('ODOMETER');

function addFix(
  trip: OpenTrip,
  { atMs, latE7, lonE7 }: Reading,
  step: Step,
  habits: Habits,
  calendar: Calendar,
): void {
  const { totals } = trip;
  totals.fixes += 1;
  if (step.speedCkmh !== absent) totals.speedFixes += 1;
  totals.endLatE7 = latE7;
  totals.endLonE7 = lonE7;
  if (step.wayMm === 0) return;
  const rest = totals.gpsRestMm;
  // Only one position per instant is accepted, so a distance above 0 spans some time.
  share(totals, calendar, step.zone, {
    fromMs: step.wayFromMs,
    toMs: atMs,
    amount: step.wayMm,
    rest,
    unit: mmAM,
    to: habits.hours ? gpsSums.with : gpsSums.without,
  });
  if (step.speedCkmh === absent) {
    totals.sinceTickMm += step.wayMm;
    trip.roadMm += step.wayMm;
  }
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
    // Across a silence, speeds do not show whether the vehicle stopped; an unchanged position does.
    const isBridged = atMs - speedAtMs > step.bridgedFromMs;
    const units =
      isBridged && step.stayed ? 0 : (trip.speedCkmh + step.speedCkmh) * (atMs - speedAtMs);
    const rest = totals.speedRestUnits;
    share(totals, calendar, step.zone, {
      fromMs: speedAtMs,
      toMs: atMs,
      amount: units,
      rest,
      unit: speedUnitsAM,
      to: habits.hours ? speedSums.with : speedSums.without,
    });
    totals.speedRestUnits = (rest + units) % speedUnitsAM;
    const wayMm = Math.floor(units / speedUnitsAMm);
    totals.sinceTickMm += wayMm;
    trip.roadMm += wayMm;
    if (isBridged) totals.speedBridgedUnits += units;
    if (!isBridged || atMs - speedAtMs <= longestStepMs) totals.speedCoveredMs += atMs - speedAtMs;
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
    const mostM = (rules.jumpMmps * elapsedMs) / 1_000_000 + rules.odometerTickM;
    if (wayM < 0 || wayM > mostM) totals.odometerBroken = 1;
    else if (elapsedMs > 0 && wayM > 0) {
      share(totals, calendar, step.zone, {
        fromMs: odometerAtMs,
        toMs: atMs,
        amount: wayM,
        rest: 0,
        unit: 1,
        to: habits.hours ? odometerSums.with : odometerSums.without,
      });
      if (elapsedMs > step.bridgedFromMs) totals.odometerBridgedM += wayM;
    } else if (wayM > 0) totals.odometerBroken = 1;
    totals.odometerCoveredMs += elapsedMs;
    if (wayM === 0) totals.odometerStepMm = Math.max(totals.odometerStepMm, totals.sinceTickMm);
  }
  if (odometerAtMs === never || odometerM !== trip.odometerM) totals.sinceTickMm = 0;
  trip.odometerAtMs = atMs;
  trip.odometerM = odometerM;
}

import type { Calendar } from './calendar.ts';
import type { FlagMemory } from './habits/metric.ts';
import type { Held } from './checked/held.ts';
import { absent, type Fix, never, noFix, type Reading } from './reading.ts';
import type { Rules } from './rules.ts';
import { rejectionReasons, type Totals } from './trips/totals.ts';

/** A rejected position that may turn out to be the truth, and how many in a row agree with it. */
export interface Doubt extends Fix {
  agreeing: number;
}

/** The last odometer reading, and the way of trips since. */
export interface OdometerMemory {
  atMs: number;
  readM: number;
  /** Less the open trip's way until then. */
  roadMm: number;
}

/** The open trip. */
export interface OpenTrip {
  readonly startedAtMs: number;
  readonly anchorDigest: number;
  /** `absent` until a position is believed. */
  startLatE7: number;
  startLonE7: number;
  /** The zone where it began without a position, otherwise ''. */
  readonly timeZone: string;
  /** Rules and zone data in force at its start. */
  readonly rulesVersion: string;
  /** The device says that the ignition is off while it moves: its word does not end the trip. */
  ignitionDistrusted: boolean;
  totals: Totals;
  /** The totals where the rest under way began, which stand if it ends the trip. */
  mark: Totals;
  /** Since when the vehicle stands still without creeping; `never` while it moves. */
  stillFromMs: number;
  /** The last believed speed. */
  speedAtMs: number;
  speedCkmh: number;
  /** The last odometer reading. */
  odometerAtMs: number;
  odometerM: number;
  /** Way by speed, or by position where no speed is sent; never taken back by a rest. */
  roadMm: number;
  /** Way of a speed that may be stuck, `never` where there is none. */
  unprovenMm: number;
  /** Since when the ignition is off, `never` while it is on; the totals then. */
  offAtMs: number;
  atOff: Totals;
  /** The two readings before the next one, for what needs three. */
  before: Reading;
  at: Reading;
  /** Room for the reading under way; not part of the memory. */
  spare: Reading;
  /** A flag that is under way, for each flagging metric in the order of the registry. */
  readonly flags: FlagMemory[];
  /** Looked up again after decoding; not part of the memory. */
  rules: Rules | undefined;
  calendar: Calendar | undefined;
}

/** Everything the fold remembers of a device: a function of its last three days of events. */
export interface DeviceState {
  /** Rules and zone data in force at the last event. */
  rulesVersion: string;
  /** Instant of the last event. */
  headAtMs: number;
  /** A trip ended at this instant, so that none may start at it. */
  blockedAtMs: number;
  /** Oldest first. */
  intervalsMs: number[];
  ignitionOnAtMs: number;
  /** When the device last fell silent or slow on coming to rest: its parking shows by itself. */
  quietAtMs: number;
  /** Since when nothing shows movement; `never` while moving. Older than matters it moves along. */
  restingFromMs: number;
  /** Since when a fix or a speed shows standing; `never` while nothing does. Moves along too. */
  standingFromMs: number;
  /** Intervals in a row at which the device was slow to say that it rests. */
  slowIntervals: number;
  last: Fix;
  doubt: Doubt;
  /** Where it moved last or where it rests, taken anew each UTC hour. */
  place: Fix;
  trip: OpenTrip | undefined;

  /* Version 3 on. */

  /** Oldest first: readings that wait for what comes after them. */
  held: Held[];
  /** Since when `last` repeats itself. */
  lastSinceMs: number;
  lastAccuracyDm: number;
  placeAccuracyDm: number;
  /** Speed of the way to `last`, 0.01 km/h. */
  wayCkmh: number;
  /** The last believed speed, in a trip or not; `absent` where there is none. */
  speedAtMs: number;
  speedCkmh: number;
  /** When the ignition was last said to be on, for as long as that shows that the input is wired. */
  wiredAtMs: number;
  /** When it was last said to be off, if that was the last word. */
  offHeardAtMs: number;
  /** What is carried at present, and since when; `never` while nothing is. */
  carriedFromMs: number;
  carriedToMs: number;
  carriedMm: number;
  /** Where the vehicle was seen last, kept over silences. */
  seen: Fix;
  odometer: OdometerMemory;
  /** What was rejected since the last believed position outside a trip, and when the last of it was. */
  rejectedBefore: number[];
  rejectedAtMs: number;

  /** Lower median of the intervals or `absent`; follows from them. */
  usualMs: number;
  /** What `rulesVersion` stands for; not part of the memory. */
  rules: Rules | undefined;
  /** Zone of `last` or '' where it has not been looked up; follows from it. */
  zone: string;
}

/** What is known of a device before its first event. */
export function emptyState(): DeviceState {
  return {
    rulesVersion: '',
    headAtMs: never,
    blockedAtMs: never,
    intervalsMs: [],
    ignitionOnAtMs: never,
    quietAtMs: never,
    restingFromMs: never,
    standingFromMs: never,
    slowIntervals: 0,
    last: noFix(),
    doubt: { ...noFix(), agreeing: 0 },
    place: noFix(),
    trip: undefined,
    held: [],
    lastSinceMs: never,
    lastAccuracyDm: 0,
    placeAccuracyDm: 0,
    wayCkmh: 0,
    speedAtMs: never,
    speedCkmh: absent,
    wiredAtMs: never,
    offHeardAtMs: never,
    carriedFromMs: never,
    carriedToMs: never,
    carriedMm: 0,
    seen: noFix(),
    odometer: { atMs: never, readM: 0, roadMm: 0 },
    rejectedBefore: rejectionReasons.map(() => 0),
    rejectedAtMs: never,
    usualMs: absent,
    rules: undefined,
    zone: '',
  };
}

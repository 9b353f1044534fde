import type { Calendar } from './calendar.ts';
import type { FlagMemory } from './habits/metric.ts';
import type { Held } from './checked/held.ts';
import { absent, type Fix, never, noFix, type Reading } from './reading.ts';
import type { Rules } from './rules.ts';
import { rejectionReasons, type Totals } from './trips/totals.ts';

/** A rejected position that may turn out to be correct, and how many in a row agree with it. */
export interface Doubt extends Fix {
  agreeing: number;
}

/** The last odometer reading, and the distance of trips since then. */
export interface OdometerMemory {
  atMs: number;
  readM: number;
  /** May be negative: what the open trip had covered at that reading is already subtracted. */
  roadMm: number;
}

/** The open trip. */
export interface OpenTrip {
  readonly startedAtMs: number;
  readonly anchorDigest: number;
  /** `absent` until a position is accepted. */
  startLatE7: number;
  startLonE7: number;
  /** The time zone of a trip that began without a position, otherwise ''. */
  readonly timeZone: string;
  /** Rules and zone data in force at its start. */
  readonly rulesVersion: string;
  /** The device reports ignition off while it moves: its ignition signal does not end the trip. */
  ignitionDistrusted: boolean;
  totals: Totals;
  /** The totals at the start of the current rest; they become final if that rest ends the trip. */
  mark: Totals;
  /** Since when the vehicle stands still, without creeping; `never` while it moves. */
  stillFromMs: number;
  /** The last accepted speed. */
  speedAtMs: number;
  speedCkmh: number;
  /** The last odometer reading. */
  odometerAtMs: number;
  odometerM: number;
  /** Distance by speed, or by position if no speed is sent; a rest never reduces it. */
  roadMm: number;
  /** Distance of a speed that may be stuck; `never` if there is none. */
  unprovenMm: number;
  /** Since when the ignition is off, `never` while it is on; and the totals at that time. */
  offAtMs: number;
  atOff: Totals;
  /** The two latest readings, for metrics that need three. */
  before: Reading;
  at: Reading;
  /** Scratch space for the current reading; not part of the encoded state. */
  spare: Reading;
  /** The unfinished flag of each flagging metric, in the order of the registry. */
  readonly flags: FlagMemory[];
  /** Looked up again after decoding; not part of the encoded state. */
  rules: Rules | undefined;
  calendar: Calendar | undefined;
}

/** Everything the fold remembers of a device; it depends only on the last three days of events. */
export interface DeviceState {
  /** Rules and zone data in force at the last event. */
  rulesVersion: string;
  /** Instant of the last event. */
  headAtMs: number;
  /** A trip ended at this instant, so none may start at it. */
  blockedAtMs: number;
  /** Oldest first. */
  intervalsMs: number[];
  ignitionOnAtMs: number;
  /** When the device last fell silent or slow on coming to rest, which shows that it parked. */
  quietAtMs: number;
  /** Since when nothing shows movement; `never` while moving. Capped at the longest useful age. */
  restingFromMs: number;
  /** Since when a fix or a speed shows standing; `never` while none does. Capped likewise. */
  standingFromMs: number;
  /** Slow intervals in a row since the first signs of rest. */
  slowIntervals: number;
  last: Fix;
  doubt: Doubt;
  /** Where the vehicle last moved or where it rests; renewed each UTC hour. */
  place: Fix;
  trip: OpenTrip | undefined;

  /* From version 3. */

  /** Oldest first: readings that wait for the readings after them. */
  held: Held[];
  /** Since when the position `last` has been repeated. */
  lastSinceMs: number;
  lastAccuracyDm: number;
  placeAccuracyDm: number;
  /** Mean speed on the way to `last`, 0.01 km/h. */
  wayCkmh: number;
  /** The last accepted speed, in a trip or not; `absent` if there is none. */
  speedAtMs: number;
  speedCkmh: number;
  /** When the ignition was last reported on; kept as long as it shows that the input is wired. */
  wiredAtMs: number;
  /** When it was last reported off, if that was the latest report. */
  offHeardAtMs: number;
  /** The stretch in which the vehicle is being carried, and its distance; `never` if none. */
  carriedFromMs: number;
  carriedToMs: number;
  carriedMm: number;
  /** The vehicle's last known position, kept across silences. */
  seen: Fix;
  odometer: OdometerMemory;
  /** Rejections outside a trip since the last accepted position, and the instant of the latest. */
  rejectedBefore: number[];
  rejectedAtMs: number;

  /** Lower median of the intervals, or `absent`; derived from them. */
  usualMs: number;
  /** The rules that `rulesVersion` names; not part of the encoded state. */
  rules: Rules | undefined;
  /** Time zone of `last`, or '' if it has not been looked up; derived from it. */
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

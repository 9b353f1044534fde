import type { Calendar } from './calendar.ts';
import type { FlagMemory } from './habits/metric.ts';
import { absent, type Fix, never, noFix, type Reading } from './reading.ts';
import type { Rules } from './rules.ts';
import type { Totals } from './trips/totals.ts';

/** A rejected position that may turn out to be the truth, and how many in a row agree with it. */
export interface Doubt extends Fix {
  agreeing: number;
}

/** The open trip. */
export interface OpenTrip {
  readonly startedAtMs: number;
  readonly anchorDigest: number;
  readonly startLatE7: number;
  readonly startLonE7: number;
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
    usualMs: absent,
    rules: undefined,
    zone: '',
  };
}

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
  /** The device fell silent before this trip: it does not report while parked. */
  readonly quiet: boolean;
  /** The device says that the ignition is off while it moves: its word does not end the trip. */
  deaf: boolean;
  totals: Totals;
  /** Since when nothing shows movement; `never` while moving. */
  restingFromMs: number;
  /** Since when a fix or a speed shows standing; `never` while nothing does. */
  standingFromMs: number;
  /** The totals where the standstill began, which stand if it ends the trip. */
  mark: Totals;
  /** Where it moved last or where it stands, taken anew each UTC hour. */
  place: Fix;
  /** Since when the vehicle stands still without creeping; `never` while it moves. */
  stillFromMs: number;
  /** Intervals in a row, while standing, at which the device was slow. */
  slowIntervals: number;
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
  /** The event that ended the last silence; forgotten when a trip opens. */
  quietAtMs: number;
  last: Fix;
  doubt: Doubt;
  rest: Fix;
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
    last: noFix(),
    doubt: { ...noFix(), agreeing: 0 },
    rest: noFix(),
    trip: undefined,
    usualMs: absent,
    rules: undefined,
    zone: '',
  };
}

import { FASTEST_CKMH } from './event.ts';
/**
 * All thresholds of the fold as one value with a version. A version that has ever been in force is
 * never edited: a change is a new version beside it. The names contain the units.
 */
export interface Rules {
  readonly version: string;

  /** How many intervals between events the usual interval is calculated from. */
  readonly intervalsKept: number;
  /** With fewer intervals than this there is no usual interval. */
  readonly intervalsNeeded: number;
  /** A longer gap does not count for the usual interval, and resets most of the state. */
  readonly longestIntervalMs: number;

  /** Silence ends a trip after this many usual intervals, … */
  readonly silenceIntervals: number;
  /** … but not before this, … */
  readonly shortestSilenceMs: number;
  /** … and always after this; also the threshold while the ignition is reported on, and the rest
   * that ends a trip if nothing shows that the vehicle stands. */
  readonly longestSilenceMs: number;
  /** How long a report that the ignition is on stays valid. */
  readonly ignitionBelievedMs: number;

  /** At or above this speed the vehicle counts as moving. */
  readonly movingCkmh: number;
  /** At or above this distance from its resting place the vehicle counts as moving. */
  readonly movingMm: number;
  /** Below this speed the vehicle counts as standing still. */
  readonly stillCkmh: number;
  /** A standstill of at least this length is idling, from its beginning; a shorter one is a stop in
   * traffic. */
  readonly idleFromMs: number;

  /** A standstill of this length ends a trip. */
  readonly standstillMs: number;
  /** The same for a device that fell silent or slow when it last parked: while it still reports, a
   * standstill is probably idling. */
  readonly quietStandstillMs: number;
  /** Silence or slow reporting that begins within this time after coming to rest means parking. */
  readonly quietWithinMs: number;
  /** How long that observation stays valid. */
  readonly quietBelievedMs: number;
  /** This many intervals in a row from the first signs of rest … */
  readonly slowIntervals: number;
  /** … of at least this many usual intervals … */
  readonly slowFactor: number;
  /** … and this length show that the device reports at its parked rate: the trip has ended. */
  readonly slowFromMs: number;

  /** A trip of this length is cut at the next UTC midnight. */
  readonly longTripMs: number;

  /** The highest speed of a car between two fixes, mm/s, … */
  readonly jumpMmps: number;
  /** … and the distance allowed on top for the error of two poor fixes. */
  readonly jumpSlackMm: number;
  /** This many jumps in a row that agree are accepted as correct. */
  readonly jumpsToBelieve: number;
  /** A fix with a greater one-sigma accuracy value is rejected. */
  readonly accuracyDm: number;
  /** A position this near to 0° N 0° E in both coordinates comes from a receiver without a fix. */
  readonly nullIslandE7: number;
  /** A higher speed is rejected. */
  readonly fastestCkmh: number;

  /** A stretch between two readings of more than this many usual intervals … */
  readonly bridgeIntervals: number;
  /** … and more than this is a silence; its distance counts as bridged. */
  readonly bridgeFromMs: number;
  /** Odometer and speed must be within [least %, most %] of the distance to compare with … */
  readonly plausibleLeastPercent: number;
  readonly plausibleMostPercent: number;
  /** … with this tolerance on top. */
  readonly plausibleSlackM: number;
  /** Percentage of a trip's time that odometer readings must span, and of its fixes that must have
   * a speed. */
  readonly coveredPercent: number;

  /** The largest step in which an odometer may count. */
  readonly odometerTickM: number;

  /** Above this speed is speeding if no limit was sent; without a cap, only sent limits count. */
  readonly capCkmh?: number;

  /** Night lasts between these local hours. */
  readonly nightFromHour: number;
  readonly nightToHour: number;

  /** Release of the zone data in force, e.g. "2026f+11.7.0"; absent: the data used before any rules
   * row named a release. */
  readonly zoneData?: string;
  /** How readings are checked against their neighbours and other sources; absent: not at all. */
  readonly checks?: Checks;
}

/** From version 3: what is plausible for a car, and how implausible readings are handled. */
export interface Checks {
  /** A reading waits for the next position and the next speed, for at most this many readings … */
  readonly heldReadings: number;
  /** … and at most this long. */
  readonly heldMs: number;

  /** A position is off the route if it is further away than the speeds around it allow plus this
   * slack, both on the way there and on the way back. */
  readonly detourSlackMm: number;
  /** The speed allowed for that, percent of the fastest speed around it. */
  readonly detourPercent: number;
  /** A vehicle has left its place if the distance exceeds this percentage of the summed accuracies
   * of both positions. */
  readonly driftPercent: number;

  /** If no speeds are sent: a step of at least this length … */
  readonly leastStepMm: number;
  /** … and at least this speed counts as movement, and two of them in a row open a trip. */
  readonly leastStepCkmh: number;

  /** The greatest acceleration and deceleration of a car, mm/s², … */
  readonly fastestGainMmps2: number;
  readonly fastestLossMmps2: number;
  /** … and its greatest lateral acceleration. */
  readonly hardestTurnMmps2: number;
  /** Tolerance for the error of a single speed, mm/s. */
  readonly speedSlackMmps: number;
  /** A speed that changes and changes back at this rate or faster, mm/s², … */
  readonly spikeMmps2: number;
  /** … by at least this much, 0.01 km/h, is an error. */
  readonly spikeCkmh: number;
  /** The positions on one side contradict a speed if, of the distances by position and by speed,
   * the greater exceeds this percentage of the smaller … */
  readonly contradictedPercent: number;
  /** … plus this slack. */
  readonly contradictedSlackMm: number;
  /** Up to this interval, a contradiction on both sides is enough to reject a speed. Beyond it, a
   * speed may be this percentage of the fastest one beside it, … */
  readonly contradictedAloneMs: number;
  readonly burstPercent: number;
  /** … plus this much, 0.01 km/h, … */
  readonly burstCkmh: number;
  /** … and without it the speeds beside it must agree with the positions within this percentage. */
  readonly agreeWithoutPercent: number;

  /** A position that repeats itself while the speed shows movement is a tunnel if the next new
   * position is at least this percentage of the distance by speed away, … */
  readonly tunnelPercent: number;
  /** … minus this slack; otherwise the speed was stuck. */
  readonly tunnelSlackMm: number;

  /** "Ignition off" must last this long to end a trip. */
  readonly leastOffMs: number;
  /** "Off" is trusted from a device that has reported "on" within this time. */
  readonly wiredMs: number;

  /** Two sources of distance agree within this percentage … */
  readonly agreePercent: number;
  /** … plus this slack. */
  readonly agreeSlackM: number;
  /** The largest step of a usable odometer, percent of the distance it is used for. */
  readonly stepPercent: number;

  /** How long the place and the odometer before a gap are remembered. */
  readonly untrackedMs: number;
  /** Outside trips the odometer's kilometres are reported at most this often. */
  readonly untrackedEveryMs: number;
  /** Shorter distances are not reported: by odometer, and between two positions. */
  readonly leastByOdometerM: number;
  readonly leastByPositionM: number;
}

/**
 * Version 1. The trip figures are those that find 28 of 28 naturalistic drives at one fix in 1, 10
 * and 30 s (test/core/drives.test.ts); a figure from another source has it in a comment.
 */
const version1: Rules = Object.freeze({
  version: '1',
  intervalsKept: 15,
  intervalsNeeded: 5,
  longestIntervalMs: 1_800_000,
  silenceIntervals: 4,
  // Silences within the drives last up to 76 s; gaps between them are 149 s or longer.
  shortestSilenceMs: 120_000,
  longestSilenceMs: 1_800_000,
  ignitionBelievedMs: 43_200_000,
  movingCkmh: 500,
  movingMm: 50_000,
  // 0.447 m/s, one mile an hour: below it the drives' reference data counts a car as idle.
  stillCkmh: 161,
  idleFromMs: 60_000,
  // Gaps between drives are 149 s or longer; 180 s or longer with the standstills around them.
  standstillMs: 180_000,
  // Idling within the drives lasts up to 480 s when sampled at one fix in 30 s.
  quietStandstillMs: 600_000,
  quietWithinMs: 300_000,
  // Covers a night; with two midnights at which trips are cut, the state stays within three days.
  quietBelievedMs: 72_000_000,
  slowIntervals: 2,
  slowFactor: 2,
  slowFromMs: 45_000,
  longTripMs: 43_200_000,
  // 252 km/h; the fastest drive of the set reaches 136 km/h.
  jumpMmps: 70_000,
  jumpSlackMm: 100_000,
  jumpsToBelieve: 3,
  // A fix that may be 100 m off cannot distinguish one street from the next.
  accuracyDm: 1_000,
  nullIslandE7: 100_000,
  fastestCkmh: FASTEST_CKMH,
  bridgeIntervals: 4,
  bridgeFromMs: 30_000,
  // Miles mistaken for kilometres are off by a factor of 1.61, knots by 1.85.
  plausibleLeastPercent: 70,
  plausibleMostPercent: 140,
  plausibleSlackM: 200,
  coveredPercent: 90,
  // Whole kilometres.
  odometerTickM: 1_000,
  // Tesla Safety Score and Fleet Motion count 22:00 to 04:00 at the vehicle as night.
  nightFromHour: 22,
  nightToHour: 4,
});

/**
 * Version 2: trips as in version 1. Habits also include time in traffic jams, kilometres by the
 * hour and above 130 km/h, the time in which each kind can be measured, and a speed cap.
 */
const version2: Rules = Object.freeze({ ...version1, version: '2' });

/**
 * Version 3: readings are checked against their neighbours and other sources before they count. The
 * reasons for each figure are in docs/trips.md.
 */
const version3: Rules = Object.freeze({
  ...version2,
  version: '3',
  // 300 km/h, by position and by speed.
  jumpMmps: 83_333,
  fastestCkmh: 30_000,
  // An odometer in whole miles, and a reading that comes a little late.
  odometerTickM: 2_000,
  checks: Object.freeze({
    heldReadings: 4,
    heldMs: 120_000,
    detourSlackMm: 50_000,
    detourPercent: 150,
    driftPercent: 150,
    leastStepMm: 10_000,
    leastStepCkmh: 1_000,
    // A sports car's launch; full braking of a good car is 11 m/s², cornering on racing tyres 11.
    fastestGainMmps2: 8_000,
    fastestLossMmps2: 12_000,
    hardestTurnMmps2: 11_000,
    speedSlackMmps: 2_000,
    spikeMmps2: 4_000,
    spikeCkmh: 540,
    contradictedPercent: 140,
    contradictedSlackMm: 20_000,
    contradictedAloneMs: 5_000,
    burstPercent: 150,
    burstCkmh: 2_000,
    agreeWithoutPercent: 10,
    tunnelPercent: 50,
    tunnelSlackMm: 200_000,
    // Stops at red lights and level crossings are shorter, gaps between drives (149 s) longer.
    leastOffMs: 90_000,
    wiredMs: 86_400_000,
    agreePercent: 15,
    agreeSlackM: 200,
    stepPercent: 10,
    untrackedMs: 252_000_000,
    untrackedEveryMs: 600_000,
    leastByOdometerM: 50,
    leastByPositionM: 100,
  }),
});

export const firstCheckedRules: Rules = version3;

/** Every version that has ever been in force. */
export const rulesByVersion: Readonly<Record<string, Rules>> = Object.freeze({
  [version1.version]: version1,
  [version2.version]: version2,
  [version3.version]: version3,
});

/** The rules of a new store: the newest version, from the first event on. */
export const newestRules: readonly RulesRow[] = [{ effectiveFromMs: 0, version: version3.version }];

/**
 * From when a version applies. `version` may name a speed cap in km/h after a slash (from version
 * 2), and the zone data after a plus sign: `2/cap=130+2026f+11.7.0`.
 */
export interface RulesRow {
  readonly effectiveFromMs: number;
  readonly version: string;
}

/**
 * Returns a function that gives the rules in force at an instant. Without rows version 1 always
 * applies; before the first row the version of the first row applies.
 *
 * @throws Error naming the version if a row asks for rules that this release does not have, or goes
 * back from rules that check readings to rules that do not: held readings would have no rules.
 */
export function createRulesTimeline(rows: readonly RulesRow[]): (atMs: number) => Rules {
  const steps = [...rows]
    .sort((a, b) => a.effectiveFromMs - b.effectiveFromMs)
    .map(({ effectiveFromMs, version }) => ({ effectiveFromMs, rules: findRules(version) }));
  for (const [i, { rules }] of steps.entries()) {
    const before = steps[i - 1]?.rules;
    if (before?.checks !== undefined && rules.checks === undefined) {
      throw new Error(
        `RULES_BACK: version "${rules.version}" cannot follow version "${before.version}", which checks ` +
          'readings; versions from 3 on can',
      );
    }
  }
  const first = steps[0]?.rules ?? version1;
  if (steps.length <= 1) return () => first;
  return (atMs) => {
    let rules = first;
    for (const step of steps) {
      if (step.effectiveFromMs > atMs) break;
      rules = step.rules;
    }
    return rules;
  };
}

const versionText = /^(?<number>\d+)(?:\/cap=(?<capKmh>\d+))?(?:\+(?<zoneData>.+))?$/;
/** Caps outside this range are treated as typing errors; km/h. */
const leastCapKmh = 50;
const mostCapKmh = 250;

function findRules(version: string): Rules {
  const { number = '', capKmh, zoneData } = versionText.exec(version)?.groups ?? {};
  const rules = Object.hasOwn(rulesByVersion, number) ? rulesByVersion[number] : undefined;
  if (rules === undefined) {
    const known = Object.keys(rulesByVersion).join(', ');
    throw new Error(
      `RULES_UNKNOWN: the rules table asks for version "${version}", this release has ${known}`,
    );
  }
  const withZones = zoneData === undefined ? rules : Object.freeze({ ...rules, zoneData });
  if (capKmh === undefined) return withZones;
  const cap = Number(capKmh);
  if (rules === version1 || cap < leastCapKmh || cap > mostCapKmh) {
    throw new Error(
      `RULES_CAP: the rules table asks for version "${version}"; a cap is of version 2 or later and ` +
        `from ${String(leastCapKmh)} to ${String(mostCapKmh)} km/h`,
    );
  }
  return Object.freeze({ ...withZones, version: `${number}/cap=${capKmh}`, capCkmh: cap * 100 });
}

import { FASTEST_CKMH } from './event.ts';
/**
 * All thresholds of the fold as one value with a version. A version that has ever been in force is
 * never edited: a change is a new version beside it. The units stand in the names.
 */
export interface Rules {
  readonly version: string;

  /** How many intervals between events the usual interval looks at. */
  readonly intervalsKept: number;
  /** With fewer intervals than this there is no usual interval. */
  readonly intervalsNeeded: number;
  /** A longer gap says nothing about the usual interval and empties the memory. */
  readonly longestIntervalMs: number;

  /** Silence ends a trip after this many usual intervals, … */
  readonly silenceIntervals: number;
  /** … but not before this, … */
  readonly shortestSilenceMs: number;
  /** … and always after this; also the threshold while the ignition is said to be on, and the rest
   * that ends a trip where nothing shows that the vehicle stands. */
  readonly longestSilenceMs: number;
  /** For how long a word that the ignition is on is believed. */
  readonly ignitionBelievedMs: number;

  /** From this speed on a fix moves. */
  readonly movingCkmh: number;
  /** From this distance to its resting place on a fix moves. */
  readonly movingMm: number;
  /** Below this speed a vehicle stands still. */
  readonly stillCkmh: number;
  /** Standing still for this long is idling, from its beginning; less is a stop in traffic. */
  readonly idleFromMs: number;

  /** Standstill that ends a trip. */
  readonly standstillMs: number;
  /** The same for a device that fell silent or slow when it parked last: standing is idling to it. */
  readonly quietStandstillMs: number;
  /** So soon after coming to rest silence or slowness is parking. */
  readonly quietWithinMs: number;
  /** For how long that is believed. */
  readonly quietBelievedMs: number;
  /** So many intervals in a row to the first signs of rest … */
  readonly slowIntervals: number;
  /** … of at least this many usual intervals … */
  readonly slowFactor: number;
  /** … and at least this length are a device that went to its parked rate: the trip has ended. */
  readonly slowFromMs: number;

  /** A trip that has run this long is cut at the next UTC midnight. */
  readonly longTripMs: number;

  /** No car is faster between two fixes, mm/s, … */
  readonly jumpMmps: number;
  /** … beyond what two poor fixes may be off. */
  readonly jumpSlackMm: number;
  /** So many jumps in a row that agree are the truth. */
  readonly jumpsToBelieve: number;
  /** A fix with a greater one-sigma accuracy is not believed. */
  readonly accuracyDm: number;
  /** A position so near to 0° N 0° E in both coordinates is a receiver without a fix. */
  readonly nullIslandE7: number;
  /** A greater speed is not believed. */
  readonly fastestCkmh: number;

  /** A stretch between two readings of more than this many usual intervals … */
  readonly bridgeIntervals: number;
  /** … and more than this is a silence that the distance bridges. */
  readonly bridgeFromMs: number;
  /** Odometer and speed must be within [least %, most %] of the distance they are held against … */
  readonly plausibleLeastPercent: number;
  readonly plausibleMostPercent: number;
  /** … with this much allowed on top. */
  readonly plausibleSlackM: number;
  /** Part of the trip's time that odometer readings must span, and of fixes that must carry a speed. */
  readonly coveredPercent: number;

  /** An odometer may count in steps as long as this. */
  readonly odometerTickM: number;

  /** Speed that counts as speeding where no limit was sent; without it nothing does. */
  readonly capCkmh?: number;

  /** Local hours between which it is night. */
  readonly nightFromHour: number;
  readonly nightToHour: number;

  /** Release of the zone data in force, e.g. "2026f+11.7.0"; absent: those before a row named any. */
  readonly zoneData?: string;
  /** How readings are checked against their neighbours and other sources; without it none are. */
  readonly checks?: Checks;
}

/** Version 3 on: what is plausible for a car, and what happens to what is not. */
export interface Checks {
  /** A reading waits for the position and the speed after it, but for no more readings than this … */
  readonly heldReadings: number;
  /** … and no longer than this. */
  readonly heldMs: number;

  /** A position is out of line if it is more than this beyond what the speeds around it allow, both
   * on the way there and on the way back. */
  readonly detourSlackMm: number;
  /** What the speeds around it allow, percent of the fastest of them. */
  readonly detourPercent: number;
  /** A vehicle has left its place beyond so many percent of the accuracies of both positions. */
  readonly driftPercent: number;

  /** Where no speeds are sent: a step of at least this … */
  readonly leastStepMm: number;
  /** … and at least this fast moves, and two of them in a row open a trip. */
  readonly leastStepCkmh: number;

  /** No car speeds up or slows down faster, mm/s², … */
  readonly fastestGainMmps2: number;
  readonly fastestLossMmps2: number;
  /** … or corners harder. */
  readonly hardestTurnMmps2: number;
  /** Speeds may be this far off at one instant, mm/s. */
  readonly speedSlackMmps: number;
  /** A speed that leaves and returns at this rate on both sides, mm/s², … */
  readonly spikeMmps2: number;
  /** … by at least this, 0.01 km/h, is a fault. */
  readonly spikeCkmh: number;
  /** A speed is contradicted by the positions on one side if they are so many percent apart … */
  readonly contradictedPercent: number;
  /** … and this much on top. */
  readonly contradictedSlackMm: number;
  /** Up to this interval being contradicted on both sides is enough. Beyond it a speed may be so many
   * percent of the fastest beside it, … */
  readonly contradictedAloneMs: number;
  readonly burstPercent: number;
  /** … and this much on top, 0.01 km/h, … */
  readonly burstCkmh: number;
  /** … and the speeds beside it must agree with the positions without it within so many percent. */
  readonly agreeWithoutPercent: number;

  /** The same position while the speed goes on is a tunnel if the vehicle then has come at least so
   * many percent of that way, … */
  readonly tunnelPercent: number;
  /** … less this; otherwise the speed was stuck. */
  readonly tunnelSlackMm: number;

  /** "Off" must last this long to end a trip. */
  readonly leastOffMs: number;
  /** A device that has said "on" within this time means it when it says "off". */
  readonly wiredMs: number;

  /** Two sources of distance agree within so many percent … */
  readonly agreePercent: number;
  /** … and this much on top. */
  readonly agreeSlackM: number;
  /** An odometer's step may be so many percent of the way it is used for. */
  readonly stepPercent: number;

  /** For how long the place and the odometer before a gap are remembered. */
  readonly untrackedMs: number;
  /** Outside trips the odometer's kilometres are reported at most this often. */
  readonly untrackedEveryMs: number;
  /** Less is not reported: by odometer, and between two positions. */
  readonly leastByOdometerM: number;
  readonly leastByPositionM: number;
}

/**
 * Version 1. Trip figures are those that find 28 of 28 naturalistic drives at one fix in 1, 10 and
 * 30 s (test/core/drives.test.ts); other sources stand beside their line.
 */
const version1: Rules = Object.freeze({
  version: '1',
  intervalsKept: 15,
  intervalsNeeded: 5,
  longestIntervalMs: 1_800_000,
  silenceIntervals: 4,
  // Silences inside the drives reach 76 s, gaps between them go down to 149 s.
  shortestSilenceMs: 120_000,
  longestSilenceMs: 1_800_000,
  ignitionBelievedMs: 43_200_000,
  movingCkmh: 500,
  movingMm: 50_000,
  // 0.447 m/s, one mile an hour: below it the drives' truth counts a car as idle.
  stillCkmh: 161,
  idleFromMs: 60_000,
  // Gaps between drives go down to 149 s, with the standing before and after them to 180 s.
  standstillMs: 180_000,
  // Idling inside the drives lasts up to 480 s as it looks at one fix in 30 s.
  quietStandstillMs: 600_000,
  quietWithinMs: 300_000,
  // Over night; with two midnights for trips to be cut it stays within three days.
  quietBelievedMs: 72_000_000,
  slowIntervals: 2,
  slowFactor: 2,
  slowFromMs: 45_000,
  longTripMs: 43_200_000,
  // 252 km/h; the fastest drive of the set has 136 km/h.
  jumpMmps: 70_000,
  jumpSlackMm: 100_000,
  jumpsToBelieve: 3,
  // A fix that may be 100 m off does not tell one street from the next.
  accuracyDm: 1_000,
  nullIslandE7: 100_000,
  fastestCkmh: FASTEST_CKMH,
  bridgeIntervals: 4,
  bridgeFromMs: 30_000,
  // Miles taken for kilometres are off by 1.61, knots by 1.85.
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
 * Version 2: trips as in version 1. Habits also know time in jams, kilometres by the hour and above
 * 130 km/h, what could be measured at all, and a speed cap.
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
  // Whole miles, and a reading that comes a little late.
  odometerTickM: 2_000,
  checks: Object.freeze({
    heldReadings: 4,
    heldMs: 120_000,
    detourSlackMm: 50_000,
    detourPercent: 150,
    driftPercent: 150,
    leastStepMm: 10_000,
    leastStepCkmh: 1_000,
    // Launch of a sports car; full braking of a good one is 11 m/s², a racing tyre corners at 11.
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
    // Red lights and level crossings are shorter, gaps between drives (149 s) are longer.
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

/** What a new store begins with: the newest version, from the first event on. */
export const newestRules: readonly RulesRow[] = [{ effectiveFromMs: 0, version: version3.version }];

/**
 * From when on a version holds. `version` may name a speed cap in km/h after a slash, from version 2 on,
 * and the zone data after a plus sign: `2/cap=130+2026f+11.7.0`.
 */
export interface RulesRow {
  readonly effectiveFromMs: number;
  readonly version: string;
}

/**
 * Which rules hold at an instant. Without rows the first version holds for ever; before the first
 * row the first row's version holds.
 *
 * @throws Error naming the version if a row asks for rules that this release does not have, or goes back
 * from rules that check readings to rules that do not: what waits to be checked would have no rules.
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
/** Caps outside are taken for slips; km/h. */
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

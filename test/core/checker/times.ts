import type { Zones } from '../../../src/core/zones.ts';
import { createLedger, type Ledger } from './local.ts';
import { type Spot, wayBetween } from './places.ts';
import type { CheckedRules } from './rules.ts';
import type { Seen } from './seen.ts';

/** How a trip's time was spent, ms by local date. */
export interface Times {
  duration: Ledger;
  moving: Ledger;
  /** Standing that lasted a minute and more, from its beginning. */
  idle: Ledger;
  /** Standing of any length. */
  standing: Ledger;
  /** What else is measured of stretches, by its name. */
  measures: ReadonlyMap<string, Pick<Ledger, 'byDate'>>;
}

export function measureTimes(members: readonly Seen[], zones: Zones, rules: CheckedRules): Times {
  const ledger = () => createLedger(1n, zones);
  const times = { duration: ledger(), moving: ledger(), idle: ledger(), standing: ledger() };
  const measures = new Map<string, Ledger>();
  const veryFastWay = new Map<string, number>();
  let from = members[0] as Seen;
  let headMs = from.event.atMs;
  let stillFrom: number | undefined;
  members.forEach((seen, index) => {
    const { atMs } = seen.event;
    const still = isStill(members, index, stillFrom !== undefined);
    if (index === 0) stillFrom = still ? atMs : undefined;
    if (atMs === headMs) return;
    const book = (ledger: Ledger, fromMs = headMs) =>
      ledger.add(fromMs, atMs, BigInt(atMs - fromMs), seen.zone);
    const stood = stillFrom !== undefined && still && !seen.moving;
    book(times.duration);
    book(stood ? times.standing : times.moving);
    if (stood && stillFrom !== undefined && atMs - stillFrom >= 60_000) {
      book(times.idle, headMs - stillFrom >= 60_000 ? headMs : stillFrom);
    }
    for (const name of whatHolds(from, seen, stood, rules)) {
      const ledger = measures.get(name) ?? createLedger(1n, zones);
      book(ledger);
      measures.set(name, ledger);
    }
    if (rules.version >= 2 && (from.speed ?? 0) > 13_000 && seen.speed !== undefined) {
      addVeryFastWay(from, seen, zones, veryFastWay);
    }
    stillFrom = !still ? undefined : stood ? stillFrom : atMs;
    from = seen;
    headMs = atMs;
  });
  return {
    ...times,
    measures: new Map<string, Pick<Ledger, 'byDate'>>([
      ...measures,
      ['above130Kmh.mm', { byDate: veryFastWay }],
    ]),
  };
}

/** The names of the times that a stretch between two readings in a row adds to. */
function whatHolds(
  from: Seen,
  to: Seen,
  stood: boolean,
  { version, capCkmh }: CheckedRules,
): string[] {
  const tookMs = to.event.atMs - from.event.atMs;
  const speed = from.speed ?? -1;
  const { speedLimitCkmh, phoneInUse, accelForwardMmps2, accelLeftMmps2 } = from.event;
  // What a reading says holds until the next one, for two minutes at most.
  const holds: readonly [name: string, since: number, holds: boolean][] = [
    ['above130Kmh.ms', 1, speed > 13_000],
    ['limitKnown.ms', 1, speedLimitCkmh !== undefined],
    ['speeding.ms', 1, speed >= 1_000 && speed > (speedLimitCkmh ?? speed)],
    ['phone.ms', 1, speed >= 1_000 && phoneInUse === true],
    ['phone.measurable.ms', 2, phoneInUse !== undefined],
    ['crawling.ms', 2, !stood && speed >= 0 && speed < 1_500],
    ['accelerationFelt.measurable.ms', 2, speed >= 0 && accelForwardMmps2 !== undefined],
    ['corneringFelt.measurable.ms', 2, speed >= 0 && accelLeftMmps2 !== undefined],
  ];
  const capped: typeof holds =
    capCkmh === undefined || speedLimitCkmh !== undefined
      ? []
      : [
          ['speedingCap.ms', 2, speed > capCkmh],
          ['speedingCap.measurable.ms', 2, speed >= 0],
        ];
  // A change of speed or course is measured over two seconds at most.
  const braked = from.speed === undefined || to.speed === undefined ? 0 : from.speed - to.speed;
  const turned = turnedMmps2(from, to);
  const changes: typeof holds = [
    ['accelerationGps.measurable.ms', 2, from.speed !== undefined && to.speed !== undefined],
    ['corneringGps.measurable.ms', 2, turned !== undefined],
    // 0.01 km/h are 25/9 mm/s.
    ['braking01g.ms', 2, braked * 25_000 >= 981 * 9 * tookMs],
    ['braking03g.ms', 2, braked * 25_000 >= 3 * 981 * 9 * tookMs],
    ['turning02g.ms', 2, (turned ?? 0) >= 2 * 981],
    ['turning04g.ms', 2, (turned ?? 0) >= 4 * 981],
  ];
  return [
    ...(tookMs <= 120_000 ? [...holds, ...capped] : []),
    ...(tookMs <= 2_000 ? changes : []),
  ].flatMap(([name, since, isSo]) => (isSo && version >= since ? [name] : []));
}

/** The speed at first times the rate of turning, mm/s²; a course is believed with its position only. */
function turnedMmps2(from: Seen, to: Seen): number | undefined {
  const [one, two] = [from, to].map(({ accepted, event }) =>
    accepted ? event.headingDdeg : undefined,
  );
  if (from.speed === undefined || one === undefined || two === undefined) return undefined;
  const clockwise = (two - one + 3_600) % 3_600;
  const radians = Math.min(clockwise, 3_600 - clockwise) * (Math.PI / 1_800);
  const seconds = (to.event.atMs - from.event.atMs) / 1_000;
  return ((from.speed * 25) / 9) * (radians / seconds);
}

/** The way at the mean of two speeds, in whole millimetres of each stretch by itself. */
function addVeryFastWay(from: Seen, to: Seen, zones: Zones, byDate: Map<string, number>): void {
  const tookMs = to.event.atMs - from.event.atMs;
  if (tookMs > 120_000) return;
  const units = BigInt((from.speed ?? 0) + (to.speed ?? 0)) * BigInt(tookMs);
  const way = createLedger(720n, zones);
  way.add(from.event.atMs, to.event.atMs, units, to.zone);
  for (const [date, mm] of way.byDate) byDate.set(date, (byDate.get(date) ?? 0) + mm);
}

/** Below a mile an hour; without a speed by the way to the last believed position, or as before. */
function isStill(members: readonly Seen[], index: number, stood: boolean): boolean {
  const { speed, accepted, moving, event, wayFromMs, leapt } = members[index] as Seen;
  if (speed !== undefined) return speed < 161;
  if (!accepted) return stood;
  const before = members.slice(0, index).findLast((other) => other.accepted)?.event;
  const stepMm = before === undefined || leapt ? 0 : wayBetween(spotOf(before), spotOf(event));
  return !moving && stepMm * 360 < 500 * (event.atMs - wayFromMs);
}

function spotOf({ atMs, latE7, lonE7 }: Seen['event']): Spot {
  return { atMs, lat: latE7 ?? 0, lon: lonE7 ?? 0 };
}

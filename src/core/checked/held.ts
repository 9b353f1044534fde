import type { CanonicalEvent } from '../event.ts';
import { absent } from '../reading.ts';
import type { Rules } from '../rules.ts';
import { rejectionReasons } from '../trips/totals.ts';

/** All events of one instant as one reading, held until the readings after it are known. */
export interface Held {
  readonly atMs: number;
  readonly firstDigest: number;
  lastDigest: number;
  events: number;
  /** Interval since the previous instant; the usual interval without this one, or `absent`. */
  readonly intervalMs: number;
  readonly usualMs: number;
  latE7: number;
  lonE7: number;
  accuracyDm: number;
  speedCkmh: number;
  headingDdeg: number;
  odometerM: number;
  /** 1 on, 0 off. */
  ignition: number;
  accelForwardMmps2: number;
  accelLeftMmps2: number;
  speedLimitCkmh: number;
  /** 1 in use, 0 not. */
  phoneInUse: number;
  /** Rejections by reason, in the order of `rejectionReasons`; `noneRejected` if there are none. */
  rejected: readonly number[];
}

/** The fields of a held reading that are numbers or `absent`, in the order of the codec. */
export const heldFields = [
  'latE7',
  'lonE7',
  'accuracyDm',
  'speedCkmh',
  'headingDdeg',
  'odometerM',
  'ignition',
  'accelForwardMmps2',
  'accelLeftMmps2',
  'speedLimitCkmh',
  'phoneInUse',
] as const satisfies readonly (keyof Held)[];

/** Shared by all readings without a rejection. */
export const noneRejected: readonly number[] = Object.freeze(rejectionReasons.map(() => 0));

/** A reading without events yet. */
export function emptyHeld(
  atMs: number,
  firstDigest: number,
  intervalMs: number,
  usualMs: number,
): Held {
  return {
    atMs,
    firstDigest,
    lastDigest: firstDigest,
    events: 0,
    intervalMs,
    usualMs,
    latE7: absent,
    lonE7: absent,
    accuracyDm: absent,
    speedCkmh: absent,
    headingDdeg: absent,
    odometerM: absent,
    ignition: absent,
    accelForwardMmps2: absent,
    accelLeftMmps2: absent,
    speedLimitCkmh: absent,
    phoneInUse: absent,
    rejected: noneRejected,
  };
}

const reason = {
  sameInstant: rejectionReasons.indexOf('SAME_INSTANT'),
  nullIsland: rejectionReasons.indexOf('NULL_ISLAND'),
  inaccurate: rejectionReasons.indexOf('INACCURATE'),
  speed: rejectionReasons.indexOf('IMPOSSIBLE_SPEED'),
  acceleration: rejectionReasons.indexOf('IMPOSSIBLE_ACCELERATION'),
};

export function countRejected(held: Held, index: number): void {
  held.rejected = held.rejected.map((count, i) => (i === index ? count + 1 : count));
}

/** Adds an event to the reading of its instant; the first plausible value of each field counts. */
export function mergeEvent(held: Held, event: CanonicalEvent, rules: Rules): void {
  held.lastDigest = event.digest;
  held.events += 1;
  const isHere = mergePosition(held, event, rules);
  // Speed and course come from the same receiver; they are not used if its position is rejected.
  if (isHere) {
    if (held.speedCkmh === absent && event.speedCkmh !== undefined) {
      if (event.speedCkmh <= rules.fastestCkmh) held.speedCkmh = event.speedCkmh;
      else countRejected(held, reason.speed);
    }
    if (held.headingDdeg === absent) held.headingDdeg = event.headingDdeg ?? absent;
  }
  if (held.odometerM === absent) held.odometerM = event.odometerM ?? absent;
  if (held.ignition === absent) held.ignition = bitOf(event.ignition);
  mergeAccelerations(held, event, rules);
  if (held.speedLimitCkmh === absent) held.speedLimitCkmh = event.speedLimitCkmh ?? absent;
  if (held.phoneInUse === absent) held.phoneInUse = bitOf(event.phoneInUse);
}

/** Merges the position; whether the receiver's other values, speed and course, may be used. */
function mergePosition(held: Held, event: CanonicalEvent, rules: Rules): boolean {
  const { latE7, lonE7, accuracyDm } = event;
  if (latE7 === undefined || lonE7 === undefined) return true;
  if (Math.abs(latE7) <= rules.nullIslandE7 && Math.abs(lonE7) <= rules.nullIslandE7) {
    countRejected(held, reason.nullIsland);
    return false;
  }
  if (accuracyDm !== undefined && accuracyDm > rules.accuracyDm) {
    countRejected(held, reason.inaccurate);
    return false;
  }
  if (held.latE7 === absent) {
    held.latE7 = latE7;
    held.lonE7 = lonE7;
    held.accuracyDm = accuracyDm ?? absent;
    return true;
  }
  if (held.latE7 !== latE7 || held.lonE7 !== lonE7) {
    countRejected(held, reason.sameInstant);
    return false;
  }
  if (held.accuracyDm === absent) held.accuracyDm = accuracyDm ?? absent;
  return true;
}

function mergeAccelerations(held: Held, event: CanonicalEvent, { checks }: Rules): void {
  if (checks === undefined) return;
  const { accelForwardMmps2: forward, accelLeftMmps2: left } = event;
  if (held.accelForwardMmps2 === absent && forward !== undefined) {
    if (forward <= checks.fastestLossMmps2 && forward >= -checks.fastestLossMmps2) {
      held.accelForwardMmps2 = forward;
    } else countRejected(held, reason.acceleration);
  }
  if (held.accelLeftMmps2 === absent && left !== undefined) {
    if (Math.abs(left) <= checks.hardestTurnMmps2) held.accelLeftMmps2 = left;
    else countRejected(held, reason.acceleration);
  }
}

function bitOf(value: boolean | undefined): number {
  return value === undefined ? absent : value ? 1 : 0;
}

/** The first later reading with this field, after `skipped` others; undefined if not known yet. */
export function nextWith(
  held: readonly Held[],
  field: 'latE7' | 'speedCkmh' | 'odometerM',
  skipped = 0,
): Held | undefined {
  let left = skipped;
  for (let i = 1; i < held.length; i++) {
    const later = held[i] as Held;
    if (later[field] !== absent && left-- === 0) return later;
  }
  return undefined;
}

/**
 * Whether enough is known after the oldest reading to judge it. Without speeds, a trip opens only
 * after two steps between positions.
 */
export function isReady(held: readonly Held[], isTrip: boolean, { checks }: Rules): boolean {
  const oldest = held[0] as Held;
  const newest = held[held.length - 1] as Held;
  if (held.length < 2 || checks === undefined) return false;
  if (held.length > checks.heldReadings || newest.atMs - oldest.atMs >= checks.heldMs) return true;
  return (
    (oldest.latE7 === absent ||
      nextWith(held, 'latE7', !isTrip && oldest.speedCkmh === absent ? 1 : 0) !== undefined) &&
    (oldest.speedCkmh === absent || nextWith(held, 'speedCkmh') !== undefined)
  );
}

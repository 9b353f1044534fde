import type { Zones } from '../../../src/core/zones.ts';
import { createLedger, type Ledger } from './local.ts';
import { type Spot, wayBetween } from './places.ts';
import type { Seen } from './seen.ts';

/** How a trip's time was spent, ms by local date. */
export interface Times {
  duration: Ledger;
  moving: Ledger;
  /** Standing that lasted a minute and more, from its beginning. */
  idle: Ledger;
  /** Standing of any length. */
  standing: Ledger;
  above130: Ledger;
  speeding: Ledger;
  limitKnown: Ledger;
  phone: Ledger;
}

export function measureTimes(members: readonly Seen[], zones: Zones): Times {
  const ledger = () => createLedger(1n, zones);
  const times: Times = {
    duration: ledger(),
    moving: ledger(),
    idle: ledger(),
    standing: ledger(),
    above130: ledger(),
    speeding: ledger(),
    limitKnown: ledger(),
    phone: ledger(),
  };
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
    // What a reading says holds until the next one, for two minutes at most.
    if (atMs - headMs <= 120_000) {
      const speed = from.speed ?? -1;
      const { speedLimitCkmh, phoneInUse } = from.event;
      if (speed > 13_000) book(times.above130);
      if (speedLimitCkmh !== undefined) book(times.limitKnown);
      if (speed >= 1_000 && speed > (speedLimitCkmh ?? speed)) book(times.speeding);
      if (speed >= 1_000 && phoneInUse === true) book(times.phone);
    }
    stillFrom = !still ? undefined : stood ? stillFrom : atMs;
    from = seen;
    headMs = atMs;
  });
  return times;
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

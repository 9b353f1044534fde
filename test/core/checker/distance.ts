import type { DistanceSource } from '../../../src/core/changes.ts';
import type { Zones } from '../../../src/core/zones.ts';
import { createLedger, type Ledger } from './local.ts';
import type { Seen } from './seen.ts';

/** How far a trip went, by the source that is believed. */
export interface Way {
  source: DistanceSource;
  metres: Ledger;
  bridgedM: number;
}

export function measureWay(members: readonly Seen[], zones: Zones): Way {
  const gps = byPositions(members, zones);
  const speed = bySpeed(members, zones);
  const odometer = byOdometer(members, zones);
  const fixes = members.filter((seen) => seen.accepted);
  const spoken = fixes.filter((seen) => seen.speed !== undefined);
  const isSpeed =
    members.some((seen) => seen.speed !== undefined) &&
    spoken.length * 100 >= fixes.length * 90 &&
    isLike(speed.metres.whole(), gps.metres.whole());
  const road = isSpeed ? speed : gps;
  const tookMs = (members.at(-1)?.event.atMs ?? 0) - (members[0]?.event.atMs ?? 0);
  const isOdometer =
    odometer.coveredMs > 0 &&
    !odometer.broken &&
    odometer.coveredMs * 100 >= 90 * tookMs &&
    isLike(odometer.metres.whole(), road.metres.whole());
  if (isOdometer) return { source: 'ODOMETER', ...odometer };
  return isSpeed ? { source: 'SPEED', ...speed } : { source: 'GPS', ...gps };
}

function isLike(a: number, b: number): boolean {
  return (a + 200) * 100 >= 70 * b && (a - 200) * 100 <= 140 * b;
}

/** Longer than this is a silence that the distance bridges. */
function bridgeMs({ usualMs }: Seen): number {
  return Math.max(30_000, 4 * (usualMs ?? 0));
}

function byPositions(members: readonly Seen[], zones: Zones) {
  const metres = createLedger(1_000n, zones);
  let bridgedMm = 0;
  for (const seen of members) {
    if (!seen.accepted || seen.wayMm === 0) continue;
    const { atMs } = seen.event;
    metres.add(seen.wayFromMs, atMs, BigInt(seen.wayMm), seen.zone);
    if (atMs - seen.wayFromMs > bridgeMs(seen)) bridgedMm += seen.wayMm;
  }
  return { metres, bridgedM: Math.floor(bridgedMm / 1_000) };
}

/** The mean of two speeds in a row for the time between them; 720,000 of its units are a metre. */
function bySpeed(members: readonly Seen[], zones: Zones) {
  const metres = createLedger(720_000n, zones);
  let bridged = 0;
  let last: { atMs: number; speed: number } | undefined;
  for (const seen of members) {
    if (seen.speed === undefined) continue;
    const { atMs } = seen.event;
    if (last !== undefined && !seen.leapt && atMs > last.atMs) {
      const isBridged = atMs - last.atMs > bridgeMs(seen);
      const units = isBridged && seen.stayed ? 0 : (last.speed + seen.speed) * (atMs - last.atMs);
      metres.add(last.atMs, atMs, BigInt(units), seen.zone);
      if (isBridged) bridged += units;
    }
    last = { atMs, speed: seen.speed };
  }
  return { metres, bridgedM: Math.floor(bridged / 720_000) };
}

function byOdometer(members: readonly Seen[], zones: Zones) {
  const metres = createLedger(1n, zones);
  let bridgedM = 0;
  let coveredMs = 0;
  let broken = false;
  let last: { atMs: number; readM: number } | undefined;
  for (const seen of members) {
    const { atMs, odometerM } = seen.event;
    if (odometerM === undefined) continue;
    if (last !== undefined) {
      const wayM = odometerM - last.readM;
      const tookMs = atMs - last.atMs;
      if (wayM < 0 || wayM > 0.07 * tookMs + 1_000 || (tookMs === 0 && wayM > 0)) broken = true;
      else if (wayM > 0) {
        metres.add(last.atMs, atMs, BigInt(wayM), seen.zone);
        if (tookMs > bridgeMs(seen)) bridgedM += wayM;
      }
      coveredMs += tookMs;
    }
    last = { atMs, readM: odometerM };
  }
  return { metres, bridgedM, coveredMs, broken };
}

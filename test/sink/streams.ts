import { digestOf } from '../../src/core/digest.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';

export type Random = () => number;

/** Numbers in [0, 1) that are the same for the same seed: mulberry32 (Tommy Ettinger, public domain). */
export function createRandom(seed: number): Random {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

const METRES_PER_DEGREE = 111_195;

/**
 * A device's life in event-time order: drives, stops, silences, parked reports, jumps, twin
 * instants, ignition or none, over hours to days. Nothing else is promised of it.
 */
export function createStream(random: Random, startMs: number): CanonicalEvent[] {
  const events: CanonicalEvent[] = [];
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const hasIgnition = random() < 0.3;
  const hasOdometer = random() < 0.3;
  const hasSpeed = random() < 0.9;
  let atMs = startMs;
  let lat = 40 + random();
  let lon = -96 + random();
  let odometerM = Math.floor(random() * 100_000_000);
  const add = (fields: Partial<CanonicalEvent>) => {
    const content = { atMs: Math.round(atMs), ...fields };
    events.push({ ...content, digest: digestOf(content) });
  };
  const report = (kmh: number, ignition: boolean | undefined) =>
    add({
      latE7: Math.round(lat * 1e7),
      lonE7: Math.round(lon * 1e7),
      ...(hasSpeed ? { speedCkmh: Math.round(kmh * 100) } : {}),
      ...(hasOdometer ? { odometerM: Math.round(odometerM) } : {}),
      ...(ignition === undefined ? {} : { ignition }),
      ...(random() < 0.2 ? { accelForwardMmps2: Math.round((random() - 0.5) * 10_000) + 0 } : {}),
    });
  const drives = 1 + Math.floor(random() * 4);
  for (let drive = 0; drive < drives; drive += 1) {
    const intervalMs = pick([1_000, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000]);
    const fixes = 3 + Math.floor(random() * 120);
    const heading = random() * 2 * Math.PI;
    if (hasIgnition) add({ ignition: true });
    for (let fix = 0; fix < fixes; fix += 1) {
      const kmh = random() < 0.15 ? 0 : 10 + random() * 90;
      const metres = (kmh / 3.6) * (intervalMs / 1000);
      lat += (metres * Math.cos(heading)) / METRES_PER_DEGREE;
      lon += (metres * Math.sin(heading)) / METRES_PER_DEGREE / 0.76;
      odometerM += metres;
      report(kmh, hasIgnition ? true : undefined);
      if (random() < 0.01) add({ latE7: 0, lonE7: 0, speedCkmh: 0 });
      if (random() < 0.02)
        add({ latE7: Math.round((lat + random()) * 1e7), lonE7: Math.round(lon * 1e7) });
      if (random() < 0.02) report(kmh + 1, undefined);
      atMs += intervalMs + (random() < 0.03 ? random() * 200_000 : 0);
    }
    if (hasIgnition) add({ ignition: false });
    const parkedMs = pick([100_000, 200_000, 1_000_000, 10_000_000, 60_000_000]);
    const parkedReports = random() < 0.4 ? Math.floor(random() * 60) : 0;
    for (let i = 0; i < parkedReports; i += 1) {
      atMs += Math.min(60_000, parkedMs / (parkedReports + 1));
      report(0, hasIgnition ? false : undefined);
    }
    atMs += parkedMs * random();
  }
  return uniqueInOrder(events);
}

export function uniqueInOrder(events: readonly CanonicalEvent[]): CanonicalEvent[] {
  return [...events]
    .sort((a, b) => a.atMs - b.atMs || a.digest - b.digest)
    .filter(
      (e, i, all) => i === 0 || all[i - 1]!.atMs !== e.atMs || all[i - 1]!.digest !== e.digest,
    );
}

/** The events as they may arrive: swapped, bursts late, doubled, sometimes in no order at all. */
export function scramble(random: Random, events: readonly CanonicalEvent[]): CanonicalEvent[] {
  const reach = [0, 3, 30, 400, 10_000][Math.floor(random() * 5)]!;
  const arrivals = events.map((event, i) => ({ event, place: i + random() * reach }));
  for (const arrival of [...arrivals]) {
    if (random() < 0.05)
      arrivals.push({ event: arrival.event, place: arrival.place + random() * 50 });
    if (random() < 0.02) arrival.place += random() * events.length;
  }
  return arrivals.sort((a, b) => a.place - b.place).map((arrival) => arrival.event);
}

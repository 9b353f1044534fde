import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { CanonicalEvent } from '../../src/core/event.ts';

/** The naturalistic drives; the README beside them says what they are. */
const folder = fileURLToPath(new URL('../fixtures/drives', import.meta.url));

/** A fix of the data set, and in which drive it was made: truth that the fold is not told. */
export interface DrivenFix {
  readonly drive: number;
  readonly event: CanonicalEvent;
}

export interface TrueDrive {
  readonly drive: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly speedIntegralKm: number;
  readonly haversineKm: number;
}

const g = 9_806.65;
const mph = 160.9344;

/** All fixes in time order, thinned to one in `spacingS` seconds and the last of each drive. */
export function readFixes(spacingS: number): DrivenFix[] {
  const fixes: DrivenFix[] = [];
  let drive = 0;
  let nextMs = 0;
  const lines = readLines('fixes.csv.gz');
  for (const [index, line] of lines.entries()) {
    const [id = '', time = '', lon, lat, heading, speed, , , x, y] = line.split(',');
    const atMs = Date.parse(time);
    if (Number(id) !== drive) {
      drive = Number(id);
      nextMs = atMs;
    }
    const isLast = !lines[index + 1]?.startsWith(`${id},`);
    if (atMs < nextMs && !isLast) continue;
    nextMs = atMs + spacingS * 1000;
    fixes.push({
      drive,
      event: {
        atMs,
        digest: fixes.length + 1,
        latE7: Math.round(Number(lat) * 1e7),
        lonE7: Math.round(Number(lon) * 1e7),
        ...(speed ? { speedCkmh: Math.round(Number(speed) * mph) } : {}),
        ...(heading ? { headingDdeg: Math.round(Number(heading) * 10) % 3600 } : {}),
        ...(y ? { accelForwardMmps2: Math.round(Number(y) * g) } : {}),
        ...(x ? { accelLeftMmps2: Math.round(-Number(x) * g) } : {}),
      },
    });
  }
  return fixes;
}

export function readTruth(): TrueDrive[] {
  return readLines('truth.csv').map((line) => {
    const [drive, start = '', end = '', , , haversineKm, speedIntegralKm] = line.split(',');
    return {
      drive: Number(drive),
      startedAtMs: Date.parse(start),
      endedAtMs: Date.parse(end),
      haversineKm: Number(haversineKm),
      speedIntegralKm: Number(speedIntegralKm),
    };
  });
}

function readLines(name: string): string[] {
  const bytes = readFileSync(path.join(folder, name));
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.trim().split('\n').slice(1);
}

/** Says that the ignition is on with each fix and off with the last of each drive. */
export function withIgnition(fixes: readonly DrivenFix[]): DrivenFix[] {
  return fixes.map(({ drive, event }, index) => ({
    drive,
    event: { ...event, ignition: fixes[index + 1]?.drive === drive },
  }));
}

/** Lets the device go on reporting from where it parked, every `spacingS` seconds, for a day at most. */
export function withParkedFixes(fixes: readonly DrivenFix[], spacingS: number): DrivenFix[] {
  return fixes.flatMap((fix, index) => {
    const next = fixes[index + 1];
    if (next === undefined || next.drive === fix.drive) return [fix];
    const parked: DrivenFix[] = [fix];
    const untilMs = Math.min(next.event.atMs, fix.event.atMs + 86_400_000);
    const { headingDdeg: _, accelForwardMmps2: __, accelLeftMmps2: ___, ...rest } = fix.event;
    for (let atMs = rest.atMs + spacingS * 1000; atMs < untilMs; atMs += spacingS * 1000) {
      const drift = ((atMs / 1000) % 7) * 30;
      parked.push({
        drive: 0,
        event: { ...rest, atMs, latE7: (rest.latE7 ?? 0) + drift, speedCkmh: 0 },
      });
    }
    return parked;
  });
}

export interface Comparison {
  /** True drives that are one trip, and that trip no other drive. */
  readonly oneToOne: number;
  readonly split: number[];
  readonly merged: number[];
  readonly missed: number[];
}

/** Which true drives were found one to one. */
export function compareWithTruth(
  trips: readonly { startedAtMs: number; endedAtMs: number }[],
  truth: readonly TrueDrive[],
): Comparison {
  const overlaps = (a: { startedAtMs: number; endedAtMs: number }, b: typeof a) =>
    a.startedAtMs <= b.endedAtMs && b.startedAtMs <= a.endedAtMs;
  const split: number[] = [];
  const merged: number[] = [];
  const missed: number[] = [];
  for (const drive of truth) {
    const found = trips.filter((trip) => overlaps(trip, drive));
    if (found.length === 0) missed.push(drive.drive);
    else if (found.length > 1) split.push(drive.drive);
    else if (truth.filter((other) => overlaps(found[0] as TrueDrive, other)).length > 1) {
      merged.push(drive.drive);
    }
  }
  const oneToOne = truth.length - split.length - merged.length - missed.length;
  return { oneToOne, split, merged, missed };
}

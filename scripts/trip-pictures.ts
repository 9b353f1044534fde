/**
 * Draws the pictures of docs/trips.md from the naturalistic drives: times and speeds, no places.
 * Run: node --import ./scripts/typescript.js scripts/trip-pictures.ts
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { foldAll } from '../src/core/fold-all.ts';
import { createRulesTimeline } from '../src/core/rules.ts';
import { loadZones } from '../src/zones.ts';
import { type DrivenFix, readFixes, readTruth, withParkedFixes } from '../test/core/drives.ts';

const context = { rulesAt: createRulesTimeline([]), zonesOf: loadZones };
const folder = 'docs/pictures';
const width = 760;
const left = 150;
const ink = '#333';
const colours = { moving: '#2b6cb0', stop: '#90cdf4', idle: '#dd6b20', rule: '#999' };

interface Span {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

function tripsOf(fixes: readonly DrivenFix[]) {
  const folded = foldAll(
    fixes.map(({ event }) => event),
    context,
  );
  return folded.openTrip === undefined ? folded.trips : [...folded.trips, folded.openTrip];
}

function text(x: number, y: number, words: string, anchor = 'start', colour = ink): string {
  return `<text x="${x.toFixed(1)}" y="${String(y)}" text-anchor="${anchor}" fill="${colour}">${words}</text>`;
}

function box(x: number, y: number, w: number, h: number, colour: string): string {
  return `<rect x="${x.toFixed(1)}" y="${String(y)}" width="${w.toFixed(1)}" height="${String(h)}" fill="${colour}"/>`;
}

function save(name: string, height: number, title: string, parts: readonly string[]): void {
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    box(0, 0, width, height, '#fff'),
    ...parts,
    '</svg>\n',
  ];
  writeFileSync(`${folder}/${name}.svg`, svg.join('\n'));
  console.log(`${folder}/${name}.svg`);
}

/** One afternoon: what was driven, and which trips are found in it, by how the device reports. */
function drawAfternoon(): void {
  const fromMs = Date.UTC(2019, 4, 26, 20, 10);
  const toMs = Date.UTC(2019, 4, 27, 0, 0);
  const x = (atMs: number) => left + ((atMs - fromMs) / (toMs - fromMs)) * (width - left - 15);
  const rows: [string, readonly Span[]][] = [
    ['driven', readTruth()],
    ['a fix in 1 s', tripsOf(readFixes(1))],
    ['a fix in 60 s', tripsOf(readFixes(60))],
    ['1 s, also parked', tripsOf(withParkedFixes(readFixes(1), 1))],
  ];
  const parts = rows.flatMap(([name, spans], row) => {
    const y = 20 + row * 34;
    const seen = spans.filter(
      ({ startedAtMs, endedAtMs }) => endedAtMs > fromMs && startedAtMs < toMs,
    );
    return [
      text(10, y + 14, name),
      ...seen.map(({ startedAtMs, endedAtMs }) =>
        box(
          x(startedAtMs),
          y,
          Math.max(2, x(endedAtMs) - x(startedAtMs)),
          20,
          row === 0 ? ink : colours.moving,
        ),
      ),
      text(width - 12, y + 14, String(seen.length), 'end'),
    ];
  });
  for (let atMs = Date.UTC(2019, 4, 26, 20, 30); atMs < toMs; atMs += 1_800_000) {
    parts.push(
      text(x(atMs), 172, new Date(atMs).toISOString().slice(11, 16), 'middle', colours.rule),
    );
  }
  save('afternoon', 182, 'One afternoon of driving, and the trips found in it', parts);
}

/** One drive: its speed, and what of it is moving, a stop in traffic, or idling. */
function drawIdle(): void {
  const all = readFixes(1);
  const [first] = all.filter(({ drive }) => drive === 15);
  const trip = tripsOf(all).findLast(
    ({ startedAtMs }) => startedAtMs <= (first?.event.atMs ?? 0) + 60_000,
  );
  if (trip === undefined) throw new Error('the drive has no trip');
  const { startedAtMs, endedAtMs } = trip;
  const fixes = all.filter(({ event }) => event.atMs >= startedAtMs && event.atMs <= endedAtMs);
  const x = (atMs: number) =>
    left + ((atMs - startedAtMs) / (endedAtMs - startedAtMs)) * (width - left - 15);
  const y = (kmh: number) => 140 - kmh * 1.2;
  const line = fixes
    .map(({ event }) => `${x(event.atMs).toFixed(1)},${y((event.speedCkmh ?? 0) / 100).toFixed(1)}`)
    .join(' ');
  const parts = [
    ...[0, 50, 100].flatMap((kmh) => [
      `<path d="M${String(left)} ${String(y(kmh))}H${String(width - 15)}" stroke="${colours.rule}" stroke-width=".5"/>`,
      text(left - 8, y(kmh) + 4, `${String(kmh)} km/h`, 'end', colours.rule),
    ]),
    `<polyline points="${line}" fill="none" stroke="${colours.moving}" stroke-width="1.3"/>`,
    text(10, 164, 'told apart as'),
  ];
  for (const { fromMs, toMs, still } of stretches(fixes)) {
    const colour = !still ? colours.moving : toMs - fromMs < 60_000 ? colours.stop : colours.idle;
    parts.push(box(x(fromMs), 152, x(toMs) - x(fromMs), 16, colour));
  }
  (['moving', 'stop', 'idle'] as const).forEach((kind, index) => {
    const at = left + index * 180;
    const words = { moving: 'moving', stop: 'stop, less than 60 s', idle: 'idling, 60 s and more' }[
      kind
    ];
    parts.push(box(at, 182, 12, 12, colours[kind]), text(at + 18, 192, words));
  });
  const idleS = Math.round(trip.idleMs / 1000);
  save(
    'idling',
    204,
    `One drive of ${String(Math.round((endedAtMs - startedAtMs) / 60_000))} minutes with ${String(idleS)} s of idling`,
    parts,
  );
}

/** Stretches of standing (below 1.61 km/h at both ends) and of moving. */
function stretches(fixes: readonly DrivenFix[]) {
  const found: { fromMs: number; toMs: number; still: boolean }[] = [];
  fixes.slice(1).forEach(({ event }, index) => {
    const before = fixes[index]?.event ?? event;
    const still = [before, event].every(
      ({ speedCkmh }) => speedCkmh !== undefined && speedCkmh < 161,
    );
    const last = found.at(-1);
    if (last?.still === still) last.toMs = event.atMs;
    else found.push({ fromMs: before.atMs, toMs: event.atMs, still });
  });
  return found;
}

mkdirSync(folder, { recursive: true });
drawAfternoon();
drawIdle();

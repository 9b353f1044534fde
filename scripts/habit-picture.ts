/**
 * Draws the example's drive: speed with idling, stops and crawling, and the acceleration along the
 * vehicle by accelerometer and by GPS speed, each with its thresholds and flags.
 * Run: node --import ./scripts/typescript.js scripts/habit-picture.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { DrivingEventFacts } from '../src/core/changes.ts';
import { createRulesTimeline, foldAll, newestRules } from '../src/core/index.ts';
import type { CanonicalEvent } from '../src/core/event.ts';
import { loadZones } from '../src/zones.ts';

interface Message {
  readonly at: string;
  readonly lat: number;
  readonly lon: number;
  readonly speedKmh: number;
  readonly headingDeg: number;
  readonly accelMps2?: { readonly forward: number; readonly left: number };
}

const messages = readFileSync('examples/one-drive/drive.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Message);
const events: CanonicalEvent[] = messages.map((message, index) => ({
  atMs: Date.parse(message.at),
  digest: index,
  latE7: Math.round(message.lat * 1e7),
  lonE7: Math.round(message.lon * 1e7),
  speedCkmh: Math.round(message.speedKmh * 100),
  headingDdeg: Math.round(message.headingDeg * 10) % 3_600,
  ...(message.accelMps2 === undefined
    ? {}
    : { accelForwardMmps2: Math.round(message.accelMps2.forward * 1_000) }),
}));
const startMs = events[0]?.atMs ?? 0;
const seconds = ((events.at(-1)?.atMs ?? 0) - startMs) / 1_000;
const later = { atMs: startMs + 7_200_000, digest: 0 };
const rulesAt = createRulesTimeline(newestRules);
const flags = foldAll([...events, later], { rulesAt, zonesOf: loadZones }).drivingEvents.filter(
  ({ kind }) => kind !== 'HARSH_CORNERING',
);

const width = 900;
const left = 60;
const xOf = (atMs: number) => left + ((atMs - startMs) / 1_000 / seconds) * (width - left - 10);

/** One diagram below the last. */
interface Panel {
  readonly top: number;
  readonly height: number;
  readonly least: number;
  readonly most: number;
}

const yOf = ({ top, height, least, most }: Panel, value: number) =>
  top + height - ((value - least) / (most - least)) * height;

function line(panel: Panel, points: readonly (readonly [number, number])[], colour: string) {
  const path = points.map(([atMs, y]) => `${xOf(atMs).toFixed(1)},${yOf(panel, y).toFixed(1)}`);
  return `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.2"/>`;
}

function level(panel: Panel, value: number, words: string, dashed = true) {
  const y = yOf(panel, value).toFixed(1);
  return (
    `<line x1="${String(left)}" x2="${String(width - 10)}" y1="${y}" y2="${y}" stroke="#999"` +
    `${dashed ? ' stroke-dasharray="4 3"' : ''}/>` +
    `<text x="${String(left - 6)}" y="${y}" text-anchor="end" dominant-baseline="middle">${words}</text>`
  );
}

function mark(panel: Panel, { atMs, kind, severity, peakMmps2 = 0 }: DrivingEventFacts) {
  const value = (kind === 'HARSH_BRAKING' ? -peakMmps2 : peakMmps2) / 1_000;
  const at = `cx="${xOf(atMs).toFixed(1)}" cy="${yOf(panel, value).toFixed(1)}"`;
  return `<circle ${at} r="5" fill="none" stroke="#c00" stroke-width="2"><title>${kind} ${severity}</title></circle>`;
}

/** Slow stretches as bands: standing in grey, motion below 15 km/h in yellow. */
function bands(panel: Panel) {
  return events.slice(0, -1).flatMap(({ atMs, speedCkmh = 0 }, index) => {
    if (speedCkmh >= 1_500) return [];
    const to = xOf(events[index + 1]?.atMs ?? atMs);
    const x = xOf(atMs);
    const box = `x="${x.toFixed(1)}" y="${String(panel.top)}" height="${String(panel.height)}"`;
    const fill = speedCkmh < 161 ? '#ccc' : '#fc6';
    return [`<rect ${box} width="${(to - x + 0.2).toFixed(1)}" fill="${fill}"/>`];
  });
}

const speed: Panel = { top: 30, height: 130, least: 0, most: 60 };
const felt: Panel = { top: 210, height: 150, least: -6, most: 6 };
const gps: Panel = { top: 410, height: 150, least: -4, most: 4 };
const central = events
  .slice(1, -1)
  .map(({ atMs }, index): readonly [number, number] => [
    atMs,
    ((events[index + 2]?.speedCkmh ?? 0) - (events[index]?.speedCkmh ?? 0)) / 360 / 2,
  ]);
const g = 9.80665;
const svg = [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} 580" font-family="sans-serif" font-size="11" fill="#333">`,
  `<rect width="${String(width)}" height="580" fill="#fff"/>`,
  `<text x="${String(left)}" y="18">Speed, km/h: grey stands, yellow moves below 15 km/h</text>`,
  ...bands(speed),
  ...[0, 30, 60].map((kmh) => level(speed, kmh, String(kmh), kmh !== 0)),
  line(
    speed,
    events.map(({ atMs, speedCkmh = 0 }) => [atMs, speedCkmh / 100] as const),
    '#06c',
  ),
  `<text x="${String(left)}" y="198">Acceleration felt, m/s²: thresholds 0.35, 0.45 and 0.60 g; flags in red</text>`,
  level(felt, 0, '0', false),
  ...[0.35, 0.45, 0.6].flatMap((part) => [
    level(felt, part * g, (part * g).toFixed(1)),
    level(felt, -part * g, (-part * g).toFixed(1)),
  ]),
  line(
    felt,
    events.flatMap(({ atMs, accelForwardMmps2 }) =>
      accelForwardMmps2 === undefined ? [] : [[atMs, accelForwardMmps2 / 1_000] as const],
    ),
    '#063',
  ),
  ...flags.filter(({ source }) => source === 'ACCELEROMETER').map((flag) => mark(felt, flag)),
  `<text x="${String(left)}" y="398">The same by GPS speed, m/s²: thresholds 2.0, 2.5 and 2.94 m/s²; flags in red</text>`,
  level(gps, 0, '0', false),
  ...[2, 2.5, 2.942].flatMap((value) => {
    const words = value === 2.5 ? '' : value.toFixed(1);
    return [level(gps, value, words), level(gps, -value, words && `−${words}`)];
  }),
  line(gps, central, '#06c'),
  ...flags.filter(({ source }) => source === 'GPS').map((flag) => mark(gps, flag)),
  '</svg>',
];
writeFileSync('docs/pictures/one-drive.svg', `${svg.join('\n')}\n`);

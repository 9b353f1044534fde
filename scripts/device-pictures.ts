/**
 * Draws the pictures of docs/devices.md from the messages of test/fixtures/cases: what a device sent,
 * and what of it counts.
 * Run: node --import ./scripts/typescript.js scripts/device-pictures.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

interface Message {
  readonly at: string;
  readonly lat: number;
  readonly speedKmh: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly left: boolean;
}

const width = 760;
const height = 200;
const edge = 44;
const counts = '#2b6cb0';
const leftOut = '#dd6b20';

function readMessages(name: string): Message[] {
  const bytes = readFileSync(new URL(`../test/fixtures/cases/${name}.jsonl.gz`, import.meta.url));
  return gunzipSync(bytes)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Message);
}

function draw(name: string, title: string, unit: string, points: readonly Point[]): void {
  const mostX = Math.max(...points.map(({ x }) => x));
  const mostY = Math.max(...points.map(({ y }) => y));
  const px = (x: number) => (edge + (x / mostX) * (width - 2 * edge)).toFixed(1);
  const py = (y: number) => (height - edge - (y / mostY) * (height - 2 * edge)).toFixed(1);
  const line = points
    .filter(({ left }) => !left)
    .map(({ x, y }) => `${px(x)},${py(y)}`)
    .join(' ');
  const dots = points
    .filter(({ left }) => left)
    .map(({ x, y }) => `<circle cx="${px(x)}" cy="${py(y)}" r="2.5" fill="${leftOut}"/>`)
    .join('');
  const text = (x: number, y: number, words: string, anchor = 'start') =>
    `<text x="${String(x)}" y="${String(y)}" text-anchor="${anchor}">${words}</text>`;
  writeFileSync(
    new URL(`../docs/pictures/${name}.svg`, import.meta.url),
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" font-family="sans-serif" font-size="12" fill="#333">
<title>${title}</title><rect width="100%" height="100%" fill="#fff"/>
<polyline points="${line}" fill="none" stroke="${counts}" stroke-width="2"/>${dots}
${text(edge, 20, title)}${text(edge, height - 12, '0 s')}${text(width - edge, height - 12, `${String(mostX)} s`, 'end')}
${text(4, edge, `${mostY.toFixed(0)} ${unit}`)}${text(4, height - edge, '0')}
</svg>
`,
  );
}

const second = (messages: readonly Message[], { at }: Message) =>
  (Date.parse(at) - Date.parse(messages[0]?.at ?? at)) / 1000;

const tunnel = readMessages('tunnel-frozen-fix');
draw(
  'tunnel',
  'Kilometres by position: in the tunnel the receiver repeats its last one (orange), which is left out',
  'km',
  tunnel.map((message, index) => ({
    x: second(tunnel, message),
    y: (message.lat - (tunnel[0]?.lat ?? 0)) * 111.2,
    left: index > 0 && tunnel[index - 1]?.lat === message.lat,
  })),
);
const dropOut = readMessages('speed-drop-out');
draw(
  'drop-out',
  'Speed: one second at 0 while cruising (orange) is left out, so nobody braked',
  'km/h',
  dropOut.map((message) => ({
    x: second(dropOut, message),
    y: message.speedKmh,
    left: message.speedKmh === 0,
  })),
);

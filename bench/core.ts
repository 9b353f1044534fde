/**
 * How fast one core folds, and how large the fold's memory is.
 * Run: node --import ./scripts/typescript.js bench/core.ts
 */
import { advance, emptyState, encodeState } from '../src/core/advance.ts';
import type { CanonicalEvent } from '../src/core/event.ts';
import { createRulesTimeline } from '../src/core/rules.ts';
import { loadZones } from '../src/zones.ts';

const context = { rulesAt: createRulesTimeline([]), zones: loadZones() };

/** An hour of driving at one fix a second: speed, heading and acceleration, a stop every 5 minutes. */
function drive(): CanonicalEvent[] {
  const events: CanonicalEvent[] = [];
  let latE7 = 412_600_000;
  for (let s = 0; s < 3_600; s++) {
    const stands = s % 300 < 30;
    const speedCkmh = stands ? 0 : 5_000 + Math.round(1_500 * Math.sin(s / 20));
    latE7 += Math.round((speedCkmh / 360) * 90);
    events.push({
      atMs: 1_700_000_000_000 + s * 1_000,
      digest: s,
      latE7,
      lonE7: -959_800_000 + Math.round(2_000 * Math.sin(s / 50)),
      speedCkmh,
      headingDdeg: Math.round(900 + 100 * Math.sin(s / 30)) % 3_600,
      accelForwardMmps2: Math.round(500 * Math.cos(s / 20)),
    });
  }
  return events;
}

/** Time on the processor, so that what else runs on the machine does not count. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const events = drive();
const rounds = 500;
for (const round of ['warm', 'measured']) {
  const started = cpuSeconds();
  let bytes = 0;
  for (let i = 0; i < rounds; i++) {
    const state = emptyState();
    for (const event of events) advance(state, event, context);
    bytes = encodeState(state).length;
  }
  const seconds = cpuSeconds() - started;
  const perSecond = Math.round((rounds * events.length) / seconds);
  console.log(`${round}: ${String(perSecond)} events/s, ${String(bytes)} bytes of state in a trip`);
}

const state = emptyState();
for (const event of events.slice(0, 600)) advance(state, event, context);
const codings = 200_000;
const started = cpuSeconds();
for (let i = 0; i < codings; i++) encodeState(state);
const nanoseconds = ((cpuSeconds() - started) / codings) * 1e9;
console.log(`encodeState: ${nanoseconds.toFixed(0)} ns`);

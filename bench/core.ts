/**
 * How fast one core folds over a year of driving, month by month, and how large the fold's memory is.
 * Run: npm run bench:core
 */
import { advance, emptyState, encodeState } from '../src/core/advance.ts';
import type { CanonicalEvent } from '../src/core/event.ts';
import { createRulesTimeline, newestRules } from '../src/core/rules.ts';
import { loadZones } from '../src/zones.ts';

const context = { rulesAt: createRulesTimeline(newestRules), zonesOf: loadZones };

const hourS = 3_600;
const daySeconds = 86_400;

/** An hour of driving at one fix a second: speed, heading and acceleration, a stop every 5 minutes. */
function driveHour(startS: number): CanonicalEvent[] {
  const events: CanonicalEvent[] = [];
  let latE7 = 412_600_000;
  for (let s = 0; s < hourS; s++) {
    const stands = s % 300 < 30;
    const speedCkmh = stands ? 0 : 5_000 + Math.round(1_500 * Math.sin(s / 20));
    latE7 += Math.round((speedCkmh / 360) * 90);
    events.push({
      atMs: (startS + s) * 1_000,
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

const newYearS = Date.UTC(2025, 0, 1) / 1_000;
const daysPerMonth = 30;
const state = emptyState();
const perSecondOfMonth: number[] = [];
let largestBytes = 0;
// The first month warms the machine up and is not told.
for (let month = 0; month <= 12; month++) {
  let events = 0;
  let seconds = 0;
  for (let day = 0; day < daysPerMonth; day++) {
    // At seven in the morning and at five in the evening in Omaha.
    for (const hour of [13, 23]) {
      const startS = newYearS + (month * daysPerMonth + day) * daySeconds + hour * hourS;
      const drive = driveHour(startS);
      const started = cpuSeconds();
      for (const event of drive) advance(state, event, context);
      seconds += cpuSeconds() - started;
      events += drive.length;
      largestBytes = Math.max(largestBytes, encodeState(state).length);
    }
  }
  if (month === 0) continue;
  const perSecond = Math.round(events / seconds);
  perSecondOfMonth.push(perSecond);
  console.log(`month ${String(month).padStart(2)}: ${String(perSecond)} events/s on one core`);
}
const slowest = Math.min(...perSecondOfMonth);
const fastest = Math.max(...perSecondOfMonth);
console.log(`slowest month / fastest month: ${(slowest / fastest).toFixed(2)}`);
console.log(`state of a device in a trip: at most ${String(largestBytes)} bytes`);

const codings = 200_000;
const started = cpuSeconds();
for (let i = 0; i < codings; i++) encodeState(state);
const nanoseconds = ((cpuSeconds() - started) / codings) * 1e9;
console.log(`encodeState: ${nanoseconds.toFixed(0)} ns`);

/**
 * From messages to trips, habits, a score and a premium with the core alone: no Kafka, no PostgreSQL,
 * no clock, no network.
 *
 *   node --import ./scripts/typescript.js examples/one-driver/run.ts [file of messages, one a line]
 *
 * Without a file a simulated driver's June is taken. The messages are folded in their order and again
 * in reverse with every third one twice: both must say the same.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  addParts,
  createRulesTimeline,
  newestRules,
  decodeRecord,
  foldAll,
  quote,
  parseTariffText,
  scoreHabits,
  summarise,
} from '../../src/core/index.ts';
import { createFleet } from '../../src/sim/fleet.ts';
import { writeMessage } from '../../src/sim/message.ts';
import { driveFrom } from '../../src/sim/stream.ts';
import { loadZones } from '../../src/zones.ts';

const zones = loadZones();
const context = { rulesAt: createRulesTimeline(newestRules), zonesOf: loadZones };
const period = { from: '2026-06-01', to: '2026-07-01' };
const beginMs = Date.parse(period.from);
const endMs = Date.parse(period.to);

function simulate(): string[] {
  const lines: string[] = [];
  // Somebody who brakes hard, with a device that tells most.
  const car = createFleet({ seed: 42, cars: 100 }).find(
    ({ style, device }) =>
      style.name === 'aggressive' && device.accelerometer && device.limits && device.phone,
  )!;
  for (const report of driveFrom(car, beginMs, zones)) {
    if (report.atMs >= endMs) break;
    lines.push(writeMessage(car, report).value);
  }
  return lines;
}

const settings = {
  textSpeedUnit: 'mph' as const,
  textTimeZone: 'UTC',
  zones,
  decodeUtf8: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
};
function decode(line: string) {
  const record = { value: new TextEncoder().encode(line), timestampMs: endMs };
  const decoded = decodeRecord(record, settings);
  if (decoded.ok) return [decoded.value.event];
  console.log(`dead letter ${decoded.reason}: ${decoded.message}`);
  return [];
}

const [file] = process.argv.slice(2);
const lines = file === undefined ? simulate() : readFileSync(file, 'utf8').trim().split('\n');
const events = lines.flatMap(decode);
const { trips, drivingEvents, untracked, openTrip } = foldAll(events, context);
const late = foldAll([...events, ...events.filter((_, i) => i % 3 === 0)].reverse(), context);
assert.deepEqual(
  { ...late, state: undefined },
  { trips, drivingEvents, untracked, openTrip, state: undefined },
);

const all = openTrip === undefined ? trips : [...trips, openTrip];
console.log(`${lines.length} messages, ${all.length} trips, ${drivingEvents.length} flags; first:`);
for (const trip of all.slice(0, 4)) {
  const start = new Date(trip.startedAtMs).toISOString();
  const minutes = Math.round((trip.endedAtMs - trip.startedAtMs) / 60_000);
  const km = (trip.distanceM / 1000).toFixed(1);
  console.log(`  ${start} ${trip.timeZone} ${minutes} min ${km} km by ${trip.distanceSource}`);
}

const sums = addParts(all.flatMap(({ days }) => days));
const { rates } = summarise(sums);
console.log(`habits over ${(sums.distanceM / 1000).toFixed(0)} km, in 100 km (95 % interval):`);
for (const { kind, count, per100Km = 0, low = 0, high = 0 } of rates) {
  const interval = `${low.toFixed(2)} to ${high.toFixed(2)}`;
  console.log(`  ${kind}: ${count}, that is ${per100Km.toFixed(2)} (${interval})`);
}

const score = scoreHabits(sums);
console.log(`score ${score.value ?? 'none'} (${score.status}, version ${score.version})`);
for (const { points, reason } of score.parts) console.log(`  −${points.toFixed(1)} ${reason}`);

const tariff = parseTariffText(readFileSync('examples/tariffs/payd-demo.json', 'utf8'));
assert(tariff.ok, 'the tariff of the examples is valid');
const vehicleId = 'car-1';
const exposure = all.flatMap(({ days }) => days.map((day) => ({ vehicleId, ...day })));
const policy = {
  number: 'P-1',
  startDate: '2026-01-01',
  endDate: '2027-01-01',
  vehicles: [{ vehicleId, from: '2026-01-01', to: '2027-01-01' }],
  facts: [],
};
const quoted = quote(tariff.tariff, { policy, period, exposure }, period.to);
assert(quoted.ok, JSON.stringify(quoted));
const { premium } = quoted;
console.log(`premium from ${premium.from} to ${premium.to}: ${premium.total} ${premium.currency}`);
for (const { amount, explanation } of premium.lines) console.log(`  ${amount} ${explanation}`);

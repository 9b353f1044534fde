/**
 * One real drive from its messages to a score, with the core alone: no Kafka, no PostgreSQL, no clock.
 *
 *   node --import ./scripts/typescript.js examples/one-drive/run.ts
 *
 * The drive (drive.jsonl) is 8.5 minutes of a naturalistic study; see README.md beside it.
 */
import { readFileSync } from 'node:fs';
import {
  addParts,
  createRulesTimeline,
  decodeRecord,
  explainFlag,
  foldAll,
  newestRules,
  scoreByOthers,
  scoreHabits,
  summarise,
} from '../../src/core/index.ts';
import { loadZones } from '../../src/zones.ts';

const zones = loadZones();
const settings = {
  textSpeedUnit: 'mph' as const,
  textTimeZone: 'UTC',
  zones,
  decodeUtf8: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
};

// 1. Messages become events: whole numbers at the stored resolution.
const lines = readFileSync(new URL('drive.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const events = lines.flatMap((line) => {
  const record = { value: new TextEncoder().encode(line), timestampMs: Date.UTC(2026, 5, 2) };
  const decoded = decodeRecord(record, settings);
  return decoded.ok ? [decoded.value.event] : [];
});
console.log(`${String(lines.length)} messages, ${String(events.length)} events`);

// 2. Events become trips and flags. What comes an hour later shows that the trip was over.
const later = { atMs: (events.at(-1)?.atMs ?? 0) + 3_600_000, digest: 1 };
const context = { rulesAt: createRulesTimeline(newestRules), zonesOf: loadZones };
const { trips, drivingEvents } = foldAll([...events, later], context);
for (const { localDate, timeZone, distanceM, distanceSource, endReason } of trips) {
  const km = (distanceM / 1000).toFixed(2);
  console.log(
    `trip on ${localDate}, ${timeZone}: ${km} km by ${distanceSource}, ended by ${endReason ?? ''}`,
  );
}
for (const flag of drivingEvents) {
  const { peakMmps2 = null, peakCkmh = null, leastMs = null } = flag;
  const { speedBeforeCkmh = null, speedAfterCkmh = null } = flag;
  const at = new Date(flag.atMs).toISOString().slice(11, 19);
  console.log(
    `${at} ${explainFlag({ ...flag, peakMmps2, peakCkmh, leastMs, speedBeforeCkmh, speedAfterCkmh })}`,
  );
}

// 3. Trips add up to habits.
const days = trips.flatMap((trip) => trip.days);
const percent = (share = NaN) => `${(share * 100).toFixed(1)} %`;
const { idleShare, stopShare, crawlShare, rates } = summarise(addParts(days));
console.log(
  `idling ${percent(idleShare)}, stops ${percent(stopShare)}, crawling ${percent(crawlShare)} of the time`,
);
for (const { kind, count, per100Km, low, high, measurableShare } of rates) {
  const [rate, from, to] = [per100Km, low, high].map((number = NaN) => number.toFixed(1));
  console.log(
    `${kind}: ${String(count)}, ${rate} in 100 km (${from} to ${to}), measurable ${percent(measurableShare)}`,
  );
}

// 4. Habits become a score: of one drive none, of thirty such drives one.
for (const times of [1, 30]) {
  const sums = addParts(Array<typeof days>(times).fill(days).flat());
  const { value, status, credibility, parts } = scoreHabits(sums);
  console.log(
    `${String(times)} × the drive: score ${String(value ?? 'none')}, ${status}, credibility ${credibility.toFixed(2)}`,
  );
  for (const { points, reason } of parts) console.log(`  −${points.toFixed(1)} ${reason}`);
  for (const other of scoreByOthers(sums)) {
    if (other.value !== undefined) console.log(`  ${other.name}: ${String(other.value)}`);
  }
}

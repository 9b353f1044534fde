/**
 * Prints how the rules do on the naturalistic drives: found one to one, split, merged, missed, and
 * kilometres, for each spacing of fixes.
 * Run: node --import ./scripts/typescript.js scripts/drives.ts
 */
import { foldAll } from '../src/core/fold-all.ts';
import { createRulesTimeline } from '../src/core/rules.ts';
import { loadZones } from '../src/zones.ts';
import {
  compareWithTruth,
  type DrivenFix,
  readFixes,
  readTruth,
  withIgnition,
  withParkedFixes,
} from '../test/core/drives.ts';

const context = { rulesAt: createRulesTimeline([]), zones: loadZones() };
const truth = readTruth();

function report(name: string, fixes: readonly DrivenFix[]): void {
  const { trips, openTrip, drivingEvents } = foldAll(
    fixes.map(({ event }) => event),
    context,
  );
  const all = openTrip === undefined ? trips : [...trips, openTrip];
  const { oneToOne, split, merged, missed } = compareWithTruth(all, truth);
  const km = all.reduce((sum, trip) => sum + trip.distanceM, 0) / 1000;
  const sources = [...new Set(all.map((trip) => trip.distanceSource))].join(' ');
  console.log(
    [
      name.padEnd(44),
      `${String(oneToOne).padStart(2)} of ${String(truth.length)}`,
      `trips ${String(all.length).padStart(2)}`,
      `split [${split.join(' ')}]`,
      `merged [${merged.join(' ')}]`,
      `missed [${missed.join(' ')}]`,
      `${km.toFixed(1)} km ${sources}`,
      `${String(drivingEvents.length)} flags`,
    ].join('  '),
  );
}

for (const spacingS of [1, 10, 30, 60]) {
  const fixes = readFixes(spacingS);
  report(`a fix in ${String(spacingS)} s`, fixes);
  report(`a fix in ${String(spacingS)} s, ignition`, withIgnition(fixes));
}
for (const spacingS of [1, 10, 30]) {
  const fixes = readFixes(spacingS);
  for (const parkedS of [1, 10, 60]) {
    if (parkedS < spacingS) continue;
    report(
      `a fix in ${String(spacingS)} s, parked in ${String(parkedS)} s`,
      withParkedFixes(fixes, parkedS),
    );
  }
}

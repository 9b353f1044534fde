/**
 * Prints how well the rules find the naturalistic drives, the table of docs/trips.md: found one to one,
 * split, merged, missed, and kilometres, for each spacing of fixes and each way of parking.
 * Run: npm run drives
 */
import { foldAll } from '../src/core/fold-all.ts';
import { createRulesTimeline, newestRules } from '../src/core/rules.ts';
import { loadZones } from '../src/zones.ts';
import {
  compareWithTruth,
  type DrivenFix,
  readFixes,
  readTruth,
  withIgnition,
  withParkedFixes,
} from '../test/core/drives.ts';
import { asSent } from '../test/core/drives-as-sent.ts';

const context = { rulesAt: createRulesTimeline(newestRules), zonesOf: loadZones };
const truth = readTruth();
const trueKm = truth.reduce((sum, drive) => sum + drive.speedIntegralKm, 0);

function report(spacingS: number, variant: string, fixes: readonly DrivenFix[]): void {
  const { trips, openTrip } = foldAll(
    fixes.map(({ event }) => event),
    context,
  );
  const all = openTrip === undefined ? trips : [...trips, openTrip];
  const { oneToOne, split, merged, missed } = compareWithTruth(all, truth);
  const km = all.reduce((sum, trip) => sum + trip.distanceM, 0) / 1000;
  const bridgedKm = all.reduce((sum, trip) => sum + trip.bridgedM, 0) / 1000;
  const off = (km / trueKm - 1) * 100;
  const cells = [
    `${String(spacingS)} s`,
    variant,
    `${String(oneToOne)} of ${String(truth.length)}`,
    String(all.length),
    split.join(' '),
    merged.join(' '),
    missed.join(' '),
    `${km.toFixed(1)} (${off < 0 ? '−' : '+'}${Math.abs(off).toFixed(2)} %)`,
    bridgedKm.toFixed(1),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

console.log(
  `| a fix in | parked without ignition | found 1:1 | trips | split | merged | missed | km (true: ${trueKm.toFixed(1)}) | bridged km |`,
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const spacingS of [1, 10, 30, 60]) {
  const fixes = readFixes(spacingS);
  report(spacingS, 'silent', fixes);
  for (const spoiledPercent of [1, 5, 20]) {
    const sent = asSent(fixes, { spoiledPercent, foreignPercent: 1 });
    report(spacingS, `silent, ${String(spoiledPercent)} % of fields and 1 % of fixes wrong`, sent);
  }
  report(spacingS, 'ignition sent, silent', withIgnition(fixes));
  for (const parkedS of [60, 10, 1]) {
    if (spacingS === 60 && parkedS < 60) continue;
    report(spacingS, `a fix in ${String(parkedS)} s`, withParkedFixes(fixes, parkedS));
  }
}

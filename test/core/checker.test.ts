import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { flaggingMetrics, timeMetrics, wayMetrics } from '../../src/core/habits/registry.ts';
import { check } from './checker/check.ts';
import { inOrder } from './checker/flags.ts';
import { hasDrives, readFixes, withIgnition, withParkedFixes } from './drives.ts';
import { context, drivingStreams, extremeEvents, runs, streams } from './streams.ts';

/** What was compared, so that a property that never meets a thing is seen. */
interface Tally {
  trips: number;
  readonly measures: Set<string>;
  readonly flags: Map<string, number>;
}

function noTally(): Tally {
  return { trips: 0, measures: new Set(), flags: new Map() };
}

function expectAgreement(events: readonly CanonicalEvent[], tally = noTally()): Tally {
  const { trips, openTrip, drivingEvents } = foldAll(events, context);
  const folded = openTrip === undefined ? trips : [...trips, openTrip];
  const checked = check(events, context.zones);
  expect(folded).toEqual(checked.trips);
  expect(inOrder(drivingEvents)).toEqual(inOrder(checked.drivingEvents));
  tally.trips += folded.length;
  for (const { days } of folded) {
    for (const { measures } of days) Object.keys(measures).forEach((m) => tally.measures.add(m));
  }
  for (const { kind, source, severity } of drivingEvents) {
    const name = `${kind} ${source} ${severity}`;
    tally.flags.set(name, (tally.flags.get(name) ?? 0) + 1);
  }
  return tally;
}

describe('fold and checker say the same', () => {
  it('of streams with drives, stops, gaps, jumps, parked fixes, ignition and odometers', () => {
    const tally = noTally();
    fc.assert(
      fc.property(streams, (events) => void expectAgreement(events, tally)),
      runs(150),
    );
    expect(tally.trips).toBeGreaterThan(100);
  });

  it('of driving that is harsh, too fast, at the phone, at night and in jams, every measure of it', () => {
    const tally = noTally();
    fc.assert(
      fc.property(drivingStreams, (events) => void expectAgreement(events, tally)),
      runs(200),
    );
    const first = context.rulesAt(0);
    const measures = [...timeMetrics, ...wayMetrics, ...flaggingMetrics]
      .filter(({ under }) => under(first) !== undefined)
      .map(({ measure }) => measure);
    expect([...tally.measures].sort()).toEqual(measures.sort());
    expect([...tally.flags.keys()].sort()).toEqual(
      [
        'HARSH_ACCELERATION ACCELEROMETER',
        'HARSH_ACCELERATION GPS',
        'HARSH_BRAKING ACCELEROMETER',
        'HARSH_BRAKING GPS',
        'HARSH_CORNERING ACCELEROMETER',
        'HARSH_CORNERING GPS',
        'PHONE_USE DEVICE',
        'SPEEDING GPS',
      ].flatMap((name) => ['HIGH', 'LOW', 'MEDIUM'].map((severity) => `${name} ${severity}`)),
    );
  });

  it('of events with extreme integers', () => {
    fc.assert(
      fc.property(extremeEvents, (events) => void expectAgreement(events)),
      runs(300),
    );
  });

  it.skipIf(!hasDrives)('of the naturalistic drives', () => {
    expectAgreement(readFixes(1).map(({ event }) => event));
    expectAgreement(readFixes(10).map(({ event }) => event));
    expectAgreement(withIgnition(readFixes(30)).map(({ event }) => event));
    expectAgreement(withParkedFixes(readFixes(10), 60).map(({ event }) => event));
  });
});

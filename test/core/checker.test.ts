import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { hourMeasure } from '../../src/core/habits/by-hour.ts';
import { flaggingMetrics, timeMetrics, wayMetrics } from '../../src/core/habits/registry.ts';
import type { RulesRow } from '../../src/core/rules.ts';
import { check } from './checker/check.ts';
import { inOrder } from './checker/flags.ts';
import { readFixes, withIgnition, withParkedFixes } from './drives.ts';
import { drivingStreams, extremeEvents, runs, streams } from './streams.ts';
import { contextOf, rowsOf, timelines } from './timelines.ts';
import { loadZones } from '../../src/zones.ts';

/** Counts what was compared, to detect a property that never meets a case. */
interface Tally {
  trips: number;
  readonly measures: Set<string>;
  readonly flags: Map<string, number>;
}

function noTally(): Tally {
  return { trips: 0, measures: new Set(), flags: new Map() };
}

function expectAgreement(
  events: readonly CanonicalEvent[],
  rows: readonly RulesRow[],
  tally = noTally(),
): Tally {
  const { trips, openTrip, drivingEvents } = foldAll(events, contextOf(rows));
  const folded = openTrip === undefined ? trips : [...trips, openTrip];
  const checked = check(events, loadZones, rows);
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

describe('fold and checker agree', () => {
  it('on streams with drives, stops, gaps, jumps, parked fixes, ignition and odometers', () => {
    const tally = noTally();
    fc.assert(
      fc.property(
        streams,
        timelines,
        (events, timeline) => void expectAgreement(events, rowsOf(timeline, events), tally),
      ),
      runs(150),
    );
    expect(tally.trips).toBeGreaterThan(100);
  });

  it('on harsh driving, speeding, phone use, night driving and traffic jams, in every measure', () => {
    const tally = noTally();
    fc.assert(
      fc.property(
        drivingStreams,
        timelines,
        (events, timeline) => void expectAgreement(events, rowsOf(timeline, events), tally),
      ),
      runs(600),
    );
    const hours = Array.from({ length: 24 }, (_, hour) => hourMeasure(hour));
    const inTheRegistry = [...timeMetrics, ...wayMetrics, ...flaggingMetrics].map((m) => m.measure);
    const [ofHours, others] = [true, false].map((isHour) =>
      [...tally.measures].filter((name) => hours.includes(name) === isHour).sort(),
    );
    expect(others).toEqual(inTheRegistry.sort());
    expect(ofHours!.length).toBeGreaterThan(5);
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

  it('on events with extreme integers', () => {
    fc.assert(
      fc.property(
        extremeEvents,
        timelines,
        (events, timeline) => void expectAgreement(events, rowsOf(timeline, events)),
      ),
      runs(300),
    );
  });

  it('on the naturalistic drives', () => {
    const version1 = [{ effectiveFromMs: 0, version: '1' }];
    const capped = [{ effectiveFromMs: 0, version: '2/cap=110' }];
    const expectOfFixes = (
      fixes: readonly { readonly event: CanonicalEvent }[],
      rows: RulesRow[],
    ) =>
      expectAgreement(
        fixes.map(({ event }) => event),
        rows,
      );
    expectOfFixes(readFixes(1), version1);
    expectOfFixes(readFixes(1), capped);
    expectOfFixes(readFixes(10), capped);
    expectOfFixes(withIgnition(readFixes(30)), version1);
    expectOfFixes(withParkedFixes(readFixes(10), 60), capped);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TripFacts } from '../../src/core/changes.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { type CheckedTrip, checkTrips } from './checker.ts';
import { hasDrives, readFixes, withIgnition, withParkedFixes } from './drives.ts';
import { context, extremeEvents, runs, streams } from './streams.ts';

function asChecked(trip: TripFacts): CheckedTrip {
  return {
    startedAtMs: trip.startedAtMs,
    endedAtMs: trip.endedAtMs,
    closesAtMs: trip.closesAtMs,
    endReason: trip.endReason,
    distanceM: trip.distanceM,
    distanceSource: trip.distanceSource,
    bridgedM: trip.bridgedM,
    maxSpeedCkmh: trip.maxSpeedCkmh,
    fixes: trip.fixes,
    events: trip.events,
    rejectedFixes: { ...trip.rejectedFixes },
    timeZone: trip.timeZone,
    days: trip.days.map(({ localDate, distanceM, durationMs, movingMs, idleMs, nightM }) => ({
      localDate,
      distanceM,
      durationMs,
      movingMs,
      idleMs,
      nightM,
    })),
  };
}

function expectAgreement(events: readonly CanonicalEvent[]): number {
  const { trips, openTrip } = foldAll(events, context);
  const folded = openTrip === undefined ? trips : [...trips, openTrip];
  expect(folded.map(asChecked)).toEqual(checkTrips(events, context.zones));
  return folded.length;
}

describe('fold and checker say the same', () => {
  it('of streams with drives, stops, gaps, jumps, parked fixes, ignition and odometers', () => {
    let trips = 0;
    fc.assert(
      fc.property(streams, (events) => {
        trips += expectAgreement(events);
      }),
      runs(150),
    );
    expect(trips).toBeGreaterThan(100);
  });

  it('of events with extreme integers', () => {
    fc.assert(
      fc.property(extremeEvents, (events) => {
        expectAgreement(events);
      }),
      runs(300),
    );
  });

  it.skipIf(!hasDrives)('of the naturalistic drives', () => {
    expectAgreement(readFixes(10).map(({ event }) => event));
    expectAgreement(withIgnition(readFixes(30)).map(({ event }) => event));
    expectAgreement(withParkedFixes(readFixes(10), 60).map(({ event }) => event));
  });
});

import { describe, expect, it } from 'vitest';
import type { FoldContext } from '../../src/core/advance.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import {
  compareWithTruth,
  type DrivenFix,
  readFixes,
  readTruth,
  withIgnition,
  withParkedFixes,
} from './drives.ts';
import { createRulesTimeline } from '../../src/core/rules.ts';
import { asSent } from './drives-as-sent.ts';
import { context } from './streams.ts';

const truth = readTruth();

function fold(fixes: readonly DrivenFix[], by: FoldContext = context) {
  const folded = foldAll(
    fixes.map(({ event }) => event),
    by,
  );
  const trips = [...folded.trips, ...(folded.openTrip === undefined ? [] : [folded.openTrip])];
  const km = trips.reduce((sum, { distanceM }) => sum + distanceM, 0) / 1000;
  return { ...folded, trips, km, comparison: compareWithTruth(trips, truth) };
}

const checkedRules = createRulesTimeline([{ effectiveFromMs: 0, version: '3' }]);

describe('the naturalistic drives as messages, by version 3', () => {
  it.each([
    [1, 5, 1],
    [10, 1, 1],
    [10, 20, 1],
    [30, 20, 1],
  ])(
    'are found one to one at a fix every %i s with %i %% of the fields and %i %% of the fixes wrong',
    (spacingS, spoiledPercent, foreignPercent) => {
      const sent = asSent(readFixes(spacingS), { spoiledPercent, foreignPercent });
      const { comparison, km } = fold(sent, { ...context, rulesAt: checkedRules });
      expect(comparison).toEqual({ oneToOne: 28, split: [], merged: [], missed: [] });
      expect(Math.abs(km / 382.3 - 1)).toBeLessThan(0.01);
    },
  );
});

describe('the naturalistic drives', () => {
  it.each([1, 10, 30])('are found one to one, 28 of 28, at a fix every %i s', (spacingS) => {
    const { comparison, trips } = fold(readFixes(spacingS));
    expect(comparison).toEqual({ oneToOne: 28, split: [], merged: [], missed: [] });
    expect(trips.length).toBe(28);
  });

  it.each([1, 10, 30, 60])('are found one to one with ignition, a fix every %i s', (spacingS) => {
    expect(fold(withIgnition(readFixes(spacingS))).comparison.oneToOne).toBe(28);
  });

  it.each([
    [1, 0.5],
    [10, 1],
    [30, 1],
    [60, 1],
  ])('are 382.3 km long at a fix every %i s, within %f %%', (spacingS, percent) => {
    const { km } = fold(readFixes(spacingS));
    expect(Math.abs(km / 382.3 - 1) * 100).toBeLessThan(percent);
  });

  it('are found if the parked device slows to a fix a minute', () => {
    for (const spacingS of [1, 10, 30]) {
      const { comparison } = fold(withParkedFixes(readFixes(spacingS), 60));
      expect(comparison.oneToOne).toBeGreaterThanOrEqual(27);
    }
  });

  it('are mostly found if the parked device keeps sending a fix a second', () => {
    const { comparison } = fold(withParkedFixes(readFixes(1), 1));
    expect(comparison.oneToOne).toBeGreaterThanOrEqual(25);
  });

  it('each have a distance within 2 % and 50 m of their integrated speed', () => {
    const { trips } = fold(readFixes(1));
    truth.forEach((drive, index) => {
      const km = (trips[index]?.distanceM ?? 0) / 1000;
      expect(Math.abs(km - drive.speedIntegralKm)).toBeLessThan(
        0.02 * drive.speedIntegralKm + 0.05,
      );
    });
  });

  it('give harsh flags from the accelerometer and a few from GPS speed', () => {
    const count = (source: string, kind: string) =>
      fold(readFixes(1)).drivingEvents.filter(
        (event) => event.source === source && event.kind === kind,
      ).length;
    expect(count('ACCELEROMETER', 'HARSH_BRAKING')).toBeGreaterThan(0);
    expect(count('GPS', 'HARSH_BRAKING')).toBeGreaterThan(0);
  });
});

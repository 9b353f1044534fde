import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DayPart } from '../../../src/core/changes.ts';
import type { CanonicalEvent } from '../../../src/core/event.ts';
import { foldAll } from '../../../src/core/fold-all.ts';
import { createRulesTimeline } from '../../../src/core/rules.ts';
import { context, drivingStreams, version2, runs, streams } from '../streams.ts';

const startMs = 1_700_000_000_000;

/** A drive north at the given speeds, km/h, one a second, with more said about some seconds. */
function drive(
  speedsKmh: readonly number[],
  more: (second: number) => Partial<CanonicalEvent> = () => ({}),
): CanonicalEvent[] {
  let latE7 = 412_600_000;
  return speedsKmh.map((speedKmh, second) => {
    latE7 += Math.round((speedKmh / 3.6) * 90);
    return {
      atMs: startMs + second * 1000,
      digest: second,
      latE7,
      lonE7: -959_800_000,
      speedCkmh: Math.round(speedKmh * 100),
      ...more(second),
    };
  });
}

const steady = (seconds: number, speedKmh = 50) => Array<number>(seconds).fill(speedKmh);

function daysOf(events: readonly CanonicalEvent[], rules = version2): readonly DayPart[] {
  return foldAll(events, rules).openTrip?.days ?? [];
}

function measuresOf(events: readonly CanonicalEvent[], rules = version2) {
  return daysOf(events, rules)[0]?.measures ?? {};
}

describe('slow time', () => {
  it('is told apart: idling from a minute on, short stops, and crawling in jams', () => {
    const [day] = daysOf(
      drive([...steady(11), ...steady(21, 8), ...steady(31, 0), ...steady(11), ...steady(71, 0)]),
    );
    // A stretch is judged by its first reading: setting off from the stop is slow, too.
    expect(day?.measures['crawling.ms']).toBe(22_000);
    expect(day?.idleMs).toBe(70_000);
    expect(day?.measures['standing.ms']).toBe(100_000);
  });
});

describe('above 130 km/h', () => {
  it('time and way are measured, the way by the speeds', () => {
    const measures = measuresOf(drive([...steady(11), ...steady(37, 144), ...steady(11)]));
    expect(measures['above130Kmh.ms']).toBe(37_000);
    // 36 s at 40 m/s, and one from 40 m/s down to 13.89.
    expect(measures['above130Kmh.mm']).toBe(36 * 40_000 + 26_944);
  });

  it('the way is cut at midnight to the millimetre', () => {
    // Local midnight in Omaha.
    const shiftMs = 1_700_028_000_000 - startMs - 20_500;
    const events = drive(steady(41, 151.23)).map((event) => ({
      ...event,
      atMs: event.atMs + shiftMs,
    }));
    const ways = daysOf(events).map(({ measures }) => measures['above130Kmh.mm'] ?? 0);
    expect(ways).toHaveLength(2);
    expect(ways.reduce((sum, way) => sum + way)).toBe(Math.floor((15_123 * 2 * 1000) / 720) * 40);
  });
});

describe('what could be measured', () => {
  it('is the time with speeds and courses at most 2 s apart, or with an accelerometer', () => {
    const said = drive(steady(21), (second) => ({
      ...(second < 10 ? { headingDdeg: 900 } : {}),
      ...(second >= 15 ? { accelForwardMmps2: 100, accelLeftMmps2: 0, phoneInUse: false } : {}),
    }));
    expect(measuresOf(said)).toMatchObject({
      'accelerationGps.measurable.ms': 20_000,
      'corneringGps.measurable.ms': 9_000,
      'accelerationFelt.measurable.ms': 5_000,
      'corneringFelt.measurable.ms': 5_000,
      'phone.measurable.ms': 5_000,
    });
    const sparse = said.map((event, index) => ({ ...event, atMs: startMs + index * 2_001 }));
    expect(measuresOf(sparse)).not.toHaveProperty(['accelerationGps.measurable.ms']);
    expect(measuresOf(sparse)).not.toHaveProperty(['corneringGps.measurable.ms']);
    expect(measuresOf(sparse)['accelerationFelt.measurable.ms']).toBe(5 * 2_001);
  });
});

it('a course that comes and goes is measured, and turns, only between two that are known', () => {
  const measures = measuresOf(
    drive(steady(6), (second) => ([2, 3, 5].includes(second) ? { headingDdeg: 900 } : {})),
  );
  expect(measures['corneringGps.measurable.ms']).toBe(1_000);
  expect(measures['turning02g.ms'] ?? 0).toBe(0);
});

describe('strong manoeuvres by GPS', () => {
  it('are the times from 0.1 g and 0.3 g of braking on, 0.2 g and 0.4 g of turning', () => {
    // 4 km/h less in a second are 1.11 m/s², 11 are 3.06.
    const brakes = measuresOf(drive([...steady(10), 46, 42, 31, ...steady(10, 31)]));
    expect(brakes['braking01g.ms']).toBe(3_000);
    expect(brakes['braking03g.ms']).toBe(1_000);
    // At 10 m/s, 12° a second are 2.09 m/s², 24° are 4.19; the short way round north.
    const headings = [3_500, 3_500, 20, 140, 3_500];
    const turns = measuresOf(
      drive(steady(5, 36), (second) => ({ headingDdeg: headings[second] as number })),
    );
    expect(turns['turning02g.ms']).toBe(3_000);
    expect(turns['turning04g.ms']).toBe(1_000);
  });
});

describe('a speed cap', () => {
  const capped = {
    ...context,
    rulesAt: createRulesTimeline([{ effectiveFromMs: 0, version: '2/cap=100' }]),
  };
  const fast = drive([...steady(10), ...steady(71, 105), ...steady(10)]);

  it('counts where no limit was sent, and is off unless the rules have it', () => {
    const { measures } = daysOf(fast, capped)[0] as DayPart;
    expect(measures['speedingCap.ms']).toBe(71_000);
    expect(measures['speedingCap.measurable.ms']).toBe(90_000);
    expect(measures['speedingCap.count']).toBe(1);
    expect(measures['speeding.count']).toBeUndefined();
    expect(Object.keys(measuresOf(fast)).filter((name) => name.includes('Cap'))).toEqual([]);
    const limited = fast.map((event) => ({ ...event, speedLimitCkmh: 12_000 }));
    expect(measuresOf(limited, capped)['speedingCap.ms']).toBeUndefined();
  });

  it('is in the record of its flag', () => {
    const closing = { atMs: startMs + 3_600_000, digest: 1, ignition: false };
    const { drivingEvents } = foldAll([...fast, closing], capped);
    expect(drivingEvents.find(({ kind }) => kind === 'SPEEDING')).toMatchObject({
      kind: 'SPEEDING',
      severity: 'LOW',
      threshold: 10_000,
      peakCkmh: 10_500,
      durationMs: 70_000,
      rulesVersion: expect.stringMatching(/^2\/cap=100\+/) as string,
    });
  });
});

describe('kilometres by the hour', () => {
  it('are cut at the local hour, also where the zone is half an hour off', () => {
    // 03:59:30 in Omaha, and 03:29:30 UTC in Kolkata, where the clock shows 08:59:30.
    const omaha = drive(steady(61, 72)).map((event, second) => ({
      ...event,
      atMs: 1_700_042_370_000 + second * 1000,
    }));
    expect(measuresOf(omaha)).toMatchObject({ 'hour03.m': 600, 'hour04.m': 600 });
    const kolkata = omaha.map((event) => ({
      ...event,
      atMs: event.atMs + 1_700_019_000_000 - 1_700_042_400_000,
      latE7: (event.latE7 as number) - 186_900_000,
      lonE7: 883_600_000,
    }));
    expect(measuresOf(kolkata)).toMatchObject({ 'hour08.m': 600, 'hour09.m': 600 });
  });

  it('add up to the day, whatever the source of the distance', () => {
    let hours = 0;
    fc.assert(
      fc.property(streams, (events) => {
        const { trips, openTrip } = foldAll(events, version2);
        for (const { days } of openTrip === undefined ? trips : [...trips, openTrip]) {
          for (const { distanceM, measures } of days) {
            const byHour = Object.entries(measures).filter(([name]) => name.startsWith('hour'));
            expect(byHour.reduce((sum, [, metres]) => sum + metres, 0)).toBe(distanceM);
            hours = Math.max(hours, byHour.length);
          }
        }
      }),
      runs(30),
    );
    expect(hours).toBeGreaterThan(1);
  });
});

it('a newer version of the rules leaves trips, flags and measures of the older one as they are', () => {
  fc.assert(
    fc.property(drivingStreams, (events) => {
      const [first, second] = [context, version2].map((rules) => foldAll(events, rules));
      const known = (days: readonly DayPart[], names: ReadonlySet<string>) =>
        days.map(({ measures, ...day }) => ({
          ...day,
          measures: Object.fromEntries(
            Object.entries(measures).filter(([name]) => names.has(name)),
          ),
        }));
      const names = new Set(
        (first?.trips ?? []).flatMap(({ days }) =>
          days.flatMap((day) => Object.keys(day.measures)),
        ),
      );
      expect(second?.trips.map((trip) => ({ ...trip, days: known(trip.days, names) }))).toEqual(
        first?.trips.map((trip) => ({
          ...trip,
          days: known(trip.days, names),
          rulesVersion: trip.rulesVersion.replace(/^1/, '2'),
        })),
      );
      const strip = (flags: readonly object[] = []) =>
        flags.map((flag) => ({ ...flag, rulesVersion: '', threshold: 0, severityThreshold: 0 }));
      expect(strip(second?.drivingEvents)).toEqual(strip(first?.drivingEvents));
    }),
    runs(20),
  );
});

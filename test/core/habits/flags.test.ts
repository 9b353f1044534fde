import { describe, expect, it } from 'vitest';
import type { CanonicalEvent } from '../../../src/core/event.ts';
import { foldAll } from '../../../src/core/fold-all.ts';
import { context } from '../streams.ts';

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

function flagsOf(events: readonly CanonicalEvent[]) {
  // Silence closes the trip, so that all is decided.
  const last = events.at(-1) as CanonicalEvent;
  const later = { atMs: last.atMs + 3_600_000, digest: 1, ignition: false };
  const { drivingEvents, trips } = foldAll([...events, later], context);
  const counts: Record<string, number> = {};
  for (const { days } of trips) {
    for (const { measures } of days) {
      for (const [name, value] of Object.entries(measures)) {
        counts[name] = (counts[name] ?? 0) + value;
      }
    }
  }
  return { flags: drivingEvents, counts };
}

describe('harsh braking in GPS speed', () => {
  it('is flagged with its evidence by the central difference at its peak', () => {
    // 50 → 34 km/h in two seconds are 2.2 m/s².
    const { flags, counts } = flagsOf(drive([...steady(20), 42, 34, ...steady(20, 34)]));
    expect(flags).toEqual([
      {
        kind: 'HARSH_BRAKING',
        source: 'GPS',
        severity: 'LOW',
        atMs: startMs + 20_000,
        endedAtMs: startMs + 20_000,
        tripStartedAtMs: startMs,
        decidedBy: { atMs: startMs + 35_000, digest: 35 },
        position: { latE7: expect.any(Number) as number, lonE7: -959_800_000 },
        speedBeforeCkmh: 5_000,
        speedAfterCkmh: 3_400,
        peakMmps2: 2_222,
        threshold: 2_000,
        severityThreshold: 2_000,
        durationMs: 0,
        localDate: '2023-11-14',
        rulesVersion: expect.stringMatching(/^1\+/) as string,
      },
    ]);
    expect(counts['harshBrakingGps.count']).toBe(1);
  });

  it('is one flag for candidates less than 15 s apart, two from 15 s on', () => {
    const brake = [42, 34, 42, 50];
    const apart = (seconds: number) =>
      flagsOf(
        drive([...steady(10), ...brake, ...steady(seconds - 4), ...brake, ...steady(20)]),
      ).flags.filter(({ kind }) => kind === 'HARSH_BRAKING').length;
    expect(apart(14)).toBe(1);
    expect(apart(15)).toBe(2);
  });

  it('is not measurable with fixes more than 2 s apart, below 10 km/h, or at the last fix', () => {
    const sparse = drive([...steady(20), 42, 34, ...steady(20, 34)]).map((event, index) => ({
      ...event,
      atMs: startMs + index * 2_500,
    }));
    expect(flagsOf(sparse).flags).toEqual([]);
    expect(flagsOf(drive([...steady(20, 9.9), 1, 0, 0])).flags).toEqual([]);
    expect(flagsOf(drive([...steady(20), 42])).flags).toEqual([]);
  });
});

describe('harsh braking by the accelerometer', () => {
  it('is flagged at 0.35 g, and not below', () => {
    const braking = (mmps2: number) =>
      flagsOf(drive(steady(30), (second) => (second === 10 ? { accelForwardMmps2: -mmps2 } : {})))
        .flags;
    expect(braking(3_431)).toEqual([]);
    expect(braking(3_432)).toMatchObject([
      { kind: 'HARSH_BRAKING', source: 'ACCELEROMETER', severity: 'LOW', peakMmps2: 3_432 },
    ]);
    expect(braking(5_884)).toMatchObject([{ severity: 'HIGH' }]);
  });
});

describe('cornering', () => {
  it('is speed times the rate of turning, whichever way round north', () => {
    // 36 km/h and 20° a second are 3.49 m/s².
    const { flags } = flagsOf(
      drive(steady(30, 36), (second) => ({
        headingDdeg: second < 10 ? 3_500 : second === 10 ? 100 : 300,
      })),
    );
    expect(flags).toMatchObject([
      { kind: 'HARSH_CORNERING', source: 'GPS', severity: 'MEDIUM', peakMmps2: 3_491 },
    ]);
  });
});

describe('speeding', () => {
  const limited = (speedKmh: number, seconds: number) =>
    flagsOf(
      drive([...steady(10, 45), ...steady(seconds, speedKmh), ...steady(10, 45)], () => ({
        speedLimitCkmh: 5_000,
      })),
    );

  it('is flagged once it has lasted a minute, or ten seconds when it is high', () => {
    expect(limited(55, 60).flags).toEqual([]);
    expect(limited(55, 61).flags).toMatchObject([
      {
        kind: 'SPEEDING',
        severity: 'LOW',
        atMs: startMs + 10_000,
        endedAtMs: startMs + 70_000,
        durationMs: 60_000,
        peakCkmh: 5_500,
        threshold: 5_000,
        severityThreshold: 5_000,
        leastMs: 60_000,
      },
    ]);
    expect(limited(59, 61).flags).toMatchObject([{ severity: 'MEDIUM' }]);
    expect(limited(80, 11).flags.filter(({ kind }) => kind === 'SPEEDING')).toMatchObject([
      { severity: 'HIGH' },
    ]);
  });

  it('adds its time and the time for which a limit is known', () => {
    const { counts } = limited(55, 30);
    expect(counts['speeding.ms']).toBe(30_000);
    expect(counts['limitKnown.ms']).toBe(49_000);
  });

  it('does not last across a silence', () => {
    const events = drive(steady(40, 60), () => ({ speedLimitCkmh: 5_000, ignition: true })).map(
      (event, index) => (index < 20 ? event : { ...event, atMs: event.atMs + 600_000 }),
    );
    const { flags, counts } = flagsOf(events);
    expect(flags).toEqual([]);
    expect(counts['speeding.ms']).toBe(38_000);
  });
});

it('a flag of an open trip counts before it is told', () => {
  const events = drive([...steady(20), 42, 34, ...steady(5, 34)]);
  const { openTrip, drivingEvents } = foldAll(events, context);
  expect(drivingEvents).toEqual([]);
  expect(openTrip?.days[0]?.measures['harshBrakingGps.count']).toBe(1);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addHours } from '../../../src/core/habits/by-hour.ts';
import { poissonInterval } from '../../../src/core/habits/poisson.ts';
import {
  momentumScore,
  samsaraScore,
  scoreByOthers,
  teslaScoreV1,
} from '../../../src/core/habits/published-scores.ts';
import { scoreHabits } from '../../../src/core/habits/score.ts';
import {
  addParts,
  credibilityOf,
  expectedPerKm,
  type HabitSums,
  rateableMeasures,
  summarise,
} from '../../../src/core/habits/summary.ts';
import { runs } from '../streams.ts';

function sumsOf(distanceM: number, measures: Record<string, number> = {}): HabitSums {
  return {
    distanceM,
    durationMs: distanceM * 72,
    movingMs: distanceM * 65,
    idleMs: distanceM * 7,
    nightM: 0,
    measures,
  };
}

const anySums: fc.Arbitrary<HabitSums> = fc
  .record({
    distanceM: fc.integer({ min: 0, max: 50_000_000 }),
    braking: fc.nat(500),
    acceleration: fc.nat(500),
    speeding: fc.nat(10_000_000),
    phone: fc.nat(1_000_000),
    night: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ distanceM, braking, acceleration, speeding, phone, night }) => ({
    ...sumsOf(distanceM, {
      'harshBrakingGps.count': braking,
      'harshAccelerationGps.count': acceleration,
      'speeding.ms': speeding,
      'limitKnown.ms': 20_000_000,
      'phone.ms': phone,
    }),
    nightM: Math.floor(distanceM * night),
  }));

describe('the score', () => {
  it('is 100 for a driver without events, and not told below 100 km', () => {
    expect(scoreHabits(sumsOf(1_000_000))).toMatchObject({
      value: 100,
      status: 'SCORED',
      parts: [],
    });
    expect(scoreHabits(sumsOf(99_999))).toMatchObject({ status: 'NOT_ENOUGH_DATA', parts: [] });
  });

  it('keeps its golden: 10 brakings and a tenth of the time too fast in 500 km', () => {
    expect(
      scoreHabits(
        sumsOf(500_000, {
          'harshBrakingGps.count': 10,
          'speeding.ms': 600_000,
          'limitKnown.ms': 6_000_000,
        }),
      ),
    ).toEqual({
      value: 90.5,
      status: 'SCORED',
      credibility: 0.5,
      parts: [
        { metric: 'harshBraking', points: 4.8, reason: '10 × harsh braking in 500 km' },
        {
          metric: 'speeding',
          points: 4.7,
          reason: '10 % of the time with a known limit above it',
        },
      ],
      version: '1',
    });
  });

  it('is told from 100 km on', () => {
    expect(scoreHabits(sumsOf(100_000)).status).toBe('SCORED');
  });

  it.each([
    ['above130Kmh', 95.1, sumsOf(500_000, { 'above130Kmh.ms': 3_600_000 })],
    ['phone', 97.5, sumsOf(500_000, { 'phone.ms': 360_000 })],
    ['night', 95.1, { ...sumsOf(500_000), nightM: 250_000 }],
    ['harshAcceleration', 95.6, sumsOf(500_000, { 'harshAccelerationGps.count': 15 })],
    ['harshCornering', 95.6, sumsOf(500_000, { 'harshCorneringGps.count': 15 })],
  ])('takes for %s what its weight says, at half credibility', (metric, value, sums) => {
    const score = scoreHabits(sums);
    expect(score.value).toBe(value);
    expect(score.parts.map((part) => part.metric)).toEqual([metric]);
  });

  it('gives a tenth that is left to the part with the largest remainder, of equal ones to the first', () => {
    const pointsOf = (sums: HabitSums) =>
      scoreHabits(sums).parts.map(({ metric, points }) => [metric, points]);
    // 47.5 each of 95 tenths.
    const equal = sumsOf(500_000, { 'above130Kmh.ms': 3_600_000 });
    expect(pointsOf({ ...equal, nightM: 250_000 })).toEqual([
      ['above130Kmh', 4.8],
      ['night', 4.7],
    ]);
    // Of 49 tenths a quarter and three quarters: 12.25 and 36.75.
    const larger = sumsOf(500_000, { 'above130Kmh.ms': 900_000, 'phone.ms': 540_000 });
    expect(pointsOf(larger)).toEqual([
      ['above130Kmh', 1.2],
      ['phone', 3.7],
    ]);
    // 12.74 and 36.26.
    const smaller = sumsOf(500_000, { 'above130Kmh.ms': 936_000, 'phone.ms': 532_800 });
    expect(pointsOf(smaller)).toEqual([
      ['above130Kmh', 1.3],
      ['phone', 3.6],
    ]);
  });

  it('and its parts make 100 exactly', () => {
    fc.assert(
      fc.property(anySums, (sums) => {
        const { value, parts } = scoreHabits(sums);
        if (value === undefined) return;
        const tenths = parts.reduce((sum, part) => sum + Math.round(part.points * 10), 0);
        expect(Math.round(value * 10) + tenths).toBe(1_000);
        expect(value).toBeGreaterThanOrEqual(0);
        for (const part of parts) expect(part.points).toBeGreaterThan(0);
      }),
      runs(300),
    );
  });

  it('never rises with one more event', () => {
    fc.assert(
      fc.property(anySums, (sums) => {
        const name = 'harshBrakingGps.count';
        const worse = {
          ...sums,
          measures: { ...sums.measures, [name]: (sums.measures[name] ?? 0) + 1 },
        };
        expect(scoreHabits(worse).value ?? 0).toBeLessThanOrEqual(scoreHabits(sums).value ?? 0);
      }),
      runs(300),
    );
  });
});

describe('rates', () => {
  it('follow Gamma-Poisson: 3 events in 500 km are 0.005 a kilometre at credibility 0.5', () => {
    expect(expectedPerKm(3, 500_000)).toBeCloseTo(0.005, 12);
    expect(credibilityOf(500_000)).toBe(0.5);
  });

  it.each([
    [0, 0, 3.688879],
    [1, 0.025318, 5.571643],
    [3, 0.618672, 8.767273],
    [10, 4.795389, 18.390356],
    [100, 81.363986, 121.626794],
  ])('have the exact Poisson interval of %i events: %f to %f', (count, low, high) => {
    const interval = poissonInterval(count, 0.95);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  it('count what the better source saw, not both', () => {
    const { rates, speedingShare } = summarise(
      sumsOf(200_000, {
        'harshBrakingGps.count': 3,
        'harshBrakingAccelerometer.count': 4,
        'speeding.ms': 25,
        'limitKnown.ms': 100,
      }),
    );
    expect(rates.find(({ kind }) => kind === 'HARSH_BRAKING')).toMatchObject({
      count: 4,
      per100Km: 2,
    });
    expect(speedingShare).toBe(0.25);
  });

  it('tell the share of the time in which such events could be measured, by the source that saw longest', () => {
    const sums = {
      ...sumsOf(100_000, {
        'accelerationGps.measurable.ms': 1_800_000,
        'accelerationFelt.measurable.ms': 3_600_000,
        'limitKnown.ms': 720_000,
        'speedingCap.measurable.ms': 720_000,
        'speeding.ms': 100_000,
        'speedingCap.ms': 44_000,
      }),
      idleMs: 600_000,
    };
    const { rates, speedingShare } = summarise(sums);
    const shareOf = (wanted: string) =>
      rates.find(({ kind }) => kind === wanted)?.measurableShare ?? NaN;
    expect(shareOf('HARSH_BRAKING')).toBe(0.5);
    expect(shareOf('SPEEDING')).toBe(0.2);
    expect(shareOf('PHONE_USE')).toBe(0);
    expect(speedingShare).toBe(0.1);
    expect(summarise(sumsOf(0)).rates[0]?.measurableShare).toBeUndefined();
  });

  it('stand beside slow and very fast time, which is shared out without overlap', () => {
    const summary = summarise({
      ...sumsOf(100_000, {
        'standing.ms': 1_320_000,
        'crawling.ms': 360_000,
        'above130Kmh.ms': 720_000,
      }),
      idleMs: 600_000,
    });
    expect(summary).toMatchObject({ stopShare: 0.1, crawlShare: 0.05, above130KmhShare: 0.1 });
    expect(summary.idleShare).toBeCloseTo(1 / 12, 12);
  });

  it('and shares are left out where there is nothing to divide by', () => {
    const { rates, ...shares } = summarise({ ...sumsOf(0), durationMs: 0 });
    expect(Object.keys(shares)).toEqual([]);
    expect(rates.map((rate) => Object.keys(rate).sort())).toEqual(
      rates.map(() => ['count', 'credibility', 'kind']),
    );
    expect(summarise({ ...sumsOf(1_000), nightM: 250 }).nightShare).toBe(0.25);
  });

  it('stand by name, each in 100 km with its interval', () => {
    const { rates } = summarise(sumsOf(200_000, { 'harshBrakingGps.count': 3 }));
    expect(rates.map(({ kind }) => kind)).toEqual(rates.map(({ kind }) => kind).sort());
    const braking = rates.find(({ kind }) => kind === 'HARSH_BRAKING');
    expect(braking?.low).toBeCloseTo(0.618672 / 2, 4);
    expect(braking?.high).toBeCloseTo(8.767273 / 2, 4);
  });

  it('have names under which a tariff reads them', () => {
    const measures = {
      'harshBrakingGps.count': 1,
      'harshAccelerationGps.count': 2,
      'harshCorneringGps.count': 3,
      'speeding.count': 4,
      'phone.count': 5,
      'phone.ms': 6,
      'above130Kmh.ms': 7,
    };
    expect(rateableMeasures(sumsOf(1_000, measures))).toMatchObject({
      harshBraking: 1,
      harshAcceleration: 2,
      harshCornering: 3,
      speeding: 4,
      phoneUse: 5,
      phoneUseMs: 6,
      above130KmhMs: 7,
    });
  });

  it('are told of sums that add over day parts', () => {
    const part = { distanceM: 5, durationMs: 4, movingMs: 3, idleMs: 1, nightM: 2 };
    expect(
      addParts([
        { ...part, measures: { 'night.ms': 1 } },
        { ...part, measures: { 'night.ms': 2, 'phone.ms': 7 } },
      ]),
    ).toEqual({
      distanceM: 10,
      durationMs: 8,
      movingMs: 6,
      idleMs: 2,
      nightM: 4,
      measures: { 'night.ms': 3, 'phone.ms': 7 },
    });
  });
});

it('kilometres are told by weekday and hour over any days, the empty hours left out', () => {
  expect(
    addHours([
      { localDate: '2026-11-26', measures: { 'hour07.m': 1_000, 'night.ms': 3 } },
      { localDate: '2026-11-22', measures: { 'hour23.m': 5, 'hour00.m': 7 } },
      { localDate: '2026-11-19', measures: { 'hour07.m': 500 } },
      { localDate: '1969-12-29', measures: { 'hour12.m': 1 } },
    ]),
  ).toEqual([
    { weekday: 1, hour: 12, distanceM: 1 },
    { weekday: 4, hour: 7, distanceM: 1_500 },
    { weekday: 7, hour: 0, distanceM: 7 },
    { weekday: 7, hour: 23, distanceM: 5 },
  ]);
});

describe('published scores', () => {
  it('of Tesla come out as published', () => {
    const tesla = (fcw: number, hb: number, at: number, uf: number) =>
      teslaScoreV1({
        forwardCollisionWarnings: fcw,
        hardBrakingPercent: hb,
        aggressiveTurningPercent: at,
        unsafeFollowingPercent: uf,
        forcedDisengagements: 0,
      });
    expect(tesla(0, 0, 0, 0)).toBeCloseTo(100, 2);
    expect(tesla(0, 1.4, 0, 0)).toBeCloseTo(97.19, 2);
    expect(tesla(0, 5.2, 13.2, 63.2)).toBeCloseTo(74.77, 2);
    expect(tesla(20, 2, 5, 10)).toBeCloseTo(86.24, 2);
  });

  it('of Tesla multiplies collisions by 1.317958 for each forced disengagement', () => {
    const none = {
      forwardCollisionWarnings: 0,
      hardBrakingPercent: 2,
      aggressiveTurningPercent: 0,
      unsafeFollowingPercent: 0,
    };
    const lostBy = (forcedDisengagements: number) =>
      115.382324 - teslaScoreV1({ ...none, forcedDisengagements });
    expect(lostBy(2) / lostBy(1)).toBeCloseTo(1.317958, 9);
  });

  it('read strong turns and speedings from our own sums', () => {
    const [tesla, , momentum] = scoreByOthers(
      sumsOf(1_609_344, {
        'turning02g.ms': 100_000,
        'turning04g.ms': 13_200,
        'speeding.count': 3,
      }),
    );
    const turning = teslaScoreV1({
      forwardCollisionWarnings: 0,
      hardBrakingPercent: 0,
      aggressiveTurningPercent: 13.2,
      unsafeFollowingPercent: 0,
      forcedDisengagements: 0,
    });
    expect(tesla?.value).toBeCloseTo(turning, 2);
    // 1,000 miles less 3 × 10.
    expect(momentum?.value).toBe(97);
  });

  it('of Samsara and Momentum are full where nothing was driven', () => {
    const harsh = { harshEvents: 1, speedingMinutes: 1 };
    expect(samsaraScore({ ...harsh, miles: 0, minutes: 5 })).toBe(100);
    expect(samsaraScore({ ...harsh, miles: 5, minutes: 0 })).toBe(100);
    expect(momentumScore({ miles: 0, brakings: 1, accelerations: 0, speedings: 0 })).toBe(100);
  });

  it('are told of our own sums beside our score, with what they lack', () => {
    const sums = {
      ...sumsOf(160_934.4, {
        'braking01g.ms': 100_000,
        'braking03g.ms': 1_400,
        'harshBrakingGps.count': 2,
        'harshAccelerationGps.count': 1,
        'harshCorneringGps.count': 1,
        'speeding.count': 1,
        'speeding.ms': 600_000,
      }),
      durationMs: 6_000_000,
    };
    expect(scoreByOthers(sums)).toEqual([
      // Hard braking of 1.4 %, as in Tesla's own example.
      { name: 'Tesla Safety Score 1.0', lacks: expect.any(Array) as string[], value: 97.19 },
      // 100 − 4 events in 100 miles − 10 %.
      { name: 'Samsara Safety Score', lacks: expect.any(Array) as string[], value: 50 },
      // 100 miles − 2 × 25 − 75 − 10 leave none.
      { name: 'Momentum', lacks: [], value: 0 },
    ]);
    expect(scoreByOthers(sumsOf(99_999))).toEqual(
      scoreByOthers(sums).map(({ name, lacks }) => ({ name, lacks })),
    );
    expect(scoreByOthers(sumsOf(100_000)).map(({ value }) => value)).toEqual([100, 100, 100]);
  });

  it('of Samsara and Momentum come out as published', () => {
    expect(
      samsaraScore({ harshEvents: 5, miles: 247, minutes: 520, speedingMinutes: 69 }),
    ).toBeCloseTo(66.49, 2);
    expect(momentumScore({ miles: 1000, brakings: 2, accelerations: 1, speedings: 3 })).toBeCloseTo(
      84.5,
      9,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { explainFlag, type FlagRecord } from '../../../src/core/habits/why.ts';

const braking: FlagRecord = {
  kind: 'HARSH_BRAKING',
  source: 'GPS',
  severity: 'MEDIUM',
  peakMmps2: 2_640,
  peakCkmh: null,
  speedBeforeCkmh: 5_000,
  speedAfterCkmh: 3_100,
  threshold: 2_000,
  severityThreshold: 2_500,
  leastMs: null,
  durationMs: 0,
  rulesVersion: '2+2026a',
};

const speeding: FlagRecord = {
  ...braking,
  kind: 'SPEEDING',
  severity: 'LOW',
  peakMmps2: null,
  peakCkmh: 5_500,
  threshold: 5_000,
  severityThreshold: 5_000,
  leastMs: 60_000,
  durationMs: 60_500,
};

describe('why a flag was raised is said from its record', () => {
  it('of a moment: what was measured, how, and against which thresholds', () => {
    expect(explainFlag(braking)).toBe(
      'Slowed down by 2.64 m/s², by speed and course, 50 before and 31 km/h after; ' +
        'a flag from 2 m/s² on, MEDIUM from 2.5 on (rules 2+2026a).',
    );
  });

  it('of what lasts: how fast, where what was allowed, and for how long it had to last', () => {
    expect(explainFlag(speeding)).toBe(
      'Drove at up to 55 km/h where 50 km/h were allowed for 60.5 s; a flag from 60 s on, ' +
        'LOW from 50 km/h on (rules 2+2026a).',
    );
    expect(
      explainFlag({ ...speeding, kind: 'PHONE_USE', source: 'DEVICE', threshold: 1_000 }),
    ).toBe(
      "Had the phone in use at up to 55 km/h by the device's own word, counted from 10 km/h on " +
        'for 60.5 s; a flag from 60 s on, LOW from 50 km/h on (rules 2+2026a).',
    );
  });

  it('says only what a record of before this evidence kept', () => {
    expect(
      explainFlag({
        ...braking,
        source: 'ACCELEROMETER',
        speedAfterCkmh: null,
        severityThreshold: null,
      }),
    ).toBe(
      'Slowed down by 2.64 m/s², felt by the accelerometer; a flag from 2 m/s² on, MEDIUM (rules 2+2026a).',
    );
    expect(
      explainFlag({
        ...speeding,
        peakCkmh: null,
        threshold: null,
        severityThreshold: null,
        leastMs: null,
        durationMs: null,
      }),
    ).toBe('Drove where unknown km/h were allowed, LOW (rules 2+2026a).');
  });
});

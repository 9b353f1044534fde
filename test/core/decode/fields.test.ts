import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LeftOut } from '../../../src/core/result.ts';
import { decode, NOW } from './settings.ts';

const lines = (name: string) =>
  readFileSync(new URL(`../../fixtures/devices/${name}.jsonl`, import.meta.url), 'utf8')
    .trim()
    .split('\n');

/** Decodes each line at a time just after it; all must be events. */
function decodeAll(name: string) {
  return lines(name).map((line) => {
    const at = (JSON.parse(line) as { at: string }).at;
    const decoded = decode(line, { timestampMs: Date.parse(at) + 1000 });
    if (!decoded.ok) throw new Error(`${line}: ${decoded.message}`);
    return decoded;
  });
}

const counts = (leftOut: readonly LeftOut[]) => {
  const sums: Record<string, number> = {};
  for (const { field } of leftOut) sums[field] = (sums[field] ?? 0) + 1;
  return sums;
};

const POSITION = { deviceId: 'a', at: NOW, lat: 52.52, lon: 13.405 };
const POSITION_ALONE = { atMs: NOW, latE7: 525_200_000, lonE7: 134_050_000 };

describe('an optional field that cannot be believed', () => {
  it('is left out of messages of phones, which send −1 for "not known"', () => {
    const decoded = decodeAll('unknown-as-minus-one');
    expect(decoded).toHaveLength(600);
    expect(decoded.every((d) => d.value.event.latE7 !== undefined)).toBe(true);
    expect(decoded.every((d) => d.value.event.speedCkmh === undefined)).toBe(true);
    expect(counts(decoded.flatMap((d) => d.leftOut))).toEqual({ speedKmh: 600, headingDeg: 600 });
    expect(new Set(decoded.flatMap((d) => d.leftOut.map((l) => l.reason)))).toEqual(
      new Set(['UNKNOWN']),
    );
  });

  it('is left out alone: a heading of 683 costs neither position nor speed', () => {
    const decoded = decodeAll('heading-683');
    expect(decoded).toHaveLength(515);
    expect(decoded.every((d) => d.value.event.speedCkmh !== undefined)).toBe(true);
    expect(decoded.every((d) => d.value.event.latE7 !== undefined)).toBe(true);
    expect(counts(decoded.flatMap((d) => d.leftOut))).toEqual({ headingDeg: 224 });
  });

  it('is counted by its name', () => {
    const decoded = decodeAll('one-bad-field-each');
    expect(decoded.every((d) => d.value.event.latE7 !== undefined)).toBe(true);
    // Ignition 1 and "on" and a phone in use of 0 are understood.
    expect(counts(decoded.flatMap((d) => d.leftOut))).toEqual({
      speedKmh: 4,
      headingDeg: 5,
      odometerKm: 3,
      accuracyM: 2,
      speedLimitKmh: 3,
      'accelMps2.forward': 1,
      'accelMps2.up': 1,
      'accelMps2.left': 1,
      accelMps2: 1,
    });
    expect(decoded.map((d) => d.value.event.ignition).filter((on) => on)).toHaveLength(2);
  });

  it.each([
    ['speedKmh', -1, 'UNKNOWN'],
    ['speedKmh', -3.6, 'UNKNOWN'],
    ['speedKmh', Math.fround(-3.6), 'UNKNOWN'],
    ['speedKmh', -2, 'OUT_OF_RANGE'],
    ['speedKmh', 400.01, 'OUT_OF_RANGE'],
    ['speedKmh', 65_535, 'UNKNOWN'],
    ['speedKmh', '48', 'WRONG_TYPE'],
    ['speedKmh', '', 'UNKNOWN'],
    ['speedKmh', 'nan', 'NOT_A_NUMBER'],
    ['speedKmh', '-Infinity', 'NOT_A_NUMBER'],
    ['speedKmh', [48], 'WRONG_TYPE'],
    ['speedKmh', { value: 48 }, 'WRONG_TYPE'],
    ['headingDeg', 361, 'UNKNOWN'],
    ['headingDeg', 511, 'UNKNOWN'],
    ['headingDeg', 360.04, 'OUT_OF_RANGE'],
    ['headingDeg', 683.16, 'OUT_OF_RANGE'],
    ['headingDeg', 'N', 'WRONG_TYPE'],
    ['odometerKm', 4_294_967.295, 'UNKNOWN'],
    ['odometerKm', 65_535, 'UNKNOWN'],
    ['odometerKm', -5, 'OUT_OF_RANGE'],
    ['speedLimitKmh', 0, 'UNKNOWN'],
    ['speedLimitKmh', 255, 'UNKNOWN'],
    ['speedLimitKmh', 999, 'UNKNOWN'],
    ['speedLimitKmh', 'none', 'WRONG_TYPE'],
    ['accuracyM', -1, 'UNKNOWN'],
    ['accuracyM', 9_999_999, 'OUT_OF_RANGE'],
    ['ignition', 'maybe', 'WRONG_TYPE'],
    ['ignition', 2, 'UNKNOWN'],
    ['ignition', 255, 'UNKNOWN'],
    ['phoneInUse', -1, 'UNKNOWN'],
    ['accelMps2', [1, 2, 3], 'WRONG_TYPE'],
  ])('%s of %j is left out as %s', (field, value, reason) => {
    expect(decode(JSON.stringify({ ...POSITION, [field]: value }))).toMatchObject({
      ok: true,
      unknownFields: 0,
      leftOut: [{ field, reason }],
      value: { event: { ...POSITION_ALONE, digest: expect.any(Number) as number } },
    });
  });

  it.each([
    ['speedKmh', 255, { speedCkmh: 25_500 }],
    ['speedKmh', 400, { speedCkmh: 40_000 }],
    ['headingDeg', 255, { headingDdeg: 2_550 }],
    ['headingDeg', 360, { headingDdeg: 0 }],
    ['ignition', 1, { ignition: true }],
    ['ignition', 'OFF', { ignition: false }],
    ['phoneInUse', '0', { phoneInUse: false }],
    ['phoneInUse', 'yes', { phoneInUse: true }],
  ])('%s of %j is believed', (field, value, stored) => {
    expect(decode(JSON.stringify({ ...POSITION, [field]: value }))).toMatchObject({
      ok: true,
      leftOut: [],
      value: { event: stored },
    });
  });

  it.each(['NaN', 'Infinity', '-Infinity', 'nan', 'inf', '-nan'])(
    'may be a bare %s, which JSON does not have',
    (token) => {
      expect(
        decode(
          `{"deviceId":"a","at":${NOW},"lat":52.52,"lon":13.405,"speedKmh":${token},"note":"NaN, -1"}`,
        ),
      ).toMatchObject({
        ok: true,
        unknownFields: 1,
        leftOut: [{ field: 'speedKmh', reason: 'NOT_A_NUMBER' }],
      });
    },
  );

  it('takes the other half of a position with it, and nothing else', () => {
    const decoded = decode(
      JSON.stringify({ ...POSITION, lat: 91, ignition: true, odometerKm: 1234.5 }),
    );
    expect(decoded).toMatchObject({
      ok: true,
      leftOut: [
        { field: 'lat', reason: 'UNKNOWN', value: '91' },
        { field: 'lon', reason: 'INCOMPLETE', value: 'a number' },
      ],
      value: { event: { ignition: true, odometerM: 1_234_500 } },
    });
    expect(decoded.ok && 'lonE7' in decoded.value.event).toBe(false);
    expect(decode(`{"deviceId":"a","at":${NOW},"lat":1,"speedKmh":50}`)).toMatchObject({
      ok: true,
      leftOut: [{ field: 'lat', reason: 'INCOMPLETE' }],
      value: { event: { speedCkmh: 5_000 } },
    });
  });

  it('is left out of a text line as well', () => {
    const line = (speed: string, lat: string) =>
      decode(`ID-203217 ${speed} 5-15-2015 00:08:13 -73.978165,${lat}`);
    expect(line('NaN', '40.757977')).toMatchObject({
      ok: true,
      leftOut: [{ field: 'speedKmh', reason: 'NOT_A_NUMBER' }],
      value: { event: { latE7: 407_579_770 } },
    });
    expect(line('-1', '40.757977')).toMatchObject({
      ok: true,
      leftOut: [{ field: 'speedKmh', reason: 'UNKNOWN' }],
    });
    expect(line('80', '91.5')).toMatchObject({
      ok: true,
      leftOut: [{ field: 'lat' }, { field: 'lon' }],
      value: { event: { speedCkmh: 12_875 } },
    });
  });

  it('is named with every other bad field where nothing is left of the message', () => {
    const decoded = decode(
      `{"deviceId":"a","at":${NOW},"lat":95,"lon":"east","speedKmh":-1,"ignition":"x","accelMps2":[1]}`,
    );
    expect(decoded).toMatchObject({ ok: false, reason: 'MALFORMED' });
    for (const part of [
      'lat is 95; it must be -90 to 90',
      'lon is text; it must be a number',
      'speedKmh is -1, which devices send for "not known"',
      'ignition is "x"; it must be true or false',
      'accelMps2 is an array of 1; it must be an object with forward, left and up',
    ]) {
      expect(decoded).toMatchObject({ message: expect.stringContaining(part) as string });
    }
  });

  it('costs no message its position and time, whatever it is and in whichever fields', () => {
    const rubbish = fc.oneof(
      fc.constantFrom(-1, -3.6, 0, 255, 361, 683.16, 65_535, 4_294_967_295, 1e300, -1e300),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('NaN', '', 'on', 'null', '\ud800', '\u0000', '\u202e'),
      fc.boolean(),
      fc.jsonValue(),
      fc.constant(null),
    );
    const fields = fc.record(
      {
        speedKmh: rubbish,
        headingDeg: rubbish,
        odometerKm: rubbish,
        ignition: rubbish,
        accelMps2: fc.oneof(rubbish, fc.record({ forward: rubbish, left: rubbish, up: rubbish })),
        speedLimitKmh: rubbish,
        phoneInUse: rubbish,
        accuracyM: rubbish,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fields, fc.boolean(), (given, bareNaN) => {
        const text = JSON.stringify({ ...POSITION, ...given });
        const decoded = decode(bareNaN ? text.replace(/"NaN"/g, 'NaN') : text);
        expect(decoded).toMatchObject({
          ok: true,
          value: { deviceId: 'a', event: POSITION_ALONE },
        });
        if (!decoded.ok) return;
        for (const { value } of decoded.leftOut) {
          expect(value.length).toBeLessThanOrEqual(400);
          expect(value).toMatch(/^[^\p{Surrogate}\p{Cc}]*$/u);
        }
        const { speedCkmh = 0, headingDdeg = 0, odometerM = 0 } = decoded.value.event;
        expect(speedCkmh >= 0 && speedCkmh <= 40_000).toBe(true);
        expect(headingDdeg >= 0 && headingDdeg < 3_600).toBe(true);
        expect(odometerM >= 0 && odometerM <= 2_000_000_000).toBe(true);
      }),
      { numRuns: process.env['ODOGRAPH_LONG'] === '1' ? 200_000 : 1_000 },
    );
  });
});

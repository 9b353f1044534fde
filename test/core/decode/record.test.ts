import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeJson } from '../../../src/core/decode/json.ts';
import { digestOf } from '../../../src/core/digest.ts';
import type { CanonicalEvent } from '../../../src/core/event.ts';
import { FASTEST_CKMH } from '../../../src/core/event.ts';
import { decode, NOW } from './settings.ts';

const reasonOf = (text: string) => {
  const decoded = decode(text);
  return decoded.ok ? 'ok' : decoded.reason;
};

describe('a record of the topic', () => {
  it('reads the founding line as 128.7 km/h at its place and instant', () => {
    const decoded = decode('ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977');
    expect(decoded).toEqual({
      ok: true,
      unknownFields: 0,
      leftOut: [],
      value: {
        deviceId: 'ID-203217',
        event: {
          atMs: Date.parse('2015-05-15T00:08:13Z'),
          digest: expect.any(Number) as number,
          latE7: 407_579_770,
          lonE7: -739_781_650,
          speedCkmh: 12_875,
        },
      },
    });
  });

  it('reads every field of the JSON message and counts those it does not know', () => {
    const decoded = decode(
      JSON.stringify({
        deviceId: 'ID-203217',
        at: '2015-05-15T02:08:13.250+02:00',
        lat: 40.757977,
        lon: -73.978165,
        speedKmh: 128.7,
        headingDeg: 360,
        odometerKm: 1234.567,
        ignition: true,
        accelMps2: { forward: -3.9, left: 0.4, up: 0.1, spin: 1 },
        speedLimitKmh: 50,
        phoneInUse: false,
        accuracyM: 8,
        colour: 'red',
      }),
    );
    expect(decoded).toMatchObject({
      ok: true,
      unknownFields: 2,
      value: {
        event: {
          atMs: Date.parse('2015-05-15T00:08:13.250Z'),
          speedCkmh: 12_870,
          headingDdeg: 0,
          odometerM: 1_234_567,
          ignition: true,
          accelForwardMmps2: -3900,
          accelLeftMmps2: 400,
          accelUpMmps2: 100,
          speedLimitCkmh: 5000,
          phoneInUse: false,
          accuracyDm: 80,
        },
      },
    });
  });

  it.each([
    ['nothing', '', 'EMPTY'],
    ['half a line', 'ID-203217 80 5-15-2015', 'MALFORMED'],
    ['month 13', 'ID-203217 80 13-15-2015 00:08:13 -73.978165,40.757977', 'OUT_OF_RANGE'],
    ['30 February', 'ID-203217 80 2-30-2015 00:08:13 -73.978165,40.757977', 'OUT_OF_RANGE'],
    ['latitude 92 alone', '{"deviceId":"a","at":1447000000000,"lat":92,"lon":0}', 'OUT_OF_RANGE'],
    ['a NaN in JSON', '{"deviceId":"a","at":1447000000000,"speedKmh":NaN}', 'MALFORMED'],
    ['an infinite number', '{"deviceId":"a","at":1447000000000,"speedKmh":1e999}', 'OUT_OF_RANGE'],
    ['the year 1970', '{"deviceId":"a","at":"1970-01-01T00:00:00Z","speedKmh":1}', 'BEFORE_2000'],
    ['the year 2099', '{"deviceId":"a","at":"2099-01-01T00:00:00Z","speedKmh":1}', 'FUTURE'],
    [
      'a time without a zone',
      '{"deviceId":"a","at":"2015-05-15T00:08:13","speedKmh":1}',
      'MALFORMED',
    ],
    ['no device', '{"at":"2015-05-15T00:08:13Z","speedKmh":1}', 'MISSING_FIELD'],
    ['a latitude alone', '{"deviceId":"a","at":1447000000000,"lat":1}', 'MISSING_FIELD'],
    ['device and time alone', '{"deviceId":"a","at":1447000000000}', 'MISSING_FIELD'],
    ['a megabyte', `{"deviceId":"${'a'.repeat(1_000_000)}"}`, 'TOO_LARGE'],
    ['Avro framing', '\u0000\u0000\u0000\u0000\u0001abc', 'UNSUPPORTED_FORMAT'],
    ['a list', '[1]', 'MALFORMED'],
  ])('refuses %s with a reason that stays the same', (_, text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  it('refuses a receiver whose week counter rolled over, however long its backlog', () => {
    const behind = (days: number) => new Date(NOW - (1024 * 7 + days) * 86_400_000).toISOString();
    const reasonAt = (at: string) => reasonOf(`{"deviceId":"a","at":"${at}","speedKmh":1}`);
    expect(reasonAt(behind(0))).toBe('GPS_ROLLOVER');
    expect(reasonAt(behind(-1))).toBe('GPS_ROLLOVER');
    expect(reasonAt(behind(90))).toBe('GPS_ROLLOVER');
    expect(reasonAt(behind(-2))).toBe('ok');
  });

  it('believes 2015 from a record of today, and a quarter of an hour ahead but not more', () => {
    const at = (ms: number) => reasonOf(`{"deviceId":"a","at":${ms},"speedKmh":1}`);
    expect(at(Date.parse('2015-05-15T00:08:13Z'))).toBe('ok');
    expect(at(NOW + 900_000)).toBe('ok');
    expect(at(NOW + 900_001)).toBe('FUTURE');
  });

  it('lets the content type choose the format before the first byte does', () => {
    const decoded = decode('{"deviceId":"a"}', { contentType: 'text/plain' });
    expect(decoded).toMatchObject({
      ok: false,
      message: expect.stringContaining('line') as string,
    });
  });

  it('decodes what it encodes to the very same event', () => {
    const int = (min: number, max: number) =>
      fc.option(fc.integer({ min, max }), { nil: undefined });
    const content = fc.record({
      atMs: fc.integer({ min: Date.parse('2010-01-01'), max: NOW }),
      latE7: fc.integer({ min: -900_000_000, max: 900_000_000 }),
      lonE7: fc.integer({ min: -1_800_000_000, max: 1_800_000_000 }),
      speedCkmh: int(0, FASTEST_CKMH),
      headingDdeg: int(0, 3599),
      // Without what devices send for "not known": 65,535 km, a limit of 255, 32,767 and 65,535 m.
      odometerM: int(65_535_001, 2_000_000_000),
      accelForwardMmps2: int(-160_000, 160_000),
      accelLeftMmps2: int(-160_000, 160_000),
      accelUpMmps2: int(-160_000, 160_000),
      speedLimitCkmh: int(100, 25_499),
      accuracyDm: int(0, 327_669),
      ignition: fc.option(fc.boolean(), { nil: undefined }),
      phoneInUse: fc.option(fc.boolean(), { nil: undefined }),
    });
    fc.assert(
      fc.property(content, (fields) => {
        const given = Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined));
        const event = { ...given, digest: 0 } as unknown as CanonicalEvent;
        const canonical = { ...event, digest: digestOf(event) };
        expect(decode(encodeJson('a', canonical))).toEqual({
          ok: true,
          unknownFields: 0,
          leftOut: [],
          value: { deviceId: 'a', event: canonical },
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives unlike contents unlike digests, and a field that is absent none of its own', () => {
    const digests = new Set<number>();
    for (let i = 0; i < 100_000; i += 1) digests.add(digestOf({ atMs: 0, latE7: i, lonE7: -i }));
    expect(digests.size).toBe(100_000);
    expect(digestOf({ atMs: 0, speedCkmh: 1 })).not.toBe(digestOf({ atMs: 0, odometerM: 1 }));
    for (const digest of digests) expect(Number.isSafeInteger(digest) && digest >= 0).toBe(true);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeState, encodeState } from '../../src/core/advance.ts';
import type { DecodeSettings } from '../../src/core/decode/format.ts';
import { decodeRecord } from '../../src/core/decode/record.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { context } from './streams.ts';

const isLong = process.env['ODOGRAPH_LONG'] === '1';
/** Consecutive messages of one device. The number of devices brings the total to a million. */
const MESSAGES = 50;
const DEVICES = isLong ? 20_000 : 100;
const NOW = Date.UTC(2026, 10, 23);

const decoder = new TextDecoder('utf-8', { fatal: true });
const settings: DecodeSettings = {
  textSpeedUnit: 'mph',
  textTimeZone: 'America/New_York',
  zones: context.zonesOf(undefined),
  decodeUtf8: (bytes) => {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  },
};

/** Numbers as JSON text, in range and at the edges, some in forms that JSON.stringify never writes. */
function within(least: number, most: number, ...often: readonly number[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...often).map(String) },
    { weight: 2, arbitrary: fc.double({ min: least, max: most, noNaN: true }).map(String) },
    { weight: 1, arbitrary: fc.constantFrom(least, most).map(String) },
    { weight: 1, arbitrary: fc.constantFrom(...(least <= 0 ? ['-0', '5e-324'] : [String(least)])) },
  );
}

const axis = within(-2000, 2000, 0, -3.5, 3.5);
const fields = {
  at: fc.integer({ min: NOW - 400_000, max: NOW }).map(String),
  lat: within(-90, 90, 41.26, 41.261),
  lon: within(-180, 180, -95.98, -95.981),
  speedKmh: within(0, 1000, 0, 5, 50, 131),
  headingDeg: within(0, 360, 0, 90),
  odometerKm: within(0, 2_000_000, 5, 6),
  ignition: fc.constantFrom('true', 'false', 'null', 'null'),
  phoneInUse: fc.constantFrom('true', 'false', 'null'),
  accelMps2: fc.record({ forward: axis, left: axis, up: axis }, { requiredKeys: [] }).map(write),
  speedLimitKmh: within(1, 400, 50),
  accuracyM: within(0, 100_000, 5),
};

const hostile = fc.oneof(
  fc.double().map((value) => (Number.isFinite(value) ? String(value) : '1e999')),
  fc.constantFrom(
    '1e308',
    '-1e308',
    '1e999',
    '-1e999',
    '-1',
    '8.64e15',
    '9007199254740993',
    '-5e-324',
  ),
  fc.constantFrom(
    '90.00000001',
    '-180.00000001',
    '360.1',
    '1000.01',
    '2000000.001',
    '-0.001',
    '400.1',
  ),
  fc.constantFrom('null', 'true', '""', '"NaN"', 'NaN', 'Infinity', '[]', '{}', '{"forward":"1"}'),
  fc.constantFrom('"2015-05-15T00:08:13Z"', '"2015-02-30T24:60:60Z"', '"+275760-09-13T00:00Z"'),
  fc.constantFrom('"\\u0000"', '"☃"', `"${'x'.repeat(129)}"`),
);

/** JSON of the right shape, mostly at the edges of its ranges, and sometimes with a field out of range. */
const json = fc
  .tuple(
    fc.record(fields, { requiredKeys: ['at', 'lat', 'lon'] }),
    fc.array(fc.tuple(fc.constantFrom('deviceId', ...Object.keys(fields)), hostile), {
      maxLength: 2,
    }),
  )
  .map(([message, flaws]) => write({ deviceId: '"a"', ...message, ...Object.fromEntries(flaws) }));

function write(fields: Readonly<Record<string, string>>): string {
  return `{${Object.entries(fields)
    .map(([name, value]) => `"${name}":${value}`)
    .join(',')}}`;
}

/** The plain line with one or two characters replaced. */
const line = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(60), fc.constantFrom(...'0919-+.,: eE\u0000\t☃')), { maxLength: 3 }),
    fc.integer({ min: 0, max: 59 }),
  )
  .map(([flaws, seconds]) => {
    const text = [
      ...`a 80 5-15-2015 00:08:${String(seconds).padStart(2, '0')} -73.978165,40.757977`,
    ];
    for (const [place, character] of flaws) text[place] = character;
    return text.join('');
  });

const encoder = new TextEncoder();
const bytes = fc.oneof(
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 6, arbitrary: json.map((text) => encoder.encode(text)) },
  { weight: 2, arbitrary: line.map((text) => encoder.encode(text)) },
  // A message that is cut off, or has one byte flipped.
  {
    weight: 1,
    arbitrary: fc.tuple(json, fc.nat(400), fc.nat(255)).map(([text, place, byte]) => {
      const whole = encoder.encode(text);
      if (byte === 0) return whole.subarray(0, place);
      if (place < whole.length) whole[place] = byte;
      return whole;
    }),
  },
);

describe('adversarial input', () => {
  it(`never throws: ${String(DEVICES * MESSAGES)} messages, each refused with a reason or decoded and folded`, () => {
    let refused = 0;
    let folded = 0;
    let trips = 0;
    fc.assert(
      fc.property(fc.array(bytes, { minLength: MESSAGES, maxLength: MESSAGES }), (messages) => {
        const events: CanonicalEvent[] = [];
        for (const value of messages) {
          const decoded = decodeRecord({ value, timestampMs: NOW }, settings);
          if (decoded.ok) events.push(decoded.value.event);
          else if (decoded.message.length > 0) refused += 1;
        }
        folded += events.length;
        for (const event of events) {
          for (const value of Object.values(event)) {
            if (
              typeof value !== 'boolean' &&
              (!Number.isSafeInteger(value) || Object.is(value, -0))
            )
              throw new Error(`${String(value)} in ${JSON.stringify(event)}`);
          }
        }
        const result = foldAll(events, context);
        trips += result.trips.length;
        for (const trip of result.trips) {
          const { distanceM, bridgedM, movingMs, idleMs, endedAtMs, startedAtMs } = trip;
          if (distanceM < bridgedM || movingMs + idleMs > endedAtMs - startedAtMs)
            throw new Error(JSON.stringify(trip));
        }
        const state = encodeState(result.state);
        if (state.length > 2_048) throw new Error(`${String(state.length)} bytes of state`);
        const again = decodeState(state);
        expect(again === undefined ? undefined : Buffer.from(encodeState(again))).toEqual(
          Buffer.from(state),
        );
      }),
      { numRuns: DEVICES },
    );
    expect(refused + folded).toBe(DEVICES * MESSAGES);
    // If all were refused or all accepted, the test would check little.
    expect(folded).toBeGreaterThan(DEVICES * 5);
    expect(refused).toBeGreaterThan(DEVICES * 5);
    expect(trips).toBeGreaterThan(DEVICES / 10);
    if (isLong)
      console.log(
        `${String(refused)} refused, ${String(folded)} folded, ${String(trips)} trips closed`,
      );
  });
});

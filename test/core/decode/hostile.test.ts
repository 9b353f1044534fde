import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordTimeOf } from '../../../src/core/decode/dates.ts';
import { decode, NOW } from './settings.ts';

const GOOD = { deviceId: 'a', at: NOW, speedKmh: 50 };
const message = (value: string | Uint8Array, contentType?: string) => {
  const decoded = decode(value, contentType === undefined ? {} : { contentType });
  return decoded.ok ? 'ok' : `${decoded.reason}: ${decoded.message}`;
};
const nested = (depth: number, inside = '1') =>
  `{"deviceId":"a","at":${NOW},"speedKmh":50,"x":${'['.repeat(depth)}${inside}${']'.repeat(depth)}}`;

describe('a hostile record', () => {
  it('may be nested to any depth', () => {
    expect(message(nested(100))).toBe('ok');
    expect(message(nested(511))).toBe('ok');
    expect(message(nested(512))).toMatch(/^TOO_DEEP: the JSON is nested 513 levels deep/);
    expect(message(nested(30_000))).toMatch(/^TOO_DEEP/);
    expect(message('['.repeat(65_536), 'application/json')).toMatch(/^TOO_DEEP/);
    expect(message(`{"a":`.repeat(13_000))).toMatch(/^TOO_DEEP/);
    // Brackets inside text do not nest.
    expect(message(nested(1, JSON.stringify('[{"'.repeat(3_000))))).toBe('ok');
    const deepField = `{"deviceId":"a","at":1,"speedKmh":${'['.repeat(500)}${']'.repeat(500)}}`;
    expect(message(deepField)).toMatch(/^MALFORMED/);
  });

  it.each([
    ['half a pair', '"A\\ud83d"', 'U+D83D (half of a surrogate pair) at character 2'],
    ['the other half', '"\\ude00"', 'U+DE00 (half of a surrogate pair)'],
    ['a pair in the wrong order', '"\\ude00\\ud83d"', 'half of a surrogate pair'],
    ['a zero byte', '"a\\u0000b"', 'U+0000 (a control character) at character 2'],
    ['a line feed', '"a\\nb"', 'U+000A (a control character)'],
    ['a control character of Latin-1', '"a\\u0085"', 'U+0085 (a control character)'],
    ['a right-to-left override', '"a\\u202eb"', 'U+202E RIGHT-TO-LEFT OVERRIDE'],
    ['an isolate', '"\\u2066a"', 'U+2066 LEFT-TO-RIGHT ISOLATE'],
    ['a line separator', '"a\\u2028"', 'U+2028 LINE SEPARATOR'],
    ['nothing', '""', 'deviceId is empty'],
    ['129 characters', `"${'a'.repeat(129)}"`, '129 characters; at most 128'],
  ])('may have a device id with %s', (_, id, part) => {
    const refused = message(`{"deviceId":${id},"at":${NOW},"speedKmh":1}`);
    expect(refused).toContain(part);
    expect(refused).toMatch(/^OUT_OF_RANGE: [^\p{Surrogate}\p{Cc}\u202a-\u202e]*$/u);
  });

  it('keeps device ids of other scripts and emoji', () => {
    for (const deviceId of ['Zürich 1', '車両-7', 'سيارة', '🚗', 'é', 'NA', '0012', '=1+1']) {
      expect(decode(JSON.stringify({ ...GOOD, deviceId }))).toMatchObject({ value: { deviceId } });
    }
  });

  it('leaves a message that can be stored, wherever an emoji is cut', () => {
    for (let before = 0; before < 130; before += 1) {
      const text = `${'x'.repeat(before)}${'😀'.repeat(80)}`;
      for (const record of [
        { deviceId: 'a', at: text },
        { deviceId: 'a', at: NOW, lat: text },
        { deviceId: text, at: NOW },
        { ...GOOD, deviceId: `${text}${text}` },
      ]) {
        expect(message(JSON.stringify(record))).toMatch(/^[A-Z_]+: [^\p{Surrogate}]*$/u);
      }
      expect(message(`{${text}`)).toMatch(/^MALFORMED: [^\p{Surrogate}]*$/u);
    }
  });

  it('takes no longer than its length', () => {
    const long = 65_000;
    const digits = '1'.repeat(long);
    for (const text of [
      `a ${digits}x 5-15-2015 00:08:13 1,2`,
      `a 80 5-15-2015 00:08:13 ${digits}x,2`,
      `a${' '.repeat(long)}`,
      `${' '.repeat(long)}x`,
      'a '.repeat(long / 2),
      `{"deviceId":"a","at":${NOW},"speedKmh":${digits}}`,
      `{"deviceId":"a","at":"2026-01-01T00:00:00.${digits}Z","speedKmh":1}`,
      `{"deviceId":"a","at":${NOW},"speedKmh":"${digits}x"}`,
      `{${'\\"'.repeat(long / 2)}`,
      `{${'"'.repeat(long - 1)}`,
      `{"a":${'-'.repeat(long)}`,
      `{"a":${'nan,'.repeat(long / 4)}`,
      `{"a":"${'\\u0000'.repeat(long / 6)}`,
    ]) {
      const startedMs = performance.now();
      message(text);
      // Linear work takes under 20 ms; a quadratic expression took seconds.
      expect(performance.now() - startedMs, text.slice(0, 60)).toBeLessThan(400);
    }
  });

  it.each([
    ['a line feed', '\n'],
    ['CR LF', '\r\n'],
    ['a tab', '\t'],
    ['a blank', ' '],
    ['a byte order mark', '\ufeff'],
    ['a byte order mark and a line', '\ufeff\n '],
  ])('is read with %s before its brace', (_, before) => {
    const text = `${before}${JSON.stringify(GOOD)}`;
    expect(message(text)).toBe('ok');
    expect(message(text, 'application/json')).toBe('ok');
  });

  it('is told apart by name from what it looks like', () => {
    const json = JSON.stringify(GOOD);
    for (const type of [undefined, 'application/json']) {
      expect(message(`[${json},${json}]`, type)).toMatch(
        /array.*send each element as a record of its own/,
      );
      expect(message(JSON.stringify(json), type)).toMatch(/JSON string|one message is one JSON/);
    }
    expect(message(json, 'text/plain')).toContain('it looks like JSON, but its content type');
    expect(message(`{"schema":{},"payload":${json}}`)).toMatch(
      /^MISSING_FIELD: deviceId is missing.*it is inside "payload"/,
    );
    expect(message(`${json}\n${json}`)).toContain('it has 2 objects');
    expect(message(json.slice(0, -4))).toContain('it is cut off after');
    expect(message('a 1 5-15-2015 00:08:13 1,2\nb 1 5-15-2015 00:08:13 1,2')).toContain(
      'it has several lines',
    );
    expect(message(Buffer.from(`\ufeff${json}`, 'utf16le'))).toMatch(/^NOT_UTF8: .*UTF-16/);
    expect(message(Buffer.from(json, 'utf16le'))).toContain('UTF-16');
  });

  it.each([
    ['a fraction of a millisecond', `${NOW}.7`, NOW],
    ['a leap second', '"2016-12-31T23:59:60Z"', Date.parse('2017-01-01T00:00:00Z')],
    [
      'a leap second elsewhere',
      '"2017-01-01T08:59:60.5+09:00"',
      Date.parse('2017-01-01T00:00:00.5Z'),
    ],
    ['an offset without a colon', '"2026-11-22T23:00:00+0100"', Date.parse('2026-11-22T22:00:00Z')],
    [
      'ten digits of a second',
      '"2026-11-22T23:00:00.1239999999Z"',
      Date.parse('2026-11-22T23:00:00.123Z'),
    ],
  ])('may have %s', (_, at, atMs) => {
    expect(decode(`{"deviceId":"a","at":${at},"speedKmh":1}`)).toMatchObject({
      ok: true,
      value: { event: { atMs } },
    });
  });

  it.each([
    [
      'seconds',
      '1773144000',
      /^BEFORE_2000: .*looks like seconds: send milliseconds \(1773144000000\)/,
    ],
    ['microseconds', '1773144000000000', /^FUTURE: .*looks like microseconds/],
    ['nanoseconds', '1773144000000000000', /^FUTURE: .*looks like nanoseconds/],
    ['an infinity', '1e400', /^MALFORMED: at is Infinity/],
    ['a bare NaN', 'NaN', /^MALFORMED: at is "NaN"/],
    ['second 60 at noon', '"2016-12-31T12:00:60Z"', /^MALFORMED/],
    ['second 61', '"2016-12-31T23:59:61Z"', /^MALFORMED/],
  ])('says what is wrong with an instant of %s', (_, at, expected) => {
    expect(message(`{"deviceId":"a","at":${at},"speedKmh":1}`)).toMatch(expected);
  });

  it('has a time that can be, or counts as one without', () => {
    const fresh = (timestampMs: number | undefined) => {
      const time = recordTimeOf(timestampMs, NOW);
      const decoded = decode(JSON.stringify(GOOD), { timestampMs: time.timestampMs });
      return `${decoded.ok ? 'ok' : decoded.reason} ${time.leftOut?.value ?? ''}`.trim();
    };
    expect(fresh(undefined)).toBe('ok');
    expect(fresh(NOW)).toBe('ok');
    expect(fresh(0)).toBe('ok 0');
    expect(fresh(-1)).toBe('ok -1');
    expect(fresh(Math.floor(NOW / 1000))).toBe(`ok ${NOW / 1000}`);
    expect(fresh(NOW * 1000)).toBe(`ok ${NOW * 1000}`);
    expect(fresh(NOW * 1e6)).toBe(`ok ${NOW * 1e6}`);
    expect(recordTimeOf(NOW + 3_600_000, NOW)).toEqual({ timestampMs: NOW });
    expect(recordTimeOf(NOW - 3_600_000, NOW)).toEqual({ timestampMs: NOW - 3_600_000 });
  });

  it('of a receiver past its rollover is refused with its whole backlog', () => {
    const lines = readFileSync(
      new URL('../../fixtures/devices/rollover-backlog.jsonl', import.meta.url),
      'utf8',
    );
    const reasons = lines
      .trim()
      .split('\n')
      .map((line) => {
        const decoded = decode(line, { timestampMs: Date.parse('2026-03-10T12:00:00Z') });
        return decoded.ok ? 'ok' : decoded.reason;
      });
    expect(reasons).toHaveLength(1440);
    expect(new Set(reasons)).toEqual(new Set(['GPS_ROLLOVER']));
  });

  it('of any bytes is an event or a dead letter with a reason', () => {
    const types = fc.constantFrom(undefined, 'application/json', 'text/plain', 'x');
    const parts = fc.array(
      fc.constantFrom(
        ...['{', '}', '[', ']', '"', '\\', ':', ',', '-', '1', 'e', '.', ' ', '\n', 'NaN', 'null'],
        ...['"deviceId"', '"at"', '"lat"', '1447000000000', '"\\ud800"', '\u0000', '😀', '\ufeff'],
      ),
      { maxLength: 60 },
    );
    const value = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      parts.map((all) => new TextEncoder().encode(all.join(''))),
      fc.json().map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(value, types, fc.double(), (bytes, contentType, timestampMs) => {
        const decoded = decode(bytes, {
          timestampMs,
          ...(contentType === undefined ? {} : { contentType }),
        });
        if (decoded.ok) return;
        expect(decoded.reason).not.toBe('DECODER_FAILED');
        expect(decoded.message).toMatch(/^[^\p{Surrogate}\p{Cc}]+$/u);
        expect(decoded.message.length).toBeLessThan(5_000);
      }),
      { numRuns: process.env['ODOGRAPH_LONG'] === '1' ? 500_000 : 5_000 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendarOf } from '../../src/core/calendar.ts';
import { formatDay } from '../../src/core/civil.ts';
import { createRulesTimeline } from '../../src/core/rules.ts';
import { loadZones } from '../../src/zones.ts';
import { runs } from './streams.ts';

const zones = loadZones();
const rules = createRulesTimeline([])(0);
const calendar = calendarOf(zones, rules);

const names = [
  'America/New_York',
  'Europe/Berlin',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Pacific/Apia',
  'Africa/Cairo',
  'Etc/GMT+5',
];

describe('the calendar', () => {
  it('names days as the Gregorian calendar does', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 200_000 }), (day) => {
        expect(formatDay(day)).toBe(new Date(day * 86_400_000).toISOString().slice(0, 10));
      }),
      runs(500),
    );
  });

  it('returns spans that contain their instant, with one date, one offset, and either night or day', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.integer({ min: 946_684_800_000, max: 1_900_000_000_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (zone, atMs, part) => {
          const span = calendar.spanAt(zone, atMs);
          const otherMs = span.fromMs + Math.floor(part * (span.toMs - span.fromMs - 1));
          for (const ms of [atMs, otherMs, span.toMs - 1]) {
            expect(ms).toBeGreaterThanOrEqual(span.fromMs);
            expect(ms).toBeLessThan(span.toMs);
            const local = new Date(ms + zones.offsetMsAt(zone, ms));
            expect(local.toISOString().slice(0, 10)).toBe(formatDay(span.day));
            const hours = local.getUTCHours();
            expect(hours >= 22 || hours < 4).toBe(span.night);
          }
        },
      ),
      runs(500),
    );
  });

  it('ends a span where a zone skips local midnight, or a whole day', () => {
    // São Paulo moved its clocks forward at midnight of 2018-11-04. Apia skipped 2011-12-30.
    const saoPaulo = Date.UTC(2018, 10, 4, 3);
    expect(calendar.spanAt('America/Sao_Paulo', saoPaulo - 1).toMs).toBe(saoPaulo);
    const apia = Date.UTC(2011, 11, 30, 10);
    expect(formatDay(calendar.spanAt('Pacific/Apia', apia - 1).day)).toBe('2011-12-29');
    expect(formatDay(calendar.spanAt('Pacific/Apia', apia).day)).toBe('2011-12-31');
  });
});

describe('zones', () => {
  it('match the place', () => {
    const zoneAt = (lat: number, lon: number) =>
      zones.zoneAt(Math.round(lat * 1e7), Math.round(lon * 1e7));
    expect(zoneAt(40.757977, -73.978165)).toBe('America/New_York');
    expect(zoneAt(52.52, 13.4)).toBe('Europe/Berlin');
    expect(zoneAt(41.2578697, -95.9842529)).toBe('America/Chicago');
    for (const [lat, lon] of [
      [90, 180],
      [-90, -180],
      [0, 0],
    ]) {
      expect(typeof zones.offsetMsAt(zoneAt(lat as number, lon as number), 0)).toBe('number');
    }
  });

  it('have an offset for every place on earth, equal to the one in Intl', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -900_000_000, max: 900_000_000 }),
        fc.integer({ min: -1_800_000_000, max: 1_800_000_000 }),
        // Every tz release since 2024 agrees on these years.
        fc.integer({ min: 946_684_800, max: 1_700_000_000 }),
        (latE7, lonE7, seconds) => {
          const zone = zones.zoneAt(latE7, lonE7);
          const atMs = seconds * 1000;
          expect(zones.offsetMsAt(zone, atMs)).toBe(intlOffsetMs(zone, atMs));
        },
      ),
      runs(200),
    );
  });

  it('refuse a zone that is missing from the data', () => {
    expect(() => zones.offsetMsAt('Mars/Olympus', 0)).toThrow('ZONE_UNKNOWN');
  });
});

function intlOffsetMs(timeZone: string, atMs: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(atMs);
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value);
  const localMs = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return localMs - atMs;
}

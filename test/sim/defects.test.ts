import { describe, expect, it } from 'vitest';
import { decodeRecord } from '../../src/core/decode/record.ts';
import type { DefectRates } from '../../src/sim/defects.ts';
import { defectRates, withDefects } from '../../src/sim/defects.ts';
import { createFleet } from '../../src/sim/fleet.ts';
import type { Car } from '../../src/sim/fleet.ts';
import type { Message } from '../../src/sim/message.ts';
import type { Report } from '../../src/sim/report.ts';
import { streamFleet } from '../../src/sim/stream.ts';
import { loadZones } from '../../src/zones.ts';

const zones = loadZones();
const NOON_MS = Date.parse('2026-03-02T12:00:00Z');
const COUNT = process.env['ODOGRAPH_LONG'] === '1' ? 2_000_000 : 40_000;
const EVERY_MS = 10_000;
const car = createFleet({ seed: 42, cars: 20 }).find((c) => c.device.format === 'json') as Car;

function* steadyReports(count: number): Generator<Report> {
  for (let i = 0; i < count; i++) {
    const atMs = NOON_MS + i * EVERY_MS;
    yield { deviceId: car.deviceId, atMs, latDeg: 52, lonDeg: 13, speedKmh: 50 };
  }
}

function measure(rates: DefectRates) {
  const seen = new Map<string, Message>();
  let outOfOrder = 0;
  let changed = 0;
  const found = { all: 0, twice: 0, zeroed: 0, jumped: 0, unreadable: 0, late: 0, reordered: 0 };
  let newestMs = 0;
  let arrivedMs = 0;
  for (const message of withDefects(car, steadyReports(COUNT), rates, 1)) {
    if (message.arrivesMs < Math.max(arrivedMs, message.atMs)) outOfOrder += 1;
    arrivedMs = message.arrivesMs;
    found.all += 1;
    const key = `${message.atMs}`;
    if (seen.has(key)) {
      found.twice += 1;
      if (message.value !== seen.get(key)?.value) changed += 1;
      continue;
    }
    seen.set(key, message);
    if (message.atMs < newestMs) found.reordered += 1;
    newestMs = Math.max(newestMs, message.atMs);
    if (message.arrivesMs - message.atMs >= 20_000) found.late += 1;
    const decoded = decode(message);
    if (!decoded.ok) found.unreadable += 1;
    else if (decoded.value.event.latE7 === 0 && decoded.value.event.lonE7 === 0) found.zeroed += 1;
    else if (decoded.value.event.latE7 !== 520_000_000) found.jumped += 1;
  }
  expect(seen.size).toBe(COUNT);
  expect({ outOfOrder, changed }).toEqual({ outOfOrder: 0, changed: 0 });
  return found;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function decode(message: Message) {
  return decodeRecord(
    {
      value: encoder.encode(message.value),
      contentType: message.contentType,
      timestampMs: message.arrivesMs,
    },
    {
      textSpeedUnit: 'mph',
      textTimeZone: 'UTC',
      zones,
      decodeUtf8: (bytes) => decoder.decode(bytes),
    },
  );
}

/** Five standard deviations of a binomial count. */
function expectShare(count: number, share: number): void {
  expect(Math.abs(count - share * COUNT)).toBeLessThan(5 * Math.sqrt(share * COUNT) + 1);
}

describe('defects', () => {
  it('change nothing at level none', () => {
    expect(measure(defectRates.none)).toMatchObject({
      all: COUNT,
      twice: 0,
      zeroed: 0,
      jumped: 0,
      unreadable: 0,
      late: 0,
      reordered: 0,
    });
  });

  it.each(['usual', 'heavy'] as const)('come at the rates that "%s" states', (level) => {
    const rates: DefectRates = defectRates[level];
    const found = measure(rates);
    console.log(level, found);
    expectShare(found.twice, rates.twice);
    expectShare(found.zeroed, rates.zeroed);
    expectShare(found.jumped, rates.jumped);
    expectShare(found.unreadable, rates.unreadable);
    // Late by a tunnel of 100 s or an outage of 11,100 s on average; long gaps clump, and short waits
    // at a gap's end are not counted as late.
    const lateShare =
      (rates.tunnelsPerHour * (100 - 20)) / 3_600 + (rates.outagesPerDay * 11_100) / 86_400;
    expect(found.late / COUNT).toBeGreaterThan(lateShare * 0.5);
    expect(found.late / COUNT).toBeLessThan(lateShare * 1.6);
  });

  it('reorder the stated share of messages where nothing else delays them', () => {
    const found = measure({ ...defectRates.none, reordered: 0.05 });
    // Messages are 10 s apart, so a delay of 1.5 to 15 s changes the order in 5 of 13.5 cases.
    expectShare(found.reordered, (0.05 * 5) / 13.5);
  });
});

describe('a fleet’s stream', () => {
  it('is in order of arrival, and does not depend on where it begins', () => {
    const fleet = createFleet({ seed: 3, cars: 4 });
    const day = 86_400_000;
    const take = (fromMs: number) => {
      const messages: Message[] = [];
      for (const message of streamFleet(fleet, () => fromMs, zones, defectRates.heavy)) {
        if (message.arrivesMs >= NOON_MS + 2 * day) break;
        messages.push(message);
      }
      return messages;
    };
    const arrivals = take(NOON_MS);
    expect(arrivals.filter((m, i) => m.arrivesMs < (arrivals[i - 1]?.arrivesMs ?? 0))).toEqual([]);
    const whole = arrivals.filter((message) => message.atMs >= NOON_MS + day);
    expect(whole.length).toBeGreaterThan(1_000);
    const text = (message: Message) => `${message.arrivesMs} ${message.key} ${message.value}`;
    expect(
      take(NOON_MS + day)
        .map(text)
        .sort(),
    ).toEqual(whole.map(text).sort());
  });
});

import { describe, expect, it } from 'vitest';
import { decodeRecord } from '../../src/core/decode/record.ts';
import type { TripFacts } from '../../src/core/changes.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { createRulesTimeline, newestRules } from '../../src/core/rules.ts';
import { dateOf, dayNumber } from '../../src/sim/day.ts';
import type { Car } from '../../src/sim/fleet.ts';
import { createFleet } from '../../src/sim/fleet.ts';
import type { TrueTrip } from '../../src/sim/journey.ts';
import { odometerAtM, plannedM, trueTrips } from '../../src/sim/journey.ts';
import { writeMessage } from '../../src/sim/message.ts';
import { driveDay } from '../../src/sim/report.ts';
import { loadZones } from '../../src/zones.ts';

const zones = loadZones();
const LONG = process.env['ODOGRAPH_LONG'] === '1';
const fleet = createFleet({ seed: 42, cars: LONG ? 200 : 20 });
const MONDAY = dayNumber('2026-03-02');
const DAYS = LONG ? 14 : 2;
const bytes = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true });

/** A car's messages over some days, decoded as the sink does; each must decode. */
function decodeDays(car: Car, days: number): CanonicalEvent[] {
  const events: CanonicalEvent[] = [];
  let odometerM = odometerAtM(car, MONDAY);
  for (let day = MONDAY; day < MONDAY + days; day++) {
    for (const report of driveDay(car, dateOf(day), zones, odometerM)) {
      const message = writeMessage(car, report);
      const decoded = decodeRecord(
        {
          value: bytes.encode(message.value),
          contentType: message.contentType,
          timestampMs: message.arrivesMs,
        },
        {
          textSpeedUnit: 'mph',
          textTimeZone: 'UTC',
          zones,
          decodeUtf8: (value) => text.decode(value),
        },
      );
      if (!decoded.ok) throw new Error(`${decoded.reason}: ${decoded.message}: ${message.value}`);
      if (decoded.unknownFields > 0) throw new Error(`unknown fields in ${message.value}`);
      events.push(decoded.value.event);
    }
    odometerM += plannedM(car, day);
  }
  return events;
}

function truthOf(car: Car, days: number): TrueTrip[] {
  const truth: TrueTrip[] = [];
  for (let day = MONDAY; day < MONDAY + days; day++)
    truth.push(...trueTrips(car, dateOf(day), zones));
  return truth;
}

describe('the fold against the true drives', () => {
  it('finds the drives of devices that send ignition one to one, and their kilometres', () => {
    const rulesAt = createRulesTimeline(newestRules);
    const all = { drives: 0, found: 0, trueM: 0, foldedM: 0 };
    for (const car of fleet) {
      const folded = foldAll(decodeDays(car, DAYS), { rulesAt, zonesOf: loadZones });
      const trips = [...folded.trips, ...(folded.openTrip ? [folded.openTrip] : [])];
      const truth = truthOf(car, DAYS);
      if (!car.device.ignition) continue;
      for (const drive of truth) {
        all.drives += 1;
        const trip = onlyTripOf(drive, trips, truth);
        if (!trip) continue;
        all.found += 1;
        // One fix per minute gives only a rough distance; how rough is up to the rules.
        if (car.device.reportEveryS > 10) continue;
        all.trueM += drive.distanceM;
        all.foldedM += trip.distanceM;
      }
    }
    console.log(all);
    expect(all.found / all.drives).toBeGreaterThan(0.95);
    expect(Math.abs(all.foldedM / all.trueM - 1)).toBeLessThan(0.015);
  });
});

/** The one trip that overlaps a drive, where it overlaps no other drive. */
function onlyTripOf(
  drive: TrueTrip,
  trips: readonly TripFacts[],
  truth: readonly TrueTrip[],
): TripFacts | undefined {
  const overlap = (trip: TripFacts, other: TrueTrip) =>
    trip.startedAtMs < other.engineOffMs && trip.endedAtMs > other.engineOnMs;
  const [trip, second] = trips.filter((candidate) => overlap(candidate, drive));
  if (!trip || second) return undefined;
  return truth.filter((other) => overlap(trip, other)).length === 1 ? trip : undefined;
}

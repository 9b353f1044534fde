import { describe, expect, it } from 'vitest';
import { decodeRecord } from '../../src/core/decode/record.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { createRulesTimeline } from '../../src/core/rules.ts';
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

/** A car's messages over some days, decoded as the sink would; each must decode. */
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
    const rulesAt = createRulesTimeline([]);
    const rows: string[] = [];
    let [drives, found, trueM, foldedM, worst] = [0, 0, 0, 0, 0];
    for (const car of fleet) {
      const folded = foldAll(decodeDays(car, DAYS), { rulesAt, zones });
      const trips = [...folded.trips, ...(folded.openTrip ? [folded.openTrip] : [])];
      const truth = truthOf(car, DAYS);
      let [own, ownM, ownTrueM] = [0, 0, 0];
      for (const drive of truth) {
        const overlapping = trips.filter(
          (trip) => trip.startedAtMs < drive.engineOffMs && trip.endedAtMs > drive.engineOnMs,
        );
        const trip = overlapping[0];
        const alone =
          overlapping.length === 1 &&
          trip !== undefined &&
          truth.filter((d) => trip.startedAtMs < d.engineOffMs && trip.endedAtMs > d.engineOnMs)
            .length === 1;
        if (!alone) continue;
        own += 1;
        ownM += trip.distanceM;
        ownTrueM += drive.distanceM;
        if (car.device.ignition && car.device.reportEveryS <= 30)
          worst = Math.max(worst, Math.abs(trip.distanceM - drive.distanceM) / drive.distanceM);
      }
      rows.push(
        `${car.deviceId} ${car.device.format} ${car.device.reportEveryS}s ${car.device.parked} ign ${car.device.ignition} lost ${car.device.losesOff} odo ${car.device.odometer}: ${own} of ${truth.length} (${trips.length} trips), km ${(ownM / 1000).toFixed(1)} of ${(ownTrueM / 1000).toFixed(1)}, events ${folded.drivingEvents.length}, hard ${truth.reduce((n, t) => n + t.hardManoeuvres, 0)}`,
      );
      if (!car.device.ignition) continue;
      drives += truth.length;
      found += own;
      trueM += ownTrueM;
      foldedM += ownM;
    }
    console.log(rows.join('\n'), { drives, found, trueM, foldedM, worst });
    expect(found / drives).toBeGreaterThan(0.95);
  });
});

import type { Car } from './fleet.ts';
import type { Report } from './report.ts';

/** A message on its way to the log. */
export interface Message {
  /** The device id, which keys the record. */
  readonly key: string;
  readonly value: string;
  readonly contentType: string;
  /** Instant of the measurement, epoch milliseconds. */
  readonly atMs: number;
  /** Time at which it reaches the log; `atMs` unless something delays it. */
  readonly arrivesMs: number;
}

const KM_PER_MILE = 1.609344;

/** A report in its device's format, arriving without delay. */
export function writeMessage(car: Car, report: Report): Message {
  const text = car.device.format === 'text';
  return {
    key: report.deviceId,
    value: text ? writeLine(report) : writeJson(report),
    contentType: text ? 'text/plain' : 'application/json',
    atMs: report.atMs,
    arrivesMs: report.atMs,
  };
}

/** The founding line: device, whole miles an hour, M-D-YYYY, time in UTC, longitude,latitude. */
function writeLine(report: Report): string {
  const time = new Date(report.atMs).toISOString();
  const date = `${Number(time.slice(5, 7))}-${Number(time.slice(8, 10))}-${time.slice(0, 4)}`;
  const mph = Math.round((report.speedKmh ?? 0) / KM_PER_MILE);
  return `${report.deviceId} ${mph} ${date} ${time.slice(11, 19)} ${report.lonDeg},${report.latDeg}`;
}

function writeJson(report: Report): string {
  return JSON.stringify({
    deviceId: report.deviceId,
    at: new Date(report.atMs).toISOString(),
    lat: report.latDeg,
    lon: report.lonDeg,
    speedKmh: report.speedKmh,
    headingDeg: report.headingDeg,
    odometerKm: report.odometerKm,
    ignition: report.ignition,
    accelMps2:
      report.accelForwardMps2 === undefined
        ? undefined
        : {
            forward: report.accelForwardMps2,
            left: report.accelLeftMps2,
            up: report.accelUpMps2,
          },
    speedLimitKmh: report.speedLimitKmh,
    phoneInUse: report.phoneInUse,
    accuracyM: report.accuracyM,
  });
}

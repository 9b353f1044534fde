import type { DayPart } from '../../changes.ts';

/** A trip of a device that does not count for its vehicle: another device assigned to it does at that time. */
export interface OverlappingTrip {
  readonly tripId: string;
  readonly vehicleId: string;
  readonly deviceId: string;
  readonly parts: readonly DayPart[];
}

/** What a bill or an adjustment says of a device that does not count. */
export interface OverlappingDriving {
  readonly vehicleId: string;
  readonly deviceId: string;
  readonly trips: number;
  /** Whole metres within the document's period. */
  readonly distanceM: number;
}

/** What a document over half-open local dates says of them, by vehicle and device. */
export function overlappingWithin(
  trips: readonly OverlappingTrip[],
  from: string,
  to: string,
): OverlappingDriving[] {
  const devices = new Map<string, OverlappingDriving>();
  for (const { vehicleId, deviceId, parts } of trips) {
    const within = parts.filter(({ localDate }) => from <= localDate && localDate < to);
    if (within.length === 0) continue;
    const key = JSON.stringify([vehicleId, deviceId]);
    const known = devices.get(key) ?? { vehicleId, deviceId, trips: 0, distanceM: 0 };
    const distanceM = within.reduce((sum, part) => sum + part.distanceM, known.distanceM);
    devices.set(key, { ...known, trips: known.trips + 1, distanceM });
  }
  return [...devices].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, driving]) => driving);
}

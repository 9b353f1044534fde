import type { DeviceDays, ExposureDay, FactRange, RatingInput } from './input.ts';
import { addMeasures } from '../exact/measures.ts';

/** The inputs of a premium in one order, so that the same inputs have the same hash and bytes. */
export interface Snapshot extends RatingInput {
  readonly dataCutoff: string;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Rows of one vehicle, day and kind of evidence become one. */
function mergeRows(rows: readonly ExposureDay[]): ExposureDay[] {
  const merged = new Map<string, ExposureDay>();
  for (const row of rows) {
    const key = JSON.stringify([row.vehicleId, row.localDate, row.estimated === true]);
    const known = merged.get(key);
    merged.set(key, {
      vehicleId: row.vehicleId,
      localDate: row.localDate,
      distanceM: (known?.distanceM ?? 0) + row.distanceM,
      nightM: (known?.nightM ?? 0) + row.nightM,
      measures: addMeasures(known?.measures ?? {}, row.measures),
      ...(row.estimated === true ? { estimated: true } : {}),
    });
  }
  return [...merged.values()].sort(
    (a, b) =>
      compareTexts(a.vehicleId, b.vehicleId) ||
      compareTexts(a.localDate, b.localDate) ||
      Number(a.estimated === true) - Number(b.estimated === true),
  );
}

function orderDeviceDays(rows: readonly DeviceDays[]): DeviceDays[] {
  return rows
    .map(({ vehicleId, from, to, heard }) => ({ vehicleId, from, to, heard }))
    .sort((a, b) => compareTexts(a.vehicleId, b.vehicleId) || compareTexts(a.from, b.from));
}

function factKey(range: FactRange): string {
  const names = Object.keys(range.values).sort();
  return JSON.stringify([
    range.vehicleId ?? '',
    range.driverId ?? '',
    range.from,
    range.to,
    names.map((name) => [name, range.values[name]]),
  ]);
}

/** The inputs themselves, as a bill keeps them: recalculation reads nothing else. */
export function snapshotOf(input: RatingInput, cutOff: string): Snapshot {
  const { policy, period, deviceDays } = input;
  return {
    dataCutoff: cutOff,
    period: { from: period.from, to: period.to },
    exposure: mergeRows(input.exposure),
    ...(deviceDays === undefined ? {} : { deviceDays: orderDeviceDays(deviceDays) }),
    policy: {
      number: policy.number,
      startDate: policy.startDate,
      endDate: policy.endDate,
      vehicles: policy.vehicles
        .map(({ vehicleId, from, to }) => ({ vehicleId, from, to }))
        .sort((a, b) => compareTexts(a.vehicleId, b.vehicleId)),
      facts: [...policy.facts].sort((a, b) => compareTexts(factKey(a), factKey(b))),
    },
  };
}

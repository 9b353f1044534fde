import type { Decoded } from '../result.ts';
import { digestOf } from '../digest.ts';
import type { CanonicalEvent } from '../event.ts';

/** A message's values in the units of the wire; undefined where the message says nothing. */
export interface Measurement {
  readonly deviceId: string;
  readonly atMs: number;
  readonly lat?: number | undefined;
  readonly lon?: number | undefined;
  readonly speedKmh?: number | undefined;
  readonly headingDeg?: number | undefined;
  readonly odometerKm?: number | undefined;
  readonly ignition?: boolean | undefined;
  readonly accelForwardMps2?: number | undefined;
  readonly accelLeftMps2?: number | undefined;
  readonly accelUpMps2?: number | undefined;
  readonly speedLimitKmh?: number | undefined;
  readonly phoneInUse?: boolean | undefined;
  readonly accuracyM?: number | undefined;
}

export interface DeviceEvent {
  readonly deviceId: string;
  readonly event: CanonicalEvent;
}

interface Quantity {
  readonly from: keyof Measurement;
  readonly to: Exclude<keyof CanonicalEvent, 'ignition' | 'phoneInUse'>;
  readonly label: string;
  readonly least: number;
  readonly most: number;
  /** Stored steps in one unit of the wire. */
  readonly scale: number;
}

/** Wire field → stored field, the range believed, and the stored resolution. */
const QUANTITIES: readonly Quantity[] = [
  { from: 'lat', to: 'latE7', label: 'lat', least: -90, most: 90, scale: 1e7 },
  { from: 'lon', to: 'lonE7', label: 'lon', least: -180, most: 180, scale: 1e7 },
  { from: 'speedKmh', to: 'speedCkmh', label: 'speedKmh', least: 0, most: 1000, scale: 100 },
  { from: 'headingDeg', to: 'headingDdeg', label: 'headingDeg', least: 0, most: 360, scale: 10 },
  {
    from: 'odometerKm',
    to: 'odometerM',
    label: 'odometerKm',
    least: 0,
    most: 2_000_000,
    scale: 1000,
  },
  {
    from: 'accelForwardMps2',
    to: 'accelForwardMmps2',
    label: 'accelMps2.forward',
    least: -2000,
    most: 2000,
    scale: 1000,
  },
  {
    from: 'accelLeftMps2',
    to: 'accelLeftMmps2',
    label: 'accelMps2.left',
    least: -2000,
    most: 2000,
    scale: 1000,
  },
  {
    from: 'accelUpMps2',
    to: 'accelUpMmps2',
    label: 'accelMps2.up',
    least: -2000,
    most: 2000,
    scale: 1000,
  },
  {
    from: 'speedLimitKmh',
    to: 'speedLimitCkmh',
    label: 'speedLimitKmh',
    least: 1,
    most: 400,
    scale: 100,
  },
  { from: 'accuracyM', to: 'accuracyDm', label: 'accuracyM', least: 0, most: 100_000, scale: 10 },
];

const MAX_DEVICE_ID_LENGTH = 128;
// eslint-disable-next-line no-control-regex -- a control character in an id is what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** The canonical event of a measurement, or why there is none. */
export function quantise(measurement: Measurement, unknownFields: number): Decoded<DeviceEvent> {
  const { deviceId, atMs } = measurement;
  if (deviceId === '' || deviceId.length > MAX_DEVICE_ID_LENGTH || CONTROL.test(deviceId)) {
    return {
      ok: false,
      reason: 'OUT_OF_RANGE',
      message: `deviceId has ${deviceId.length} characters or a control character; it needs 1 to ${MAX_DEVICE_ID_LENGTH} printable ones`,
    };
  }
  if ((measurement.lat === undefined) !== (measurement.lon === undefined)) {
    const missing = measurement.lat === undefined ? 'lat' : 'lon';
    return {
      ok: false,
      reason: 'MISSING_FIELD',
      message: `${missing} is missing: a position needs lat and lon`,
    };
  }
  const content: { -readonly [K in keyof CanonicalEvent]: CanonicalEvent[K] } = { atMs, digest: 0 };
  let says = measurement.ignition !== undefined || measurement.phoneInUse !== undefined;
  for (const quantity of QUANTITIES) {
    const value = measurement[quantity.from] as number | undefined;
    if (value === undefined) continue;
    if (!(value >= quantity.least && value <= quantity.most)) {
      return {
        ok: false,
        reason: 'OUT_OF_RANGE',
        message: `${quantity.label} is ${value}; it must be ${quantity.least} to ${quantity.most}`,
      };
    }
    content[quantity.to] = Math.round(value * quantity.scale) + 0;
    says = true;
  }
  if (content.headingDdeg === 3600) content.headingDdeg = 0;
  if (!says) {
    return {
      ok: false,
      reason: 'MISSING_FIELD',
      message:
        'the message says nothing but device and time; it needs lat and lon, or a speed, an odometer, an ignition …',
    };
  }
  if (measurement.ignition !== undefined) content.ignition = measurement.ignition;
  if (measurement.phoneInUse !== undefined) content.phoneInUse = measurement.phoneInUse;
  content.digest = digestOf(content);
  return { ok: true, value: { deviceId, event: content }, unknownFields };
}

import type { ExportedTrip } from '../../store/read/trip-export.ts';
import type { Identity } from '../identity.ts';

/** What a cell holds: a whole number, a decimal, a truth, a text, an instant (epoch ms) or a date. */
export type CellType = 'INTEGER' | 'NUMBER' | 'BOOLEAN' | 'TEXT' | 'INSTANT' | 'DATE';
export type ExportCell = number | boolean | string | null;

export interface ExportColumn {
  readonly name: string;
  readonly type: CellType;
  readonly nullable: boolean;
  /** For people, with the unit; it goes into the file and into the docs. */
  readonly description: string;
  readonly value: (trip: ExportedTrip) => ExportCell;
}

function column(
  name: string,
  type: CellType,
  description: string,
  value: (trip: ExportedTrip) => ExportCell,
): ExportColumn {
  return { name, type, nullable: false, description, value };
}

function optional(...parts: Parameters<typeof column>): ExportColumn {
  return { ...column(...parts), nullable: true };
}

function sum(trip: ExportedTrip, measure: string): number {
  return trip.days.reduce((total, { measures }) => total + (measures[measure] ?? 0), 0);
}

function seconds(name: string, description: string, measure: string): ExportColumn {
  return column(name, 'NUMBER', description, (trip) => sum(trip, measure) / 1000);
}

function flags(name: string, description: string, measure: string): ExportColumn {
  return column(name, 'INTEGER', description, (trip) => sum(trip, measure));
}

/** The insurer's own ids of device, driver and vehicle: not for an actuary. */
const NAMES: readonly ExportColumn[] = [
  column('device', 'TEXT', 'Device id, as in the messages', (trip) => trip.deviceId),
  optional(
    'driver',
    'TEXT',
    "Insurer's id of the driver; null where no driver was assigned",
    (trip) => trip.driverExternalId,
  ),
  optional(
    'vehicle',
    'TEXT',
    "Insurer's id of the vehicle; null where none was assigned",
    (trip) => trip.vehicleExternalId,
  ),
];

/** No coordinates: no role may export them in bulk. */
const FACTS: readonly ExportColumn[] = [
  column('trip_id', 'INTEGER', 'Number of the trip', ({ id }) => id),
  column(
    'revision',
    'INTEGER',
    '1, and one more with each correction after it was closed',
    (trip) => trip.revision,
  ),
  optional(
    'driver_id',
    'INTEGER',
    'Pseudonym of the driver, the same in every export and view; null where no driver was assigned',
    (trip) => trip.driverRef,
  ),
  optional(
    'vehicle_id',
    'INTEGER',
    'Pseudonym of the vehicle, the same in every export and view; null where none was assigned',
    (trip) => trip.vehicleRef,
  ),
  column('started_at', 'INSTANT', 'Start, UTC', (trip) => trip.startedAtMs),
  column('ended_at', 'INSTANT', 'End, UTC', (trip) => trip.endedAtMs),
  column('local_date', 'DATE', 'Local date of its start', (trip) => trip.localDate),
  column('time_zone', 'TEXT', 'IANA time zone of its start', (trip) => trip.timeZone),
  column('closed', 'BOOLEAN', 'Whether it is over; an open one may still grow', (t) => t.closed),
  optional(
    'end_reason',
    'TEXT',
    'IGNITION, SILENCE, STANDSTILL or LENGTH; null while it is open',
    (trip) => trip.endReason ?? (trip.closed ? 'SILENCE' : null),
  ),
  column('distance_km', 'NUMBER', 'Kilometres', (trip) => trip.distanceM / 1000),
  column(
    'distance_source',
    'TEXT',
    'What the kilometres are from: ODOMETER, GPS or SPEED',
    (trip) => trip.distanceSource,
  ),
  column(
    'bridged_km',
    'NUMBER',
    'Of those, kilometres over silences of the device',
    (trip) => trip.bridgedM / 1000,
  ),
  column(
    'night_km',
    'NUMBER',
    'Of those, kilometres at night by local time',
    (trip) => trip.nightM / 1000,
  ),
  column(
    'duration_s',
    'NUMBER',
    'Seconds from start to end',
    (trip) => (trip.endedAtMs - trip.startedAtMs) / 1000,
  ),
  column('moving_s', 'NUMBER', 'Of those, seconds in motion', (trip) => trip.movingMs / 1000),
  column('idle_s', 'NUMBER', 'Of those, seconds of standing', (trip) => trip.idleMs / 1000),
  column('max_speed_kmh', 'NUMBER', 'Highest speed, km/h', (trip) => trip.maxSpeedCkmh / 100),
  column('fixes', 'INTEGER', 'Accepted positions', (trip) => trip.fixes),
  flags('harsh_braking_gps', 'Flags of harsh braking, by GPS speed', 'harshBrakingGps.count'),
  flags(
    'harsh_braking_accelerometer',
    'Flags of harsh braking, by accelerometer',
    'harshBrakingAccelerometer.count',
  ),
  flags(
    'harsh_acceleration_gps',
    'Flags of harsh acceleration, by GPS speed',
    'harshAccelerationGps.count',
  ),
  flags(
    'harsh_acceleration_accelerometer',
    'Flags of harsh acceleration, by accelerometer',
    'harshAccelerationAccelerometer.count',
  ),
  flags(
    'harsh_cornering_gps',
    'Flags of harsh cornering, by GPS speed and heading',
    'harshCorneringGps.count',
  ),
  flags(
    'harsh_cornering_accelerometer',
    'Flags of harsh cornering, by accelerometer',
    'harshCorneringAccelerometer.count',
  ),
  flags('speeding', 'Flags of speeding over a limit that was sent', 'speeding.count'),
  seconds('speeding_s', 'Seconds above the limit', 'speeding.ms'),
  seconds(
    'limit_known_s',
    'Seconds of which the limit was known: the exposure of speeding_s',
    'limitKnown.ms',
  ),
  flags('phone_use', 'Flags of phone use', 'phone.count'),
  seconds('phone_use_s', 'Seconds of phone use', 'phone.ms'),
  column(
    'rules_version',
    'TEXT',
    'Version of the rules that made the trip',
    (trip) => trip.rulesVersion,
  ),
  column('updated_at', 'INSTANT', 'When it changed last, UTC', (trip) => trip.updatedAtMs),
];

/** The columns of an export for a role. */
export function columnsFor({ role }: Pick<Identity, 'role'>): readonly ExportColumn[] {
  return role === 'INSURER' ? [...FACTS, ...NAMES] : FACTS;
}

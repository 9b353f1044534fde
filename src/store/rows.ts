import { Buffer } from 'node:buffer';
import type { DrivingEventFacts, TripFacts } from '../core/changes.ts';
import type { CanonicalEvent, EventKey } from '../core/event.ts';

/** 2000-01-01T00:00:00Z in Unix seconds: what the column `sec` counts from. */
const EPOCH_2000_S = 946_684_800;
const DIGEST_BITS = 53n;
const DIGEST_MASK = (1n << DIGEST_BITS) - 1n;
const LOW_32 = 0x1_0000_0000;

/** An event's place in its device's order as two columns; both compare as the key does. */
export interface KeyColumns {
  readonly sec: number;
  readonly rest: bigint;
}

export function keyToColumns(key: EventKey): KeyColumns {
  const second = Math.floor(key.atMs / 1000);
  const ms = key.atMs - second * 1000;
  return { sec: second - EPOCH_2000_S, rest: (BigInt(ms) << DIGEST_BITS) | BigInt(key.digest) };
}

export function columnsToKey({ sec, rest }: KeyColumns): EventKey {
  return {
    atMs: (sec + EPOCH_2000_S) * 1000 + Number(rest >> DIGEST_BITS),
    digest: Number(rest & DIGEST_MASK),
  };
}

/** Seconds since 2000 of an instant, as the column `sec` has them. */
export function secOf(atMs: number): number {
  return Math.floor(atMs / 1000) - EPOCH_2000_S;
}

const INT4_COLUMNS = [
  ['lat_e7', 'latE7'],
  ['lon_e7', 'lonE7'],
  ['speed_ckmh', 'speedCkmh'],
  ['odometer_m', 'odometerM'],
  ['accel_forward_mmps2', 'accelForwardMmps2'],
  ['accel_left_mmps2', 'accelLeftMmps2'],
  ['accel_up_mmps2', 'accelUpMmps2'],
  ['speed_limit_ckmh', 'speedLimitCkmh'],
  ['accuracy_dm', 'accuracyDm'],
] as const satisfies readonly (readonly [string, keyof CanonicalEvent])[];
const INT2_COLUMN = ['heading_ddeg', 'headingDdeg'] as const;
const BOOLEAN_COLUMNS = [
  ['ignition', 'ignition'],
  ['phone_in_use', 'phoneInUse'],
] as const;

/** The event table's columns behind the key, in the order in which rows are copied and read. */
export const EVENT_COLUMNS = [
  ...INT4_COLUMNS.map(([column]) => column),
  INT2_COLUMN[0],
  ...BOOLEAN_COLUMNS.map(([column]) => column),
];

export const COPY_EVENTS = `COPY event (device_id, sec, rest, ${EVENT_COLUMNS.join(', ')}) FROM STDIN (FORMAT binary)`;

const FIELDS = 3 + INT4_COLUMNS.length + 1 + BOOLEAN_COLUMNS.length;
const MAX_ROW_BYTES = 2 + 8 + 8 + 12 + INT4_COLUMNS.length * 8 + 6 + BOOLEAN_COLUMNS.length * 5;
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const HEADER_BYTES = 19;

export interface EventRow {
  readonly deviceId: number;
  readonly event: CanonicalEvent;
}

/**
 * Rows in PostgreSQL's binary COPY format (https://www.postgresql.org/docs/18/sql-copy.html), the
 * columns in the order of `COPY_EVENTS`. Each is written out: a loop over names costs twice as much.
 */
export function encodeCopy(rows: readonly EventRow[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + rows.length * MAX_ROW_BYTES + 2);
  SIGNATURE.copy(buffer);
  buffer.fill(0, SIGNATURE.length, HEADER_BYTES);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  let at = HEADER_BYTES;
  for (let i = 0; i < rows.length; i += 1) {
    const { deviceId, event } = rows[i]!;
    const second = Math.floor(event.atMs / 1000);
    const digestHigh = Math.floor(event.digest / LOW_32);
    view.setInt16(at, FIELDS);
    view.setInt32(at + 2, 4);
    view.setInt32(at + 6, deviceId);
    view.setInt32(at + 10, 4);
    view.setInt32(at + 14, second - EPOCH_2000_S);
    view.setInt32(at + 18, 8);
    view.setInt32(at + 22, ((event.atMs - second * 1000) << 21) | digestHigh);
    view.setUint32(at + 26, event.digest - digestHigh * LOW_32);
    at = putInt4(view, at + 30, event.latE7);
    at = putInt4(view, at, event.lonE7);
    at = putInt4(view, at, event.speedCkmh);
    at = putInt4(view, at, event.odometerM);
    at = putInt4(view, at, event.accelForwardMmps2);
    at = putInt4(view, at, event.accelLeftMmps2);
    at = putInt4(view, at, event.accelUpMmps2);
    at = putInt4(view, at, event.speedLimitCkmh);
    at = putInt4(view, at, event.accuracyDm);
    at = putInt2(view, at, event.headingDdeg);
    at = putBoolean(view, at, event.ignition);
    at = putBoolean(view, at, event.phoneInUse);
  }
  view.setInt16(at, -1);
  return buffer.subarray(0, at + 2);
}

function putNull(view: DataView, at: number): number {
  view.setInt32(at, -1);
  return at + 4;
}

function putInt4(view: DataView, at: number, value: number | undefined): number {
  if (value === undefined) return putNull(view, at);
  view.setInt32(at, 4);
  view.setInt32(at + 4, value);
  return at + 8;
}

function putInt2(view: DataView, at: number, value: number | undefined): number {
  if (value === undefined) return putNull(view, at);
  view.setInt32(at, 2);
  view.setInt16(at + 4, value);
  return at + 6;
}

function putBoolean(view: DataView, at: number, value: boolean | undefined): number {
  if (value === undefined) return putNull(view, at);
  view.setInt32(at, 1);
  view.setInt8(at + 4, value ? 1 : 0);
  return at + 5;
}

/** A row of the event table as Prisma reads it. */
export type StoredEvent = {
  readonly device_id: number;
  readonly sec: number;
  readonly rest: bigint;
} & Readonly<Record<string, unknown>>;

export function rowToEvent(row: StoredEvent): CanonicalEvent {
  const event: Record<string, unknown> = { ...columnsToKey(row) };
  for (const [column, field] of [...INT4_COLUMNS, INT2_COLUMN, ...BOOLEAN_COLUMNS]) {
    if (row[column] !== null) event[field] = row[column];
  }
  return event as unknown as CanonicalEvent;
}

/** The tenant, assignment, driver and vehicle in force at a trip's start. */
export interface Attribution {
  readonly tenantId: number;
  readonly assignmentId: number | null;
  readonly driverId: number | null;
  readonly vehicleId: number | null;
}

/** The columns of `trip` that hold its facts and attribution, as JSON that PostgreSQL can read. */
export type TripColumns = ReturnType<typeof tripToColumns>;

export function tripToColumns(deviceId: number, trip: TripFacts, to: Attribution) {
  const anchor = keyToColumns(trip.anchor);
  const last = keyToColumns(trip.last);
  const decided = trip.decidedBy && keyToColumns(trip.decidedBy);
  return {
    device_id: deviceId,
    started_at: isoOf(trip.startedAtMs),
    tenant_id: to.tenantId,
    assignment_id: to.assignmentId,
    driver_id: to.driverId,
    vehicle_id: to.vehicleId,
    anchor_sec: anchor.sec,
    anchor_rest: String(anchor.rest),
    last_sec: last.sec,
    last_rest: String(last.rest),
    decided_sec: decided?.sec ?? null,
    decided_rest: decided ? String(decided.rest) : null,
    ended_at: isoOf(trip.endedAtMs),
    closes_at: isoOf(trip.closesAtMs),
    end_reason: trip.endReason ?? null,
    time_zone: trip.timeZone,
    local_date: trip.localDate,
    distance_m: trip.distanceM,
    distance_source: trip.distanceSource,
    bridged_m: trip.bridgedM,
    moving_ms: trip.movingMs,
    idle_ms: trip.idleMs,
    max_speed_ckmh: trip.maxSpeedCkmh,
    night_m: trip.nightM,
    fixes: trip.fixes,
    events: trip.events,
    start_lat_e7: trip.start?.latE7 ?? null,
    start_lon_e7: trip.start?.lonE7 ?? null,
    end_lat_e7: trip.end?.latE7 ?? null,
    end_lon_e7: trip.end?.lonE7 ?? null,
    rejected_fixes: sortKeys(trip.rejectedFixes),
    days: trip.days.map((day) => ({
      localDate: day.localDate,
      distanceM: day.distanceM,
      durationMs: day.durationMs,
      movingMs: day.movingMs,
      idleMs: day.idleMs,
      nightM: day.nightM,
      measures: sortKeys(day.measures),
    })),
    rules_version: trip.rulesVersion,
  };
}

/** The columns of `driving_event`. */
export type DrivingEventColumns = ReturnType<typeof drivingEventToColumns>;

export function drivingEventToColumns(deviceId: number, event: DrivingEventFacts, to: Attribution) {
  const decided = keyToColumns(event.decidedBy);
  return {
    device_id: deviceId,
    at: isoOf(event.atMs),
    kind: event.kind,
    source: event.source,
    severity: event.severity,
    ended_at: isoOf(event.endedAtMs),
    trip_started_at: isoOf(event.tripStartedAtMs),
    tenant_id: to.tenantId,
    driver_id: to.driverId,
    decided_sec: decided.sec,
    decided_rest: String(decided.rest),
    lat_e7: event.position?.latE7 ?? null,
    lon_e7: event.position?.lonE7 ?? null,
    speed_before_ckmh: event.speedBeforeCkmh ?? null,
    speed_after_ckmh: event.speedAfterCkmh ?? null,
    peak_mmps2: event.peakMmps2 ?? null,
    peak_ckmh: event.peakCkmh ?? null,
    threshold: event.threshold,
    severity_threshold: event.severityThreshold,
    least_ms: event.leastMs ?? null,
    duration_ms: event.durationMs,
    local_date: event.localDate,
    rules_version: event.rulesVersion,
  };
}

export function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

function sortKeys<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

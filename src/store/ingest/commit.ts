import { Buffer } from 'node:buffer';
import {
  ADD_TOTALS,
  DELETE_CHECKPOINTS,
  DELETE_DRIVING_EVENTS,
  DELETE_TRIPS,
  INSERT_CHECKPOINTS,
  INSERT_DEAD_LETTERS,
  INSERT_LATE_EVENTS,
  INSERT_REVISIONS,
  MOVE_OFFSETS,
  UPDATE_DEVICES,
  UPSERT_HANDLES,
  UPSERT_TRIPS,
  WRITE_DRIVING_EVENTS,
} from './commit-statements.ts';
import { LOCKS } from '../locks.ts';
import type { DeadLetter, OverflowMove } from './dead-letters.ts';
import { ADD_OVERFLOW, toLetterRows, toOverflowRow } from './dead-letters.ts';
import type { LeftOutMove } from './left-out.ts';
import { ADD_LEFT_OUT, toLeftOutRow } from './left-out.ts';
import type { PrismaTransaction, Store } from '../open.ts';
import type { KnownRecord } from './offsets.ts';
import type { DrivingEventColumns, KeyColumns, TripColumns } from '../rows.ts';
import { COPY_EVENTS, isoOf } from '../rows.ts';

export interface OffsetMove {
  readonly partition: number;
  /** The stored offset must equal this. */
  readonly from: number;
  readonly to: number;
  /** The last record before `to`; absent if there are only control records. */
  readonly last: KnownRecord | undefined;
}

export interface DeviceMove {
  readonly deviceId: number;
  /** The version that the state was loaded with; the move adds one. */
  readonly version: number;
  readonly head: KeyColumns | undefined;
  readonly state: Uint8Array;
  readonly arrivedAtMs: number;
  readonly sinceCheckpoint: number;
}

export interface KeyOfDevice extends KeyColumns {
  readonly deviceId: number;
}

/** What one batch adds to or subtracts from the roll-up of one device, assignment and local day. */
export interface TotalMove {
  readonly device_id: number;
  readonly tenant_id: number;
  readonly assignment_id: number;
  readonly driver_id: number | null;
  readonly vehicle_id: number | null;
  readonly local_date: string;
  readonly trips: number;
  readonly distance_m: number;
  readonly duration_ms: number;
  readonly moving_ms: number;
  readonly idle_ms: number;
  readonly night_m: number;
  readonly measures: Readonly<Record<string, number>>;
}

/** Everything that one batch writes. */
export interface Commit {
  readonly topic: string;
  /** Rows of `rules` that the fold used; a different number means that it used old rules. */
  readonly rulesRows: number;
  readonly offsets: readonly OffsetMove[];
  readonly devices: readonly DeviceMove[];
  /** Rows for COPY and their number. */
  readonly events: { readonly rows: number; readonly copy: Buffer };
  /** Of those, the ones below their device's head, with the version that brought them. */
  readonly lateEvents: readonly (KeyOfDevice & { readonly version: number })[];
  readonly deadLetters: readonly DeadLetter[];
  /** Dead letters beyond the budget, added up. */
  readonly overflow: readonly OverflowMove[];
  readonly leftOut: readonly LeftOutMove[];
  readonly checkpointsGone: readonly KeyOfDevice[];
  readonly checkpoints: readonly (KeyOfDevice & { readonly state: Uint8Array })[];
  /** Trips whose current facts are kept as a revision before they are rewritten or removed. */
  readonly revisions: readonly { readonly id: number; readonly withdrawn: boolean }[];
  readonly tripsGone: readonly number[];
  readonly trips: readonly (TripColumns & { readonly id: number; readonly revision: number })[];
  readonly handles: readonly (KeyOfDevice & { readonly id: number })[];
  readonly drivingEventsGone: readonly DrivingEventKey[];
  readonly drivingEvents: readonly DrivingEventColumns[];
  readonly totals: readonly TotalMove[];
}

export type DrivingEventKey = Pick<DrivingEventColumns, 'device_id' | 'at' | 'kind' | 'source'>;

/** Another process changed what this batch was computed from; nothing was written. */
export class FencedError extends Error {
  readonly by: 'OFFSET' | 'DEVICE' | 'RULES';
  readonly deviceIds: readonly number[];
  constructor(
    by: 'OFFSET' | 'DEVICE' | 'RULES',
    message: string,
    deviceIds: readonly number[] = [],
  ) {
    super(message);
    this.name = 'FencedError';
    this.by = by;
    this.deviceIds = deviceIds;
  }
}

/**
 * Writes one batch in one transaction, or nothing.
 * @throws FencedError if an offset, a device or the rules changed since the batch was computed.
 */
export async function commit({ prisma, largeValues }: Store, batch: Commit): Promise<void> {
  await prisma.$transaction(async (tx) => {
    const write = createWriter(tx, largeValues);
    await moveOffsets(tx, batch);
    await moveDevices(tx, write, batch.devices);
    if (batch.events.rows > 0) await write(COPY_EVENTS, batch.events.copy);
    await write(INSERT_LATE_EVENTS, batch.lateEvents.map(toKeyJson));
    for (const rows of toLetterRows(batch.topic, batch.deadLetters)) {
      await write(INSERT_DEAD_LETTERS, rows);
    }
    await write(
      ADD_OVERFLOW,
      batch.overflow.map((move) => toOverflowRow(batch.topic, move)),
    );
    await write(ADD_LEFT_OUT, batch.leftOut.map(toLeftOutRow));
    await write(DELETE_CHECKPOINTS, batch.checkpointsGone.map(toKeyJson));
    await write(INSERT_CHECKPOINTS, batch.checkpoints.map(toCheckpointJson));
    await write(INSERT_REVISIONS, batch.revisions);
    await write(
      DELETE_TRIPS,
      batch.tripsGone.map((id) => ({ id })),
    );
    await write(
      UPSERT_HANDLES,
      batch.handles.map((h) => ({ ...toKeyJson(h), id: h.id })),
    );
    await write(UPSERT_TRIPS, batch.trips);
    await write(DELETE_DRIVING_EVENTS, batch.drivingEventsGone);
    await write(WRITE_DRIVING_EVENTS, batch.drivingEvents);
    await write(ADD_TOTALS, batch.totals);
    if (batch.devices.length > 0) {
      await tx.$executeRawUnsafe(
        'insert into journal (device_ids) values ($1)',
        batch.devices.map((d) => d.deviceId),
      );
    }
  });
}

async function moveOffsets(
  tx: PrismaTransaction,
  { topic, offsets, rulesRows }: Commit,
): Promise<void> {
  await tx.$executeRawUnsafe('select pg_advisory_xact_lock_shared($1)', LOCKS.rules);
  const moves = offsets.map((o) => ({
    partition: o.partition,
    from: o.from,
    to: o.to,
    last: o.last?.offset ?? null,
    digest: o.last?.digest ?? null,
  }));
  const [result] = await tx.$queryRawUnsafe<{ moved: number; rules: number }[]>(
    MOVE_OFFSETS,
    topic,
    JSON.stringify(moves),
  );
  if (result!.moved !== offsets.length) {
    throw new FencedError(
      'OFFSET',
      `another sink has moved an offset of ${topic}: ${JSON.stringify(moves)}`,
    );
  }
  if (result!.rules !== rulesRows) {
    throw new FencedError(
      'RULES',
      `the rules have ${result!.rules} rows; the batch was folded with ${rulesRows}`,
    );
  }
}

async function moveDevices(
  tx: PrismaTransaction,
  write: Writer,
  devices: readonly DeviceMove[],
): Promise<void> {
  if (devices.length === 0) return;
  const held = await tx.$queryRawUnsafe<{ device_id: number; version: bigint }[]>(
    'select device_id, version from device_state where device_id = any($1) order by device_id for no key update',
    devices.map((d) => d.deviceId),
  );
  const versions = new Map(held.map((row) => [row.device_id, Number(row.version)]));
  const moved = devices.filter((d) => versions.get(d.deviceId) !== d.version);
  if (moved.length > 0) {
    const ids = moved.map((d) => d.deviceId);
    throw new FencedError('DEVICE', `${moved.length} devices were changed by another process`, ids);
  }
  const rows = devices.map((d) => ({
    device_id: d.deviceId,
    head_sec: d.head?.sec ?? null,
    head_rest: d.head ? String(d.head.rest) : null,
    state: toHex(d.state),
    arrived_at: isoOf(d.arrivedAtMs),
    since: d.sinceCheckpoint,
  }));
  await write(UPDATE_DEVICES, rows);
}

/** Runs a statement with bytes or with rows as JSON; does nothing without rows. */
type Writer = (sql: string, rows: Buffer | readonly unknown[]) => Promise<void>;

function createWriter(tx: PrismaTransaction, largeValues: Store['largeValues']): Writer {
  return async (sql, rows) => {
    if (rows.length === 0) return;
    const value = Buffer.isBuffer(rows) ? rows : JSON.stringify(rows);
    await largeValues.send(value, (reference) => tx.$executeRawUnsafe(sql, reference));
  };
}

function toKeyJson(key: KeyOfDevice & { readonly version?: number }) {
  return { device_id: key.deviceId, version: key.version, sec: key.sec, rest: String(key.rest) };
}

function toCheckpointJson(checkpoint: KeyOfDevice & { readonly state: Uint8Array }) {
  return { ...toKeyJson(checkpoint), state: toHex(checkpoint.state) };
}

/** Bytes in PostgreSQL's hex notation. */
function toHex(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

import { Buffer } from 'node:buffer';
import type { Store, Transaction } from './open.ts';
import type { DrivingEventColumns, KeyColumns, TripColumns } from './rows.ts';
import { COPY_EVENTS, isoOf } from './rows.ts';

export interface OffsetMove {
  readonly partition: number;
  /** Where the stored offset has to stand. */
  readonly from: number;
  readonly to: number;
  readonly lastTimestampMs: number | undefined;
  readonly lastDigest: number | undefined;
}

export interface DeviceMove {
  readonly deviceId: number;
  /** The version that the state was loaded at; the move adds one. */
  readonly version: number;
  readonly head: KeyColumns | undefined;
  readonly state: Uint8Array;
  readonly arrivedAtMs: number;
  readonly sinceCheckpoint: number;
}

export interface DeadLetter {
  readonly partition: number;
  readonly offset: number;
  readonly atMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly message: string;
}

export interface KeyOfDevice extends KeyColumns {
  readonly deviceId: number;
}

/** What one batch adds to, or takes from, the roll-up of one device, assignment and local day. */
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
  /** Rows of `rules` that the fold knew; another number means that it folded by old rules. */
  readonly rulesRows: number;
  readonly offsets: readonly OffsetMove[];
  readonly devices: readonly DeviceMove[];
  /** Rows for COPY and their number. */
  readonly events: { readonly rows: number; readonly copy: Buffer };
  /** Of those, the ones below their device's head, with the version that brought them. */
  readonly lateEvents: readonly (KeyOfDevice & { readonly version: number })[];
  readonly deadLetters: readonly DeadLetter[];
  readonly checkpointsGone: readonly KeyOfDevice[];
  readonly checkpoints: readonly (KeyOfDevice & { readonly state: Uint8Array })[];
  /** Trips whose facts so far stay as a revision, before they are written anew or removed. */
  readonly revisions: readonly { readonly id: number; readonly withdrawn: boolean }[];
  readonly tripsGone: readonly number[];
  readonly trips: readonly (TripColumns & { readonly id: number; readonly revision: number })[];
  readonly handles: readonly (KeyOfDevice & { readonly id: number })[];
  readonly drivingEventsGone: readonly DrivingEventKey[];
  readonly drivingEvents: readonly DrivingEventColumns[];
  readonly totals: readonly TotalMove[];
}

export type DrivingEventKey = Pick<DrivingEventColumns, 'device_id' | 'at' | 'kind' | 'source'>;

/** Somebody else moved what this batch was computed from; nothing was written. */
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

/** Advisory lock that commits share and a change of the rules takes alone. */
export const RULES_LOCK = 0x0d06_0001;

/**
 * Writes one batch in one transaction, or nothing.
 * @throws FencedError where an offset, a device or the rules are not as the batch found them.
 */
export async function commit({ prisma, freight }: Store, batch: Commit): Promise<void> {
  await prisma.$transaction(async (tx) => {
    const write = createWriter(tx, freight);
    await moveOffsets(tx, batch);
    await moveDevices(tx, write, batch.devices);
    if (batch.events.rows > 0) await write(COPY_EVENTS, batch.events.copy);
    await write(INSERT_LATE_EVENTS, batch.lateEvents.map(toKeyJson));
    await write(
      INSERT_DEAD_LETTERS,
      batch.deadLetters.map((l) => toLetterJson(batch.topic, l)),
    );
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

async function moveOffsets(tx: Transaction, { topic, offsets, rulesRows }: Commit): Promise<void> {
  await tx.$executeRawUnsafe('select pg_advisory_xact_lock_shared($1)', RULES_LOCK);
  const moves = offsets.map((o) => ({
    partition: o.partition,
    from: o.from,
    to: o.to,
    at: o.lastTimestampMs === undefined ? null : isoOf(o.lastTimestampMs),
    digest: o.lastDigest ?? null,
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
      `the rules have ${result!.rules} rows; the batch was folded by ${rulesRows}`,
    );
  }
}

const MOVE_OFFSETS = `
with r as (select * from json_to_recordset($2::json) as r(partition int, "from" bigint, "to" bigint, at timestamptz, digest bigint)),
held as (select o.partition from sink_offset o join r on r.partition = o.partition and r."from" = o.next_offset
  where o.topic = $1 order by o.partition for update of o),
moved as (update sink_offset o set next_offset = r."to", last_timestamp = r.at, last_digest = r.digest
  from r join held on held.partition = r.partition
  where o.topic = $1 and o.partition = r.partition and o.next_offset = r."from" returning 1)
select (select count(*)::int from moved) as moved, (select count(*)::int from rules) as rules`;

async function moveDevices(
  tx: Transaction,
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
    throw new FencedError('DEVICE', `${moved.length} devices were changed by somebody else`, ids);
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

const UPDATE_DEVICES = `
update device_state s set version = s.version + 1, head_sec = r.head_sec, head_rest = r.head_rest, state = r.state,
  arrived_at = r.arrived_at, since_checkpoint = r.since
from json_to_recordset($1::json) as r(device_id int, head_sec int, head_rest bigint, state bytea, arrived_at timestamptz, since int)
where s.device_id = r.device_id`;

const INSERT_LATE_EVENTS = `
insert into late_event (device_id, version, sec, rest)
select * from json_to_recordset($1::json) as r(device_id int, version bigint, sec int, rest bigint)`;

const INSERT_DEAD_LETTERS = `
insert into dead_letter (topic, partition, "offset", at, key, value, headers, reason, message)
select * from json_to_recordset($1::json) as r(topic text, partition int, "offset" bigint, at timestamptz,
  key bytea, value bytea, headers jsonb, reason text, message text)`;

const DELETE_CHECKPOINTS = `
delete from checkpoint c using json_to_recordset($1::json) as r(device_id int, sec int, rest bigint)
where c.device_id = r.device_id and c.sec = r.sec and c.rest = r.rest`;

const INSERT_CHECKPOINTS = `
insert into checkpoint (device_id, sec, rest, state)
select device_id, sec, rest, state from json_to_recordset($1::json) as r(device_id int, sec int, rest bigint, state bytea)`;

const INSERT_REVISIONS = `
insert into trip_revision (trip_id, revision, device_id, tenant_id, driver_id, known_from, known_to, withdrawn, facts)
select t.id, t.revision, t.device_id, t.tenant_id, t.driver_id, t.updated_at, now(), r.withdrawn,
  to_jsonb(t) - array['id', 'revision', 'changed', 'updated_at']
from json_to_recordset($1::json) as r(id bigint, withdrawn boolean) join trip t on t.id = r.id`;

const DELETE_TRIPS = `
delete from trip t using json_to_recordset($1::json) as r(id bigint) where t.id = r.id`;

const UPSERT_HANDLES = `
insert into trip_handle (id, device_id, anchor_sec, anchor_rest)
select id, device_id, sec, rest from json_to_recordset($1::json) as r(id bigint, device_id int, sec int, rest bigint)
on conflict (id) do update set anchor_sec = excluded.anchor_sec, anchor_rest = excluded.anchor_rest`;

const TRIP_COLUMNS: Readonly<Record<keyof TripColumns | 'id' | 'revision', string>> = {
  id: 'bigint',
  device_id: 'int',
  started_at: 'timestamptz',
  tenant_id: 'int',
  assignment_id: 'int',
  driver_id: 'int',
  vehicle_id: 'int',
  anchor_sec: 'int',
  anchor_rest: 'bigint',
  last_sec: 'int',
  last_rest: 'bigint',
  decided_sec: 'int',
  decided_rest: 'bigint',
  ended_at: 'timestamptz',
  closes_at: 'timestamptz',
  end_reason: 'text',
  time_zone: 'text',
  local_date: 'date',
  distance_m: 'int',
  distance_source: 'text',
  bridged_m: 'int',
  moving_ms: 'bigint',
  idle_ms: 'bigint',
  max_speed_ckmh: 'int',
  night_m: 'int',
  fixes: 'int',
  events: 'int',
  start_lat_e7: 'int',
  start_lon_e7: 'int',
  end_lat_e7: 'int',
  end_lon_e7: 'int',
  rejected_fixes: 'jsonb',
  days: 'jsonb',
  rules_version: 'text',
  revision: 'int',
};
const TRIP_NAMES = Object.keys(TRIP_COLUMNS);

const UPSERT_TRIPS = `
insert into trip (${TRIP_NAMES.join(', ')})
select ${TRIP_NAMES.join(', ')} from json_to_recordset($1::json) as r(${declare(TRIP_COLUMNS)})
on conflict (device_id, started_at) do update set
  ${TRIP_NAMES.filter((name) => name !== 'device_id' && name !== 'started_at')
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')},
  changed = pg_current_xact_id(), updated_at = now()`;

const DELETE_DRIVING_EVENTS = `
delete from driving_event e using json_to_recordset($1::json) as r(device_id int, at timestamptz, kind text, source text)
where e.device_id = r.device_id and e.at = r.at and e.kind = r.kind and e.source = r.source`;

const DRIVING_EVENT_COLUMNS: Readonly<Record<keyof DrivingEventColumns, string>> = {
  device_id: 'int',
  at: 'timestamptz',
  kind: 'text',
  source: 'text',
  severity: 'text',
  ended_at: 'timestamptz',
  trip_started_at: 'timestamptz',
  tenant_id: 'int',
  driver_id: 'int',
  decided_sec: 'int',
  decided_rest: 'bigint',
  lat_e7: 'int',
  lon_e7: 'int',
  speed_before_ckmh: 'int',
  speed_after_ckmh: 'int',
  peak_mmps2: 'int',
  peak_ckmh: 'int',
  threshold: 'int',
  severity_threshold: 'int',
  least_ms: 'int',
  duration_ms: 'int',
  local_date: 'date',
  rules_version: 'text',
};

const DRIVING_EVENT_NAMES = Object.keys(DRIVING_EVENT_COLUMNS);
const DRIVING_EVENT_KEY = ['device_id', 'at', 'kind', 'source'];

/** A correction keeps `changed`, by which subscribers are told of new ones, unless it gives the event to somebody else. */
const WRITE_DRIVING_EVENTS = `
insert into driving_event as e (${DRIVING_EVENT_NAMES.join(', ')})
select ${DRIVING_EVENT_NAMES.join(', ')} from json_to_recordset($1::json) as r(${declare(DRIVING_EVENT_COLUMNS)})
on conflict (${DRIVING_EVENT_KEY.join(', ')}) do update set
  ${DRIVING_EVENT_NAMES.filter((name) => !DRIVING_EVENT_KEY.includes(name))
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')},
  changed = case when (e.tenant_id, e.driver_id) is distinct from (excluded.tenant_id, excluded.driver_id)
    then pg_current_xact_id() else e.changed end`;

const ADD_TOTALS = `
insert into daily_total as t (device_id, tenant_id, assignment_id, driver_id, vehicle_id, local_date,
  trips, distance_m, duration_ms, moving_ms, idle_ms, night_m, measures)
select * from json_to_recordset($1::json) as r(device_id int, tenant_id int, assignment_id int, driver_id int, vehicle_id int,
  local_date date, trips int, distance_m bigint, duration_ms bigint, moving_ms bigint, idle_ms bigint, night_m bigint, measures jsonb)
on conflict (device_id, tenant_id, assignment_id, local_date) do update set
  trips = t.trips + excluded.trips, distance_m = t.distance_m + excluded.distance_m,
  duration_ms = t.duration_ms + excluded.duration_ms, moving_ms = t.moving_ms + excluded.moving_ms,
  idle_ms = t.idle_ms + excluded.idle_ms, night_m = t.night_m + excluded.night_m,
  measures = add_measures(t.measures, excluded.measures)`;

function declare(columns: Readonly<Record<string, string>>): string {
  return Object.entries(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ');
}

/** Runs a statement on bytes, or on rows as JSON; without rows not at all. */
type Writer = (sql: string, rows: Buffer | readonly unknown[]) => Promise<void>;

function createWriter(tx: Transaction, freight: Store['freight']): Writer {
  return async (sql, rows) => {
    if (rows.length === 0) return;
    const value = Buffer.isBuffer(rows) ? rows : JSON.stringify(rows);
    await freight.send(value, (ticket) => tx.$executeRawUnsafe(sql, ticket));
  };
}

function toKeyJson(key: KeyOfDevice & { readonly version?: number }) {
  return { device_id: key.deviceId, version: key.version, sec: key.sec, rest: String(key.rest) };
}

function toCheckpointJson(checkpoint: KeyOfDevice & { readonly state: Uint8Array }) {
  return { ...toKeyJson(checkpoint), state: toHex(checkpoint.state) };
}

function toLetterJson(topic: string, letter: DeadLetter) {
  return {
    topic,
    partition: letter.partition,
    offset: letter.offset,
    at: isoOf(letter.atMs),
    key: letter.key && toHex(letter.key),
    value: letter.value && toHex(letter.value),
    headers: Object.fromEntries(
      Object.entries(letter.headers).map(([name, text]) => [withoutNul(name), withoutNul(text)]),
    ),
    reason: letter.reason,
    message: withoutNul(letter.message),
  };
}

/** Bytes as PostgreSQL reads them from text. */
function toHex(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

/** PostgreSQL's text has no character 0. */
function withoutNul(text: string): string {
  return text.replaceAll('\u0000', '\ufffd');
}

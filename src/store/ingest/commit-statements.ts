import type { DrivingEventColumns, TripColumns } from '../rows.ts';

/** `$1` is the topic, `$2` the moves as JSON; returns how many moved and how many rows `rules` has. */
export const MOVE_OFFSETS = `
with r as (select * from json_to_recordset($2::json) as r(partition int, "from" bigint, "to" bigint, last bigint, digest bigint)),
held as (select o.partition from sink_offset o join r on r.partition = o.partition and r."from" = o.next_offset
  where o.topic = $1 order by o.partition for update of o),
moved as (update sink_offset o set next_offset = r."to", known_offset = coalesce(r.last, o.known_offset),
    known_digest = coalesce(r.digest, o.known_digest), last_digest = case when r.last = r."to" - 1 then r.digest end, last_timestamp = null
  from r join held on held.partition = r.partition
  where o.topic = $1 and o.partition = r.partition and o.next_offset = r."from" returning 1)
select (select count(*)::int from moved) as moved, (select count(*)::int from rules) as rules`;

// Each of the following takes its rows as JSON in $1.

export const UPDATE_DEVICES = `
update device_state s set version = s.version + 1, head_sec = r.head_sec, head_rest = r.head_rest, state = r.state,
  arrived_at = r.arrived_at, since_checkpoint = r.since
from json_to_recordset($1::json) as r(device_id int, head_sec int, head_rest bigint, state bytea, arrived_at timestamptz, since int)
where s.device_id = r.device_id`;

export const INSERT_LATE_EVENTS = `
insert into late_event (device_id, version, sec, rest)
select * from json_to_recordset($1::json) as r(device_id int, version bigint, sec int, rest bigint)`;

export const INSERT_DEAD_LETTERS = `
insert into dead_letter (topic, partition, "offset", at, key, value, headers, reason, message)
select * from json_to_recordset($1::json) as r(topic text, partition int, "offset" bigint, at timestamptz,
  key bytea, value bytea, headers jsonb, reason text, message text)`;

export const DELETE_CHECKPOINTS = `
delete from checkpoint c using json_to_recordset($1::json) as r(device_id int, sec int, rest bigint)
where c.device_id = r.device_id and c.sec = r.sec and c.rest = r.rest`;

export const INSERT_CHECKPOINTS = `
insert into checkpoint (device_id, sec, rest, state)
select device_id, sec, rest, state from json_to_recordset($1::json) as r(device_id int, sec int, rest bigint, state bytea)`;

export const INSERT_REVISIONS = `
insert into trip_revision (trip_id, revision, device_id, tenant_id, driver_id, known_from, known_to, withdrawn, facts)
select t.id, t.revision, t.device_id, t.tenant_id, t.driver_id, t.updated_at, now(), r.withdrawn,
  to_jsonb(t) - array['id', 'revision', 'changed', 'updated_at']
from json_to_recordset($1::json) as r(id bigint, withdrawn boolean) join trip t on t.id = r.id`;

export const DELETE_TRIPS = `
delete from trip t using json_to_recordset($1::json) as r(id bigint) where t.id = r.id`;

export const UPSERT_HANDLES = `
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

export const UPSERT_TRIPS = `
insert into trip (${TRIP_NAMES.join(', ')})
select ${TRIP_NAMES.join(', ')} from json_to_recordset($1::json) as r(${declare(TRIP_COLUMNS)})
on conflict (device_id, started_at) do update set
  ${TRIP_NAMES.filter((name) => name !== 'device_id' && name !== 'started_at')
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')},
  changed = pg_current_xact_id(), updated_at = now()`;

export const DELETE_DRIVING_EVENTS = `
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

/** A correction keeps `changed`, which drives subscriptions, unless the event's tenant or driver changes. */
export const WRITE_DRIVING_EVENTS = `
insert into driving_event as e (${DRIVING_EVENT_NAMES.join(', ')})
select ${DRIVING_EVENT_NAMES.join(', ')} from json_to_recordset($1::json) as r(${declare(DRIVING_EVENT_COLUMNS)})
on conflict (${DRIVING_EVENT_KEY.join(', ')}) do update set
  ${DRIVING_EVENT_NAMES.filter((name) => !DRIVING_EVENT_KEY.includes(name))
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')},
  changed = case when (e.tenant_id, e.driver_id) is distinct from (excluded.tenant_id, excluded.driver_id)
    then pg_current_xact_id() else e.changed end`;

export const ADD_TOTALS = `
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

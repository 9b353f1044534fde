import { Buffer } from 'node:buffer';
import type { CanonicalEvent, EventKey } from '../../core/event.ts';
import type { Handle } from '../../core/handles.ts';
import type { Store } from '../open.ts';
import type { DrivingEventColumns, TripColumns } from '../rows.ts';
import { columnsToKey, EVENT_COLUMNS, keyToColumns, rowToEvent } from '../rows.ts';

/** A stored trip with its handle. */
export interface StoredTrip extends Handle {
  readonly revision: number;
  readonly last: EventKey;
  /** Undefined while the trip is open. */
  readonly decidedBy: EventKey | undefined;
  readonly columns: TripColumns;
}

/** A handle without a live trip, with its last revision; 0 if it had none. */
export interface SpareHandle extends Handle {
  readonly revision: number;
}

export interface StoredDrivingEvent {
  readonly decidedBy: EventKey;
  readonly columns: DrivingEventColumns;
}

export interface StoredCheckpoint {
  readonly key: EventKey;
  readonly state: Uint8Array;
}

/**
 * One stretch of a device's past, starting from the state after `from`: its events and everything that
 * was decided by them.
 */
export interface EventSpan {
  readonly deviceId: number;
  /** Undefined if the span begins before the device's first event, with the empty state. */
  readonly from: StoredCheckpoint | undefined;
  readonly events: readonly CanonicalEvent[];
  /** Whether the last event is the device's head. */
  readonly reachesHead: boolean;
  readonly checkpoints: readonly StoredCheckpoint[];
  /** Trips decided in the span, and the open one if the head is reached. */
  readonly trips: readonly StoredTrip[];
  readonly drivingEvents: readonly StoredDrivingEvent[];
  /** Handles without a live trip that are anchored in the span. */
  readonly spareHandles: readonly SpareHandle[];
}

export interface SpanRequest {
  readonly deviceId: number;
  /** Begin at the last checkpoint before this key, */
  readonly before?: EventKey;
  /** or right after this key, where the previous span ended. */
  readonly after?: EventKey;
}

/** Events read at once of a device that a repair follows further. */
const PAGE_EVENTS = 2_000;
const EVENT_VALUES = ['sec', 'rest::text', ...EVENT_COLUMNS].join(', ');

interface RawSpan {
  device_id: number;
  from_sec: number | null;
  from_rest: bigint | null;
  from_state: Uint8Array | null;
  events: unknown[][];
  checkpoints: { sec: number; rest: string; state: string }[] | null;
  trips: RawTrip[] | null;
  driving_events: DrivingEventColumns[] | null;
  handles: { id: number; sec: number; rest: string; revision: number }[] | null;
}

type RawTrip = TripColumns & { id: number; revision: number };

const LEAST = '-2147483648';
const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
const instant = (column: string) => `to_char(${column} at time zone 'UTC', ${ISO})`;

const READ = `
select l.device_id, f.sec as from_sec, f.rest as from_rest, f.state as from_state, p.events,
  (select json_agg(json_build_object('sec', c.sec, 'rest', c.rest::text, 'state', encode(c.state, 'hex')) order by c.sec, c.rest)
    from checkpoint c where c.device_id = l.device_id
      and (c.sec, c.rest) > (b.sec, b.rest) and (c.sec, c.rest) <= (p.end_sec, p.end_rest)) as checkpoints,
  (select json_agg(to_jsonb(t) - array['changed', 'updated_at'] || jsonb_build_object(
      'started_at', ${instant('t.started_at')}, 'ended_at', ${instant('t.ended_at')}, 'closes_at', ${instant('t.closes_at')},
      'anchor_rest', t.anchor_rest::text, 'last_rest', t.last_rest::text, 'decided_rest', t.decided_rest::text) order by t.started_at)
    from (select * from trip o where o.device_id = l.device_id and o.decided_sec is null and p.n < $2
      union all select * from trip c where c.device_id = l.device_id
        and (c.decided_sec, c.decided_rest) > (b.sec, b.rest) and (c.decided_sec, c.decided_rest) <= (p.end_sec, p.end_rest)) t) as trips,
  (select json_agg(to_jsonb(e) - array['changed'] || jsonb_build_object('at', ${instant('e.at')}, 'ended_at', ${instant('e.ended_at')},
      'trip_started_at', ${instant('e.trip_started_at')}, 'decided_rest', e.decided_rest::text))
    from driving_event e where e.device_id = l.device_id
      and (e.decided_sec, e.decided_rest) > (b.sec, b.rest) and (e.decided_sec, e.decided_rest) <= (p.end_sec, p.end_rest)) as driving_events,
  (select json_agg(json_build_object('id', h.id, 'sec', h.anchor_sec, 'rest', h.anchor_rest::text,
      'revision', (select coalesce(max(r.revision), 0) from trip_revision r where r.trip_id = h.id)))
    from trip_handle h where h.device_id = l.device_id
      and (h.anchor_sec, h.anchor_rest) > (b.sec, b.rest) and (h.anchor_sec, h.anchor_rest) <= (p.end_sec, p.end_rest)
      and not exists (select from trip t where t.id = h.id)) as handles
from json_to_recordset($1::json) as l(device_id int, before_sec int, before_rest bigint, after_sec int, after_rest bigint)
left join lateral (
  select c.sec, c.rest, c.state from checkpoint c
  where l.before_sec is not null and c.device_id = l.device_id and (c.sec, c.rest) < (l.before_sec, l.before_rest)
  order by c.sec desc, c.rest desc limit 1) f on true
cross join lateral (select coalesce(l.after_sec, f.sec, ${LEAST}) as sec, coalesce(l.after_rest, f.rest, 0) as rest) b
cross join lateral (
  select coalesce(json_agg(json_build_array(${EVENT_VALUES}) order by sec, rest), '[]') as events, count(*) as n,
    coalesce(max(sec), ${LEAST}) as end_sec, coalesce((array_agg(rest order by sec desc, rest desc))[1], 0) as end_rest
  from (select * from event e where e.device_id = l.device_id and (e.sec, e.rest) > (b.sec, b.rest)
        order by e.sec, e.rest limit $2) as page) p`;

/** Reads the past of several devices, for their late events, in one statement. */
export async function readSpans(
  { prisma }: Store,
  requests: readonly SpanRequest[],
  pageEvents = PAGE_EVENTS,
): Promise<EventSpan[]> {
  const rows = requests.map(({ deviceId, before, after }) => {
    const low = before && keyToColumns(before);
    const high = after && keyToColumns(after);
    return {
      device_id: deviceId,
      before_sec: low?.sec,
      before_rest: low && String(low.rest),
      after_sec: high?.sec,
      after_rest: high && String(high.rest),
    };
  });
  const raw = await prisma.$queryRawUnsafe<RawSpan[]>(READ, JSON.stringify(rows), pageEvents);
  return raw.map((row) => toSpan(row, pageEvents));
}

function toSpan(raw: RawSpan, pageEvents: number): EventSpan {
  return {
    deviceId: raw.device_id,
    from:
      raw.from_sec === null || raw.from_rest === null || raw.from_state === null
        ? undefined
        : { key: columnsToKey({ sec: raw.from_sec, rest: raw.from_rest }), state: raw.from_state },
    events: raw.events.map(([sec, rest, ...values]) =>
      rowToEvent({
        device_id: raw.device_id,
        sec: sec as number,
        rest: BigInt(rest as string),
        ...Object.fromEntries(EVENT_COLUMNS.map((column, i) => [column, values[i]])),
      }),
    ),
    reachesHead: raw.events.length < pageEvents,
    checkpoints: (raw.checkpoints ?? []).map((c) => ({
      key: columnsToKey({ sec: c.sec, rest: BigInt(c.rest) }),
      state: Buffer.from(c.state, 'hex'),
    })),
    trips: (raw.trips ?? []).map(({ id, revision, ...columns }) => ({
      id,
      revision,
      columns,
      anchor: columnsToKey({ sec: columns.anchor_sec, rest: BigInt(columns.anchor_rest) }),
      last: columnsToKey({ sec: columns.last_sec, rest: BigInt(columns.last_rest) }),
      decidedBy:
        columns.decided_sec === null || columns.decided_rest === null
          ? undefined
          : columnsToKey({ sec: columns.decided_sec, rest: BigInt(columns.decided_rest) }),
    })),
    drivingEvents: (raw.driving_events ?? []).map((columns) => ({
      columns,
      decidedBy: columnsToKey({ sec: columns.decided_sec, rest: BigInt(columns.decided_rest) }),
    })),
    spareHandles: (raw.handles ?? []).map((h) => ({
      id: h.id,
      revision: h.revision,
      anchor: columnsToKey({ sec: h.sec, rest: BigInt(h.rest) }),
    })),
  };
}

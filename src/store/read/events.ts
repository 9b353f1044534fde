import type { CanonicalEvent } from '../../core/event.ts';
import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../open.ts';
import type { StoredEvent } from '../rows.ts';
import { EVENT_COLUMNS, rowToEvent } from '../rows.ts';

const COLUMNS = Prisma.raw(
  ['device_id', 'sec', 'rest', ...EVENT_COLUMNS].map((c) => `e.${c}`).join(', '),
);

/** A range of one device's events by key, both ends included. */
export interface EventSpan {
  readonly deviceRef: number;
  readonly anchorSec: number;
  readonly anchorRest: bigint;
  readonly lastSec: number;
  readonly lastRest: bigint;
}

/** The events of each span that have a position, in order. */
export async function readPaths(
  tx: Transaction,
  spans: readonly EventSpan[],
): Promise<CanonicalEvent[][]> {
  const rows = await tx.$queryRaw<(StoredEvent & { place: bigint })[]>`
    select w.place, ${COLUMNS} from unnest(${spans.map((s) => s.deviceRef)}::int[],
        ${spans.map((s) => s.anchorSec)}::int[], ${spans.map((s) => s.anchorRest)}::bigint[],
        ${spans.map((s) => s.lastSec)}::int[], ${spans.map((s) => s.lastRest)}::bigint[])
      with ordinality as w(device_id, anchor_sec, anchor_rest, last_sec, last_rest, place)
    join event e on e.device_id = w.device_id and e.lat_e7 is not null
      and (e.sec, e.rest) >= (w.anchor_sec, w.anchor_rest) and (e.sec, e.rest) <= (w.last_sec, w.last_rest)
    order by w.place, e.sec, e.rest`;
  const paths = spans.map((): CanonicalEvent[] => []);
  for (const row of rows) paths[Number(row.place) - 1]?.push(rowToEvent(row));
  return paths;
}

/** A reader's position in a device's events. */
export interface TelemetryPlace {
  /** Newest key seen in order. */
  readonly sec: number;
  readonly rest: bigint;
  /** Late events were seen up to this version of the device. */
  readonly version: bigint;
  /** Of the late events of that version only up to this key, or all of them. */
  readonly late?: { readonly sec: number; readonly rest: bigint };
}

export interface TelemetryEvent {
  readonly event: CanonicalEvent;
  readonly late: boolean;
  /** No driver was assigned at the event's time. */
  readonly unassigned: boolean;
  /** The reader's position after this event. */
  readonly place: TelemetryPlace;
}

/** Before the first event of a device. */
export const TELEMETRY_BEGINNING: TelemetryPlace = {
  sec: -(2 ** 31),
  rest: 0n,
  version: 0n,
};

/** Where a device's events end now; undefined if there is no such device. */
export async function readTelemetryEnd(
  tx: Transaction,
  deviceId: string,
): Promise<TelemetryPlace | undefined> {
  const [row] = await tx.$queryRaw<
    { version: bigint; head_sec: number | null; head_rest: bigint | null }[]
  >`select s.version, s.head_sec, s.head_rest from device d join device_state s on s.device_id = d.id
    where d.external_id = ${deviceId}`;
  return (
    row && {
      sec: row.head_sec ?? TELEMETRY_BEGINNING.sec,
      rest: row.head_rest ?? TELEMETRY_BEGINNING.rest,
      version: row.version,
    }
  );
}

interface DeviceEnd {
  readonly device_version: bigint;
  readonly head_sec: number | null;
  readonly head_rest: bigint | null;
}

type RawTelemetry = DeviceEnd &
  (
    | (StoredEvent & { readonly late_version: bigint | null; readonly unassigned: boolean })
    | { readonly sec: null }
  );

/**
 * Events of a device that a reader has not seen yet, from one snapshot: first the late events stored
 * before its position, in the order of storing, then those after it. Each event comes once.
 *
 * The order matters for resuming in between. While late events are sent, the position in order stays;
 * a late event stored between that position and the head is sent with those after it, and by then
 * every version up to the snapshot's counts as seen.
 */
export async function readTelemetry(
  tx: Transaction,
  deviceId: string,
  after: TelemetryPlace,
  limit: number,
): Promise<{
  readonly known: boolean;
  readonly events: readonly TelemetryEvent[];
  readonly end: TelemetryPlace;
  readonly more: boolean;
}> {
  const seenLate = after.late
    ? Prisma.sql`(l.version, l.sec, l.rest) > (${after.version}, ${after.late.sec}, ${after.late.rest})`
    : Prisma.sql`l.version > ${after.version}`;
  const withoutDriver = Prisma.sql`not exists (select from assignment a where a.device_id = e.device_id
    and a.from_at <= to_timestamp(946684800 + e.sec + (e.rest >> 53) / 1000.0)
    and to_timestamp(946684800 + e.sec + (e.rest >> 53) / 1000.0) < a.to_at) as unassigned`;
  const rows = await tx.$queryRaw<RawTelemetry[]>`
    select s.version as device_version, s.head_sec, s.head_rest, p.*
    from device d join device_state s on s.device_id = d.id left join lateral (
      (select l.version as late_version, ${COLUMNS}, ${withoutDriver} from late_event l
        join event e on e.device_id = l.device_id and e.sec = l.sec and e.rest = l.rest
        where l.device_id = s.device_id and ${seenLate} and l.version <= s.version
          and (l.sec, l.rest) <= (${after.sec}, ${after.rest})
        order by l.version, l.sec, l.rest limit ${limit})
      union all
      (select null as late_version, ${COLUMNS}, ${withoutDriver} from event e
        where e.device_id = s.device_id and (e.sec, e.rest) > (${after.sec}, ${after.rest})
        order by e.sec, e.rest limit ${limit})
    ) as p on true
    where d.external_id = ${deviceId}
    order by p.late_version nulls last, p.sec, p.rest`;
  const [first] = rows;
  if (!first) return { known: false, events: [], end: after, more: false };

  const found = rows.filter((row) => row.sec !== null);
  const lates = found.filter((row) => row.late_version !== null).length;
  const told = lates === limit ? found.slice(0, lates) : found;
  const more = lates === limit || found.length - lates === limit;
  const events = told.map((row): TelemetryEvent => {
    const { sec, rest, late_version: lateVersion, unassigned } = row;
    return {
      event: rowToEvent(row),
      late: lateVersion !== null,
      unassigned,
      place:
        lateVersion === null
          ? { sec, rest, version: first.device_version }
          : { sec: after.sec, rest: after.rest, version: lateVersion, late: { sec, rest } },
    };
  });
  const last = events.at(-1);
  const end =
    more && last
      ? last.place
      : {
          sec: first.head_sec ?? after.sec,
          rest: first.head_rest ?? after.rest,
          version: first.device_version,
        };
  return { known: true, events, end, more };
}

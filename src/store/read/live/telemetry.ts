import type { CanonicalEvent } from '../../../core/event.ts';
import { Prisma } from '../../generated/client.ts';
import type { StoredEvent } from '../../rows.ts';
import { EVENT_COLUMNS, rowToEvent } from '../../rows.ts';
import type { LiveQuery } from './connection.ts';
import { instantOf } from '../instant.ts';
import type { Owner } from './owner.ts';

const COLUMNS = Prisma.raw(
  ['device_id', 'sec', 'rest', ...EVENT_COLUMNS].map((column) => `e.${column}`).join(', '),
);

/** How far a reader of a device's events has come. */
export interface TelemetryPlace {
  /** Newest key seen in order. */
  readonly sec: number;
  readonly rest: bigint;
  /** Late events are seen up to this version of the device. */
  readonly version: bigint;
  /** Of the late events of that version only up to this key, or all of them. */
  readonly late?: { readonly sec: number; readonly rest: bigint };
}

/** Before the first event of a device. */
export const TELEMETRY_BEGINNING: TelemetryPlace = {
  sec: -(2 ** 31),
  rest: 0n,
  version: 0n,
};

export interface TelemetryEvent {
  readonly event: CanonicalEvent;
  readonly late: boolean;
  /** The tenant at the event's time, and the driver to whom the device was assigned then. */
  readonly owner: Owner | null;
  /** Nobody was assigned at the event's time. */
  readonly unassigned: boolean;
  /** The reader's place once this event is seen. */
  readonly place: TelemetryPlace;
}

/** What a reader at some place has not seen yet. */
export interface TelemetryBatch {
  readonly events: readonly TelemetryEvent[];
  readonly end: TelemetryPlace;
  readonly more: boolean;
}

/** A device, and where its events end now. */
export interface TelemetryEnd {
  readonly deviceRef: number;
  readonly place: TelemetryPlace;
}

/** Where the events of devices end now, by the ids that the devices send; unknown ones are missing. */
export async function readTelemetryEnds(
  query: LiveQuery,
  deviceIds: readonly string[],
): Promise<ReadonlyMap<string, TelemetryEnd>> {
  const rows = await query<{
    id: string;
    ref: number;
    version: bigint;
    head_sec: number | null;
    head_rest: bigint | null;
  }>(
    'telemetry ends',
    Prisma.sql`select d.external_id as id, d.id as ref, s.version, s.head_sec, s.head_rest
      from device d join device_state s on s.device_id = d.id where d.external_id = any(${[...deviceIds]}::text[])`,
  );
  return new Map(
    rows.map(({ id, ref, version, head_sec: sec, head_rest: rest }) => [
      id,
      {
        deviceRef: ref,
        place: {
          sec: sec ?? TELEMETRY_BEGINNING.sec,
          rest: rest ?? TELEMETRY_BEGINNING.rest,
          version,
        },
      },
    ]),
  );
}

type RawTelemetry = {
  readonly n: number;
  readonly device_version: bigint;
  readonly head_sec: number | null;
  readonly head_rest: bigint | null;
} & (
  | (StoredEvent & {
      readonly late_version: bigint | null;
      readonly tenant: string | null;
      readonly driver: string | null;
      readonly unassigned: boolean;
    })
  | { readonly sec: null }
);

/**
 * What readers at several places have not seen yet, all from one snapshot: at each place first the late events that
 * were stored behind it, in the order in which they were stored, then those beyond it. A place that has nothing new is
 * missing from the answer.
 *
 * The order matters for resuming in between. While late events are sent, the place in order stays; a late event stored
 * between that place and the head is sent with those beyond it, and by then every version up to the snapshot's counts
 * as seen.
 *
 * @param limit events at a place
 */
export async function readTelemetry(
  query: LiveQuery,
  places: readonly { readonly deviceRef: number; readonly place: TelemetryPlace }[],
  limit: number,
): Promise<ReadonlyMap<number, TelemetryBatch>> {
  const columns = {
    device: places.map(({ deviceRef }) => deviceRef),
    sec: places.map(({ place }) => place.sec),
    rest: places.map(({ place }) => place.rest),
    version: places.map(({ place }) => place.version),
    lateSec: places.map(({ place }) => place.late?.sec ?? null),
    lateRest: places.map(({ place }) => place.late?.rest ?? null),
  };
  const rows = await query<RawTelemetry>(
    'telemetry',
    Prisma.sql`
    select w.n::int as n, s.version as device_version, s.head_sec, s.head_rest, p.*, y.tenant, a.driver, a.id is null as unassigned
    from unnest(${columns.device}::int[], ${columns.sec}::int[], ${columns.rest}::bigint[], ${columns.version}::bigint[],
        ${columns.lateSec}::int[], ${columns.lateRest}::bigint[])
      with ordinality as w(device_id, sec, rest, version, late_sec, late_rest, n)
    join device_state s on s.device_id = w.device_id and (s.version <> w.version or w.late_sec is not null
      or (s.head_sec, s.head_rest) is distinct from (w.sec, w.rest))
    left join lateral (
      (select l.version as late_version, ${COLUMNS} from late_event l
        join event e on e.device_id = l.device_id and e.sec = l.sec and e.rest = l.rest
        where l.device_id = s.device_id and l.version >= w.version and l.version <= s.version
          and (l.version > w.version or (w.late_sec is not null and (l.sec, l.rest) > (w.late_sec, w.late_rest)))
          and (l.sec, l.rest) <= (w.sec, w.rest)
        order by l.version, l.sec, l.rest limit ${limit})
      union all
      (select null as late_version, ${COLUMNS} from event e
        where e.device_id = s.device_id and e.sec >= w.sec and (e.sec, e.rest) > (w.sec, w.rest)
        order by e.sec, e.rest limit ${limit})
    ) as p on true
    left join lateral (select ${instantOf(Prisma.sql`p.sec`, Prisma.sql`p.rest`)} as at) as i on true
    left join lateral (select t.tenant_id, n.slug as tenant from device_tenancy t join tenant n on n.id = t.tenant_id
      where t.device_id = w.device_id and t.from_at <= i.at and i.at < t.to_at limit 1) as y on true
    left join lateral (select g.id, v.external_id as driver from assignment g
        left join driver v on v.id = g.driver_id and v.tenant_id = y.tenant_id and g.tenant_id = y.tenant_id
      where g.device_id = w.device_id and g.from_at <= i.at and i.at < g.to_at limit 1) as a on true
    order by w.n, p.late_version nulls last, p.sec, p.rest`,
  );
  const found = new Map<number, RawTelemetry[]>();
  for (const row of rows) {
    const list = found.get(row.n - 1);
    if (list) list.push(row);
    else found.set(row.n - 1, [row]);
  }
  return new Map([...found].map(([n, list]) => [n, toBatch(list, places[n]!.place, limit)]));
}

function toBatch(
  rows: readonly RawTelemetry[],
  after: TelemetryPlace,
  limit: number,
): TelemetryBatch {
  const { device_version: version, head_sec: headSec, head_rest: headRest } = rows[0]!;
  const found = rows.filter((row) => row.sec !== null);
  const lates = found.filter((row) => row.late_version !== null).length;
  const sent = lates === limit ? found.slice(0, lates) : found;
  const more = lates === limit || found.length - lates === limit;
  const events = sent.map((row): TelemetryEvent => {
    const { sec, rest, late_version: lateVersion, tenant, driver, unassigned } = row;
    return {
      event: rowToEvent(row),
      late: lateVersion !== null,
      owner: tenant === null ? null : { tenant, driver },
      unassigned,
      place:
        lateVersion === null
          ? { sec, rest, version }
          : { sec: after.sec, rest: after.rest, version: lateVersion, late: { sec, rest } },
    };
  });
  const last = events.at(-1);
  const end =
    more && last
      ? last.place
      : { sec: headSec ?? after.sec, rest: headRest ?? after.rest, version };
  return { events, end, more };
}

import type { EventKey } from '../../core/event.ts';
import type { Store } from '../open.ts';
import type { Attribution } from '../rows.ts';
import { columnsToKey } from '../rows.ts';

/** The trip of a device that no later event has closed yet. */
export interface OpenTripRow {
  readonly id: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly closesAtMs: number;
  readonly anchor: EventKey;
  readonly last: EventKey;
  readonly revision: number;
}

/** What the store knows of a device at one version. */
export interface StoredDevice {
  readonly id: number;
  readonly externalId: string;
  readonly version: number;
  readonly head: EventKey | undefined;
  readonly state: Uint8Array | undefined;
  readonly arrivedAtMs: number | undefined;
  /** Events folded since the last checkpoint. */
  readonly sinceCheckpoint: number;
  readonly openTrip: OpenTripRow | undefined;
  readonly tenancies: readonly (Range & { readonly tenantId: number })[];
  readonly assignments: readonly (Range & {
    readonly id: number;
    readonly driverId: number;
    readonly vehicleId: number | null;
  })[];
}

interface Range {
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

interface RawDevice {
  id: number;
  external_id: string;
  version: bigint;
  head_sec: number | null;
  head_rest: bigint | null;
  state: Uint8Array | null;
  arrived_at: Date | null;
  since_checkpoint: number;
  tenancies: StoredDevice['tenancies'];
  assignments: StoredDevice['assignments'];
  open_id: bigint | null;
  open_started_at: Date;
  open_ended_at: Date;
  open_closes_at: Date;
  open_revision: number;
  anchor_sec: number;
  anchor_rest: bigint;
  last_sec: number;
  last_rest: bigint;
}

const LOAD = `
select d.id, d.external_id, s.version, s.head_sec, s.head_rest, s.state, s.arrived_at, s.since_checkpoint,
  (select json_agg(json_build_object('tenantId', tenant_id,
      'fromMs', (extract(epoch from from_at) * 1000)::bigint, 'toMs', (extract(epoch from to_at) * 1000)::bigint) order by from_at)
    from device_tenancy where device_id = d.id) as tenancies,
  (select coalesce(json_agg(json_build_object('id', id, 'driverId', driver_id, 'vehicleId', vehicle_id,
      'fromMs', (extract(epoch from from_at) * 1000)::bigint, 'toMs', (extract(epoch from to_at) * 1000)::bigint) order by from_at), '[]')
    from assignment where device_id = d.id) as assignments,
  t.id as open_id, t.started_at as open_started_at, t.ended_at as open_ended_at, t.closes_at as open_closes_at,
  t.revision as open_revision, t.anchor_sec, t.anchor_rest, t.last_sec, t.last_rest
from device d
join device_state s on s.device_id = d.id
left join trip t on t.device_id = d.id and t.decided_sec is null
where d.external_id = any($1)`;

const REGISTER = `
with wanted as (select unnest($1::text[]) as external_id order by 1),
made as (insert into device (external_id) select external_id from wanted on conflict do nothing returning id),
owned as (insert into device_tenancy (device_id, tenant_id)
  select made.id, tenant.id from made, tenant where tenant.slug = 'default')
insert into device_state (device_id) select id from made`;

/**
 * Loads devices by their own ids in one read. One never seen is made first, as a device of the
 * default tenant.
 */
export async function loadDevices(
  { prisma }: Store,
  externalIds: readonly string[],
): Promise<StoredDevice[]> {
  const load = async (ids: readonly string[]) =>
    (await prisma.$queryRawUnsafe<RawDevice[]>(LOAD, ids)).map(toDeviceRow);
  const known = await load(externalIds);
  if (known.length === externalIds.length) return known;
  const found = new Set(known.map((device) => device.externalId));
  const missing = externalIds.filter((id) => !found.has(id));
  await prisma.$executeRawUnsafe(REGISTER, missing);
  return [...known, ...(await load(missing))];
}

function toDeviceRow(raw: RawDevice): StoredDevice {
  return {
    id: raw.id,
    externalId: raw.external_id,
    version: Number(raw.version),
    head:
      raw.head_sec === null || raw.head_rest === null
        ? undefined
        : columnsToKey({ sec: raw.head_sec, rest: raw.head_rest }),
    state: raw.state ?? undefined,
    arrivedAtMs: raw.arrived_at?.getTime(),
    sinceCheckpoint: raw.since_checkpoint,
    tenancies: raw.tenancies ?? [],
    assignments: raw.assignments,
    openTrip:
      raw.open_id === null
        ? undefined
        : {
            id: Number(raw.open_id),
            startedAtMs: raw.open_started_at.getTime(),
            endedAtMs: raw.open_ended_at.getTime(),
            closesAtMs: raw.open_closes_at.getTime(),
            revision: raw.open_revision,
            anchor: columnsToKey({ sec: raw.anchor_sec, rest: raw.anchor_rest }),
            last: columnsToKey({ sec: raw.last_sec, rest: raw.last_rest }),
          },
  };
}

/** Whom a trip that starts at an instant belongs to: the tenancy and the assignment in force then. */
export function attributionAt(
  device: Pick<StoredDevice, 'externalId' | 'tenancies' | 'assignments'>,
  atMs: number,
): Attribution {
  const holds = ({ fromMs, toMs }: Range) => fromMs <= atMs && atMs < toMs;
  const tenancy = device.tenancies.find(holds);
  if (!tenancy) {
    throw new Error(
      `device ${device.externalId} belongs to no tenant at ${new Date(atMs).toISOString()}; its rows in device_tenancy must leave no gap`,
    );
  }
  const assignment = device.assignments.find(holds);
  return {
    tenantId: tenancy.tenantId,
    assignmentId: assignment?.id ?? null,
    driverId: assignment?.driverId ?? null,
    vehicleId: assignment?.vehicleId ?? null,
  };
}

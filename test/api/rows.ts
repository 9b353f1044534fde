import pg from 'pg';
import type { TestDatabase } from '../support/database.ts';

/** 2000-01-01T00:00:00Z in Unix seconds. */
const EPOCH_2000_S = 946_684_800;

export interface TripSeed {
  readonly startedAt: string;
  readonly endedAt: string;
  /** An open trip has none. */
  readonly closed?: boolean;
  readonly distanceM?: number;
  readonly driver?: number;
  readonly assignment?: number;
  readonly vehicle?: number;
  /** Metres of the distance at night. */
  readonly nightM?: number;
  /** Measures of its day, as the habits' metrics name them. */
  readonly measures?: Readonly<Record<string, number>>;
}

/** Writes rows with the sink's login in plain SQL, so that tests do not depend on the product's write path. */
export async function openRows(database: TestDatabase) {
  const client = new pg.Client({ connectionString: database.sinkUrl });
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  await owner.connect();
  await client
    .query(
      `create table if not exists event_all partition of event for values from (minvalue) to (maxvalue)`,
    )
    .catch(() => undefined);
  const one = async <T extends pg.QueryResultRow>(sql: string, ...values: unknown[]) => {
    const { rows } = await owner.query<T>(sql, values);
    if (!rows[0]) throw new Error(`no row from ${sql}`);
    return rows[0];
  };
  let tripId = 1000;
  return {
    client,
    owner,
    one,
    async addTenant(slug: string): Promise<number> {
      return (await one<{ id: number }>('insert into tenant (slug) values ($1) returning id', slug))
        .id;
    },
    async addDevice(deviceId: string, tenant: number): Promise<number> {
      const { id } = await one<{ id: number }>(
        'insert into device (external_id) values ($1) returning id',
        deviceId,
      );
      await owner.query('insert into device_tenancy (device_id, tenant_id) values ($1, $2)', [
        id,
        tenant,
      ]);
      await owner.query('insert into device_state (device_id) values ($1)', [id]);
      return id;
    },
    async addDriver(tenant: number, externalId: string): Promise<number> {
      return (
        await one<{ id: number }>(
          'insert into driver (tenant_id, external_id, name) values ($1, $2, $2) returning id',
          tenant,
          externalId,
        )
      ).id;
    },
    async addVehicle(tenant: number, externalId: string): Promise<number> {
      return (
        await one<{ id: number }>(
          'insert into vehicle (tenant_id, external_id) values ($1, $2) returning id',
          tenant,
          externalId,
        )
      ).id;
    },
    async addAssignment(
      tenant: number,
      device: number,
      driver: number,
      {
        vehicle = null as number | null,
        from = '1970-01-01T00:00:00Z',
        to = '9999-12-31T00:00:00Z',
      } = {},
    ): Promise<number> {
      return (
        await one<{ id: number }>(
          `insert into assignment (tenant_id, device_id, driver_id, vehicle_id, from_at, to_at)
           values ($1, $2, $3, $4, $5, $6) returning id`,
          tenant,
          device,
          driver,
          vehicle,
          from,
          to,
        )
      ).id;
    },
    /** A policy of the product `p` in DE over 2015, with one driver and one vehicle. */
    async addPolicy(
      tenant: number,
      number: string,
      driver: number,
      vehicle: number,
    ): Promise<number> {
      const { id } = await one<{ id: number }>(
        `insert into policy (tenant_id, number, time_zone, start_date, end_date)
         values ($1, $2, 'UTC', '2015-01-01', '2016-01-01') returning id`,
        tenant,
        number,
      );
      const span = `'2015-01-01', '2016-01-01'`;
      await owner.query(
        `insert into policy_product (tenant_id, policy_id, product, jurisdiction, from_date, to_date) values ($1, $2, 'p', 'DE', ${span})`,
        [tenant, id],
      );
      await owner.query(
        `insert into policy_driver (tenant_id, policy_id, driver_id, from_date, to_date) values ($1, $2, $3, ${span})`,
        [tenant, id, driver],
      );
      await owner.query(
        `insert into policy_vehicle (tenant_id, policy_id, vehicle_id, from_date, to_date) values ($1, $2, $3, ${span})`,
        [tenant, id, vehicle],
      );
      return id;
    },
    /** One committed batch: events in the order given, those below the head as late ones. */
    async addEvents(device: number, events: readonly EventSeed[], on: pg.Client = client) {
      await on.query('begin');
      const { rows } = await on.query<{
        version: string;
        head_sec: number | null;
        head_rest: string | null;
      }>(
        'select version, head_sec, head_rest from device_state where device_id = $1 for no key update',
        [device],
      );
      const state = rows[0];
      if (!state) throw new Error('no such device');
      const version = BigInt(state.version) + 1n;
      let head: readonly [number, bigint] | undefined =
        state.head_sec === null ? undefined : [state.head_sec, BigInt(state.head_rest ?? 0)];
      const before = head;
      for (const event of events) {
        const [sec, rest] = keyOf(event);
        await on.query(
          `insert into event (device_id, sec, rest, lat_e7, lon_e7, speed_ckmh, accel_forward_mmps2)
           values ($1, $2, $3, 407579770, -739781650, $4, $5)`,
          [device, sec, rest, event.speedCkmh ?? 5000, event.forwardMmps2 ?? null],
        );
        if (before && (sec < before[0] || (sec === before[0] && rest < before[1]))) {
          await on.query('insert into late_event values ($1, $2, $3, $4)', [
            device,
            version,
            sec,
            rest,
          ]);
        }
        if (!head || sec > head[0] || (sec === head[0] && rest > head[1])) head = [sec, rest];
      }
      await on.query(
        'update device_state set version = $2, head_sec = $3, head_rest = $4, arrived_at = clock_timestamp() where device_id = $1',
        [device, version, head?.[0], head?.[1]],
      );
      await on.query('insert into journal (device_ids) values ($1)', [[device]]);
      await on.query('commit');
      await on.query('notify odograph');
    },
    async addTrip(tenant: number, device: number, seed: TripSeed): Promise<number> {
      const id = ++tripId;
      const start = Date.parse(seed.startedAt);
      const end = Date.parse(seed.endedAt);
      const sec = start / 1000 - EPOCH_2000_S;
      const last = end / 1000 - EPOCH_2000_S;
      const distance = seed.distanceM ?? 1000;
      const days = [
        {
          localDate: seed.startedAt.slice(0, 10),
          distanceM: distance,
          durationMs: end - start,
          movingMs: end - start,
          idleMs: 0,
          nightM: seed.nightM ?? 0,
          measures: seed.measures ?? { 'harshBrakingGps.count': 1, 'hour08.m': distance },
        },
      ];
      await client.query(
        `insert into trip (id, device_id, started_at, tenant_id, assignment_id, driver_id, vehicle_id, anchor_sec, anchor_rest,
           last_sec, last_rest, decided_sec, decided_rest, ended_at, closes_at, end_reason, time_zone, local_date, distance_m,
           distance_source, bridged_m, moving_ms, idle_ms, max_speed_ckmh, night_m, fixes, events, start_lat_e7, start_lon_e7,
           end_lat_e7, end_lon_e7, rejected_fixes, days, rules_version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, 0, $10, $11, $12, $13, $14, 'UTC', $15, $16,
           'GPS', 0, $17, 0, 6000, $19, 10, 12, 407579770, -739781650, 407600000, -739800000, '{"JUMP": 2}', $18, 'test')`,
        [
          id,
          device,
          seed.startedAt,
          tenant,
          seed.assignment ?? null,
          seed.driver ?? null,
          seed.vehicle ?? null,
          sec,
          last,
          seed.closed === false ? null : last + 600,
          seed.closed === false ? null : 0,
          seed.endedAt,
          new Date(end + 120_000).toISOString(),
          seed.closed === false ? null : 'SILENCE',
          seed.startedAt.slice(0, 10),
          distance,
          end - start,
          JSON.stringify(days),
          seed.nightM ?? 0,
        ],
      );
      await client.query('insert into trip_handle values ($1, $2, $3, 0)', [id, device, sec]);
      return id;
    },
    /** Adds a closed trip's day to its roll-up, as the batch that closed it did. */
    async rollUp(trip: number, measures: Readonly<Record<string, number>> = {}) {
      await owner.query(
        `insert into daily_total (device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, trips, distance_m,
           duration_ms, moving_ms, idle_ms, night_m, measures)
         select device_id, tenant_id, assignment_id, local_date, driver_id, vehicle_id, 1, distance_m, 3600000, moving_ms, idle_ms, night_m, $2
         from trip where id = $1`,
        [trip, JSON.stringify(measures)],
      );
    },
    async addDrivingEvent(
      tenant: number,
      device: number,
      tripStartedAt: string,
      at: string,
      driver: number | null,
    ) {
      await client.query(
        `insert into driving_event (device_id, at, kind, source, severity, ended_at, trip_started_at, tenant_id, driver_id,
           decided_sec, decided_rest, lat_e7, lon_e7, peak_mmps2, threshold, local_date, rules_version)
         values ($1, $2, 'HARSH_BRAKING', 'GPS', 'LOW', $2, $3, $4, $5, 1, 0, 407579770, -739781650, 3500, 3000, $6, 'test')`,
        [device, at, tripStartedAt, tenant, driver, at.slice(0, 10)],
      );
    },
    async close() {
      await client.end();
      await owner.end();
    },
  };
}

export interface EventSeed {
  readonly at: string;
  readonly digest?: number;
  readonly speedCkmh?: number;
  readonly forwardMmps2?: number;
}

export type Rows = Awaited<ReturnType<typeof openRows>>;

/** The event key's columns, computed independently. */
export function keyOf({ at, digest = 1 }: EventSeed): readonly [number, bigint] {
  const ms = Date.parse(at);
  return [Math.floor(ms / 1000) - EPOCH_2000_S, BigInt(ms % 1000) * 2n ** 53n + BigInt(digest)];
}

import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Claims } from '../api/client.ts';
import { useApi } from '../support/api.ts';
import { until } from '../support/child.ts';
import type { Subscription } from './sockets.ts';
import { subscribe } from './sockets.ts';

/**
 * The hub reads for all subscribers at once, and `reaches` decides what each one receives. Here the messages of each
 * subscriber are compared with the rows that row-level security shows to the same reader.
 */
const { api, rows, database } = await useApi();
const RUNS = process.env['ODOGRAPH_LONG'] === '1' ? 100 : 3;
const TELEMETRY = `subscription ($deviceId: String!, $after: Cursor) {
  telemetry(deviceId: $deviceId, after: $after) { cursor at } }`;
const TRIPS = `subscription ($deviceId: String!, $after: Cursor) {
  tripUpdates(deviceId: $deviceId, after: $after) { cursor trip { startedAt } } }`;

interface Telemetry {
  readonly telemetry: { readonly cursor: string; readonly at: string };
}
interface Trips {
  readonly tripUpdates: { readonly cursor: string; readonly trip: { readonly startedAt: string } };
}

/** Hours at which the device moves and events happen. */
const HOURS = 24;
const at = (hour: number) => new Date(Date.UTC(2026, 0, 5, hour)).toISOString();
const TENANTS = ['left', 'right'];
const tenants = new Map<string, number>();
const drivers = new Map<string, number>();
let walls: pg.Client;
let count = 0;

beforeAll(async () => {
  for (const tenant of TENANTS) {
    const ref = await rows.addTenant(tenant);
    tenants.set(tenant, ref);
    for (const n of [1, 2]) {
      drivers.set(`${tenant} ${n}`, await rows.addDriver(ref, `driver-${n}`));
    }
  }
  walls = new pg.Client({ connectionString: database.apiUrl });
  await walls.connect();
});
afterAll(() => walls.end());

const DRIVERS: readonly Claims[] = TENANTS.flatMap((tenant) =>
  [1, 2].map((n) => ({ role: 'DRIVER' as const, tenant, driver: `driver-${n}` })),
);
const OPERATOR: Claims = { role: 'OPERATOR' };
const INSURERS: readonly Claims[] = TENANTS.map((tenant) => ({ role: 'INSURER', tenant }));

/** The rows of a device that row-level security shows to a caller. */
async function visible(claims: Claims, column: string, sql: string, device: number) {
  await walls.query('begin');
  if (claims.role === 'OPERATOR') await walls.query('set local role odograph_operator');
  await walls.query(
    `select set_config('odograph.tenant', $1, true), set_config('odograph.driver', $2, true)`,
    [
      String(tenants.get(claims.tenant ?? '') ?? 0),
      claims.driver === undefined
        ? ''
        : String(drivers.get(`${claims.tenant} ${claims.driver.slice(-1)}`)),
    ],
  );
  const { rows: found } = await walls.query<Record<string, Date>>(sql, [device]);
  await walls.query('rollback');
  return found.map((row) => row[column]!.toISOString()).sort();
}

interface World {
  /** Hours from which the other tenant has the device. */
  readonly moves: readonly number[];
  /** The driver it is assigned to from an hour on; 0 means no driver. */
  readonly assigned: readonly { readonly hour: number; readonly driver: number }[];
  readonly events: readonly number[];
}

const hour = fc.integer({ min: 0, max: HOURS - 1 });
const world: fc.Arbitrary<World> = fc.record({
  moves: fc.uniqueArray(hour, { maxLength: 3 }).map((hours) => hours.sort((a, b) => a - b)),
  assigned: fc
    .uniqueArray(fc.record({ hour, driver: fc.integer({ min: 0, max: 2 }) }), {
      maxLength: 5,
      selector: (each) => each.hour,
    })
    .map((list) => list.sort((a, b) => a.hour - b.hour)),
  events: fc.uniqueArray(hour, { minLength: 4, maxLength: 12 }),
});

async function build({ moves, assigned }: World) {
  const deviceId = `ID-${++count}`;
  const device = await rows.addDevice(deviceId, tenants.get('left')!);
  await rows.owner.query('delete from device_tenancy where device_id = $1', [device]);
  const bounds = [0, ...moves.filter((each) => each > 0), HOURS];
  const tenantAt = (each: number) => TENANTS[bounds.findLastIndex((bound) => bound <= each) % 2]!;
  for (const [n, from] of bounds.slice(0, -1).entries()) {
    await rows.owner.query(
      'insert into device_tenancy (device_id, tenant_id, from_at, to_at) values ($1, $2, $3, $4)',
      [device, tenants.get(TENANTS[n % 2]!), at(from), at(bounds[n + 1]!)],
    );
  }
  const driverAt = new Map<number, string>();
  for (const [n, { hour: from, driver }] of assigned.entries()) {
    const to = Math.min(
      assigned[n + 1]?.hour ?? HOURS,
      bounds.find((bound) => bound > from)!,
    );
    if (driver === 0 || to <= from) continue;
    const tenant = tenantAt(from);
    const span = { from: at(from), to: at(to) };
    await rows.addAssignment(
      tenants.get(tenant)!,
      device,
      drivers.get(`${tenant} ${driver}`)!,
      span,
    );
    for (let each = from; each < to; each++) driverAt.set(each, `${tenant} ${driver}`);
  }
  return { deviceId, device, tenantAt, driverAt };
}

/** Subscribes as each caller, and waits until every subscription runs. */
async function followAll<Message>(callers: readonly Claims[], query: string, deviceId: string) {
  await until('earlier ones to end', () => api.live().subscriptions === 0);
  const ears = callers.map((claims) => subscribe<Message>(api, claims, query, { deviceId }));
  await until('the subscriptions', () => api.live().subscriptions === callers.length);
  return ears;
}

/** Compares what each caller received, live and after resuming from its first message, with what it may see. */
async function compare<Message>(
  callers: readonly Claims[],
  ears: readonly Subscription<Message>[],
  expected: readonly (readonly string[])[],
  query: string,
  deviceId: string,
  read: (message: Message) => { readonly at: string; readonly cursor: string },
): Promise<void> {
  await until('every message', () =>
    ears.every(({ messages }, n) => messages.length >= expected[n]!.length),
  );
  const live = ears.map(({ messages }) => messages.map(read));
  expect(live.map((messages) => messages.map(({ at: each }) => each).sort())).toEqual(expected);
  for (const ear of ears) await ear.end();
  for (const [n, claims] of callers.entries()) {
    const [first, ...rest] = live[n]!;
    if (!first) continue;
    const again = subscribe<Message>(api, claims, query, { deviceId, after: first.cursor });
    await again.until(rest.length);
    expect(again.messages.map((message) => read(message).at).sort()).toEqual(
      rest.map(({ at: each }) => each).sort(),
    );
    await again.end();
  }
}

describe('a subscriber receives what row-level security shows to the same reader', () => {
  it('of telemetry, by tenant and driver at the time of each event', async () => {
    await fc.assert(
      fc.asyncProperty(world, async (given) => {
        const { deviceId, device } = await build(given);
        const callers = [OPERATOR, ...DRIVERS];
        const ears = await followAll<Telemetry>(callers, TELEMETRY, deviceId);
        for (const each of given.events) await rows.addEvents(device, [{ at: at(each) }]);
        await rows.client.query('notify odograph');
        const expected = [];
        for (const claims of callers) {
          expected.push(
            await visible(
              claims,
              'at',
              `select to_timestamp(946684800 + sec + (rest >> 53) / 1000.0) as at from event where device_id = $1`,
              device,
            ),
          );
        }
        await compare(callers, ears, expected, TELEMETRY, deviceId, (m) => m.telemetry);
      }),
      { numRuns: RUNS },
    );
  });

  it('of trips, by the owner at their start', async () => {
    await fc.assert(
      fc.asyncProperty(world, async (given) => {
        const { deviceId, device, tenantAt, driverAt } = await build(given);
        const callers = [OPERATOR, ...INSURERS, ...DRIVERS];
        const ears = await followAll<Trips>(callers, TRIPS, deviceId);
        await rows.client.query('begin');
        for (const each of given.events) {
          const driver = drivers.get(driverAt.get(each) ?? '');
          await rows.addTrip(tenants.get(tenantAt(each))!, device, {
            startedAt: at(each),
            endedAt: at(each).replace(':00:00', ':30:00'),
            ...(driver === undefined ? {} : { driver }),
          });
        }
        await rows.client.query('insert into journal (device_ids) values ($1)', [[device]]);
        await rows.client.query('commit');
        await rows.client.query('notify odograph');
        const expected = [];
        for (const claims of callers) {
          const sql = 'select started_at from trip where device_id = $1';
          expected.push(await visible(claims, 'started_at', sql, device));
        }
        await compare(callers, ears, expected, TRIPS, deviceId, ({ tripUpdates }) => ({
          at: tripUpdates.trip.startedAt,
          cursor: tripUpdates.cursor,
        }));
      }),
      { numRuns: RUNS },
    );
  });
});

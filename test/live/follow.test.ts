import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ask, signToken } from '../api/client.ts';
import { useApi } from '../support/api.ts';
import { until } from '../support/child.ts';

interface Follow {
  (options: {
    readonly url: string;
    readonly token: () => Promise<string>;
    readonly query: string;
    readonly variables?: Readonly<Record<string, unknown>>;
    readonly onMessage: (message: never) => void;
    readonly signal: AbortSignal;
  }): Promise<void>;
}
/** The loop that docs/graphql.md gives clients to copy. */
const EXAMPLE = new URL('../../examples/live/follow.js', import.meta.url).href;
const { follow } = (await import(EXAMPLE)) as { readonly follow: Follow };

const { api, rows, startApi } = await useApi();
const DRIVER = { role: 'DRIVER', tenant: 'acme', driver: 'ann' } as const;
const RUNS = process.env['ODOGRAPH_LONG'] === '1' ? 30 : 1;
const TRIP = 'id revision withdrawn distanceKm supersededBy { id }';

interface Trip {
  readonly id: string;
  readonly revision: number;
  readonly withdrawn: boolean;
  readonly supersededBy: { readonly id: string } | null;
}

/** A network between a phone and one of several servers. It may fail. */
async function openNetwork() {
  const sockets = new Set<Socket>();
  let port = 0;
  let isDown = false;
  const server = createServer((near) => {
    if (isDown) return near.destroy();
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    connectTo: (url: string) => {
      port = Number(new URL(url).port);
    },
    cut,
    async tunnel(ms: number) {
      isDown = true;
      cut();
      await sleep(ms);
      isDown = false;
    },
    close() {
      cut();
      server.close();
    },
  };
}

const tenant = await rows.addTenant('acme');
const ann = await rows.addDriver(tenant, 'ann');
const bob = await rows.addDriver(tenant, 'bob');
let count = 0;

type Act = 'event' | 'late' | 'revise' | 'lose' | 'cut' | 'tunnel' | 'restart' | 'otherServer';
const act = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Act>('event', 'late', 'revise') },
  { weight: 2, arbitrary: fc.constantFrom<Act>('lose', 'cut', 'tunnel', 'restart', 'otherServer') },
);

it('after a day of tunnels, restarts and late messages, a phone has the same state as the store', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 12, maxLength: 25 }), async (acts) => {
      const deviceId = `ID-${++count}`;
      const device = await rows.addDevice(deviceId, tenant);
      const assignment = await rows.addAssignment(tenant, device, ann);
      const day = (n: number) => new Date(Date.UTC(2014, 0, 1 + 30 * count + n, 8)).toISOString();
      const trips: number[] = [];
      for (let n = 0; n < 4; n++) {
        const [startedAt, endedAt] = [day(n), day(n).replace('T08', 'T09')];
        trips.push(
          await rows.addTrip(tenant, device, { startedAt, endedAt, driver: ann, assignment }),
        );
      }
      const network = await openNetwork();
      let server = api;
      network.connectTo(server.url);
      const ended = new AbortController();
      const heard: string[] = [];
      const picture = new Map<string, Trip>();
      const common = {
        url: network.url,
        // The token is renewed for each connection, and expires soon.
        token: () => signToken(DRIVER, 60),
        signal: ended.signal,
      };
      const following = [
        follow({
          ...common,
          query: `subscription ($deviceId: String!, $after: Cursor) {
            telemetry(deviceId: $deviceId, after: $after) { cursor at } }`,
          variables: { deviceId },
          onMessage: ({ at }: { readonly at: string }) => heard.push(at),
        }),
        follow({
          ...common,
          query: `subscription ($after: Cursor, $present: Boolean) {
            tripUpdates(driverExternalId: "ann", after: $after, present: $present) { cursor trip { ${TRIP} } } }`,
          onMessage: ({ trip }: { readonly trip: Trip }) => {
            if (trip.withdrawn || trip.supersededBy) picture.delete(trip.id);
            else picture.set(trip.id, trip);
          },
        }),
      ];
      await until('both subscriptions', () => server.live().subscriptions >= 2);
      const second = (n: number) => new Date(Date.UTC(2015, 4, 15) + n * 1_000).toISOString();
      // The first message of each gives the cursor to resume from.
      await rows.addEvents(device, [{ at: second(0) }]);
      const change = async (ids: readonly number[], set: string) => {
        await rows.owner.query('begin');
        await rows.owner.query(
          `insert into trip_revision (trip_id, revision, device_id, tenant_id, driver_id, known_from, known_to, withdrawn, facts)
           select id, revision, device_id, tenant_id, driver_id, updated_at, now(), false, to_jsonb(trip) - array['id', 'revision', 'changed', 'updated_at']
           from trip where id = any($1)`,
          [ids],
        );
        await rows.owner.query(
          `update trip set ${set}, revision = revision + 1, changed = pg_current_xact_id(), updated_at = now() where id = any($1)`,
          [ids],
        );
        await rows.owner.query('insert into journal (device_ids) values ($1)', [[device]]);
        await rows.owner.query('commit');
        await rows.owner.query('notify odograph');
      };
      await change(trips, 'distance_m = distance_m + 1');
      await until('the first messages', () => heard.length === 1 && picture.size === 4);
      const stored = [second(0)];
      for (const [n, what] of acts.entries()) {
        switch (what) {
          case 'event':
          case 'late': {
            const at = what === 'event' ? second(100 + n) : second(-100 - n);
            stored.push(at);
            await rows.addEvents(device, [{ at }]);
            await rows.client.query('notify odograph');
            break;
          }
          case 'revise':
            await change([trips[n % trips.length]!], 'distance_m = distance_m + 1');
            break;
          case 'lose':
            await change([trips[n % trips.length]!], `driver_id = ${n % 2 === 0 ? bob : ann}`);
            break;
          case 'cut':
            network.cut();
            break;
          case 'tunnel':
            await network.tunnel(300);
            break;
          case 'restart':
            if (server !== api) await server.stop();
            server = await startApi();
            network.connectTo(server.url);
            network.cut();
            break;
          case 'otherServer':
            server = api;
            network.connectTo(server.url);
            network.cut();
            break;
        }
      }
      const { data } = await ask(
        api,
        DRIVER,
        `query ($deviceId: String!) { trips(filter: { deviceId: $deviceId }) { nodes { ${TRIP} } } }`,
        { deviceId },
      );
      const truth = new Map((data.trips.nodes as Trip[]).map((trip) => [trip.id, trip]));
      const same = () => JSON.stringify([...picture].sort()) === JSON.stringify([...truth].sort());
      await until('every event', () => heard.length >= stored.length, 30_000).catch(
        () => undefined,
      );
      await until('the same picture', same, 30_000).catch(() => undefined);
      ended.abort();
      await Promise.all(following);
      network.close();
      expect([...heard].sort()).toEqual([...stored].sort());
      expect(new Map([...picture].sort())).toEqual(new Map([...truth].sort()));
    }),
    { numRuns: RUNS },
  );
}, 600_000);

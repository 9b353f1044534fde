import type { Api } from '../../src/api/server.ts';
import { send, signToken } from '../api/client.ts';
import type { Rows } from '../api/rows.ts';
import type { Started } from '../support/child.ts';
import { plainEnv, startScript, until } from '../support/child.ts';
import { openWire } from '../support/wire.ts';

/** Who asks in the front ends of examples/. */
export const INSURER = { role: 'INSURER', tenant: 'acme' } as const;

export interface DeviceOfTrips {
  /** Adds a trip of the so-many-th of May 2015 and tells it. */
  drive(day: number): Promise<void>;
  /** Corrects the trip of a day. */
  revise(day: number): Promise<void>;
  /** Takes the trip of a day away, as late messages do. */
  withdraw(day: number): Promise<void>;
}

/** A device with a trip on each of the first days of May 2015, which changes as by the sink. */
export async function addDevice(
  rows: Rows,
  tenant: number,
  deviceId: string,
  days: number,
): Promise<DeviceOfTrips> {
  const device = await rows.addDevice(deviceId, tenant);
  const ids = new Map<number, number>();
  const add = async (day: number) => {
    const date = `2015-05-${String(day).padStart(2, '0')}`;
    const seed = { startedAt: `${date}T08:00:00Z`, endedAt: `${date}T09:00:00Z` };
    ids.set(day, await rows.addTrip(tenant, device, { ...seed, distanceM: 1_000 * day }));
  };
  for (let day = 1; day <= days; day++) await add(day);
  const commit = async (work: () => Promise<unknown>) => {
    await rows.client.query('begin');
    await work();
    await rows.client.query('insert into journal (device_ids) values ($1)', [[device]]);
    await rows.client.query('commit');
    await rows.client.query('notify odograph');
  };
  return {
    drive: (day) => commit(() => add(day)),
    revise: (day) =>
      commit(() =>
        rows.client.query(
          'update trip set revision = revision + 1, changed = pg_current_xact_id(), updated_at = now() where id = $1',
          [ids.get(day)],
        ),
      ),
    withdraw: (day) =>
      commit(async () => {
        await rows.client.query(
          `insert into trip_revision (trip_id, revision, device_id, tenant_id, known_from, known_to, withdrawn, facts)
           select id, revision, device_id, tenant_id, updated_at, now(), true, to_jsonb(trip) - array['id', 'revision', 'changed', 'updated_at']
           from trip where id = $1`,
          [ids.get(day)],
        );
        await rows.client.query('delete from trip where id = $1', [ids.get(day)]);
      }),
  };
}

/** Starts the `run.ts` of a front end for a device, at the API on a port. */
export async function startFrontEnd(
  folder: string,
  deviceId: string,
  port: number,
  settings: NodeJS.ProcessEnv = {},
): Promise<Started> {
  return startScript(`${folder}/run.ts`, [deviceId], {
    env: plainEnv({
      ODOGRAPH_URL: `http://127.0.0.1:${port}`,
      ODOGRAPH_TOKEN: await signToken(INSURER),
      ...settings,
    }),
  });
}

/** The changes that a front end printed, as `2015-05-01 2`: day and revision. */
export function changesIn(program: Started): string[] {
  return [...program.stdout().matchAll(/^changed: (\S+)T.* revision (\d+)$/gm)].map(
    ([, day, revision]) => `${day} ${revision}`,
  );
}

/** A subscription does not say when it has begun: corrects the trip of a day until that is heard, to the last. */
export async function untilHeard(program: Started, { revise }: DeviceOfTrips, day: number) {
  let revision = 1;
  await until('a change is heard', async () => {
    if (program.process.exitCode !== null) throw new Error(program.stderr());
    if (changesIn(program).length > 0) return true;
    await revise(day);
    revision++;
    await new Promise((done) => setTimeout(done, 500));
    return false;
  });
  const last = `2015-05-${String(day).padStart(2, '0')} ${revision}`;
  await until('the last correction is heard', () => changesIn(program).includes(last));
}

/**
 * What a front end hears whose points were all spent while it had no connection and one trip changed, and how long it
 * waited for it, milliseconds. Points come back a minute after the first of them was spent.
 * @param api one that limits the role INSURER
 */
export async function waitForPoints(
  folder: string,
  deviceId: string,
  device: DeviceOfTrips,
  api: Api,
): Promise<{ readonly heard: string[]; readonly waitedMs: number }> {
  const wire = await openWire(Number(new URL(api.url).port));
  const program = await startFrontEnd(folder, deviceId, wire.port);
  await untilHeard(program, device, 1);
  wire.cut();
  const before = changesIn(program).length;
  let status = 200;
  while (status === 200) {
    ({ status } = await send(api, INSURER, { query: '{ viewer { role } }' }));
  }
  await device.revise(2);
  wire.mend();
  const mendedMs = Date.now();
  const isHeard = () => {
    if (program.process.exitCode !== null) throw new Error(program.stderr());
    return changesIn(program).length > before;
  };
  await until('what was missed is heard', isHeard, 90_000);
  const waitedMs = Date.now() - mendedMs;
  program.process.stdin?.end();
  await program.exited;
  await wire.close();
  return { heard: changesIn(program).slice(before), waitedMs };
}

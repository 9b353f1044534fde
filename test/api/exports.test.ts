import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { openStore } from '../../src/store/open.ts';
import { openReadTransaction } from '../../src/store/read/transaction.ts';
import { readAllTrips } from '../../src/store/read/trip-export.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Claims } from './client.ts';
import { ask, signToken, startTestApi } from './client.ts';
import type { Rows } from './rows.ts';
import { openRows } from './rows.ts';

const INSURER: Claims = { role: 'INSURER', tenant: 'acme', sub: 'ida' };
const ACTUARY: Claims = { role: 'ACTUARY', tenant: 'acme', microdata: true, sub: 'ada' };

let database: TestDatabase;
let rows: Rows;
let api: Api;
let acme: number;
let device: number;
let driver: number;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  acme = await rows.addTenant('acme');
  const other = await rows.addTenant('other');
  device = await rows.addDevice('DEV-A', acme);
  driver = await rows.addDriver(acme, 'Doe, "Jo"');
  const vehicle = await rows.addVehicle(acme, 'CAR-1');
  const assignment = await rows.addAssignment(acme, device, driver, { vehicle });
  for (let day = 1; day <= 5; day++) {
    await rows.addTrip(acme, device, {
      startedAt: `2015-05-0${day}T08:00:00.000Z`,
      endedAt: `2015-05-0${day}T08:20:00.000Z`,
      distanceM: 12_345 + day,
      driver,
      vehicle,
      assignment,
      closed: day < 5,
    });
  }
  const theirs = await rows.addDevice('DEV-B', other);
  await rows.addTrip(other, theirs, {
    startedAt: '2015-05-03T09:00:00.000Z',
    endedAt: '2015-05-03T09:30:00.000Z',
  });
  api = await startTestApi(database);
});
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});

async function download(format: string, claims: Claims | null, query = ''): Promise<Response> {
  const headers = claims === null ? {} : { authorization: `Bearer ${await signToken(claims)}` };
  return fetch(new URL(`/export/trips.${format}${query}`, api.url), { headers });
}

async function readParquet(response: Response): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: await response.arrayBuffer() });
}

async function codeOf(response: Response): Promise<[number, unknown]> {
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
  return [response.status, errors[0]?.extensions.code];
}

describe('an export of trips', () => {
  it('has as Parquet the trips of `trips`, with the same figures and the insurer’s names', async () => {
    const exported = await readParquet(await download('parquet', INSURER));
    const { data } = await ask(
      api,
      INSURER,
      `{ trips(orderBy: { field: STARTED_AT, direction: ASC }) { nodes { deviceId status startedAt endedAt localDate timeZone endReason distanceKm
          distanceSource durationS movingS idleS maxSpeedKmh fixes revision rulesVersion driver { externalId } vehicle { externalId } } } }`,
    );
    const asked = data.trips.nodes.map((trip: Record<string, Record<string, unknown>>) => ({
      ...trip,
      driver: trip['driver']?.['externalId'],
      vehicle: trip['vehicle']?.['externalId'],
    }));
    expect(exported).toHaveLength(5);
    expect(
      exported.map((trip) => ({
        deviceId: trip['device'],
        status: trip['closed'] ? 'CLOSED' : 'OPEN',
        startedAt: (trip['started_at'] as Date).toISOString(),
        endedAt: (trip['ended_at'] as Date).toISOString(),
        localDate: (trip['local_date'] as Date).toISOString().slice(0, 10),
        timeZone: trip['time_zone'],
        endReason: trip['end_reason'] ?? null,
        distanceKm: trip['distance_km'],
        distanceSource: trip['distance_source'],
        durationS: trip['duration_s'],
        movingS: trip['moving_s'],
        idleS: trip['idle_s'],
        maxSpeedKmh: trip['max_speed_kmh'],
        fixes: Number(trip['fixes']),
        revision: Number(trip['revision']),
        rulesVersion: trip['rules_version'],
        driver: trip['driver'],
        vehicle: trip['vehicle'],
      })),
    ).toEqual(asked);
  });

  it('has as CSV the same rows, with what CSV would misread in quotes', async () => {
    const response = await download('csv', INSURER);
    const text = await response.text();
    const [heading, first, ...others] = text.trimEnd().split('\r\n');
    expect(response.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(others).toHaveLength(4);
    expect(heading).toMatch(/^trip_id,revision,driver_id,.*,device,driver,vehicle$/);
    expect(first).toContain(
      '2015-05-01T08:00:00.000Z,2015-05-01T08:20:00.000Z,2015-05-01,UTC,true',
    );
    expect(first).toMatch(/,12\.346,GPS,.*,DEV-A,"Doe, ""Jo""",CAR-1$/);
  });

  it('guards texts in CSV that a spreadsheet would run as a formula, unless that is switched off', async () => {
    const texts = ['=HYPERLINK("x")', '+1', '-1', '@SUM(A1)', '\t=1', "'=1", "d'Or", '1-2'];
    const read = async (query: string) => {
      const lines = (await (await download('csv', INSURER, query)).text()).trimEnd().split('\r\n');
      return lines[1]!.split(/,DEV-A,/)[1];
    };
    for (const text of texts) {
      await rows.owner.query('update driver set external_id = $1 where id = $2', [text, driver]);
      const quoted = (cell: string) =>
        `${/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell},CAR-1`;
      const guarded = text === "d'Or" || text === '1-2' ? text : `'${text}`;
      expect(await read('')).toBe(quoted(guarded));
      expect(await read('?formulaGuard=false')).toBe(quoted(text));
    }
    await rows.owner.query(`update driver set external_id = 'Doe, "Jo"' where id = $1`, [driver]);
  });

  it('gives an actuary with microdata pseudonyms, and no role names of drivers or coordinates', async () => {
    const [mine] = await readParquet(await download('parquet', ACTUARY));
    const [theirs] = await readParquet(await download('parquet', INSURER));
    const added = Object.keys(theirs!).filter((name) => !(name in mine!));
    expect(added).toEqual(['device', 'driver', 'vehicle']);
    expect(mine!['driver_id']).toBe(BigInt(driver));
    const all = JSON.stringify([mine, theirs], (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(all).not.toMatch(/40\.7579|407579770|lat|lon/);
    expect(JSON.stringify(Object.values(mine!).map(String))).not.toMatch(/Doe|DEV-A|CAR-1/);
  });

  it('takes the filter of `trips`, and says what is wrong with another', async () => {
    const count = async (query: string) =>
      (await readParquet(await download('parquet', INSURER, query))).length;
    expect(await count('?status=CLOSED')).toBe(4);
    expect(await count('?startedFrom=2015-05-02T00:00:00Z&startedTo=2015-05-04T00:00:00Z')).toBe(2);
    expect(await count('?deviceId=DEV-A')).toBe(5);
    expect(await count('?deviceId=DEV-B')).toBe(0);
    for (const query of [
      '?startedForm=2015-05-02T00:00:00Z',
      '?startedFrom=May',
      '?status=SHUT',
      '?formulaGuard=no',
    ]) {
      const refused = await download('csv', INSURER, query);
      expect([query, ...(await codeOf(refused))]).toEqual([query, 400, 'BAD_USER_INPUT']);
    }
  });

  it('is for INSURER, and for ACTUARY with microdata without filters by name', async () => {
    for (const claims of [
      { role: 'ACTUARY', tenant: 'acme' },
      { role: 'CLAIMS', tenant: 'acme' },
      { role: 'DRIVER', tenant: 'acme', driver: 'Doe, "Jo"' },
      { role: 'OPERATOR' },
    ] as const) {
      expect([claims.role, ...(await codeOf(await download('csv', claims)))]).toEqual([
        claims.role,
        403,
        'FORBIDDEN',
      ]);
    }
    expect(await codeOf(await download('csv', null))).toEqual([401, 'UNAUTHENTICATED']);
    expect(await codeOf(await download('csv', ACTUARY, '?deviceId=DEV-A'))).toEqual([
      403,
      'FORBIDDEN',
    ]);
  });

  it('names its snapshot in the header, the file’s name, the footer and the access log', async () => {
    const response = await download('parquet', ACTUARY, '?status=CLOSED');
    const snapshot = response.headers.get('x-odograph-snapshot')!;
    expect(snapshot).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-\d+$/);
    expect(response.headers.get('content-disposition')).toContain(`trips-${snapshot}.parquet`);
    const footer = await parquetMetadataAsync(await response.arrayBuffer());
    const notes = Object.fromEntries(
      footer.key_value_metadata!.map(({ key, value }) => [key, value]),
    );
    expect(notes).toMatchObject({
      'odograph.snapshot': snapshot,
      'odograph.filter': '{"status":"CLOSED"}',
    });
    expect(JSON.parse(notes['odograph.columns']!)).toMatchObject({ distance_km: 'Kilometres' });
    const logged = await rows.owner.query<Record<string, unknown>>(
      'select tenant_id, role, subject, purpose, object, request_id from access_log order by id desc limit 1',
    );
    expect(logged.rows).toEqual([
      {
        tenant_id: acme,
        role: 'ACTUARY',
        subject: 'ada',
        purpose: 'microdata',
        object: `export trips.parquet ${snapshot} {"status":"CLOSED"}`,
        request_id: response.headers.get('x-request-id'),
      },
    ]);
  });

  it('of no trips is a file without rows', async () => {
    const query = '?startedTo=1999-01-01T00:00:00Z';
    expect(await readParquet(await download('parquet', INSURER, query))).toEqual([]);
    expect((await (await download('csv', INSURER, query)).text()).split('\r\n')).toHaveLength(2);
  });

  it('admits the next one when a client disconnects in the middle', async () => {
    for (let i = 0; i < 6; i++) {
      const response = await download('csv', INSURER);
      await response.body!.cancel();
    }
    expect((await download('csv', INSURER)).status).toBe(200);
  });
});

it('sees one state of the store, whatever is written meanwhile', async () => {
  const store = openStore({ url: database.apiUrl, poolSize: 1 });
  const reader = { operator: false, tenant: 'acme', driver: null };
  const reading = openReadTransaction(store, reader, () => ({ snapshot: true }));
  const seen: string[] = [];
  for await (const batch of readAllTrips((read) => reading.run(read), {}, 2)) {
    seen.push(
      batch.map(({ startedAtMs }) => new Date(startedAtMs).toISOString().slice(8, 10)).join(),
    );
    if (seen.length > 1) continue;
    await rows.client.query(`delete from trip where device_id = $1 and local_date = '2015-05-04'`, [
      device,
    ]);
    await rows.addTrip(acme, device, {
      startedAt: '2015-05-06T08:00:00.000Z',
      endedAt: '2015-05-06T08:10:00.000Z',
    });
  }
  await reading.end();
  await store.close();
  expect(seen).toEqual(['01,02', '03,04', '05']);
});

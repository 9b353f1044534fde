import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import { ask, codesOf } from './client.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
const OPERATOR = { role: 'OPERATOR' } as const;
const ASSIGN = `mutation ($input: AssignDeviceInput!) { assignDevice(input: $input) {
  device { deviceId assignments { driver { externalId } vehicle { externalId attributes } from to } } userErrors { code message field } } }`;
const MOVE = `mutation ($input: MoveDeviceInput!) { moveDevice(input: $input) {
  device { deviceId tenancies { tenant from to } } userErrors { code message field } } }`;

let tenant: number;
let device: number;
let deviceId: string;
let count = 0;

const { api, rows } = await useApi();

beforeAll(async () => {
  tenant = await rows.addTenant('acme');
  await rows.addTenant('globex');
  for (const name of ['ann', 'bob']) await rows.addDriver(tenant, name);
});
beforeEach(async () => {
  deviceId = `ID-${++count}`;
  device = await rows.addDevice(deviceId, tenant);
});

function key(): string {
  return `key-${Math.random()}`;
}

async function totals() {
  const { rows: found } = await rows.owner.query(
    `select local_date::text as date, t.assignment_id <> 0 as assigned, v.external_id as driver,
       trips, distance_m::int as m, measures
     from daily_total t left join driver v on v.id = t.driver_id where device_id = $1 order by 1, 4 nulls first`,
    [device],
  );
  return found as { date: string; driver: string | null; trips: number; m: number }[];
}

describe('assignDevice', () => {
  it('warns about another device on the vehicle at the same time, and says which one counts', async () => {
    const assign = async (id: string, from: string) => {
      const input = {
        ...{ deviceId: id, driverExternalId: 'ann', vehicle: { externalId: 'shared car' }, from },
        idempotencyKey: key(),
      };
      const select = 'warnings { code message field } userErrors { message }';
      const { data, errors } = await ask(
        api,
        INSURER,
        `mutation ($input: AssignDeviceInput!) { assignDevice(input: $input) { ${select} } }`,
        { input },
      );
      expect(errors).toEqual([]);
      expect(data.assignDevice.userErrors).toEqual([]);
      return data.assignDevice.warnings;
    };
    expect(await assign(deviceId, '2015-01-01T00:00:00Z')).toEqual([]);
    await rows.addDevice('PHONE-1', tenant);
    expect(await assign('PHONE-1', '2015-03-01T00:00:00Z')).toEqual([
      {
        code: 'OVERLAP',
        message: `The vehicle shared car also has the device ${deviceId} from 2015-03-01T00:00:00.000Z on. Its kilometres count by ${deviceId}, which was assigned first.`,
        field: ['vehicle'],
      },
    ]);
  });

  it('moves the trips of its interval to the driver, with events, roll-ups, revisions and the fence', async () => {
    for (const day of [1, 2, 3]) {
      await rows.addTrip(tenant, device, {
        startedAt: `2015-05-0${day}T08:00:00Z`,
        endedAt: `2015-05-0${day}T09:00:00Z`,
        distanceM: day * 1000,
        closed: day < 3,
      });
    }
    await rows.addDrivingEvent(
      tenant,
      device,
      '2015-05-02T08:00:00Z',
      '2015-05-02T08:30:00Z',
      null,
    );
    const input = {
      deviceId,
      driverExternalId: 'ann',
      vehicle: { externalId: 'car-1', attributes: { seats: 5 } },
      from: '2015-05-02T00:00:00Z',
      idempotencyKey: key(),
    };
    const answer = await ask(api, INSURER, ASSIGN, { input });
    expect(answer.errors).toEqual([]);
    expect(answer.data.assignDevice).toEqual({
      device: {
        deviceId,
        assignments: [
          {
            driver: { externalId: 'ann' },
            vehicle: { externalId: 'car-1', attributes: { seats: 5 } },
            from: '2015-05-02T00:00:00.000Z',
            to: null,
          },
        ],
      },
      userErrors: [],
    });
    const { rows: trips } = await rows.owner.query(
      `select t.started_at::date::text as day, v.external_id as driver, t.revision, t.changed = (select max(xid) from journal) as told
       from trip t left join driver v on v.id = t.driver_id where device_id = $1 order by 1`,
      [device],
    );
    expect(trips).toEqual([
      { day: '2015-05-01', driver: null, revision: 1, told: false },
      { day: '2015-05-02', driver: 'ann', revision: 2, told: true },
      { day: '2015-05-03', driver: 'ann', revision: 1, told: true },
    ]);
    expect(await totals()).toMatchObject([
      {
        date: '2015-05-02',
        assigned: true,
        driver: 'ann',
        trips: 1,
        m: 2000,
        measures: { 'harshBrakingGps.count': 1 },
      },
    ]);
    const state = await rows.one(
      `select version::int, (select count(*)::int from driving_event where device_id = $1 and driver_id is not null) as events,
         (select array_agg(revision) from trip_revision where device_id = $1) as revisions from device_state where device_id = $1`,
      device,
    );
    expect(state).toEqual({ version: 1, events: 1, revisions: [1] });
  });

  it('trims and splits earlier assignments, and gives each trip to the driver at that time', async () => {
    for (const day of [1, 5, 9]) {
      await rows.addTrip(tenant, device, {
        startedAt: `2015-05-0${day}T08:00:00Z`,
        endedAt: `2015-05-0${day}T09:00:00Z`,
      });
    }
    await ask(api, INSURER, ASSIGN, {
      input: { deviceId, driverExternalId: 'ann', idempotencyKey: key() },
    });
    const answer = await ask(api, INSURER, ASSIGN, {
      input: {
        deviceId,
        driverExternalId: 'bob',
        from: '2015-05-04T00:00:00Z',
        to: '2015-05-06T00:00:00Z',
        idempotencyKey: key(),
      },
    });
    expect(
      answer.data.assignDevice.device.assignments.map(
        (a: { driver: { externalId: string }; from: string; to: string }) => [
          a.driver.externalId,
          a.from,
          a.to,
        ],
      ),
    ).toEqual([
      ['ann', null, '2015-05-04T00:00:00.000Z'],
      ['bob', '2015-05-04T00:00:00.000Z', '2015-05-06T00:00:00.000Z'],
      ['ann', '2015-05-06T00:00:00.000Z', null],
    ]);
    expect((await totals()).map((row) => [row.date, row.driver, row.trips])).toEqual([
      ['2015-05-01', 'ann', 1],
      ['2015-05-05', 'bob', 1],
      ['2015-05-09', 'ann', 1],
    ]);
    // The last trip gets another assignment of the same driver, so nothing visible changes.
    const { rows: revisions } = await rows.owner.query(
      'select revision from trip where device_id = $1 order by started_at',
      [device],
    );
    expect(revisions).toEqual([{ revision: 2 }, { revision: 3 }, { revision: 2 }]);
  });

  it('refuses unknown objects and an interval in which the device belongs to another tenant', async () => {
    await ask(api, OPERATOR, MOVE, {
      input: { deviceId, tenant: 'globex', from: '2015-06-01T00:00:00Z', idempotencyKey: key() },
    });
    const cases = [
      [{ deviceId: 'nobody', driverExternalId: 'ann' }, 'NOT_FOUND', ['deviceId']],
      [{ deviceId, driverExternalId: 'nobody' }, 'NOT_FOUND', ['driverExternalId']],
      [
        {
          deviceId,
          driverExternalId: 'ann',
          from: '2015-05-01T00:00:00Z',
          to: '2015-07-01T00:00:00Z',
        },
        'NOT_IN_TENANT',
        ['from'],
      ],
      [
        {
          deviceId,
          driverExternalId: 'ann',
          from: '2015-05-02T00:00:00Z',
          to: '2015-05-01T00:00:00Z',
        },
        'INVALID',
        ['to'],
      ],
    ] as const;
    for (const [input, code, field] of cases) {
      const answer = await ask(api, INSURER, ASSIGN, {
        input: { ...input, idempotencyKey: key() },
      });
      expect(answer.data.assignDevice.device).toBeNull();
      expect(answer.data.assignDevice.userErrors).toMatchObject([{ code, field }]);
    }
    const inTime = await ask(api, INSURER, ASSIGN, {
      input: { deviceId, driverExternalId: 'ann', idempotencyKey: key() },
    });
    expect(inTime.data.assignDevice.device.assignments).toMatchObject([
      { from: null, to: '2015-06-01T00:00:00.000Z' },
    ]);
  });
});

describe('moveDevice', () => {
  it('creates a device and a tenant, so that a fleet can be registered before it drives', async () => {
    const input = { deviceId: 'ID-FRESH', tenant: 'initech', idempotencyKey: key() };
    const refused = await ask(api, OPERATOR, MOVE, { input });
    expect(refused.data.moveDevice.userErrors).toMatchObject([
      { code: 'NOT_FOUND', field: ['tenant'] },
    ]);
    const answer = await ask(api, OPERATOR, MOVE, { input: { ...input, createTenant: true } });
    expect(answer.data.moveDevice).toEqual({
      device: { deviceId: 'ID-FRESH', tenancies: [{ tenant: 'initech', from: null, to: null }] },
      userErrors: [],
    });
  });

  it('refuses a start at the end of time', async () => {
    const answer = await ask(api, OPERATOR, MOVE, {
      input: { deviceId, tenant: 'globex', from: '9999-12-31T12:00:00Z', idempotencyKey: key() },
    });
    expect(answer.data.moveDevice.userErrors).toMatchObject([
      { code: 'INVALID', field: ['from'], message: expect.stringContaining('before 9999-12-31') },
    ]);
  });

  it('moves the trips from then on to the tenant, and ends the assignments of the old tenant', async () => {
    for (const day of [1, 5]) {
      await rows.addTrip(tenant, device, {
        startedAt: `2015-05-0${day}T08:00:00Z`,
        endedAt: `2015-05-0${day}T09:00:00Z`,
      });
    }
    await ask(api, INSURER, ASSIGN, {
      input: { deviceId, driverExternalId: 'ann', idempotencyKey: key() },
    });
    await ask(api, OPERATOR, MOVE, {
      input: { deviceId, tenant: 'globex', from: '2015-05-03T00:00:00Z', idempotencyKey: key() },
    });
    const query = `query ($deviceId: String!) { trips(filter: { deviceId: $deviceId }) { nodes { localDate revision driver { externalId } } } }`;
    const acme = await ask(api, INSURER, query, { deviceId });
    expect(acme.data.trips.nodes).toEqual([
      { localDate: '2015-05-01', revision: 2, driver: { externalId: 'ann' } },
    ]);
    const globex = await ask(api, { role: 'INSURER', tenant: 'globex' }, query, { deviceId });
    expect(globex.data.trips.nodes).toEqual([
      { localDate: '2015-05-05', revision: 3, driver: null },
    ]);
    expect((await totals()).map((row) => [row.date, row.driver])).toEqual([
      ['2015-05-01', 'ann'],
      ['2015-05-05', null],
    ]);
  });
});

describe('an idempotency key', () => {
  const REGISTER = `mutation ($input: RegisterDriverInput!) { registerDriver(input: $input) { driver { externalId } userErrors { code field } } }`;

  it('returns the same object for the same input, also concurrently, and CONFLICT for another input', async () => {
    const input = { externalId: 'carl', idempotencyKey: key() };
    const answers = await Promise.all([1, 2, 3].map(() => ask(api, INSURER, REGISTER, { input })));
    for (const answer of answers) {
      expect(answer.data.registerDriver).toEqual({
        driver: { externalId: 'carl' },
        userErrors: [],
      });
    }
    const other = await ask(api, INSURER, REGISTER, { input: { ...input, externalId: 'dora' } });
    expect(codesOf(other)).toEqual(['CONFLICT']);
    const again = await ask(api, INSURER, REGISTER, { input: { ...input, idempotencyKey: key() } });
    expect(again.data.registerDriver.userErrors).toEqual([
      { code: 'ALREADY_EXISTS', field: ['externalId'] },
    ]);
  });

  it('can be used again after its input was refused', async () => {
    const idempotencyKey = key();
    const refused = await ask(api, INSURER, REGISTER, {
      input: { externalId: '', idempotencyKey },
    });
    expect(refused.data.registerDriver.userErrors).toMatchObject([{ code: 'INVALID' }]);
    const accepted = await ask(api, INSURER, REGISTER, {
      input: { externalId: 'eve', idempotencyKey },
    });
    expect(accepted.data.registerDriver.userErrors).toEqual([]);
  });
});

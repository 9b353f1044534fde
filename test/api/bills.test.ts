import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { openStore } from '../../src/store/open.ts';
import type { TestDatabase } from '../support/database.ts';
import { makeFolder, plainEnv, runCli, startScript, until } from '../support/child.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Claims } from './client.ts';
import { ask, SECRET, startTestApi } from './client.ts';
import type { Rows } from './rows.ts';
import { openRows } from './rows.ts';

const INSURER = { role: 'INSURER', tenant: 'acme', sub: 'ina' } as const;
const ACTUARY = { role: 'ACTUARY', tenant: 'acme' } as const;
const ANN = { role: 'DRIVER', tenant: 'acme', driver: 'ann', sub: 'ann@phone' } as const;
const BOB = { role: 'DRIVER', tenant: 'acme', driver: 'bob' } as const;

/** A euro a day and ten cents a kilometre. */
const tariff = (product: string, version = '1', effectiveFrom = '2020-01-01') => ({
  format: 'odograph.tariff/1',
  id: `tariff-${product}`,
  version,
  product,
  jurisdiction: 'DE',
  currency: 'EUR',
  effectiveFrom,
  rounding: { mode: 'HALF_UP', places: 2 },
  charges: [
    { kind: 'fixed/1', id: 'base', amount: '365.00', per: 'YEAR' },
    { kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.10' },
  ],
  factors: [],
  adjustments: [],
});
const BILL = `bill { id number status from to currency total hash document premium { total lines { id amount } tariff { name } }
  trips { tripId revision } adjustments { number total } creditNote { number total } }`;
const ADJUSTMENT = `adjustment { number total premiumNow billed adjustedBefore lines { billNumber billed now difference settledBefore } }`;

let database: TestDatabase;
let rows: Rows;
let api: Api;
let otherApi: Api;
let tenant: number;
let lastDevice = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  otherApi = await startTestApi(database);
  tenant = await rows.addTenant('acme');
  await rows.addTenant('other');
  await rows.addDriver(tenant, 'ann');
  await rows.addDriver(tenant, 'bob');
  await activate('p');
});
afterAll(async () => {
  await api.stop();
  await otherApi.stop();
  await rows.close();
  await database.drop();
});

async function change(
  claims: Claims,
  name: string,
  input: object,
  select: string,
  on: Pick<Api, 'url'> = api,
) {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const answer = await ask(
    on,
    claims,
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${select} userErrors { code message field } } }`,
    { input: { idempotencyKey: `${name} ${Math.random()}`, ...input } },
  );
  expect(answer.errors).toEqual([]);
  return answer.data[name];
}

async function activate(product: string, version?: string, from?: string) {
  const document = tariff(product, version, from);
  await change(ACTUARY, 'createTariffDraft', { document }, 'tariff { id }');
  const tariffId = `${document.id}@${document.version}`;
  return change(INSURER, 'activateTariff', { tariffId }, 'tariff { status }');
}

/** A policy over 2026 of ann's with a car and a device of its own. */
async function insure(number: string, product = 'p') {
  const made = await change(
    INSURER,
    'createPolicy',
    {
      number,
      product,
      jurisdiction: 'DE',
      timeZone: 'Europe/Berlin',
      startDate: '2026-01-01',
      endDate: '2027-01-01',
      driverExternalId: 'ann',
      vehicle: { externalId: `${number} car` },
    },
    'policy { number }',
  );
  expect(made.userErrors).toEqual([]);
  const device = await rows.addDevice(`${number} device ${++lastDevice}`, tenant);
  const { vehicle, driver } = await rows.one<{ vehicle: number; driver: number }>(
    `select (select id from vehicle where external_id = $1) as vehicle, (select id from driver where external_id = 'ann') as driver`,
    `${number} car`,
  );
  const assignment = await rows.addAssignment(tenant, device, driver, { vehicle });
  return (day: string, km: number, closed = true) =>
    rows.addTrip(tenant, device, {
      startedAt: `${day}T08:00:00Z`,
      endedAt: `${day}T09:00:00Z`,
      distanceM: km * 1000,
      closed,
      vehicle,
      driver,
      assignment,
    });
}

/** Everything in the log up to this instant is counted. */
async function readThrough(at: string) {
  await rows.owner.query(
    `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, $1)
     on conflict (topic, partition) do update set read_through = excluded.read_through`,
    [at],
  );
}

const issue = (policyNumber: string, from: string, to: string, on = api) =>
  change(INSURER, 'issueBill', { policyNumber, from, to }, BILL, on);
const adjust = (policyNumber: string) =>
  change(INSURER, 'adjustBills', { policyNumber }, ADJUSTMENT);
const tripIdOf = (id: number) => Buffer.from(JSON.stringify(['Trip', id])).toString('base64url');

async function preview(policyNumber: string, from: string, to: string) {
  const query = `query ($p: String!, $f: Date!, $t: Date!) { premium(policyNumber: $p, from: $f, to: $t) { total } }`;
  const answer = await ask(api, INSURER, query, { p: policyNumber, f: from, t: to });
  expect(answer.errors).toEqual([]);
  return answer.data.premium.total;
}

describe('a bill', () => {
  it('is not issued before anything was read, nor before its period is over where the policy is', async () => {
    await insure('P-1');
    await rows.owner.query('delete from sink_offset');
    const unread = await issue('P-1', '2026-03-01', '2026-04-01');
    expect(unread.userErrors).toMatchObject([{ code: 'WRONG_STATE' }]);
    await readThrough('2026-03-31T21:59:59Z');
    const early = await issue('P-1', '2026-03-01', '2026-04-01');
    expect(early.userErrors).toMatchObject([{ code: 'WRONG_STATE', field: ['to'] }]);
    expect(early.userErrors[0].message).toContain('2026-03-31 in Europe/Berlin');
    await readThrough('2026-03-31T22:00:00Z');
    const made = await issue('P-1', '2026-03-01', '2026-04-01');
    expect(made).toMatchObject({ userErrors: [], bill: { status: 'ISSUED', total: '31.00' } });
    const missing = await issue('P-none', '2026-03-01', '2026-04-01');
    expect(missing.userErrors).toMatchObject([{ code: 'NOT_FOUND', field: ['policyNumber'] }]);
    const outside = await issue('P-1', '2025-12-01', '2026-01-15');
    expect(outside.userErrors).toMatchObject([{ code: 'INVALID' }]);
  });

  it('keeps the trips that were over, as evidence, and is recalculated to the same bytes', async () => {
    const drive = await insure('P-2');
    await readThrough('2026-04-02T00:00:00Z');
    const first = await drive('2026-03-03', 100);
    await drive('2026-03-31', 40, false);
    const { bill } = await issue('P-2', '2026-03-01', '2026-04-01');
    expect(bill).toMatchObject({
      total: '41.00',
      trips: [{ tripId: tripIdOf(first), revision: 1 }],
      premium: { total: '41.00', tariff: { name: 'tariff-p@1' } },
    });
    const again = await change(
      INSURER,
      'recalculateBill',
      { billNumber: bill.number },
      'same bill { hash }',
    );
    expect(again).toEqual({ same: true, bill: { hash: bill.hash }, userErrors: [] });
  });

  it('is issued once for a period under concurrent calls to two servers, and numbers have no gap', async () => {
    const drive = await insure('P-3');
    await drive('2026-01-10', 10);
    await readThrough('2026-08-01T00:00:00Z');
    const months = ['01', '02', '03', '04'];
    const asked = await Promise.all(
      months.flatMap((month, i) =>
        [api, otherApi, api].map((on) => issue('P-3', `2026-${month}-01`, `2026-0${i + 2}-01`, on)),
      ),
    );
    const bills = asked.filter(({ bill }) => bill !== null);
    expect(bills).toHaveLength(4);
    const refused = asked.flatMap(({ userErrors }) => userErrors);
    expect(refused.map(({ code }) => code)).toEqual(Array(8).fill('OVERLAP'));
    const numbers = await rows.owner.query<{ number: string }>(
      'select number from bill order by id',
    );
    expect(numbers.rows.map(({ number }) => Number(number.slice(2)))).toEqual(
      numbers.rows.map((_, i) => i + 1),
    );
  });

  it('is the same bill if it is requested again with the same key', async () => {
    await insure('P-4');
    const input = {
      policyNumber: 'P-4',
      from: '2026-01-01',
      to: '2026-02-01',
      idempotencyKey: 'january of P-4',
    };
    const made = await change(INSURER, 'issueBill', input, 'bill { number }');
    const again = await change(INSURER, 'issueBill', input, 'bill { number }', otherApi);
    expect(again).toEqual(made);
    expect(made.bill.number).toMatch(/^B-\d{6}$/);
  });

  it('is issued once if a server is killed meanwhile and the request is repeated with the same key', async () => {
    const drive = await insure('P-9');
    await drive('2026-01-10', 70);
    const input = {
      policyNumber: 'P-9',
      from: '2026-01-01',
      to: '2026-02-01',
      idempotencyKey: 'january of P-9',
    };
    const child = startScript('src/cli/odograph.ts', ['api'], {
      env: plainEnv({ DATABASE_API_URL: database.apiUrl, AUTH_JWT_SECRET: SECRET, PORT: '0' }),
      cwd: makeFolder(),
    });
    const addressOf = () => /API is at (\S+)/.exec(child.stdout())?.[1];
    await until('the server answers', addressOf);
    const other = { url: addressOf() ?? '' };
    const counter = new pg.Client({ connectionString: database.ownerUrl });
    await counter.connect();
    await counter.query('begin');
    await counter.query('select from bill_number for update');
    const asked = change(INSURER, 'issueBill', input, 'bill { number }', other);
    const lost = expect(asked).rejects.toThrow();
    const waiting = () =>
      rows.one<{ n: number }>(
        `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
    await until('the bill waits for its number', async () => (await waiting()).n > 0);
    child.process.kill('SIGKILL');
    await lost;
    expect(await child.exited).toBeNull();
    const again = change(INSURER, 'issueBill', input, 'bill { number total } ');
    await counter.query('rollback');
    await counter.end();
    const made = await again;
    expect(made).toMatchObject({ userErrors: [], bill: { total: '38.00' } });
    expect(await change(INSURER, 'issueBill', input, 'bill { number total } ')).toEqual(made);
    const { numbers } = await rows.one<{ numbers: string[] }>(
      `select array_agg(b.number) as numbers from bill b join policy p on p.id = b.policy_id where p.number = 'P-9'`,
    );
    expect(numbers).toEqual([made.bill.number]);
  }, 60_000);

  it('is never rewritten: late trips become adjustments, and a credit note takes it back whole', async () => {
    const drive = await insure('P-5');
    await drive('2026-01-10', 100);
    const january = await issue('P-5', '2026-01-01', '2026-02-01');
    const february = await issue('P-5', '2026-02-01', '2026-03-01');
    const bytes = () =>
      rows.owner.query(`select number, document, hash from bill where kind = 'BILL' order by id`);
    const before = (await bytes()).rows;
    expect((await adjust('P-5')).adjustment).toBeNull();
    await drive('2026-01-20', 50);
    const late = (await adjust('P-5')).adjustment;
    expect(late).toMatchObject({ total: '5.00', premiumNow: '74.00', billed: '69.00' });
    expect(late.lines.map((line: { difference: string }) => line.difference)).toEqual([
      '5.00',
      '0.00',
    ]);
    expect((await adjust('P-5')).adjustment).toBeNull();
    await drive('2026-02-20', 20);
    expect((await adjust('P-5')).adjustment).toMatchObject({
      total: '2.00',
      adjustedBefore: '5.00',
    });
    expect((await bytes()).rows).toEqual(before);

    const credited = await change(
      INSURER,
      'creditBill',
      { billNumber: january.bill.number, reason: 'billed to the wrong account' },
      'creditNote { number total billed adjusted reason }',
    );
    expect(credited.creditNote).toMatchObject({
      total: '-46.00',
      billed: '41.00',
      adjusted: '5.00',
    });
    expect((await bytes()).rows).toEqual(before);
    const twice = await change(
      INSURER,
      'creditBill',
      { billNumber: january.bill.number, reason: 'again' },
      'creditNote { number }',
    );
    expect(twice.userErrors).toMatchObject([{ code: 'WRONG_STATE' }]);
    expect((await adjust('P-5')).adjustment).toBeNull();
    const anew = await issue('P-5', '2026-01-01', '2026-02-01');
    expect(anew.bill).toMatchObject({ status: 'ISSUED', total: '46.00' });
    const { data } = await ask(
      api,
      ANN,
      `{ policy(number: "P-5") { bills { number status adjustments { total } creditNote { total } }
         adjustments { number total text html } creditNotes { billNumber text html } } }`,
    );
    const [first, second] = data.policy.adjustments;
    expect(first.text).toMatch(/^20 January 2026 +0\.000 +50\.000$/m);
    expect(second.text).toMatch(/^20 February 2026 +0\.000 +20\.000$/m);
    expect(second.text).not.toContain('20 January 2026');
    expect(second.html).toContain(`<h1>Adjustment ${second.number}</h1>`);
    const [note] = data.policy.creditNotes;
    expect(note.text).toMatch(/^You get back +EUR 46\.00$/m);
    expect(note.html).toContain('billed to the wrong account');

    const env = { DATABASE_API_URL: database.apiUrl };
    const folder = makeFolder();
    const [shown, paged, missing] = await Promise.all([
      runCli(['bill', second.number, '--tenant', 'acme', '--html', `${folder}/page.html`], { env }),
      runCli(['bill', january.bill.number, '--tenant', 'acme', '--json'], { env }),
      runCli(['bill', january.bill.number], { env }),
    ]);
    expect(shown).toEqual({ code: 0, stdout: second.text, stderr: '' });
    expect(readFileSync(`${folder}/page.html`, 'utf8')).toBe(second.html);
    expect(`sha256:${createHash('sha256').update(paged.stdout).digest('hex')}`).toBe(
      january.bill.hash,
    );
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toContain('The tenant default has issued nothing');
    expect(data.policy.bills).toMatchObject([
      {
        number: january.bill.number,
        status: 'CREDITED',
        adjustments: [{ total: '5.00' }, { total: '2.00' }],
        creditNote: { total: '-46.00' },
      },
      { number: february.bill.number, status: 'ISSUED', creditNote: null },
      { number: anew.bill.number, status: 'ISSUED', adjustments: [] },
    ]);
  });

  it("is visible to the policy's own driver and to no other", async () => {
    const { bill } = await issue('P-5', '2026-03-01', '2026-04-01');
    const query = `query ($n: String!, $id: ID!) { bill(number: $n) { total document text html } node(id: $id) { id } }`;
    const variables = { n: bill.number, id: bill.id };
    const own = await ask(api, ANN, query, variables);
    expect(own.data).toMatchObject({ bill: { total: '31.00' }, node: { id: bill.id } });
    expect(own.data.bill.text).toContain(`Bill ${bill.number}\n`);
    expect(own.data.bill.html).toContain('<strong>EUR 31.00</strong>');
    for (const stranger of [BOB, { role: 'INSURER', tenant: 'other' } as const]) {
      const answer = await ask(api, stranger, query, variables);
      expect(answer).toMatchObject({ data: { bill: null, node: null }, errors: [] });
    }
    for (const role of ['ACTUARY', 'CLAIMS', 'OPERATOR'] as const) {
      const answer = await ask(api, { role, tenant: 'acme' }, query, variables);
      expect(answer.data).toEqual({ bill: null, node: null });
    }
  });
});

describe('a disputed trip', () => {
  it('is left out of premiums and adjustments until the dispute is rejected, and for ever if it is upheld', async () => {
    const drive = await insure('P-6');
    const trip = await drive('2026-05-10', 100);
    await rows.rollUp(trip);
    const { bill } = await issue('P-6', '2026-05-01', '2026-06-01');
    expect(bill.total).toBe('41.00');
    expect(await preview('P-6', '2026-05-01', '2026-06-01')).toBe('41.00');
    const dispute = (claims: Claims) =>
      change(
        claims,
        'disputeTrip',
        { policyNumber: 'P-6', tripId: tripIdOf(trip), reason: 'the car was on a lorry' },
        'dispute { id state reason trip { id } }',
      );
    const hidden = await dispute(BOB);
    expect(hidden.userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    const opened = await dispute(ANN);
    expect(opened.dispute).toMatchObject({ state: 'OPEN', trip: { id: tripIdOf(trip) } });
    expect((await dispute(ANN)).userErrors).toMatchObject([{ code: 'ALREADY_EXISTS' }]);
    expect(await preview('P-6', '2026-05-01', '2026-06-01')).toBe('31.00');
    expect((await adjust('P-6')).adjustment).toMatchObject({ total: '-10.00' });

    const settle = (disputeId: string, outcome: string) =>
      change(
        INSURER,
        'settleDispute',
        { disputeId, outcome, settlement: 'looked at the path' },
        'dispute { state settlement }',
      );
    const against = await settle(opened.dispute.id, 'REJECTED');
    expect(against.dispute).toEqual({ state: 'REJECTED', settlement: 'looked at the path' });
    expect((await settle(opened.dispute.id, 'UPHELD')).userErrors).toMatchObject([
      { code: 'WRONG_STATE' },
    ]);
    expect(await preview('P-6', '2026-05-01', '2026-06-01')).toBe('41.00');
    expect((await adjust('P-6')).adjustment).toMatchObject({ total: '10.00' });
    const reopened = await dispute(INSURER);
    await settle(reopened.dispute.id, 'UPHELD');
    expect((await adjust('P-6')).adjustment).toMatchObject({ total: '-10.00' });
    expect((await dispute(ANN)).userErrors).toMatchObject([{ code: 'ALREADY_EXISTS' }]);
    const { data } = await ask(
      api,
      ANN,
      '{ policy(number: "P-6") { disputes { state openedAt settledAt } } }',
    );
    expect(data.policy.disputes.map(({ state }: { state: string }) => state)).toEqual([
      'REJECTED',
      'UPHELD',
    ]);
  });

  it('stays disputed where late messages split or merge it, and takes nothing else with it', async () => {
    const drive = await insure('P-43');
    const trip = await drive('2026-05-10', 100);
    const other = await drive('2026-05-11', 30);
    for (const one of [trip, other]) await rows.rollUp(one);
    await issue('P-43', '2026-05-01', '2026-06-01');
    const input = {
      policyNumber: 'P-43',
      tripId: tripIdOf(trip),
      reason: 'the car was on a lorry',
    };
    const { dispute } = await change(ANN, 'disputeTrip', input, 'dispute { id }');
    expect((await adjust('P-43')).adjustment).toMatchObject({ total: '-10.00' });
    const sums =
      'select sum(distance_m)::int as m, count(*)::int as trips from trip where id = any($1)';

    // As a late "off" at 08:24 does: the later part is a trip of its own.
    const second = trip + 100_000;
    await rows.owner.query(
      `insert into trip select p.* from trip t cross join lateral jsonb_populate_record(null::trip, to_jsonb(t) || jsonb_build_object(
         'id', $2::bigint, 'started_at', t.started_at + interval '24 minutes', 'anchor_sec', t.anchor_sec + 1440, 'distance_m', 60000,
         'days', jsonb_set(t.days, '{0,distanceM}', '60000'))) as p where t.id = $1`,
      [trip, second],
    );
    await rows.owner.query(
      `update trip set distance_m = 40000, revision = 2, days = jsonb_set(days, '{0,distanceM}', '40000'), ended_at = started_at + interval '24 minutes',
         last_sec = anchor_sec + 1440 where id = $1`,
      [trip],
    );
    expect(await rows.one(sums, [trip, second])).toEqual({ m: 100_000, trips: 2 });
    expect((await adjust('P-43')).adjustment).toBeNull();
    expect(await preview('P-43', '2026-05-01', '2026-06-01')).toBe('34.00');
    const asked = `{ policy(number: "P-43") { disputes { leavesOut { tripId distanceKm whole } } } }`;
    const both = [
      { tripId: tripIdOf(trip), distanceKm: 40, whole: true },
      { tripId: tripIdOf(second), distanceKm: 60, whole: true },
    ];
    expect((await ask(api, ANN, asked)).data.policy.disputes).toEqual([{ leavesOut: both }]);
    const again = await change(
      ANN,
      'disputeTrip',
      { ...input, tripId: tripIdOf(second) },
      'dispute { id }',
    );
    expect(again.userErrors).toMatchObject([{ code: 'ALREADY_EXISTS' }]);

    // As late messages of the night do: the later part and the trip of the next day are one.
    await rows.owner.query('delete from trip where id = $1', [other]);
    await rows.owner.query(
      `update trip set last_sec = last_sec + 86400, ended_at = ended_at + interval '1 day', closes_at = closes_at + interval '1 day', distance_m = 90000,
         days = days || jsonb_build_array(jsonb_set(jsonb_set(days -> 0, '{localDate}', '"2026-05-11"'), '{distanceM}', '30000')) where id = $1`,
      [second],
    );
    await rows.owner.query(
      `delete from daily_total where vehicle_id = (select vehicle_id from trip where id = $1)`,
      [trip],
    );
    expect((await adjust('P-43')).adjustment).toBeNull();
    expect((await ask(api, ANN, asked)).data.policy.disputes).toEqual([
      { leavesOut: [both[0], { ...both[1], whole: false }] },
    ]);

    // The bill of another day makes an adjustment, which says what is left out.
    await drive('2026-05-20', 50);
    const told = await change(
      INSURER,
      'adjustBills',
      { policyNumber: 'P-43' },
      'adjustment { total text document }',
    );
    expect(told.adjustment.total).toBe('5.00');
    expect(told.adjustment.text.replace(/\s+/g, ' ')).toContain(
      `60.000 km of trip ${second} do not count: they belong to the disputed trip ${trip}`,
    );
    const settled = { disputeId: dispute.id, outcome: 'REJECTED', settlement: 'it was driven' };
    await change(INSURER, 'settleDispute', settled, 'dispute { state }');
    expect((await adjust('P-43')).adjustment).toMatchObject({ total: '10.00' });
    expect((await ask(api, ANN, asked)).data.policy.disputes).toEqual([{ leavesOut: [] }]);
  });

  it('must be one that the policy covers', async () => {
    const drive = await insure('P-7');
    const early = await drive('2025-12-30', 10);
    const made = await change(
      INSURER,
      'disputeTrip',
      { policyNumber: 'P-7', tripId: tripIdOf(early), reason: 'before the policy' },
      'dispute { id }',
    );
    expect(made.userErrors).toMatchObject([{ code: 'INVALID', field: ['tripId'] }]);
  });
});

describe('a policy cancelled from its first day', () => {
  it('costs nothing, and gives back what was billed', async () => {
    const drive = await insure('P-10');
    await drive('2026-05-10', 100);
    const { bill } = await issue('P-10', '2026-01-01', '2026-06-01');
    expect(bill.total).toBe('161.00');
    const input = { policyNumber: 'P-10', on: '2026-01-01', reason: 'never began' };
    const { policy } = await change(INSURER, 'cancelPolicy', input, 'policy { cancelledOn }');
    expect(policy).toEqual({ cancelledOn: '2026-01-01' });
    expect((await adjust('P-10')).adjustment).toMatchObject({
      total: '-161.00',
      premiumNow: '0.00',
    });
    const again = await issue('P-10', '2026-06-01', '2026-07-01');
    expect(again.userErrors).toMatchObject([{ code: 'INVALID' }]);
    expect(again.userErrors[0].message).toContain('cancelled from its first day, 2026-01-01');
  });
});

describe('a tariff with bills', () => {
  it('is neither retired nor followed by one that starts before a billed day', async () => {
    await activate('q');
    await insure('P-8', 'q');
    const { bill } = await issue('P-8', '2026-03-01', '2026-04-01');
    const retire = (tariffId: string) =>
      change(INSURER, 'retireTariff', { tariffId }, 'tariff { status }');
    const refused = await retire('tariff-q@1');
    expect(refused.userErrors).toMatchObject([{ code: 'WRONG_STATE' }]);
    expect(refused.userErrors[0].message).toContain(bill.number);
    const backdated = await activate('q', '2', '2026-03-31');
    expect(backdated.userErrors).toMatchObject([{ code: 'OVERLAP' }]);
    expect(backdated.userErrors[0].message).toContain('billed up to 2026-04-01');
    expect((await activate('q', '3', '2026-04-01')).tariff).toEqual({ status: 'ACTIVE' });
    expect((await retire('tariff-q@3')).tariff).toEqual({ status: 'RETIRED' });
    expect((await retire('tariff-q@3')).userErrors).toMatchObject([{ code: 'WRONG_STATE' }]);
    expect(await preview('P-8', '2026-04-01', '2026-05-01')).toBe('30.00');
    expect((await activate('q', '4', '2026-04-01')).tariff).toEqual({ status: 'ACTIVE' });
    const moved = await change(
      INSURER,
      'amendPolicy',
      { policyNumber: 'P-8', from: '2026-03-15', product: 'p' },
      'policy { product }',
    );
    expect(moved.userErrors).toMatchObject([{ code: 'WRONG_STATE', field: ['from'] }]);
  });
});

describe('what was issued, an active tariff and a settled dispute', () => {
  const statements = [
    `update bill set total = 0`,
    `update bill set document = '{}'`,
    `update bill set credited_by = null where credited_by is not null`,
    `delete from bill`,
    `truncate bill cascade`,
    `update tariff set document = '{}' where status = 'ACTIVE'`,
    `update tariff set status = 'DRAFT' where status = 'ACTIVE'`,
    `delete from tariff where status = 'ACTIVE'`,
    `update dispute set reason = 'other'`,
    `delete from dispute`,
  ];

  it('are protected by the database against each login, also through Prisma', async () => {
    const logins = [database.ownerUrl, database.sinkUrl, database.apiUrl];
    const snapshot = async () =>
      (
        await rows.owner.query(
          `select (select json_agg(b order by id) from bill b) as bills, (select json_agg(t order by id) from tariff t) as tariffs,
             (select json_agg(d order by id) from dispute d) as disputes`,
        )
      ).rows;
    const before = await snapshot();
    for (const url of logins) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(`select set_config('odograph.tenant', $1, false)`, [String(tenant)]);
      for (const statement of statements) {
        await expect(
          client.query(statement),
          `${statement} as ${new URL(url).username}`,
        ).rejects.toThrow(
          /never changed|permission denied|settled once|only its retirement|cannot be deleted|must be owner/,
        );
      }
      await client.end();
    }
    const store = openStore({ url: database.apiUrl, poolSize: 1 });
    await expect(
      store.prisma.$transaction(async (tx) => {
        await tx.$executeRaw`select set_config('odograph.tenant', ${String(tenant)}, true)`;
        await tx.bill.updateMany({ data: { total: 0 } });
      }),
    ).rejects.toThrow(/permission denied/);
    await expect(
      store.prisma.$transaction(async (tx) => {
        await tx.$executeRaw`select set_config('odograph.tenant', ${String(tenant)}, true)`;
        await tx.tariff.updateMany({ where: { status: 'ACTIVE' }, data: { document: '{}' } });
      }),
    ).rejects.toThrow(/constraint violated/);
    await store.close();
    expect(await snapshot()).toEqual(before);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Claims } from './client.ts';
import { ask, startTestApi } from './client.ts';
import type { Rows } from './rows.ts';
import { openRows } from './rows.ts';

const POLICIES = process.env['ODOGRAPH_LONG'] ? 250 : 6;
const MONTHS = ['01', '02', '03', '04'];
const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
const ACTUARY = { role: 'ACTUARY', tenant: 'acme' } as const;

/** Seven cents a kilometre and nothing else, so that the test can compute a bill without any engine. */
const TARIFF = {
  format: 'odograph.tariff/1',
  id: 'by-the-kilometre',
  version: '1',
  product: 'p',
  jurisdiction: 'DE',
  currency: 'EUR',
  effectiveFrom: '2020-01-01',
  rounding: { mode: 'HALF_UP', places: 2 },
  charges: [{ kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.07' }],
  factors: [],
  adjustments: [],
};

let database: TestDatabase;
let rows: Rows;
const apis: Api[] = [];
let tenant: number;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  apis.push(await startTestApi(database), await startTestApi(database));
  tenant = await rows.addTenant('acme');
  await rows.addDriver(tenant, 'ann');
  await change(ACTUARY, 'createTariffDraft', { document: TARIFF }, 'tariff { id }');
  await change(INSURER, 'activateTariff', { tariffId: 'by-the-kilometre@1' }, 'tariff { id }');
  await rows.owner.query(
    `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, '2026-06-01T00:00:00Z')`,
  );
});
afterAll(async () => {
  for (const api of apis) await api.stop();
  await rows.close();
  await database.drop();
});

let asked = 0;
async function change(claims: Claims, name: string, input: object, select: string) {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const answer = await ask(
    apis[asked++ % apis.length]!,
    claims,
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${select} userErrors { message } } }`,
    { input: { idempotencyKey: `${name} ${asked}`, ...input } },
  );
  expect(answer.errors).toEqual([]);
  expect(answer.data[name].userErrors).toEqual([]);
  return answer.data[name];
}

/** Runs an action for each of many items, eight at a time. */
async function each<Of>(all: readonly Of[], work: (one: Of) => Promise<void>) {
  const queue = [...all];
  const next = async (): Promise<void> => {
    const one = queue.pop();
    if (one === undefined) return;
    await work(one);
    await next();
  };
  await Promise.all(Array.from({ length: 8 }, next));
}

interface Insured {
  readonly number: string;
  readonly device: number;
  readonly vehicle: number;
  readonly driver: number;
  readonly assignment: number;
  /** Kilometres driven in each month. */
  readonly km: number[];
}

async function insure(number: string): Promise<Insured> {
  await change(
    INSURER,
    'createPolicy',
    {
      number,
      product: 'p',
      jurisdiction: 'DE',
      timeZone: 'UTC',
      startDate: '2026-01-01',
      endDate: '2027-01-01',
      driverExternalId: 'ann',
      vehicle: { externalId: `${number} car` },
    },
    'policy { number }',
  );
  const device = await rows.addDevice(`${number} device`, tenant);
  const { vehicle, driver } = await rows.one<{ vehicle: number; driver: number }>(
    `select (select id from vehicle where external_id = $1) as vehicle, (select id from driver where external_id = 'ann') as driver`,
    `${number} car`,
  );
  const assignment = await rows.addAssignment(tenant, device, driver, { vehicle });
  return { number, device, vehicle, driver, assignment, km: MONTHS.map(() => 0) };
}

async function drive(of: Insured, month: number, day: number, km: number) {
  const date = `2026-${MONTHS[month]}-${String(day).padStart(2, '0')}`;
  await rows.addTrip(tenant, of.device, {
    startedAt: `${date}T08:00:00Z`,
    endedAt: `${date}T09:00:00Z`,
    distanceM: km * 1000,
    vehicle: of.vehicle,
    driver: of.driver,
    assignment: of.assignment,
  });
  of.km[month] = (of.km[month] ?? 0) + km;
}

const euros = (km: number) => (Math.round(km * 7) / 100).toFixed(2);

describe(`${POLICIES * MONTHS.length} bills whose trips keep arriving`, () => {
  it(
    'keep every byte, and together with their adjustments equal the cost of all trips',
    { timeout: 900_000 },
    async () => {
      const book: Insured[] = [];
      for (let i = 0; i < POLICIES; i++) {
        const one = await insure(`P-${i}`);
        for (const month of MONTHS.keys()) await drive(one, month, 5, 10 + ((i * 7 + month) % 90));
        book.push(one);
      }
      await each(book, async ({ number, km }) => {
        for (const [i, month] of MONTHS.entries()) {
          const to = `2026-0${i + 2}-01`;
          const input = { policyNumber: number, from: `2026-${month}-01`, to };
          const { bill } = await change(INSURER, 'issueBill', input, 'bill { total }');
          expect(bill.total).toBe(euros(km[i] ?? 0));
        }
      });
      const read = async () =>
        (
          await rows.owner.query<{ number: string; document: string; hash: string }>(
            `select number, document, hash from bill where kind = 'BILL' order by id`,
          )
        ).rows;
      const issued = await read();
      expect(issued).toHaveLength(POLICIES * MONTHS.length);

      for (const round of [0, 1]) {
        for (const [i, one] of book.entries()) {
          if ((i + round) % 3 > 0) await drive(one, (i + round) % 4, 11 + round, 1 + (i % 40));
        }
        const totals = new Map<string, string>();
        await each(book, async ({ number }) => {
          const input = { policyNumber: number, idempotencyKey: `round ${round} of ${number}` };
          const made = await change(
            INSURER,
            'adjustBills',
            input,
            'adjustment { total premiumNow }',
          );
          if (made.adjustment) totals.set(number, made.adjustment.total);
        });
        for (const [i, { number }] of book.entries()) {
          const late = (i + round) % 3 > 0 ? euros(1 + (i % 40)) : undefined;
          expect(totals.get(number), `${number}, round ${round}`).toBe(late);
        }
      }

      expect(await read()).toEqual(issued);
      const sums = await rows.owner.query<{ number: string; sum: string }>(
        `select p.number, sum(b.total)::text as sum from bill b join policy p on p.id = b.policy_id group by p.number`,
      );
      const sumOf = new Map(sums.rows.map(({ number, sum }) => [number, sum]));
      for (const { number, km } of book) {
        expect(sumOf.get(number), number).toBe(euros(km.reduce((sum, of) => sum + of, 0)));
      }
      await each(issued, async ({ number }) => {
        const again = await change(INSURER, 'recalculateBill', { billNumber: number }, 'same');
        expect(again.same).toBe(true);
      });
    },
  );
});

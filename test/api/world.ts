import type { Api } from '../../src/api/server.ts';
import type { Claims } from './client.ts';
import { ask } from './client.ts';
import type { Rows } from './rows.ts';

/** External ids of a tenant's objects. Each starts with the tenant's slug. */
export interface Belongings {
  readonly tenant: string;
  readonly driver: string;
  readonly device: string;
  readonly vehicle: string;
  readonly policy: string;
  readonly bill: string;
  readonly tariff: string;
  readonly subject: string;
}

const DAY_MS = 86_400_000;
const dayBefore = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);

let orders = 0;

/** Runs a mutation as an insurer, and fails if it was refused. */
async function order(api: Api, claims: Claims, mutation: string, input: object, select: string) {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const { data, errors } = await ask(
    api,
    claims,
    `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${select} userErrors { message } } }`,
    { input: { idempotencyKey: `${mutation} ${++orders}`, ...input } },
  );
  const faults = [...errors, ...(data?.[mutation]?.userErrors ?? [])];
  if (faults.length > 0) throw new Error(`${mutation}: ${JSON.stringify(faults)}`);
  return data[mutation];
}

/** The tariff by which a tenant's policies are billed. */
export async function fillTenant(api: Api, rows: Rows, tenant: string): Promise<number> {
  const ref = await rows.addTenant(tenant);
  const document = {
    format: 'odograph.tariff/1',
    id: `${tenant}-tariff`,
    version: '1',
    product: `${tenant}-product`,
    jurisdiction: 'DE',
    currency: 'EUR',
    effectiveFrom: '2020-01-01',
    rounding: { mode: 'HALF_UP', places: 2 },
    charges: [{ kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.10' }],
    factors: [],
    adjustments: [],
  };
  await order(api, { role: 'ACTUARY', tenant }, 'createTariffDraft', { document }, '');
  await order(
    api,
    { role: 'INSURER', tenant },
    'activateTariff',
    { tariffId: `${tenant}-tariff@1` },
    '',
  );
  await rows.owner.query(
    `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, now())
     on conflict (topic, partition) do update set read_through = excluded.read_through`,
  );
  return ref;
}

/**
 * One of each object for a driver of a tenant: a device that was driven and one without a
 * driver, trips with driving events, a policy that was amended, bills, an adjustment, a credit
 * note and a dispute.
 */
export async function fillDriver(
  api: Api,
  rows: Rows,
  tenant: string,
  tenantRef: number,
  name: string,
): Promise<Belongings> {
  const insurer: Claims = { role: 'INSURER', tenant, sub: `${tenant}-${name}-clerk` };
  const mine = `${tenant}-${name}`;
  const belongings = {
    tenant,
    driver: mine,
    device: `${mine}-device`,
    vehicle: `${mine}-car`,
    policy: `${mine}-policy`,
    tariff: `${tenant}-tariff@1`,
    subject: `${mine}-subject`,
  };
  await order(api, insurer, 'registerDriver', { externalId: mine, name: mine }, '');
  await order(
    api,
    insurer,
    'createPolicy',
    {
      number: belongings.policy,
      product: `${tenant}-product`,
      jurisdiction: 'DE',
      timeZone: 'UTC',
      startDate: '2026-01-01',
      endDate: '2027-01-01',
      driverExternalId: mine,
      vehicle: { externalId: belongings.vehicle, attributes: { plate: mine } },
      ratingFactors: { territory: mine },
      facts: [{ name: 'age', value: mine, driverExternalId: mine }],
    },
    '',
  );
  const device = await rows.addDevice(belongings.device, tenantRef);
  const spare = await rows.addDevice(`${mine}-spare`, tenantRef);
  await rows.client.query(
    `insert into left_out_field values ($1, 'headingDeg', 'OUT_OF_RANGE', 2, '2026-01-10T08:00:00Z', '2026-01-11T08:00:00Z', '683.16')`,
    [device],
  );
  const { driver, vehicle } = await rows.one<{ driver: number; vehicle: number }>(
    'select (select id from driver where external_id = $1) as driver, (select id from vehicle where external_id = $2) as vehicle',
    mine,
    belongings.vehicle,
  );
  const assignment = await rows.addAssignment(tenantRef, device, driver, { vehicle });
  const drive = async (on: number, day: string, km: number, closed = true, end = '09:00') => {
    const startedAt = `${day}T08:00:00Z`;
    const endedAt = `${day}T${end}:00Z`;
    const whose = on === device ? { driver, vehicle, assignment } : {};
    await rows.addEvents(on, [{ at: startedAt }, { at: `${day}T08:30:00Z` }, { at: endedAt }]);
    const seed = { startedAt, endedAt, distanceM: km * 1000, closed, ...whose };
    const id = await rows.addTrip(tenantRef, on, seed);
    await rows.addDrivingEvent(
      tenantRef,
      on,
      startedAt,
      `${day}T08:30:00Z`,
      on === device ? driver : null,
    );
    if (closed && on === device) await rows.rollUp(id);
    return id;
  };
  await drive(spare, '2026-01-09', 10);
  const trip = await drive(device, '2026-01-10', 100);
  const bill = 'bill { number }';
  const policyNumber = belongings.policy;
  const january = { policyNumber, from: '2026-01-01', to: '2026-02-01' };
  const first = await order(api, insurer, 'issueBill', january, bill);
  const february = { policyNumber, from: '2026-02-01', to: '2026-03-01' };
  const second = await order(api, insurer, 'issueBill', february, bill);
  await drive(device, '2026-01-20', 50);
  await order(api, insurer, 'adjustBills', { policyNumber }, '');
  await order(
    api,
    insurer,
    'creditBill',
    { billNumber: second.bill.number, reason: `${mine} was billed by mistake` },
    '',
  );
  const tripId = Buffer.from(JSON.stringify(['Trip', trip])).toString('base64url');
  const disputed = { policyNumber, tripId, reason: `${mine} did not drive` };
  await order(api, insurer, 'disputeTrip', disputed, '');
  await order(
    api,
    insurer,
    'amendPolicy',
    {
      policyNumber,
      from: '2026-06-01',
      facts: [{ name: 'territory', value: `${mine}-moved` }],
      reason: `${mine} moved`,
    },
    '',
  );
  // Enough recent kilometres for a score, without a break; this trip is still open.
  await drive(device, dayBefore(2), 500, false, '14:00');
  return { ...belongings, bill: first.bill.number };
}

import type pg from 'pg';
import { connectOwner } from '../session.ts';
import { fieldsOf } from '../../core/premium/exact/csv.ts';

/** A line of a file of claims, counted from 1. */
export interface ClaimLine {
  readonly line: number;
  readonly text: string;
}

export interface RefusedClaim {
  readonly line: number;
  /** Stable. */
  readonly code: string;
  readonly message: string;
}

export interface KeptClaims {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly refused: readonly RefusedClaim[];
}

export interface Claims {
  /** The file's first line: which columns it has, in which order. */
  readHeading(text: string): void;
  /** Keeps claims in one transaction; those that cannot be kept are told and hold nothing up. */
  keep(lines: readonly ClaimLine[]): Promise<KeptClaims>;
  close(): Promise<void>;
}

const COLUMNS = [
  'claimNumber',
  'policyNumber',
  'occurredOn',
  'amount',
  'currency',
  'vehicleId',
  'driverId',
] as const;
type Column = (typeof COLUMNS)[number];
const REQUIRED: readonly Column[] = [
  'claimNumber',
  'policyNumber',
  'occurredOn',
  'amount',
  'currency',
];

/** The form of each column, and its description for people. */
const FORMS: Readonly<Record<Column, readonly [RegExp, string]>> = {
  claimNumber: [/^[^\0]{1,200}$/, '1 to 200 characters'],
  policyNumber: [/^[^\0]{1,200}$/, '1 to 200 characters'],
  occurredOn: [/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'a date such as 2026-03-14'],
  amount: [/^\d{1,14}(\.\d{1,4})?$/, 'an amount such as 1234.56, not negative'],
  currency: [/^[A-Z]{3}$/, 'a code of ISO 4217 such as EUR'],
  vehicleId: [/^[^\0]{0,200}$/, 'at most 200 characters'],
  driverId: [/^[^\0]{0,200}$/, 'at most 200 characters'],
};

/** Whether a file's heading is that of claims. */
export function isClaimTable(heading: string): boolean {
  const names = fieldsOf(heading);
  return REQUIRED.every((name) => names.includes(name));
}

type Fields = Record<Column, string>;

/** One of a batch as the database judged it. */
interface Judged {
  readonly line: number;
  readonly policy: number | null;
  readonly covered: boolean;
  readonly vehicleKnown: boolean;
  readonly driverKnown: boolean;
}

/**
 * Opens a tenant's claims.
 * @param url the owner's login
 */
export async function openClaims(url: string, tenant: string): Promise<Claims | 'UNKNOWN_TENANT'> {
  const client = await connectOwner(url);
  const { rows } = await client.query<{ id: number }>('select id from tenant where slug = $1', [
    tenant,
  ]);
  const tenantRef = rows[0]?.id;
  if (tenantRef === undefined) {
    await client.end();
    return 'UNKNOWN_TENANT';
  }
  let names: readonly string[] = [];
  return {
    readHeading: (text) => {
      names = fieldsOf(text.replace(/^\uFEFF/, ''));
    },
    keep: (lines) => keepClaims(client, tenantRef, names, lines),
    close: () => client.end(),
  };
}

async function keepClaims(
  client: pg.Client,
  tenantRef: number,
  names: readonly string[],
  lines: readonly ClaimLine[],
): Promise<KeptClaims> {
  const refused: RefusedClaim[] = [];
  const good = new Map<number, Fields>();
  const seen = new Map<string, number>();
  for (const { line, text } of lines) {
    const fields = readFields(names, text);
    if (typeof fields === 'string') {
      refused.push({ line, code: 'BAD_LINE', message: fields });
      continue;
    }
    // Of two lines about one claim the later holds.
    const earlier = seen.get(fields.claimNumber);
    if (earlier !== undefined) good.delete(earlier);
    seen.set(fields.claimNumber, line);
    good.set(line, fields);
  }
  const batch = JSON.stringify([...good].map(([line, fields]) => ({ line, ...fields })));
  await client.query('begin');
  try {
    const { rows: judged } = await client.query<Judged>(JUDGE, [tenantRef, batch]);
    for (const row of judged) {
      const fields = good.get(row.line);
      const fault = fields && faultOf(row, fields);
      if (fault) {
        refused.push({ line: row.line, ...fault });
        good.delete(row.line);
      }
    }
    const rest = JSON.stringify([...good].map(([line, fields]) => ({ line, ...fields })));
    const { rows: kept } = await client.query<{ added: boolean }>(KEEP, [tenantRef, rest]);
    await client.query('commit');
    const added = kept.filter((row) => row.added).length;
    return {
      added,
      changed: kept.length - added,
      unchanged: good.size - kept.length,
      refused: refused.sort((a, b) => a.line - b.line),
    };
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** The fields of a line, or what is wrong with it. */
function readFields(names: readonly string[], text: string): Fields | string {
  const values = fieldsOf(text);
  if (values.length !== names.length) {
    return `it has ${values.length} fields, the heading has ${names.length}`;
  }
  const fields = Object.fromEntries(
    COLUMNS.map((column) => [column, values[names.indexOf(column)] ?? '']),
  ) as Fields;
  for (const column of COLUMNS) {
    const [form, said] = FORMS[column];
    if (!form.test(fields[column])) {
      return `${column} is ${JSON.stringify(fields[column])}; it must be ${said}`;
    }
  }
  return isNaN(Date.parse(`${fields.occurredOn}T00:00:00Z`)) ||
    new Date(`${fields.occurredOn}T00:00:00Z`).toISOString().slice(0, 10) !== fields.occurredOn
    ? `occurredOn is "${fields.occurredOn}"; there is no such day`
    : fields;
}

function faultOf(row: Judged, fields: Fields): Omit<RefusedClaim, 'line'> | undefined {
  if (row.policy === null) {
    return { code: 'UNKNOWN_POLICY', message: `there is no policy ${fields.policyNumber}` };
  }
  if (!row.covered) {
    return {
      code: 'NOT_COVERED',
      message: `policy ${fields.policyNumber} was not in force on ${fields.occurredOn}`,
    };
  }
  if (!row.vehicleKnown) {
    return {
      code: 'UNKNOWN_VEHICLE',
      message: `policy ${fields.policyNumber} did not cover the vehicle ${fields.vehicleId} on ${fields.occurredOn}`,
    };
  }
  if (!row.driverKnown) {
    return { code: 'UNKNOWN_DRIVER', message: `there is no driver ${fields.driverId}` };
  }
  return undefined;
}

const BATCH = `select * from jsonb_to_recordset($2::jsonb) as c(line int, "claimNumber" text, "policyNumber" text,
  "occurredOn" date, amount numeric, currency text, "vehicleId" text, "driverId" text)`;
const FOUND = `from (${BATCH}) as c
  left join policy p on p.tenant_id = $1 and p.number = c."policyNumber"
  left join vehicle v on v.tenant_id = $1 and v.external_id = c."vehicleId"
  left join driver d on d.tenant_id = $1 and d.external_id = c."driverId"`;
const JUDGE = `select c.line, p.id as policy,
    coalesce(c."occurredOn" >= p.start_date and c."occurredOn" < coalesce(p.cancelled_on, p.end_date), false) as covered,
    c."vehicleId" = '' or exists (select from policy_vehicle pv where pv.policy_id = p.id and pv.vehicle_id = v.id
      and c."occurredOn" >= pv.from_date and c."occurredOn" < pv.to_date) as "vehicleKnown",
    c."driverId" = '' or d.id is not null as "driverKnown" ${FOUND}`;
const KEEP = `insert into claim (tenant_id, number, policy_id, vehicle_id, driver_id, occurred_on, amount, currency)
  select $1, c."claimNumber", p.id, v.id, d.id, c."occurredOn", c.amount, c.currency ${FOUND}
  on conflict (tenant_id, number) do update set policy_id = excluded.policy_id, vehicle_id = excluded.vehicle_id,
    driver_id = excluded.driver_id, occurred_on = excluded.occurred_on, amount = excluded.amount, currency = excluded.currency,
    changed_at = clock_timestamp()
  where (claim.policy_id, claim.vehicle_id, claim.driver_id, claim.occurred_on, claim.amount, claim.currency)
    is distinct from (excluded.policy_id, excluded.vehicle_id, excluded.driver_id, excluded.occurred_on, excluded.amount, excluded.currency)
  returning (xmax = 0) as added`;

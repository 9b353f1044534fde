import type pg from 'pg';
import { connectOwner } from '../session.ts';

/** A claim as a file has it, checked by itself. */
export interface Claim {
  /** Where it is in the file, counted from 1. */
  readonly line: number;
  readonly claimNumber: string;
  readonly policyNumber: string;
  /** YYYY-MM-DD. */
  readonly occurredOn: string;
  /** Decimal text; negative for a recovery. */
  readonly amount: string;
  readonly currency: string;
  /** '' where none is named. */
  readonly vehicleId: string;
  readonly driverId: string;
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
  /** Stores claims in one transaction; those that do not fit the policies are returned as refused. */
  keep(claims: readonly Claim[]): Promise<KeptClaims>;
  close(): Promise<void>;
}

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
  return {
    keep: (claims) => keepClaims(client, tenantRef, claims),
    close: () => client.end(),
  };
}

async function keepClaims(
  client: pg.Client,
  tenantRef: number,
  claims: readonly Claim[],
): Promise<KeptClaims> {
  const refused: RefusedClaim[] = [];
  // Of two lines about one claim the later applies.
  const last = new Map(claims.map((claim) => [claim.claimNumber, claim]));
  const good = new Map([...last.values()].map((claim) => [claim.line, claim]));
  const batch = JSON.stringify([...good.values()]);
  await client.query('begin');
  try {
    const { rows: judged } = await client.query<Judged>(JUDGE, [tenantRef, batch]);
    for (const row of judged) {
      const claim = good.get(row.line);
      const fault = claim && faultOf(row, claim);
      if (fault) {
        refused.push({ line: row.line, ...fault });
        good.delete(row.line);
      }
    }
    const rest = JSON.stringify([...good.values()]);
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

function faultOf(row: Judged, claim: Claim): Omit<RefusedClaim, 'line'> | undefined {
  if (row.policy === null) {
    return { code: 'UNKNOWN_POLICY', message: `the tenant has no policy ${claim.policyNumber}` };
  }
  if (!row.covered) {
    return {
      code: 'NOT_COVERED',
      message: `policy ${claim.policyNumber} was not in force on ${claim.occurredOn}`,
    };
  }
  if (!row.vehicleKnown) {
    return {
      code: 'UNKNOWN_VEHICLE',
      message: `policy ${claim.policyNumber} did not cover the vehicle ${claim.vehicleId} on ${claim.occurredOn}`,
    };
  }
  if (!row.driverKnown) {
    return { code: 'UNKNOWN_DRIVER', message: `the tenant has no driver ${claim.driverId}` };
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

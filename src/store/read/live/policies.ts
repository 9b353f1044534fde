import { Prisma } from '../../generated/client.ts';
import type { PolicyRow } from '../policies.ts';
import { POLICY_COLUMNS } from '../policies.ts';
import type { Span } from './changes.ts';
import { isIn, spanFrom, toSpan } from './changes.ts';
import type { LiveQuery } from './connection.ts';

/** A policy that may cost something else now. */
export interface RepricedPolicy {
  readonly policy: PolicyRow;
  readonly tenant: string;
  /** External ids of the drivers whom it names at any time. */
  readonly drivers: readonly string[];
}

type RawPolicy = { readonly up_to: string; readonly more: boolean } & (
  | (PolicyRow & { readonly tenant: string; readonly drivers: readonly string[] })
  | { readonly ref: null }
);

/**
 * Which of some policies may cost something else since a transaction: trips of their vehicles changed, the policies
 * themselves or their disputes, or a tariff of their products.
 */
export async function readRepricedPolicies(
  query: LiveQuery,
  policies: readonly { readonly tenant: string; readonly number: string }[],
  since: bigint,
): Promise<Span<RepricedPolicy>> {
  const [p, t, r, f] = ['p', 't', 'r', 'f'].map((alias) => isIn(Prisma.raw(alias)));
  const rows = await query<RawPolicy>(
    'repriced policies',
    Prisma.sql`
    with ${spanFrom(since)},
    driven as materialized (
      select t.vehicle_id from named join trip t on t.device_id = named.device_id, span where ${t!}
      union
      select (r.facts->>'vehicle_id')::int from named join trip_revision r on r.device_id = named.device_id, span where ${r!})
    select span.up_to::text, span.more, c.* from span left join lateral (
      select q.*, w.tenant,
        array(select v.external_id from policy_driver d join driver v on v.id = d.driver_id where d.policy_id = p.id) as drivers
      from unnest(${policies.map(({ tenant }) => tenant)}::text[], ${policies.map(({ number }) => number)}::text[]) as w(tenant, number)
        join tenant n on n.slug = w.tenant join policy p on p.tenant_id = n.id and p.number = w.number
        cross join lateral (select ${POLICY_COLUMNS} from policy where policy.id = p.id) as q
      where (${p!})
        or exists (select from policy_vehicle v join driven d on d.vehicle_id = v.vehicle_id where v.policy_id = p.id)
        or exists (select from policy_product o join tariff f on f.tenant_id = p.tenant_id and f.product = o.product
          and f.jurisdiction = o.jurisdiction where o.policy_id = p.id and ${f!})) as c on true`,
  );
  return toSpan(since, rows, (row) => {
    if (row.ref === null) return undefined;
    const { up_to: _, more: __, tenant, drivers, ...policy } = row;
    return { policy, tenant, drivers };
  });
}

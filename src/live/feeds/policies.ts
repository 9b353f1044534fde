import type { Span } from '../../store/read/live/changes.ts';
import type { LiveQuery } from '../../store/read/live/connection.ts';
import type { RepricedPolicy } from '../../store/read/live/policies.ts';
import { readRepricedPolicies } from '../../store/read/live/policies.ts';
import type { PolicyRow } from '../../store/read/policies.ts';
import type { ChangeReads, Topics } from './change-feed.ts';

export interface Repriced {
  readonly policy: PolicyRow;
  readonly horizon: string;
}

/** A policy that may cost something else, with what its followers are sent of it. */
export interface PolicyChange extends RepricedPolicy {
  readonly upTo: bigint;
  readonly repriced: Repriced;
}

export const policyReads: ChangeReads<PolicyChange> = {
  read: readPoliciesOf,
  topicsOf: ({ tenant, policy }) => [policyTopic(tenant, policy.number)],
  changedIn: ({ upTo }) => upTo,
};

async function readPoliciesOf(
  query: LiveQuery,
  since: bigint,
  topics: Topics,
): Promise<Span<PolicyChange>> {
  const policies = [...topics.keys()].map((topic) => {
    const [tenant, number] = JSON.parse(topic) as [string, string];
    return { tenant, number };
  });
  const span = await readRepricedPolicies(query, policies, since);
  const { upTo } = span;
  const rows = span.rows.map((row) => ({
    ...row,
    upTo,
    repriced: { policy: row.policy, horizon: String(upTo) },
  }));
  return { ...span, rows };
}

export function policyTopic(tenant: string, number: string): string {
  return JSON.stringify([tenant, number]);
}

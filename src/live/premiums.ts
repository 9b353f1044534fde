import type { Transaction } from '../store/transaction.ts';
import type { ChangePlace, Changes } from '../store/read/changes.ts';
import { readRepricedPolicies } from '../store/read/changes.ts';
import type { PolicyRow } from '../store/read/policies.ts';
import { readPolicy } from '../store/read/policies.ts';
import type { ChangeStream } from './changes.ts';
import type { PolicyChange, Repriced } from './feeds/policies.ts';
import { policyTopic } from './feeds/policies.ts';
import { reaches } from './reach.ts';

/** A policy that may cost something else now. */
export interface PremiumUpdate {
  readonly cursor: string;
  readonly policy: PolicyRow;
}

/** One message for all that changed since the last; its premium is worked out when it is answered. */
export const updatedPremiums: ChangeStream<
  { readonly policyNumber: string },
  PolicyChange,
  Repriced,
  PremiumUpdate
> = {
  name: 'premiums',
  feedOf: ({ policies }) => policies,
  topicOf: ({ policyNumber }, { tenant }) => policyTopic(tenant ?? '', policyNumber),
  pick: ({ tenant, drivers, repriced }, reader) => {
    const { driver } = reader;
    const isNamed = driver === null || drivers.includes(driver);
    return isNamed && reaches(reader, { tenant, driver }) ? repriced : undefined;
  },
  mayHear: async (tx, { policyNumber }) => (await readPolicy(tx, policyNumber)) !== null,
  read: readRepriced,
  readPresent: async (tx, { policyNumber }) => {
    const policy = await readPolicy(tx, policyNumber);
    return policy === null ? [] : [{ policy, horizon: '0' }];
  },
  placeOf: ({ horizon }) => ({ xid: horizon, key: [] }),
  stateOf: () => 'premium',
  toMessage: ({ policy }, cursor) => ({ cursor, policy }),
};

async function readRepriced(
  tx: Transaction,
  { policyNumber }: { readonly policyNumber: string },
  after: ChangePlace,
): Promise<Changes<Repriced>> {
  const { horizon, rows } = await readRepricedPolicies(tx, [policyNumber], after);
  const policy = rows.length === 0 ? null : await readPolicy(tx, policyNumber);
  return { horizon, rows: policy === null ? [] : [{ policy, horizon }] };
}

import type { Transaction } from '../store/open.ts';
import type { ChangePlace, Changes } from '../store/read/changes.ts';
import { readRepricedPolicies } from '../store/read/changes.ts';
import type { PolicyRow } from '../store/read/policies.ts';
import { readPolicy } from '../store/read/policies.ts';
import type { ChangeStream } from './changes.ts';

/** A policy that may cost something else now. */
export interface PremiumUpdate {
  readonly cursor: string;
  readonly policy: PolicyRow;
}

interface Repriced {
  readonly policy: PolicyRow;
  readonly horizon: string;
}

/** One message for all that changed since the last; its premium is worked out when it is answered. */
export const updatedPremiums: ChangeStream<
  { readonly policyNumber: string },
  Repriced,
  PremiumUpdate
> = {
  name: 'premiums',
  interestOf: ({ policyNumber }, { tenant }) => ({ of: 'premium', tenant, policyNumber }),
  mayHear: async (tx, { policyNumber }) => (await readPolicy(tx, policyNumber)) !== null,
  read: readRepriced,
  placeOf: ({ horizon }) => ({ xid: horizon, key: [] }),
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

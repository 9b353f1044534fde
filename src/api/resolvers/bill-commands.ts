import { readBills } from '../../store/read/bills.ts';
import { readDisputes } from '../../store/read/disputes.ts';
import type { Transaction } from '../../store/transaction.ts';
import { adjustBills, creditBill } from '../../store/write/adjustments.ts';
import { issueBill, recalculateBill } from '../../store/write/bills.ts';
import { disputeTrip, settleDispute } from '../../store/write/disputes.ts';
import { refuse } from '../../store/write/once.ts';
import type { Resolvers } from '../generated/schema.ts';
import { parseGlobalId } from '../ids.ts';
import { perform } from './perform.ts';

const MAX_TEXT = 500;

export const billCommands: Resolvers = {
  Mutation: {
    issueBill: async (_, { input }, context) => {
      const { subject } = context.identity;
      const { row, userErrors } = await perform(
        context,
        'issueBill',
        input,
        (tx, tenantRef) =>
          issueBill(tx, { tenantRef, subject }, input.policyNumber, input.from, input.to),
        readIssued,
      );
      return { bill: row, userErrors };
    },
    recalculateBill: async (_, { input }, context) => {
      const { subject } = context.identity;
      const { row, userErrors } = await perform(
        context,
        'recalculateBill',
        input,
        (tx, tenantRef) => recalculateBill(tx, { tenantRef, subject }, input.billNumber),
        async (tx, { ref, same }) => ({ bill: await readIssued(tx, ref), same }),
      );
      return { bill: row?.bill ?? null, same: row?.same ?? null, userErrors };
    },
    adjustBills: async (_, { input }, context) => {
      const { subject } = context.identity;
      const { row, userErrors } = await perform(
        context,
        'adjustBills',
        input,
        (tx, tenantRef) => adjustBills(tx, { tenantRef, subject }, input.policyNumber),
        (tx, ref) => (ref === null ? Promise.resolve(null) : readIssued(tx, ref)),
      );
      return { adjustment: row, userErrors };
    },
    creditBill: async (_, { input }, context) => {
      const { subject } = context.identity;
      const { row, userErrors } = await perform(
        context,
        'creditBill',
        input,
        (tx, tenantRef) => {
          checkText(input.reason, 'reason');
          return creditBill(tx, { tenantRef, subject }, input.billNumber, input.reason);
        },
        readIssued,
      );
      return { creditNote: row, userErrors };
    },
    disputeTrip: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'disputeTrip',
        input,
        (tx, tenant) => {
          checkText(input.reason, 'reason');
          return disputeTrip(tx, tenant, context.identity.subject, {
            policyNumber: input.policyNumber,
            tripRef: toRef(input.tripId, 'Trip', 'tripId'),
            reason: input.reason,
          });
        },
        async (tx, ref) => (await readDisputes(tx, [ref]))[0],
      );
      return { dispute: row, userErrors };
    },
    settleDispute: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'settleDispute',
        input,
        (tx) => {
          checkText(input.settlement, 'settlement');
          return settleDispute(tx, context.identity.subject, {
            disputeRef: toRef(input.disputeId, 'Dispute', 'disputeId'),
            outcome: input.outcome,
            settlement: input.settlement,
          });
        },
        async (tx, ref) => (await readDisputes(tx, [ref]))[0],
      );
      return { dispute: row, userErrors };
    },
  },
};

async function readIssued(tx: Transaction, ref: number) {
  return (await readBills(tx, [ref]))[0];
}

function checkText(text: string, field: string): void {
  if (text.trim().length === 0 || text.length > MAX_TEXT) {
    refuse('INVALID', `${field} must have 1 to ${MAX_TEXT} characters.`, field);
  }
}

function toRef(id: string, type: 'Trip' | 'Dispute', field: string): number {
  const parsed = parseGlobalId(id);
  const ref = Number(parsed?.key[0]);
  const known = type === 'Trip' ? Number.isSafeInteger(ref) : ref < 2 ** 31;
  return parsed?.type === type && known
    ? ref
    : refuse('NOT_FOUND', `${field} is the id of no ${type.toLowerCase()}.`, field);
}

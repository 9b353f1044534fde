import type { BillAdjustment, CreditNote } from '../../core/premium/bills/adjustment.ts';
import type { Bill } from '../../core/premium/bills/bill.ts';
import { statementHtml } from '../../core/premium/bills/html.ts';
import { issuedStatement, type IssuedDocument } from '../../core/premium/bills/issued-statement.ts';
import type { Statement } from '../../core/premium/bills/statement.ts';
import { statementText } from '../../core/premium/bills/text.ts';
import type { BillRow } from '../../store/read/bills.ts';
import type { PolicyRow } from '../../store/read/policies.ts';
import type { Context } from '../context.ts';
import type { Resolvers } from '../generated/schema.ts';
import { toGlobalId } from '../ids.ts';
import { ofKind } from './nodes.ts';
import { toPremium } from './premiums.ts';

export const bills: Resolvers = {
  Query: {
    bill: async (_, { number }, { loaders }) =>
      ofKind('BILL', await loaders.billByNumber.load(number)),
  },
  Bill: {
    id: ({ ref }) => toGlobalId('Bill', ref),
    status: ({ creditNoteRef }) => (creditNoteRef === null ? 'ISSUED' : 'CREDITED'),
    policy: ({ policyRef }, _, context) => loadPolicy(context, policyRef),
    premium: async (row, _, context) => {
      const { premium } = await loadDocument<Bill>(context, row);
      const tariff = await context.loaders.tariff.load(row.tariffName ?? '');
      if (tariff === null) throw new Error(`the tariff of bill ${row.number} is missing`);
      return toPremium(premium, tariff, row.cutOff.getTime());
    },
    trips: async (row, _, context) => [...(await loadDocument<Bill>(context, row)).trips],
    adjustments: async ({ policyRef, number }, _, context) => {
      const issued = await loadIssued(context, policyRef, 'ADJUSTMENT');
      const about = await Promise.all(
        issued.map(async (row) => {
          const { lines } = await loadDocument<BillAdjustment>(context, row);
          return lines.some(({ billNumber }) => billNumber === number);
        }),
      );
      return issued.filter((_row, i) => about[i]);
    },
    creditNote: ({ creditNoteRef }, _, { loaders }) =>
      creditNoteRef === null ? null : loaders.bill.load(creditNoteRef),
    text: async (row, _, context) => statementText(await loadStatement(context, row)),
    html: async (row, _, context) => statementHtml(await loadStatement(context, row)),
    issuedAt: ({ issuedAt }) => issuedAt.getTime(),
    document: (row, _, context) => loadDocument(context, row),
  },
  BilledTrip: {
    tripId: ({ tripId }) => toGlobalId('Trip', Number(tripId)),
    trip: ({ tripId }, _, { loaders }) => loaders.trip.load(Number(tripId)),
  },
  BillAdjustment: {
    id: ({ ref }) => toGlobalId('BillAdjustment', ref),
    policy: ({ policyRef }, _, context) => loadPolicy(context, policyRef),
    premiumNow: async (row, _, context) =>
      (await loadDocument<BillAdjustment>(context, row)).premiumNow,
    billed: async (row, _, context) => (await loadDocument<BillAdjustment>(context, row)).billed,
    adjustedBefore: async (row, _, context) =>
      (await loadDocument<BillAdjustment>(context, row)).adjustedBefore,
    lines: async (row, _, context) => [...(await loadDocument<BillAdjustment>(context, row)).lines],
    dataCutoff: ({ cutOff }) => cutOff.getTime(),
    text: async (row, _, context) => statementText(await loadStatement(context, row)),
    html: async (row, _, context) => statementHtml(await loadStatement(context, row)),
    issuedAt: ({ issuedAt }) => issuedAt.getTime(),
    document: (row, _, context) => loadDocument(context, row),
  },
  CreditNote: {
    id: ({ ref }) => toGlobalId('CreditNote', ref),
    policy: ({ policyRef }, _, context) => loadPolicy(context, policyRef),
    billNumber: async (row, _, context) =>
      (await loadDocument<CreditNote>(context, row)).billNumber,
    billed: async (row, _, context) => (await loadDocument<CreditNote>(context, row)).billed,
    adjusted: async (row, _, context) => (await loadDocument<CreditNote>(context, row)).adjusted,
    reason: async (row, _, context) => (await loadDocument<CreditNote>(context, row)).reason,
    text: async (row, _, context) => statementText(await loadStatement(context, row)),
    html: async (row, _, context) => statementHtml(await loadStatement(context, row)),
    issuedAt: ({ issuedAt }) => issuedAt.getTime(),
  },
  Dispute: {
    id: ({ ref }) => toGlobalId('Dispute', ref),
    policy: ({ policyRef }, _, context) => loadPolicy(context, policyRef),
    tripId: ({ tripRef }) => toGlobalId('Trip', tripRef),
    trip: ({ tripRef }, _, { loaders }) => loaders.trip.load(tripRef),
    openedAt: ({ openedAt }) => openedAt.getTime(),
    settledAt: ({ settledAt }) => settledAt?.getTime() ?? null,
    leavesOut: async ({ ref, policyRef }, _, { loaders }) =>
      (await loaders.leftOut.load(policyRef)).filter(({ disputeRef }) => disputeRef === ref),
  },
  DisputedDriving: {
    tripId: ({ tripRef }) => toGlobalId('Trip', tripRef),
    trip: ({ tripRef }, _, { loaders }) => loaders.trip.load(tripRef),
    distanceKm: ({ parts }) => parts.reduce((sum, { distanceM }) => sum + distanceM, 0) / 1000,
  },
};

/** What was issued of a kind for a policy, in the order of issue. */
export async function loadIssued(
  { loaders }: Context,
  policyRef: number,
  kind: BillRow['kind'],
): Promise<BillRow[]> {
  return (await loaders.bills.load(policyRef)).filter((row) => row.kind === kind);
}

async function loadDocument<Document>({ loaders }: Context, { ref }: BillRow): Promise<Document> {
  return JSON.parse(await loaders.billDocument.load(ref)) as Document;
}

async function loadStatement(context: Context, row: BillRow): Promise<Statement> {
  const issued = row.kind === 'ADJUSTMENT' ? await context.loaders.bills.load(row.policyRef) : [];
  const before = issued.filter(({ ref }) => ref < row.ref);
  return issuedStatement(
    await loadDocument<IssuedDocument>(context, row),
    await Promise.all(before.map((one) => loadDocument<IssuedDocument>(context, one))),
  );
}

async function loadPolicy({ loaders }: Context, ref: number): Promise<PolicyRow> {
  const policy = await loaders.policy.load(ref);
  if (policy === null) throw new Error('a bill was read whose policy its reader cannot see');
  return policy;
}

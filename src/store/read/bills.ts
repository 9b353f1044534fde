import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';

/** A bill, an adjustment of bills or a credit note, without its document. */
export interface BillRow {
  readonly ref: number;
  readonly policyRef: number;
  readonly kind: 'BILL' | 'ADJUSTMENT' | 'CREDIT_NOTE';
  readonly number: string;
  readonly from: string;
  /** The local date after the last. */
  readonly to: string;
  readonly tariffName: string | null;
  readonly currency: string;
  /** Decimal text with the currency's places. */
  readonly total: string;
  readonly cutOff: Date;
  readonly hash: string;
  readonly issuedAt: Date;
  /** Of a bill: the credit note that took it back. */
  readonly creditNoteRef: number | null;
}

const COLUMNS = Prisma.sql`id as ref, policy_id as "policyRef", kind, number, from_date::text as from, to_date::text as to,
  tariff_id as "tariffName", currency, total::text as total, cut_off as "cutOff", hash, issued_at as "issuedAt", credited_by as "creditNoteRef"`;

export async function readBill(tx: Transaction, number: string): Promise<BillRow | null> {
  const [row] = await readBillsByNumber(tx, [number]);
  return row ?? null;
}

export async function readBillsByNumber(
  tx: Transaction,
  numbers: readonly string[],
): Promise<BillRow[]> {
  return tx.$queryRaw`
    select ${COLUMNS} from bill where tenant_id = current_tenant() and number = any(${numbers}::text[])`;
}

/** By the store's own ids; those that the reader may not see are missing. */
export async function readBills(tx: Transaction, refs: readonly number[]): Promise<BillRow[]> {
  return tx.$queryRaw`select ${COLUMNS} from bill where id = any(${refs}::int[])`;
}

/** Everything issued for policies, in the order of issue. */
export async function readBillsOfPolicies(
  tx: Transaction,
  policyRefs: readonly number[],
): Promise<BillRow[]> {
  return tx.$queryRaw`
    select ${COLUMNS} from bill where policy_id = any(${policyRefs}::int[]) order by id`;
}

/** The documents as they were issued, canonical JSON, RFC 8785. */
export async function readBillDocuments(
  tx: Transaction,
  refs: readonly number[],
): Promise<{ readonly ref: number; readonly document: string }[]> {
  return tx.$queryRaw`select id as ref, document from bill where id = any(${refs}::int[])`;
}

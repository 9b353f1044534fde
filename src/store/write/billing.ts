import type { Fault } from '../../core/premium/exact/fault.ts';
import { sha256 } from '../../core/premium/exact/sha256.ts';
import type { Tariff } from '../../core/premium/tariff/tariff.ts';
import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import type { PolicyRow } from '../read/policies.ts';
import { readPolicy } from '../read/policies.ts';
import { parseStored } from '../read/pricing.ts';
import type { RatedCover } from '../read/rating.ts';
import { readRatedCovers } from '../read/rating.ts';
import { readTariffs } from '../read/tariffs.ts';
import { refuse } from './once.ts';
import { READ_THROUGH } from '../read-through.ts';

/** What is being issued, apart from its document. */
interface Draft {
  readonly kind: 'BILL' | 'ADJUSTMENT' | 'CREDIT_NOTE';
  readonly from: string;
  readonly to: string;
  readonly product: string;
  readonly jurisdiction: string;
  readonly tariffName: string | null;
  readonly cutOff: Date;
  readonly reason: string | null;
}

/** The tenant that is written for, and the writer. */
export interface Clerk {
  readonly tenantRef: number;
  /** The token's subject. */
  readonly subject: string | null;
}

/** A bill of a policy that is held, with what it was issued as. */
export interface IssuedBill {
  readonly ref: number;
  readonly from: string;
  readonly to: string;
  readonly product: string;
  readonly jurisdiction: string;
  readonly tariffName: string;
  readonly document: string;
}

const PREFIXES = { BILL: 'B', ADJUSTMENT: 'A', CREDIT_NOTE: 'C' } as const;

/** Locks a policy until the transaction ends, so that what is billed of it is decided by one at a time. */
export async function holdBilledPolicy(
  tx: Transaction,
  { tenantRef }: Clerk,
  number: string,
): Promise<PolicyRow> {
  await tx.$executeRaw`select from policy where tenant_id = ${tenantRef} and number = ${number} for update`;
  return (
    (await readPolicy(tx, number)) ??
    refuse('NOT_FOUND', `There is no policy ${number}.`, 'policyNumber')
  );
}

/** Up to when everything in the log is counted, and the policy's local date then. */
export async function readCutOff(
  tx: Transaction,
  { timeZone }: PolicyRow,
): Promise<{ readonly cutOff: Date; readonly today: string }> {
  const [read] = await tx.$queryRaw<{ cutOff: Date | null; today: string | null }[]>`
    select w as "cutOff", (w at time zone ${timeZone})::date::text as today
    from (select ${READ_THROUGH} as w) as o`;
  const { cutOff = null, today = null } = read ?? {};
  if (cutOff === null || today === null) {
    refuse(
      'WRONG_STATE',
      'No driving is known yet: the sink has read nothing from the log. Bill once it has.',
    );
  }
  return { cutOff, today };
}

export async function readCover(tx: Transaction, policy: PolicyRow): Promise<RatedCover> {
  const cover = (await readRatedCovers(tx, [policy])).get(policy.ref);
  if (!cover) throw new Error(`policy ${policy.number} has no cover`);
  return cover;
}

export async function readTariffsByName(
  tx: Transaction,
  names: readonly string[],
): Promise<ReadonlyMap<string, Tariff>> {
  const rows = await readTariffs(tx, [...new Set(names)]);
  return new Map(rows.map((row) => [row.name, parseStored(row)]));
}

export const BILL_COLUMNS = Prisma.sql`b.id as ref, b.from_date::text as from, b.to_date::text as to, b.product, b.jurisdiction,
  b.tariff_id as "tariffName", b.document`;

export async function findBill(
  tx: Transaction,
  { tenantRef }: Clerk,
  number: string,
): Promise<IssuedBill & { readonly policyNumber: string; readonly creditNote: string | null }> {
  const [found] = await tx.$queryRaw<
    (IssuedBill & { policyNumber: string; creditNote: string | null })[]
  >`select ${BILL_COLUMNS}, p.number as "policyNumber", c.number as "creditNote"
    from bill b join policy p on p.id = b.policy_id left join bill c on c.id = b.credited_by
    where b.tenant_id = ${tenantRef} and b.number = ${number} and b.kind = 'BILL'`;
  return found ?? refuse('NOT_FOUND', `There is no bill ${number}.`, 'billNumber');
}

/** The next number of the tenant's documents, without a gap: the counter is locked until the document is kept. */
export async function takeNumber(
  tx: Transaction,
  { tenantRef }: Clerk,
  kind: Draft['kind'],
): Promise<string> {
  const [taken] = await tx.$queryRaw<{ last: number }[]>`
    insert into bill_number (tenant_id, last) values (${tenantRef}, 1)
    on conflict (tenant_id) do update set last = bill_number.last + 1 returning last`;
  if (!taken) throw new Error('no number was given to a bill');
  return `${PREFIXES[kind]}-${String(taken.last).padStart(6, '0')}`;
}

/** As if the number had not been taken. */
export async function giveNumberBack(tx: Transaction, { tenantRef }: Clerk): Promise<void> {
  await tx.$executeRaw`update bill_number set last = last - 1 where tenant_id = ${tenantRef}`;
}

export async function keep(
  tx: Transaction,
  { tenantRef, subject }: Clerk,
  policy: PolicyRow,
  amount: { readonly currency: string; readonly total: string },
  number: string,
  document: string,
  draft: Draft,
): Promise<number> {
  const [kept] = await tx.$queryRaw<{ ref: number }[]>`
    insert into bill (tenant_id, policy_id, kind, number, from_date, to_date, product, jurisdiction, tariff_id, currency, total,
      cut_off, document, hash, subject, reason)
    values (${tenantRef}, ${policy.ref}, ${draft.kind}, ${number}, ${draft.from}::date, ${draft.to}::date, ${draft.product},
      ${draft.jurisdiction}, ${draft.tariffName}, ${amount.currency}, ${amount.total}::numeric, ${draft.cutOff}, ${document},
      ${`sha256:${sha256(document)}`}, ${subject}, ${draft.reason})
    returning id as ref`;
  if (!kept) throw new Error(`the document ${number} was not kept`);
  return kept.ref;
}

export function refuseUnratable(problems: readonly Fault[], field: string): never {
  return refuse('INVALID', sayProblems(problems), field);
}

export function sayProblems(problems: readonly Fault[]): string {
  return problems.map(({ path, message }) => `${path} ${message}`.trim()).join('; ');
}

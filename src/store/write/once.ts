import type { Store } from '../open.ts';
import type { Transaction } from '../transaction.ts';
import type { Reader } from '../read/session.ts';
import { applyRowSecurity } from '../read/transaction.ts';

/** Why an input was not accepted; closed. */
export type FaultCode =
  'NOT_FOUND' | 'ALREADY_EXISTS' | 'INVALID' | 'NOT_IN_TENANT' | 'WRONG_STATE' | 'OVERLAP';

export interface Fault {
  readonly code: FaultCode;
  /** The value seen and what would be right. */
  readonly message: string;
  /** Path within the input. */
  readonly field: readonly string[];
}

/** Ends a mutation whose input cannot be accepted; its transaction is rolled back. */
export class RefusedInput extends Error {
  readonly faults: readonly Fault[];
  constructor(...faults: readonly Fault[]) {
    super(faults.map((fault) => fault.message).join('; '));
    this.name = 'RefusedInput';
    this.faults = faults;
  }
}

export function refuse(code: FaultCode, message: string, ...field: readonly string[]): never {
  throw new RefusedInput({ code, message, field });
}

/** Outcome of a mutation: the object's key, a refusal, or a key reused with other input. */
export type Outcome<Result> =
  | { readonly result: Result }
  | { readonly faults: readonly Fault[] }
  | 'CONFLICT'
  | 'UNKNOWN_TENANT';

export interface Command {
  readonly mutation: string;
  readonly idempotencyKey: string;
  /** Equal inputs have equal hashes. */
  readonly inputHash: string;
}

/** A transaction that holds a device must not wait for long behind another: sinks wait behind it. */
const TRANSACTION_TIMEOUT_MS = 30_000;

/**
 * Does something once for each idempotency key, in one transaction behind the caller's row-level security. The
 * system's operator keeps keys of its own, apart from those of tenants.
 */
export async function writeOnce<Result>(
  { prisma }: Store,
  reader: Reader,
  { mutation, idempotencyKey, inputHash }: Command,
  work: (tx: Transaction, tenantRef: number) => Promise<Result>,
): Promise<Outcome<Result>> {
  try {
    return await prisma.$transaction(
      async (tx): Promise<Outcome<Result>> => {
        await applyRowSecurity(tx, reader);
        const [tenant] = await tx.$queryRaw<{ ref: number }[]>`select current_tenant() as ref`;
        const tenantRef = reader.operator ? 0 : (tenant?.ref ?? 0);
        if (!reader.operator && tenantRef === 0) return 'UNKNOWN_TENANT';
        await tx.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${idempotencyKey}, ${tenantRef}))`;
        const [done] = await tx.$queryRaw<
          { mutation: string; input_hash: string; result: Result }[]
        >`select mutation, input_hash, result from idempotency_key where tenant_id = ${tenantRef} and key = ${idempotencyKey}`;
        if (done) {
          return done.mutation === mutation && done.input_hash === inputHash
            ? { result: done.result }
            : 'CONFLICT';
        }
        const result = await work(tx, tenantRef);
        await tx.$executeRaw`insert into idempotency_key (tenant_id, key, mutation, input_hash, result)
          values (${tenantRef}, ${idempotencyKey}, ${mutation}, ${inputHash}, ${JSON.stringify(result)}::jsonb)`;
        return { result };
      },
      { maxWait: 5_000, timeout: TRANSACTION_TIMEOUT_MS },
    );
  } catch (error) {
    if (error instanceof RefusedInput) return { faults: error.faults };
    throw error;
  }
}

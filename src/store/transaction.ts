import type { Prisma } from './generated/client.ts';

/** Runs statements of one transaction: an interactive one of Prisma, or one of the read pool. */
export interface Transaction {
  $queryRaw<T = unknown>(sql: TemplateStringsArray | Prisma.Sql, ...values: unknown[]): Promise<T>;
  $executeRaw(sql: TemplateStringsArray | Prisma.Sql, ...values: unknown[]): Promise<number>;
}

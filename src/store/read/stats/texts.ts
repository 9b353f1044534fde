import type { Prisma } from '../../generated/client.ts';
import type { Transaction } from '../../transaction.ts';

/**
 * Rows of many columns, each row as one JSON text: Prisma creates several objects per cell,
 * for all rows at once, and blocks the event loop.
 * @param sql its values are whole numbers that a double holds, texts, booleans and arrays of them
 */
export async function queryTexts<Row>(tx: Transaction, sql: Prisma.Sql): Promise<Row[]> {
  const rows = await tx.$queryRaw<{ readonly told: string }[]>`
    select row_to_json(one)::text as told from (${sql}) as one`;
  return rows.map(({ told }) => JSON.parse(told) as Row);
}

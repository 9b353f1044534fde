import type { Prisma } from '../../generated/client.ts';
import type { Transaction } from '../../open.ts';

/**
 * Rows of many columns, each of which comes as one text: Prisma makes several objects of every cell,
 * at once for all rows, while nobody else is served.
 * @param sql its values are whole numbers that a double holds, texts, booleans and arrays of them
 */
export async function queryTexts<Row>(tx: Transaction, sql: Prisma.Sql): Promise<Row[]> {
  const rows = await tx.$queryRaw<{ readonly told: string }[]>`
    select row_to_json(one)::text as told from (${sql}) as one`;
  return rows.map(({ told }) => JSON.parse(told) as Row);
}

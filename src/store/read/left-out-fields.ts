import type { LeftOutReason } from '../../core/result.ts';
import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';

/** How often one field of a device was left out for one reason. */
export interface LeftOutFieldRow {
  readonly deviceRef: number;
  readonly field: string;
  readonly reason: LeftOutReason;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly lastValue: string;
}

type Raw = Omit<LeftOutFieldRow, 'firstAtMs' | 'lastAtMs'> & {
  readonly firstAt: Date;
  readonly lastAt: Date;
};

/** A count is an Int of GraphQL; one that is greater is shown as the greatest. */
const COLUMNS = Prisma.sql`device_id as "deviceRef", field, reason, least("count", 2147483647)::int as "count",
  first_at as "firstAt", last_at as "lastAt", last_value as "lastValue"`;
const ORDER = Prisma.sql`"left_out_field"."count" desc, device_id, field, reason`;

/** The fields of some devices, each device's most frequent first. */
export async function readLeftOutFields(
  tx: Transaction,
  deviceRefs: readonly number[],
): Promise<LeftOutFieldRow[]> {
  const rows = await tx.$queryRaw<Raw[]>`
    select ${COLUMNS} from left_out_field where device_id = any(${deviceRefs}::int[]) order by ${ORDER}`;
  return rows.map(toRow);
}

/** The fields of all devices, the most frequent first. Reads all rows: some dozens for each device that sends such fields. */
export async function readMostLeftOutFields(
  tx: Transaction,
  limit: number,
): Promise<LeftOutFieldRow[]> {
  const rows = await tx.$queryRaw<Raw[]>`
    select ${COLUMNS} from left_out_field order by ${ORDER} limit ${limit}`;
  return rows.map(toRow);
}

function toRow({ firstAt, lastAt, ...row }: Raw): LeftOutFieldRow {
  return { ...row, firstAtMs: firstAt.getTime(), lastAtMs: lastAt.getTime() };
}

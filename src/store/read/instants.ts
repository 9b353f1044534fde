import { Prisma } from '../generated/client.ts';

/** An instant's column as epoch milliseconds, a double. */
export function toMs(column: string): Prisma.Sql {
  return Prisma.raw(`(extract(epoch from ${column}) * 1000)::float8`);
}

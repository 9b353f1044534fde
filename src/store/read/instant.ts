import { Prisma } from '../generated/client.ts';

/** The instant of an event: `sec` counts seconds since 2000, and the upper bits of `rest` are its milliseconds. */
export function instantOf(sec: Prisma.Sql, rest: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`to_timestamp(946684800 + ${sec} + (${rest} >> 53) / 1000.0)`;
}

/** An instant's column as epoch milliseconds, a double. */
export function toMs(column: string): Prisma.Sql {
  return Prisma.raw(`(extract(epoch from ${column}) * 1000)::float8`);
}

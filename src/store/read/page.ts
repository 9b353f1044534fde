import { Prisma } from '../generated/client.ts';

/** A stretch of an ordered list, by keys and never by position. */
export interface PageRequest<Key> {
  readonly limit: number;
  /** Whether the limit counts from the end. */
  readonly backward: boolean;
  readonly after?: Key;
  readonly before?: Key;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly hasNext: boolean;
  readonly hasPrevious: boolean;
}

/** The parts of a statement that read one page, and one row more to know whether there is a next. */
export interface Keyset {
  readonly where: Prisma.Sql;
  readonly order: Prisma.Sql;
  /** For the list itself; PostgreSQL does not see how many it says. */
  readonly limit: Prisma.Sql;
  /** For what was found by `limit`; PostgreSQL sees how few they are. */
  readonly most: number;
}

/**
 * The limit is a question of its own: where PostgreSQL sees that a page is most of what an owner has on
 * average, it reads and sorts all that this owner has, who may have a hundred times as much. Not knowing,
 * it takes for granted that a tenth is wanted, and reads in the order of an index.
 *
 * @param columns what the list is ordered by; together unique
 * @param toValues a key's values in the order of the columns
 */
export function keysetOf<Key>(
  columns: readonly Prisma.Sql[],
  direction: 'ASC' | 'DESC',
  page: PageRequest<Key>,
  toValues: (key: Key) => readonly Prisma.Sql[],
): Keyset {
  const list = Prisma.join([...columns], ', ');
  const compare = (key: Key, beyond: boolean) => {
    const sign = (direction === 'ASC') === beyond ? '>' : '<';
    return Prisma.sql` and (${list}) ${Prisma.raw(sign)} (${Prisma.join([...toValues(key)], ', ')})`;
  };
  const order = Prisma.raw((direction === 'ASC') === page.backward ? ' desc' : ' asc');
  return {
    where: Prisma.sql`${page.after === undefined ? Prisma.empty : compare(page.after, true)}${
      page.before === undefined ? Prisma.empty : compare(page.before, false)
    }`,
    order: Prisma.join(
      columns.map((column) => Prisma.sql`${column}${order}`),
      ', ',
    ),
    limit: Prisma.sql`(select ${page.limit + 1}::int)`,
    most: page.limit + 1,
  };
}

/** Cuts the row too many and puts a page read from its end in order. */
export function toPage<Row, Key>(found: readonly Row[], page: PageRequest<Key>): Page<Row> {
  const more = found.length > page.limit;
  const rows = found.slice(0, page.limit);
  return page.backward
    ? { rows: rows.reverse(), hasNext: page.before !== undefined, hasPrevious: more }
    : {
        rows,
        hasNext: more || (page.before !== undefined && rows.length > 0),
        hasPrevious: page.after !== undefined,
      };
}
